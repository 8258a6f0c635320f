//! `hand-back`: what root left in a runner's work directory gets its owner's again. Run as root, by the hook of a runner that may not
//! end it: so it ends by itself.

use std::path::Path;
use std::time::Duration;

use super::ended::Ended;
use crate::host::is_in_work_of_a_runner;
use crate::job::{Exit, Job};
use crate::sys::hand_back;

/// How long it may take: the hook waits a little longer.
const BOUND: Duration = Duration::from_secs(50);

/// The command.
pub(super) fn run(job: &Job, directory: &Path) -> anyhow::Result<Ended> {
    // Who may run this by sudo has no say over other users' files.
    let asked = job.env.get("SUDO_UID").map(str::parse).transpose()?;
    anyhow::ensure!(
        is_in_work_of_a_runner(directory),
        "{}: not in the work directory of a runner; hint: `chown` it yourself",
        directory.display()
    );
    let given = hand_back(directory, asked, BOUND)?;
    job.console.say(format!("{}: {given} files and directories handed back", directory.display()));
    Ok(Ended::early(Exit::Success))
}
