//! `run`: restore, run a command, save.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use anyhow::Context as _;

use super::job::{Exit, Job};
use super::{restore, save};
use crate::cli::Inputs;
use crate::plan::JobStatus;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, command: &[OsString]) -> anyhow::Result<Exit> {
    let settings = inputs.settings(&job.env);
    let plan = match restore::make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            return match restore::tell(job, &no_plan) {
                Exit::Success => Ok(exit_of(execute(command, &[])?)),
                exit => Ok(exit),
            };
        }
    };
    if !restore::make_room(job, &settings) {
        return Ok(Exit::Failure);
    }
    let restored = restore::restore(job, &settings, &plan);
    restore::report(job, &restored.report);
    if job.interrupt.is_raised() {
        return Ok(Exit::Interrupted);
    }
    if restored.is_broken || restore::is_failing_miss(job, &settings, &restored.report) {
        return Ok(Exit::Failure);
    }
    let status = execute(command, &restored.report.env())?;
    let outcome = match (job.interrupt.is_raised(), status.success()) {
        (true, _) => JobStatus::Cancelled,
        (false, true) => JobStatus::Success,
        (false, false) => JobStatus::Failure,
    };
    let session = restore::session(job, &settings, plan, restored.starts);
    save::save_now(job, &settings, &session, outcome);
    Ok(exit_of(status))
}

fn execute(command: &[OsString], env: &[(&str, String)]) -> anyhow::Result<ExitStatus> {
    let (program, args) = command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
    command.status().with_context(|| format!("cannot run {}", program.display()))
}

/// As a shell has it: 128 and the signal's number.
fn exit_of(status: ExitStatus) -> Exit {
    let code =
        status.code().or_else(|| Some(128 + status.signal()?)).and_then(|code| u8::try_from(code).ok());
    Exit::Command(code.unwrap_or(1))
}
