//! `host`: sets this machine up for its runners, shows how it is set up, and undoes that.

use std::path::Path;

use super::ended::Ended;
use crate::cli::{HostCommand, HostSetup};
use crate::host::{self, Making, Removal, Setup, System};
use crate::job::{Exit, Job};
use crate::outcome::{Done, HostOutcome};

/// The command.
pub(super) fn run(job: &Job, command: &HostCommand) -> anyhow::Result<Ended> {
    let (exit, outcome) = match command {
        HostCommand::Setup { setup, dry_run, destdir } => {
            (Exit::Success, set_up(destdir.as_deref(), setup, *dry_run)?)
        }
        HostCommand::Status { destdir } => status(destdir.as_deref())?,
        HostCommand::Remove { dry_run, destdir } => (Exit::Success, remove(destdir.as_deref(), *dry_run)?),
    };
    for remark in &outcome.remarks {
        job.console.say(remark);
    }
    Ok(Ended::with(exit, Done::Host(outcome)))
}

fn set_up(destdir: Option<&Path>, asked: &HostSetup, dry_run: bool) -> anyhow::Result<HostOutcome> {
    let system = System::open(destdir)?;
    let setup = Setup::look(&system, asked)?;
    setup.check()?;
    let text = if setup.is_done() {
        "already set up".to_owned()
    } else if dry_run {
        host::preview(&setup)
    } else {
        setup.make(&system)?;
        host::outcome(&setup)
    };
    Ok(HostOutcome { pieces: setup.pieces(Making::of(dry_run)), remarks: host::remarks(&setup), text })
}

fn status(destdir: Option<&Path>) -> anyhow::Result<(Exit, HostOutcome)> {
    let setup = Setup::look(&System::open(destdir)?, &HostSetup::default())?;
    let (pieces, remarks, text) = (setup.pieces(Making::Look), host::remarks(&setup), host::status(&setup));
    let exit = if setup.is_lacking() { Exit::Failure } else { Exit::Success };
    Ok((exit, HostOutcome { pieces, remarks, text }))
}

fn remove(destdir: Option<&Path>, dry_run: bool) -> anyhow::Result<HostOutcome> {
    let system = System::open(destdir)?;
    let Some(removal) = Removal::look(&system)? else {
        let text = "nothing is set up".to_owned();
        return Ok(HostOutcome { pieces: Vec::new(), remarks: Vec::new(), text });
    };
    let left = if dry_run { None } else { Some(removal.make(&system)?) };
    let (pieces, text) = (removal.pieces(left.as_deref()), host::removal(&removal, left.as_deref()));
    Ok(HostOutcome { pieces, remarks: Vec::new(), text })
}
