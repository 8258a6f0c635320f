//! `hook`: installs, shows and removes what runners run around each job.

use super::ended::Ended;
use crate::cli::HookCommand;
use crate::host::hooks::{self, Hooks};
use crate::host::{Making, System};
use crate::job::{Exit, Job};
use crate::outcome::{Done, HostOutcome};

/// The command.
pub(super) fn run(job: &Job, command: &HookCommand) -> anyhow::Result<Ended> {
    let system = System::open(None)?;
    let (HookCommand::Install { places, .. }
    | HookCommand::Uninstall { places }
    | HookCommand::Status { places }) = command;
    let hooks = Hooks::look(&system, &job.env, places)?;
    let (exit, outcome) = match command {
        HookCommand::Install { dry_run, .. } => (Exit::Success, install(&system, &hooks, *dry_run)?),
        HookCommand::Uninstall { .. } => {
            let changed = hooks.remove(&system)?;
            let remarks = hooks::remarks(&hooks, |path| changed.iter().any(|changed| changed == path));
            let text = hooks::undone(&hooks, &changed);
            (Exit::Success, HostOutcome { pieces: Vec::new(), remarks, text })
        }
        HookCommand::Status { .. } => {
            let exit = if hooks.is_lacking() { Exit::Failure } else { Exit::Success };
            let remarks = hooks::remarks(&hooks, |_| false);
            (exit, HostOutcome { pieces: hooks.pieces(Making::Look), remarks, text: hooks::status(&hooks) })
        }
    };
    for remark in &outcome.remarks {
        job.console.say(remark);
    }
    Ok(Ended::with(exit, Done::Hook(outcome)))
}

fn install(system: &System, hooks: &Hooks, dry_run: bool) -> anyhow::Result<HostOutcome> {
    hooks.check()?;
    let pieces = hooks.pieces(Making::of(dry_run));
    let is_written = |path: &std::path::Path| hooks.is_to_write(path);
    let (remarks, text) = if hooks.is_done() {
        (hooks::remarks(hooks, |_| false), "already installed".to_owned())
    } else if dry_run {
        (hooks::remarks(hooks, |_| false), hooks::preview(hooks))
    } else {
        hooks.make(system)?;
        (hooks::remarks(hooks, is_written), hooks::made(hooks))
    };
    Ok(HostOutcome { pieces, remarks, text })
}
