//! `run`: restore, run a command, save.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use super::ended::Ended;
use crate::cli::Inputs;
use crate::job::{Exit, Job};
use crate::outcome::Done;
use crate::pipeline::planning::{self, Beginning};
use crate::pipeline::restore::{self, RestoreRun};
use crate::pipeline::{save, session};
use crate::plan::JobStatus;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, command: &[OsString], output: Output) -> Ended {
    let (settings, plan) = match planning::begin(job, inputs) {
        Beginning::Planned { settings, plan } => (settings, plan),
        Beginning::NoCache(settings) => {
            let restored = restore::nothing(job, &settings);
            let exit = match restore::exit(job, &settings, &restored) {
                Exit::Success => {
                    execute(job, command, &restored.env(), output).map_or_else(|exit| exit, exit_of)
                }
                exit => exit,
            };
            return Ended::with(exit, Done::Run { restored, saved: None });
        }
        Beginning::Refused(exit) => return Ended::early(exit),
    };
    if !restore::make_room(job, &settings, &plan) {
        return Ended::early(Exit::Failure);
    }
    let RestoreRun { outcome: restored, outsets, is_broken } = restore::restore(job, &settings, &plan);
    restore::report(job, &restored);
    if job.interrupt.is_raised() {
        return Ended::with(Exit::Interrupted, Done::Run { restored, saved: None });
    }
    if is_broken || restore::exit(job, &settings, &restored) != Exit::Success {
        return Ended::with(Exit::Failure, Done::Run { restored, saved: None });
    }
    // Before the command runs: what it writes is known by that.
    let session = session::session_after(job, &settings, plan, outsets);
    let status = match execute(job, command, &restored.env(), output) {
        Ok(status) => status,
        Err(exit) => return Ended::with(exit, Done::Run { restored, saved: None }),
    };
    let ended_as = match (job.interrupt.is_raised(), status.success()) {
        (true, _) => JobStatus::Cancelled,
        (false, true) => JobStatus::Success,
        (false, false) => JobStatus::Failure,
    };
    let saved = save::save_now(job, &settings, session, ended_as);
    Ended::with(exit_of(status), Done::Run { restored, saved })
}

/// Where the command's standard output goes.
#[derive(Clone, Copy)]
pub(super) enum Output {
    /// To the program's own.
    AsOurs,
    /// To the log, since the program's own is for its result.
    ToLog,
}

/// How the command ended, or how the program is to end since it was not even begun: as a shell has it.
pub(super) fn execute(
    job: &Job,
    command: &[OsString],
    env: &[(&str, String)],
    output: Output,
) -> Result<ExitStatus, Exit> {
    let (program, args) = command.split_first().expect("the command line has one");
    let mut command = Command::new(program);
    command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
    if let Output::ToLog = output {
        command.stdout(Stdio::from(io::stderr()));
    }
    match job.interrupt.run(&mut command) {
        Ok(status) => status.ok_or(Exit::Interrupted),
        Err(error) => {
            job.error(format!("cannot run {}: {error}", program.display()));
            Err(Exit::Command(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }))
        }
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    Exit::Command(code_of(status))
}

/// As a shell has it: 128 and the signal's number.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let code =
        status.code().or_else(|| Some(128 + status.signal()?)).and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1)
}
