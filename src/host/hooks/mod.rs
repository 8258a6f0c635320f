//! The hooks of runners: two scripts, and the variables in each runner's `.env` that name them.

mod env_file;
mod noted;
mod shim;
mod told;

use std::path::{Path, PathBuf};

use self::env_file::{NotChained, is_shim};
pub(crate) use self::shim::Moment;
pub(crate) use self::told::{made, preview, remarks, status, undone};
use super::error::{Result, refused};
use super::mark::{self, Mark};
use super::piece::{Making, Piece, State};
use super::program::program_trouble;
use super::record::Record;
use super::request::PlainPath;
use super::runners::{self, Runner};
use super::system::{Found, Owner, ROOT, System};
use super::users::Users;
use crate::cli::HookPlaces;
use crate::github::Environment;
use crate::job::chain;
use crate::outcome::HostPiece;
use crate::sys::{file, runs_since, since_boot};

/// Where root has the scripts: no job can write there.
pub(super) const DIRECTORY: &str = "/usr/local/lib/runner-cache";

/// Where other users have theirs, in their homes.
const IN_HOME: &str = ".local/lib";

/// The directory of the scripts, wherever it is.
const NAME: &str = "runner-cache";

/// Whether the runner of this job runs our hook after it. A job can say so of itself, and nothing is saved then.
pub(crate) fn has_hook(env: &Environment) -> bool {
    let is_ours = |value: &str| is_shim(value, Moment::Completed, Path::new(DIRECTORY));
    env.get(Moment::Completed.variable()).is_some_and(is_ours)
}

/// The hooks of a host's runners, and what is there of them.
#[derive(Debug)]
pub(crate) struct Hooks {
    directory: PlainPath,
    /// The scripts, and what is there of each.
    scripts: Vec<(Piece, State)>,
    runners: Vec<Hooked>,
    /// Why the scripts are not to run this program.
    trouble: Option<String>,
    troubles: Vec<String>,
}

/// A runner and its `.env`.
#[derive(Debug)]
struct Hooked {
    runner: Runner,
    piece: Piece,
    state: State,
    /// Why its hook stays as it is.
    refused: Option<String>,
}

impl Hooks {
    /// Looks for runners, and compares what is there with what `places` ask for. Nothing is touched.
    pub(crate) fn look(system: &System, env: &Environment, places: &HookPlaces) -> Result<Self> {
        let directory = directory(env, places.hook_dir.as_deref())?;
        let program = match &places.program {
            Some(program) => program.clone(),
            None => match std::env::current_exe() {
                Ok(program) => program,
                Err(error) => {
                    return refused(format!("cannot tell where this program is: {error}; hint: `--program`"));
                }
            },
        };
        let program = PlainPath::new("the program", &program)?;
        let is_root = rustix::process::geteuid().is_root();
        let trouble = if is_root { program_trouble(system, program.path())? } else { None };
        let scripts = scripts(&directory, &program).into_iter();
        let scripts = scripts.map(|piece| Ok((piece.state(system)?, piece))).collect::<Result<Vec<_>>>()?;
        let (found, mut troubles) = runners::runners(system, &places.runner_dirs)?;
        let mut runners = Vec::new();
        for runner in found {
            let is_named = places.runner_dirs.contains(&runner.directory);
            if !is_named && !places.runner_dirs.is_empty() {
                continue;
            }
            // One that was not named may be anybody's, and stands in nobody's way.
            match Hooked::look(system, directory.path(), runner) {
                Ok(hooked) if is_named => runners.push(hooked),
                Ok(hooked) => match hooked.obstacle() {
                    None => runners.push(hooked),
                    Some(why) => troubles.push(why),
                },
                Err(error) if is_named => return Err(error),
                Err(error) => troubles.push(chain(&error)),
            }
        }
        Ok(Self {
            scripts: scripts.into_iter().map(|(state, piece)| (piece, state)).collect(),
            runners,
            directory,
            trouble,
            troubles,
        })
    }

