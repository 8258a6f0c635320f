//! Processes that a job left behind and that still work in what is to be saved.

use std::path::Path;

use crate::job::trouble::Trouble;
use crate::outcome::NotSaved;
use crate::plan::{Session, SessionLayer};
use crate::sys::{AtWork, Errno, at_work_in};

/// Why a layer of a job that is over is not saved: a process works in one of its directories, and what it writes may be half there. In
/// the workspace nobody else has anything to do; elsewhere other jobs' processes are at home.
pub(crate) fn at_work(session: &Session, layer: &SessionLayer) -> Result<Option<NotSaved>, Trouble> {
    let tracking = session.tracking.as_ref().map(|id| format!("RUNNER_TRACKING_ID={id}"));
    for root in &layer.plan.roots {
        let is_in_workspace = root.path.starts_with(&session.directory);
        if let Some(AtWork { process, path }) = of_job(&root.path, tracking.as_deref(), is_in_workspace)? {
            let (pid, process) = (process.pid.as_raw_pid(), process.name);
            return Ok(Some(NotSaved::InUse { process, pid, path }));
        }
    }
    Ok(None)
}

/// A process that the job left behind and that works in its workspace, although not where it is saved: it may have more to make there.
pub(crate) fn left_in_workspace(session: &Session) -> Result<Option<AtWork>, Trouble> {
    let tracking = session.tracking.as_ref().map(|id| format!("RUNNER_TRACKING_ID={id}"));
    of_job(&session.directory, tracking.as_deref(), false)
}

fn of_job(path: &Path, tracking: Option<&str>, is_in_workspace: bool) -> Result<Option<AtWork>, Trouble> {
    let is_of_job = |environment: &[u8]| {
        let mut variables = environment.split(|&byte| byte == 0);
        tracking.is_some_and(|id| variables.any(|variable| variable == id.as_bytes()))
    };
    match at_work_in(path, |environment| is_in_workspace || is_of_job(environment)) {
        // A directory that is not there is told of by who reads it.
        Err(error) if error.is(Errno::NOENT) => Ok(None),
        found => Ok(found?),
    }
}
