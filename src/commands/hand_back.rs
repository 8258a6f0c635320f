//! `hand-back`: what root left in a runner's work directory gets its owner's again. Run as root, by the hook of a runner that may not
//! end it: so it ends by itself.

use std::path::Path;
use std::time::Duration;

use super::ended::Ended;
use crate::host::{System, is_in_work_of_a_known_runner, is_in_work_of_a_runner};
use crate::job::{Exit, Job};
use crate::sys::{Dir, hand_back};

/// How long it may take: the hook waits a little longer.
const BOUND: Duration = Duration::from_secs(50);

/// The command.
pub(super) fn run(job: &Job, directory: &Path) -> anyhow::Result<Ended> {
    // Who may run this by sudo has no say over other users' files, nor over what a runner is.
    let asked = job.env.get("SUDO_UID").map(str::parse).transpose()?;
    // Opened once, and looked at afterwards: whoever has the directory above could lay another one in its place.
    let top = Dir::open(directory)?;
    let place = top.real_path()?;
    let is_work = match asked {
        Some(_) => is_in_work_of_a_known_runner(&System::open(None)?, &place)?,
        None => is_in_work_of_a_runner(&place),
    };
    anyhow::ensure!(
        is_work,
        "{}: not in the work directory of a runner that root knows; hint: `sudo runner-cache hook install` on the host, or `chown` it \
         yourself",
        place.display()
    );
    let given = hand_back(&top, asked, BOUND)?;
    job.console.say(format!("{}: {given} files and directories handed back", place.display()));
    Ok(Ended::early(Exit::Success))
}