    /// Refuses what cannot be, before anything is touched.
    pub(crate) fn check(&self) -> Result<()> {
        if self.runners.is_empty() {
            let told = if self.troubles.is_empty() {
                String::new()
            } else {
                format!(" ({})", self.troubles.join("; "))
            };
            return refused(format!("no runner found{told}; hint: name its directory in `--runner-dir`"));
        }
        if let Some(trouble) = &self.trouble {
            return refused(format!("the hooks would run this program: {trouble}"));
        }
        let foreign = self.scripts.iter().filter_map(|(piece, state)| match state {
            State::Foreign(what) => Some(format!("{} is {what}", piece.path().display())),
            _ => None,
        });
        let of_runners = self.runners.iter().filter_map(Hooked::obstacle);
        match foreign.chain(of_runners).collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            all => refused(all.join("; ")),
        }
    }

    fn to_make(&self) -> impl Iterator<Item = (&Piece, &State)> {
        let of_runners = self.runners.iter().map(|hooked| (&hooked.piece, &hooked.state));
        let scripts = self.scripts.iter().map(|(piece, state)| (piece, state));
        // The scripts first: a runner that is told of one fails its jobs where there is none. Nobody else has anything to write into our scripts.
        let is_spoilt =
            |piece: &Piece, state: &State| matches!((piece, state), (Piece::File { .. }, State::Changed(_)));
        scripts
            .chain(of_runners)
            .filter(move |(piece, state)| piece.is_to_make(state) || is_spoilt(piece, state))
    }

    /// Whether an installation writes this file.
    pub(crate) fn is_to_write(&self, path: &Path) -> bool {
        self.to_make().any(|(piece, _)| piece.path() == path)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_done(&self) -> bool {
        self.to_make().next().is_none()
    }

    /// Whether a runner has no hook of ours, or a script is missing.
    pub(crate) fn is_lacking(&self) -> bool {
        let is_there = |state: &State| *state == State::There;
        !self.scripts.iter().all(|(_, state)| is_there(state))
            || !self.runners.iter().all(|hooked| is_there(&hooked.state))
    }

    /// Installs them.
    pub(crate) fn make(&self, system: &System) -> Result<()> {
        self.to_make().try_for_each(|(piece, _)| piece.make(system))?;
        let runners: Vec<_> = self.runners.iter().map(|hooked| hooked.runner.directory.as_path()).collect();
        noted::note(system, self.directory.path(), &runners)
    }

    /// Takes the hooks out of the runners' `.env`, and removes the scripts if no runner runs them. Tells what was changed or removed.
    pub(crate) fn remove(&self, system: &System) -> Result<Vec<PathBuf>> {
        let mut changed = Vec::new();
        for Hooked { piece, .. } in &self.runners {
            if let Piece::Variables { path, before: Some(before), owner, mode, .. } = piece {
                let after = env_file::without_hooks(before, self.directory.path());
                if after == *before {
                    continue;
                }
                if after.is_empty() {
                    system.remove(path)?;
                } else {
                    system.write_for(path, after.as_bytes(), *mode, *owner)?;
                }
                changed.push(path.clone());
            }
        }
        let (found, _) = runners::find(system, &Users::read(system)?, &[]);
        let of_setup = Record::read(system).ok().flatten().map(|record| record.variables).unwrap_or_default();
        let noted = noted::noted(system, self.directory.path())?;
        let all = found.iter().chain(self.runners.iter().map(|hooked| &hooked.runner));
        let all = all.map(|runner| runner.directory.as_path());
        let all = all.chain(noted.iter().map(PathBuf::as_path));
        let all = all.chain(of_setup.iter().filter_map(|variables| variables.parent()));
        let mut all = all.filter(|runner| file::is_dir(runner));
        if all.any(|runner| names_ours(system, self.directory.path(), runner) || runs_with_before(runner)) {
            return Ok(changed);
        }
        noted::forget(system, self.directory.path())?;
        for (piece, _) in &self.scripts {
            if let Some(Found::File { bytes, .. }) = system.at(piece.path())?
                && mark::read(&bytes) != Mark::None
            {
                system.remove(piece.path())?;
                changed.push(piece.path().to_path_buf());
            }
        }
        system.remove_if_empty(self.directory.path())?;
        Ok(changed)
    }

    /// What is there of each thing, or what became of it.
    pub(crate) fn pieces(&self, making: Making) -> Vec<HostPiece> {
        let of_runners = self.runners.iter().map(|hooked| (&hooked.piece, &hooked.state));
        let all = self.scripts.iter().map(|(piece, state)| (piece, state)).chain(of_runners);
        all.map(|(piece, state)| piece.shown(state, making)).collect()
    }
}

