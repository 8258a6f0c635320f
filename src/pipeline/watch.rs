//! A process that waits for the end of the runner's worker, and saves then: for runners without a hook.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::outliving;
use crate::facts::WORKER;
use crate::job::{Job, chain};
use crate::outcome::Code;
use crate::plan::Session;
use crate::store::Store;
use crate::sys::{self, Awaited, Pid, is_readable_within};

/// Longer than any job: GitHub ends those of self-hosted runners after five days.
const LONGEST_JOB: Duration = Duration::from_secs(6 * 24 * 3600);

/// How long it may take to read what it has to know.
const READS: Duration = Duration::from_secs(10);

/// What it has to know of the job.
const VARIABLES: [&str; 18] = [
    "CARGO_HOME",
    "GITHUB_ACTIONS",
    "GITHUB_BASE_REF",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW",
    "GITHUB_WORKSPACE",
    "HOME",
    "PATH",
    "RUNNER_NAME",
    "RUNNER_TEMP",
];

/// Starts the process for `session`, which was left at `path`.
pub(crate) fn leave_waiting(job: &Job, store: &Store, path: &Path, session: &Session) {
    let (Some(worker), Some(_)) = (sys::ancestor(WORKER), &session.worker_log) else {
        job.warn(
            Code::Session,
            "nobody saves after this job: `post` is watch, and no process Runner.Worker with a log in `_diag` runs it; hint: end \
             the job with the save action",
        );
        return;
    };
    let mut command = outliving::command(job, store, &VARIABLES);
    command.arg("watch-job").arg("--worker").arg(worker.as_raw_pid().to_string()).arg("--session").arg(path);
    command.arg("--cache-root").arg(store.root());
    command.stdout(Stdio::piped());
    let started = command.spawn().map_err(|error| format!("{}: {error}", job.program.display()));
    // Then it has read what the runner removes with the job's temporary directory.
    let started = started.and_then(|mut watcher| match watcher.stdout.take() {
        Some(stdout) if is_readable_within(&stdout, READS) => Ok(()),
        _ => Err(format!("it is not ready after {} s", READS.as_secs())),
    });
    if let Err(why) = started {
        job.warn(Code::Session, format!("nobody saves after this job: cannot start a watcher: {why}"));
    }
}

/// Waits until the worker has ended, and lets the restore know when it is at it; `false` if that cannot be known.
pub(crate) fn wait_for_end(job: &Job, worker: Pid) -> bool {
    match Awaited::new(worker) {
        Ok(worker) => {
            job.console.print_data("ready");
            worker.ends_within(LONGEST_JOB)
        }
        Err(error) => {
            job.warn(Code::Session, format!("cannot wait for the end of the job: {}", chain(&error)));
            false
        }
    }
}
