//! What is known of a system before anything is planned for it.

use std::path::{Path, PathBuf};

use super::archive::{self, Archive};
use super::error::Result;
use super::hooks;
use super::piece::Piece;
use super::program::program_trouble;
use super::record::Record;
use super::request::Request;
use super::runners::{self, Runner};
use super::shown::shown;
use super::system::System;
use super::units::TMPFILES;
use super::users::{Group, User, Users};
use crate::cli::HostSetup;
use crate::plan::HOST_POLICY;
use crate::store::{ChosenRoot, choose_below};
use crate::sys::CLEANERS;

/// Where this program is on a system that has it, where nobody says.
const PROGRAM: &str = "/usr/local/bin/runner-cache";

/// What is there while systemd runs.
const RUNNING: &str = "/run/systemd/system";

/// What is there where systemd is installed.
const INSTALLED: [&str; 2] = ["/usr/lib/systemd/system", "/lib/systemd/system"];

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) request: Request,
    /// What an earlier setup made.
    pub(super) record: Option<Record>,
    pub(super) runners: Vec<Runner>,
    /// What could not be read.
    pub(super) troubles: Vec<String>,
    /// The users of runners, by name, and those that nobody knows.
    pub(super) users: Vec<User>,
    pub(super) unknown_users: Vec<String>,
    /// The names of the users' own groups, or their numbers.
    pub(super) user_groups: Vec<String>,
    /// The group that was asked for, if there is one.
    pub(super) group: Option<Group>,
    pub(super) policy: Option<String>,
    /// The rules of systemd's cleaner but for our own.
    pub(super) rules: String,
    /// Where the cache is for the first user when nobody says.
    pub(super) chosen: Option<ChosenRoot>,
    /// Whether it is this host, and not an image.
    pub(super) is_live: bool,
    /// The user of this process: only root can give directories to others.
    pub(super) this_user: u32,
    /// Whether systemd runs, or is in the image.
    pub(super) has_systemd: bool,
    pub(super) program: Program,
    /// Whether the directory that was asked for is a user's cache by now.
    pub(super) is_root_a_cache: bool,
    pub(super) archives: Vec<Archive>,
    /// The runners' variables with the hooks, and why there are none for some.
    pub(super) hooks: (Vec<Piece>, Vec<String>),
}

/// The program that a timer runs.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) is_there: bool,
    /// Why no timer is to run it.
    pub(super) trouble: Option<String>,
}

impl Facts {
    /// Gathers them. `setup` is what is asked for now.
    pub(super) fn gather(system: &System, setup: &HostSetup) -> Result<Self> {
        let record = Record::read(system)?;
        let before = record.as_ref().map(|record| record.request.clone()).unwrap_or_default();
        let request = Request::of(setup, &before);
        let users = Users::read(system)?;
        let (runners, mut troubles) = runners::find(system, &users, &request.runner_dirs);
        let (runners, strangers) = runners::without_strangers(runners, &request.users);
        troubles.extend(strangers);
        let this_user = rustix::process::geteuid().as_raw();
        if system.is_live() && this_user != 0 {
            troubles.push("not root: runners in unreadable home directories are not seen".to_owned());
        }
        let mut names: Vec<_> =
            runners.iter().filter_map(|runner| runner.user.clone()).chain(request.users.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            match users.user(&name) {
                Some(user) => known.push(user),
                None => unknown.push(name),
            }
        }
        let hooks = if request.hooks == Some(false) {
            (Vec::new(), Vec::new())
        } else {
            hooks::of_host(system, &runners)
        };
        let program = match (&request.program, system.is_live()) {
            (Some(program), _) => program.clone(),
            (None, true) => std::env::current_exe().unwrap_or_else(|_| PROGRAM.into()),
            (None, false) => PROGRAM.into(),
        };
        Ok(Self {
            policy: system.text(Path::new(HOST_POLICY))?,
            rules: rules(system),
            chosen: known.first().map(|user| chosen(system, user, &runners)),
            user_groups: known
                .iter()
                .map(|user| {
                    let number = user.owner.group;
                    users.group_of(number).map_or_else(|| number.to_string(), |group| group.name)
                })
                .collect(),
            users: known,
            unknown_users: unknown,
            group: request.group.as_deref().and_then(|name| users.group(name)),
            is_live: system.is_live(),
            this_user,
            has_systemd: has_systemd(system),
            is_root_a_cache: request.root.as_ref().is_some_and(|root| system.is_cache(root)),
            program: Program {
                is_there: system.is_file(&program),
                trouble: program_trouble(system, &program)?,
                path: program,
            },
            archives: setup
                .archives
                .iter()
                .map(|from| archive::read(from, &setup.action))
                .collect::<Result<_>>()?,
            hooks,
            runners,
            troubles: troubles.iter().map(|trouble| shown(trouble)).collect(),
            record,
            request,
        })
    }
}

fn chosen(system: &System, user: &User, runners: &[Runner]) -> ChosenRoot {
    let runner = runners.iter().find(|runner| runner.user.as_ref() == Some(&user.name));
    let workspace = runner.map_or(&user.home, |runner| {
        let has_workspaces = system.look_into(&runner.work).is_ok();
        if has_workspaces { &runner.work } else { &runner.directory }
    });
    choose_below(system.top(), Some(user.home.join(".cache")), workspace)
}

fn has_systemd(system: &System) -> bool {
    let is_there = |path: &str| system.look_into(Path::new(path)).is_ok();
    if system.is_live() { is_there(RUNNING) } else { INSTALLED.into_iter().any(is_there) }
}

fn rules(system: &System) -> String {
    let mut rules = String::new();
    for directory in CLEANERS.map(Path::new) {
        for path in system.names(directory).into_iter().map(|name| directory.join(name)) {
            if path != Path::new(TMPFILES) {
                rules.push_str(&system.text(&path).ok().flatten().unwrap_or_default());
                rules.push('\n');
            }
        }
    }
    rules
}
