//! Workspaces in which containers left what is root's: the checkout of the next job could not remove it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::geteuid;

use crate::job::Job;
use crate::outcome::Code;
use crate::sys::{self, file};

/// How long to look for it. A job waits.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// How long root may take to hand it back.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program by which a host may let its runners act as root.
const SUDO: &str = "/usr/bin/sudo";

/// Lets root hand back what is root's in the workspace and in the temporary directory, where the host allows that, or tells of it.
pub(crate) fn hand_back(job: &Job) {
    if geteuid().is_root() {
        return;
    }
    let places = [&job.context.workspace, &job.context.temporary].into_iter().flatten();
    for place in places.filter(|place| file::is_dir(place)) {
        hand_back_in(job, place);
    }
}

fn hand_back_in(job: &Job, workspace: &Path) {
    let Some((path, owner)) = sys::foreign_directory(workspace, LOOK_FOR) else { return };
    if owner == 0 && asked_root(job, workspace) && sys::foreign_directory(workspace, LOOK_FOR).is_none() {
        job.console.say(format!("{}: handed back what a container left as root's", workspace.display()));
        return;
    }
    // Root is not to run what a job can replace.
    let program =
        Some(&job.program).filter(|program| matches!(sys::changeable_by_others(program, 0), Ok(None)));
    let or_sudo = program.map_or_else(String::new, |program| {
        format!(", or let the runner's user run `{} hand-back` with sudo", program.display())
    });
    job.warn(
        Code::LeftBehind,
        format!(
            "{} belongs to user {owner}, and this job may fail to remove it; hint: `sudo chown -R {} {}`{or_sudo}",
            path.display(),
            geteuid().as_raw(),
            workspace.display(),
        ),
    );
}

fn asked_root(job: &Job, workspace: &Path) -> bool {
    let mut sudo = Command::new(SUDO);
    sudo.arg("-n").arg("--").arg(&job.program).arg("hand-back").arg(workspace);
    file::is_file(Path::new(SUDO)) && sys::ask(&mut sudo, PATIENCE).is_some()
}
