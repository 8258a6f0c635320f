//! Processes that go on when the job is over.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use jiff::Timestamp;

use crate::facts;
use crate::job::{Job, chain};
use crate::store::{LogOrigin, Store};

/// A command that runs this program in a process that outlives the job, with these of the job's `variables`. Its messages go to a log.
///
/// Nothing else of the job's environment outlives it: not what the runner knows its processes by (`RUNNER_TRACKING_ID`), to end
/// them, and no secret. Nothing that it has open keeps a reader of the job's output waiting.
pub(super) fn command(job: &Job, store: &Store, variables: &[&str]) -> Command {
    let origin = facts::origin(job);
    let of = LogOrigin { at: Timestamp::now(), repository: job.context.repository.clone(), run: origin.run };
    let log = store.log(&of).map_err(|error| {
        job.console.say(format!("cannot keep what a process tells after the job: {}", chain(&error)));
    });
    let mut command = Command::new(&job.program);
    command
        .env_clear()
        .envs(variables.iter().filter_map(|name| Some((name, job.env.get(name)?))))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.map_or_else(|()| Stdio::null(), Stdio::from))
        .process_group(0);
    command
}
