//! `self-update`: the newest release in the place of this program.

use std::cmp::Ordering;
use std::path::Path;

use rustix::process::geteuid;

use super::ended::Ended;
use super::releases::{Wanted, asked, brought, or_interrupted, verified_by};
use crate::cli::SelfUpdate;
use crate::job::{Exit, Job};
use crate::outcome::{Done, Update, Updated};
use crate::release::{Machine, Manner, Version, is_in_tool_cache, is_there, put, tool_cache};
use crate::sys::file;

/// The command. With `--check`, 1 tells of a newer release: what goes wrong has another code.
pub(super) fn run(job: &Job, update: &SelfUpdate) -> anyhow::Result<Ended> {
    match or_interrupted(carry_out(job, update)) {
        Err(error) if update.check => {
            job.error(format!("{error:#}"));
            Ok(Ended::early(Exit::Usage))
        }
        result => result,
    }
}

fn carry_out(job: &Job, update: &SelfUpdate) -> anyhow::Result<Ended> {
    let now = Version::parse(env!("CARGO_PKG_VERSION"))?;
    let Some(machine) = Machine::this() else { anyhow::bail!("no binary for this machine") };
    let program = std::env::current_exe()?;
    if !update.check {
        refuse(job, &program)?;
    }
    let asked = asked(job, &update.releases, update.wanted.clone(), machine);
    let wanted = brought(job, &update.releases, &asked, |found| {
        update.check
            || match Step::of(&now, &found.version, update.wanted.is_some()) {
                Step::Stay => true,
                Step::Same => is_there(&program, &found.binary_sha256),
                Step::Go => false,
            }
    })?;
    let (found, what) = match &wanted {
        Wanted::There(found) => (
            found,
            match found.version.cmp_precedence(&now) {
                Ordering::Greater => Update::Newer,
                Ordering::Equal => Update::UpToDate,
                Ordering::Less => Update::Later,
            },
        ),
        Wanted::Brought(found, brought) => {
            verified_by(job, &update.releases, brought)?;
            put(&program, &brought.program, Manner::AsBefore, Some(&found.version))?;
            (found, Update::Replaced)
        }
    };
    let exit = if what == Update::Newer { Exit::Failure } else { Exit::Success };
    let updated = Updated { from: now.to_string(), to: found.version.to_string(), path: program, what };
    Ok(Ended::with(exit, Done::SelfUpdate(updated)))
}

/// What a release means for the program that runs.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is replaced.
    Go,
    /// It is replaced if it is not the release's.
    Same,
    /// It stays.
    Stay,
}

impl Step {
    fn of(now: &Version, release: &Version, is_named: bool) -> Self {
        match release.cmp_precedence(now) {
            Ordering::Greater => Self::Go,
            Ordering::Less if is_named => Self::Go,
            Ordering::Equal if is_named => Self::Same,
            _ => Self::Stay,
        }
    }
}

/// Refuses to replace what is not this user's, or what workflows go by.
fn refuse(job: &Job, program: &Path) -> anyhow::Result<()> {
    let shown = program.display();
    if is_in_tool_cache(program, tool_cache(&job.env).as_deref()) {
        anyhow::bail!(
            "{shown} is in the tool cache, where jobs look for the release that their workflow names; hint: `runner-cache fetch` adds \
             another one"
        );
    }
    let user = geteuid().as_raw();
    match file::owner_and_mode(program)? {
        Some((owner, _)) if owner == user => Ok(()),
        Some((owner, _)) => {
            anyhow::bail!("{shown} is of user {owner}, and this is user {user}; hint: update it as that user")
        }
        None => anyhow::bail!("{shown} is gone; hint: `runner-cache fetch --to FILE`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_forward_unless_one_is_named() {
        let step = |now: &str, release: &str, is_named| {
            Step::of(&Version::parse(now).unwrap(), &Version::parse(release).unwrap(), is_named)
        };
        assert_eq!(step("1.2.3", "1.10.0", false), Step::Go);
        assert_eq!(step("1.2.3", "1.2.3", false), Step::Stay);
        assert_eq!(step("1.2.3", "1.2.2", false), Step::Stay);
        assert_eq!(step("1.2.3", "1.2.2", true), Step::Go);
        assert_eq!(step("1.2.3", "1.2.3", true), Step::Same);
        assert_eq!(step("1.2.3-rc.1", "1.2.3", false), Step::Go);
    }
}
