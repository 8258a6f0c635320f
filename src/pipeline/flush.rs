//! Leaves it to a process of its own to flush what was saved, so that no job waits.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::job::Job;
use crate::store::{Access, Store};

/// Starts the command for `store` and does not wait for it: it takes as long as the disk needs, and ends by itself.
pub(crate) fn leave_running(job: &Job, store: &Store, access: Access) {
    let access = match access {
        Access::Private => "private",
        Access::Group => "group",
    };
    // Nothing of the job's environment outlives it: not what the runner knows its processes by (`RUNNER_TRACKING_ID`), to end them,
    // and no secret.
    let start = || -> std::io::Result<()> {
        Command::new(std::env::current_exe()?)
            .args(["flush", "--root-access", access, "--cache-root"])
            .arg(store.root())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(drop)
    };
    if let Err(error) = start() {
        job.console.say(format!("a power cut may cost what was just saved: it is not flushed: {error}"));
    }
}
