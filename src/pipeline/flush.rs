//! Leaves it to a process of its own to flush what was saved, so that no job waits.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::job::Job;
use crate::store::{Access, Store};

/// By this variable the runner finds what a job left running, and ends it.
const TRACKED_BY_RUNNER: &str = "RUNNER_TRACKING_ID";

/// Starts the command for `store` and does not wait for it: it takes as long as the disk needs, and ends by itself.
pub(crate) fn leave_running(job: &Job, store: &Store, access: Access) {
    let access = match access {
        Access::Private => "private",
        Access::Group => "group",
    };
    let start = || -> std::io::Result<()> {
        Command::new(std::env::current_exe()?)
            .args(["flush", "--root-access", access, "--cache-root"])
            .arg(store.root())
            .env_remove(TRACKED_BY_RUNNER)
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