impl Hooked {
    /// What keeps our hook out.
    fn obstacle(&self) -> Option<String> {
        match (&self.refused, &self.state) {
            (Some(why), _) => Some(why.clone()),
            (None, State::Foreign(what)) => Some(format!("{} is {what}", self.piece.path().display())),
            (None, _) => None,
        }
    }

    fn look(system: &System, directory: &Path, mut runner: Runner) -> Result<Self> {
        if system.is_live() {
            // What is written lies behind no symlink.
            runner.directory = file::canonicalize(&runner.directory)?;
        }
        let (before, owner, mode) = read(system, &runner)?;
        let text = before.clone().unwrap_or_default();
        let path = runner.directory.join(".env");
        let (after, refused) = match env_file::with_hooks(&text, directory) {
            Ok(after) => (after, replaced(&runner, &text, directory)),
            Err(NotChained { moment, value }) => {
                let why = format!(
                    "{} sets {} to `{value}`, which a script cannot run as the runner does; allowed: an absolute path that ends \
                     with .sh or .ps1; hint: call it from a script, and name that there",
                    path.display(),
                    moment.variable()
                );
                (text, Some(why))
            }
        };
        let piece = Piece::Variables { path, before, after, owner, mode };
        let state = piece.state(system)?;
        Ok(Self { runner, piece, state, refused })
    }
}

/// Why the lines of ours may not be added: they would take the place of a hook with which the service starts.
/// (`Runner.Listener/Program.cs: LoadAndSetEnv` sets what `.env` has, whatever is set.)
fn replaced(runner: &Runner, own: &str, directory: &Path) -> Option<String> {
    Moment::ALL.into_iter().find_map(|moment| {
        let variable = moment.variable();
        // It is replaced already.
        if env_file::value(own, variable).is_some() {
            return None;
        }
        let of_service = runner.service.iter().find_map(|(text, of)| Some((env_file::value(text, variable)?, of)));
        let (value, of) = of_service.filter(|(value, _)| !value.is_empty() && !is_shim(value, moment, directory))?;
        Some(format!(
            "{of} sets {variable} to `{value}`, which a line in {} would replace; hint: move it to that file, and ours will run it",
            runner.directory.join(".env").display()
        ))
    })
}

/// Whether `directory` lies below the directory of a runner that root's own files name. Everybody can write a file that makes a
/// directory look like a runner's.
pub(crate) fn is_in_work_of_a_known_runner(system: &System, directory: &Path) -> Result<bool> {
    noted::is_in_work_of_one(system, Path::new(DIRECTORY), directory)
}

/// A runner's `.env` with its owner and mode, or those that it is to have: the owner of the directory's.
fn read(system: &System, runner: &Runner) -> Result<(Option<String>, Owner, u16)> {
    if let Some((text, owner, mode)) = variables(system, &runner.directory.join(".env"))? {
        return Ok((Some(text), owner, mode));
    }
    let stat = system.look_into(&runner.directory)?.stat_self()?;
    Ok((None, Owner { user: stat.owner, group: stat.group }, 0o644))
}

/// The text, the owner and the mode of a file with variables; `None` where there is no file.
pub(super) fn variables(system: &System, path: &Path) -> Result<Option<(String, Owner, u16)>> {
    // No symlink is followed: whoever has the directory could lay one to what only root can read.
    Ok(match system.at(path)? {
        None => None,
        Some(Found::File { bytes, owner, mode }) => match String::from_utf8(bytes) {
            Ok(text) => Some((text, owner, mode & 0o777)),
            Err(_) => return refused(format!("{} is not UTF-8; hint: convert it", path.display())),
        },
        Some(_) => {
            return refused(format!(
                "{} is no file; hint: make it one, since runners read it",
                path.display()
            ));
        }
    })
}

/// The text of a `.env` without the hooks that `host setup` added.
pub(super) fn without(text: &str) -> String {
    env_file::without_hooks(text, Path::new(DIRECTORY))
}

/// What a host is to have, with a runner each; and what stands in the way.
pub(super) fn of_host(system: &System, runners: &[Runner]) -> (Vec<Piece>, Vec<String>) {
    let (mut pieces, mut refused) = (Vec::new(), Vec::new());
    for runner in runners {
        let why = match Hooked::look(system, Path::new(DIRECTORY), runner.clone()) {
            Ok(hooked) => match hooked.obstacle() {
                None => {
                    pieces.push(hooked.piece);
                    continue;
                }
                Some(why) => why,
            },
            Err(error) => chain(&error),
        };
        refused.push(format!("no hook for this runner: {why}"));
    }
    (pieces, refused)
}

