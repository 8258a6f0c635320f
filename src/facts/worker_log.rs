//! The runner's own account of its jobs: each job has a worker, and each worker a log in `_diag` of the runner's directory
//! (`HostContext.cs` and `HostTraceListener.cs` of the runner). What is in it is nobody's promise; that there is one for each job tells
//! whether another job came in between.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::job::Job;
use crate::sys::{self, file};

/// The process that runs a job.
pub(crate) const WORKER: &str = "Runner.Worker";

/// The directory of logs.
const LOGS: &str = "_diag";

/// How the names of workers' logs begin.
const OF_WORKERS: &str = "Worker_";

/// The log of the worker that runs this job; `None` where it is not to be found.
pub(crate) fn worker_log(job: &Job) -> Option<PathBuf> {
    // `bin/Runner.Worker`; or else the usual place of a job's temporary directory, `_work/_temp`.
    let of_program = sys::ancestor(WORKER).and_then(sys::program_of);
    let of_program = of_program.as_deref().and_then(|program| program.ancestors().nth(2));
    let of_work = job.context.temporary.as_deref().and_then(|temporary| temporary.ancestors().nth(2));
    let runners = [of_program, of_work].into_iter().flatten();
    runners.map(|runner| runner.join(LOGS)).find_map(|logs| {
        let newest = in_order(&logs).into_iter().next_back()?;
        Some(logs.join(newest.1))
    })
}

/// How many workers began after the one with this log; `None` where the log is gone.
pub(crate) fn workers_since(log: &Path) -> Option<usize> {
    let logs = in_order(log.parent()?);
    let own = logs.iter().position(|(_, name)| Some(name.as_os_str()) == log.file_name())?;
    Some(logs.len() - 1 - own)
}

/// The logs of workers, the oldest first: each is written to until its job ends.
fn in_order(logs: &Path) -> Vec<(SystemTime, OsString)> {
    let names = file::names(logs).unwrap_or_default().into_iter();
    let of_workers = names.filter(|name| name.as_encoded_bytes().starts_with(OF_WORKERS.as_bytes()));
    let mut logs: Vec<_> =
        of_workers.filter_map(|name| Some((file::modified(&logs.join(&name)).ok()?, name))).collect();
    logs.sort_unstable();
    logs
}