/// Whether a runner runs that started before its variables were changed: it still runs the scripts of then, and fails jobs where they
/// are gone.
fn runs_with_before(directory: &Path) -> bool {
    let Some(started) = runs_since(directory).ok().flatten() else { return false };
    let changed = file::modified(&directory.join(".env")).ok().and_then(|time| time.elapsed().ok());
    // A file that is gone was there when the runner started, as far as anybody can tell.
    changed.is_none_or(|changed| since_boot().saturating_sub(started) > changed)
}

/// Whether a runner needs the scripts that root has, once the variables in `changed` are without them: it names them there, or was
/// started when it did.
pub(super) fn are_needed(system: &System, changed: &[PathBuf]) -> Result<bool> {
    let (runners, _) = runners::find(system, &Users::read(system)?, &[]);
    let is_running = |directory: &Path| runs_since(directory).ok().flatten().is_some();
    let names_them = |runner: &Runner| {
        !changed.contains(&runner.directory.join(".env"))
            && names_ours(system, Path::new(DIRECTORY), &runner.directory)
    };
    Ok(runners.iter().any(names_them) || changed.iter().filter_map(|path| path.parent()).any(is_running))
}

/// How the hooks of a runner stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HookState {
    /// It has none of ours.
    Absent,
    /// Ours run around each job.
    Installed,
    /// Ours run once the runner was started again.
    FromNextStart,
    /// The runner is to run a file that is not there, and fails each job.
    Gone(PathBuf),
    /// Ours run a program that is not there, and save nothing.
    WithoutProgram(PathBuf),
}

/// How the hooks of the runner in `directory` stand, by its `.env`.
pub(crate) fn state_of(system: &System, directory: &Path) -> Result<HookState> {
    let text = variables(system, &directory.join(".env"))?.map(|(text, ..)| text).unwrap_or_default();
    let named =
        Moment::ALL.map(|moment| (moment, env_file::value(&text, moment.variable()).unwrap_or_default()));
    let is_gone = |value: &&str| !value.is_empty() && !system.is_file(Path::new(value));
    if let Some(value) = named.iter().map(|(_, value)| *value).find(is_gone) {
        return Ok(HookState::Gone(value.into()));
    }
    let is_ours = |(moment, value): &(Moment, &str)| is_shim(value, *moment, Path::new(DIRECTORY));
    let chained = named.iter().filter(|named| is_ours(named));
    let chained = chained.filter_map(|(moment, _)| env_file::value(&text, moment.next()));
    if let Some(value) = chained.into_iter().find(is_gone) {
        return Ok(HookState::Gone(value.into()));
    }
    let programs = named.iter().filter(|named| is_ours(named));
    let mut programs =
        programs.filter_map(|(_, script)| shim::program(&system.text(Path::new(script)).ok()??));
    Ok(if !named.iter().all(is_ours) {
        HookState::Absent
    } else if let Some(program) = programs.find(|program| !system.is_file(program)) {
        HookState::WithoutProgram(program)
    } else if runs_with_before(directory) {
        HookState::FromNextStart
    } else {
        HookState::Installed
    })
}

/// Whether a runner names one of the scripts in `directory`. What cannot be read may.
fn names_ours(system: &System, directory: &Path, runner: &Path) -> bool {
    let text = system.text(&runner.join(".env")).map(Option::unwrap_or_default);
    text.map_or(true, |text| env_file::has_a_hook(&text, directory))
}

/// The two scripts.
pub(super) fn scripts(directory: &PlainPath, program: &PlainPath) -> [Piece; 2] {
    Moment::ALL.map(|moment| Piece::File {
        path: directory.path().join(moment.file()),
        text: moment.script(program),
        is_page: false,
    })
}

/// Where this user's scripts are.
fn directory(env: &Environment, given: Option<&Path>) -> Result<PlainPath> {
    let (what, path) = match given {
        Some(given) => ("`--hook-dir`", given.join(NAME)),
        None if rustix::process::geteuid().as_raw() == ROOT.user => {
            ("the directory of hooks", DIRECTORY.into())
        }
        None => {
            let home = Path::new(env.get("HOME").unwrap_or_default());
            ("the directory of hooks, in HOME", home.join(IN_HOME).join(NAME))
        }
    };
    PlainPath::new(what, &path)
}
