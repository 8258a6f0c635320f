//! Processes of a job that are left at its end. *Runner.Worker/JobExtension.cs: `InitializeJob`, `FinalizeJob`*.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};

use super::record::{Event, Recorder};

/// The variable by which they are known. *Runner.Common/Constants.cs: `ProcessTrackingId`*.
pub(crate) const TRACKING_ID: &str = "RUNNER_TRACKING_ID";

/// The processes that there were before.
pub(crate) struct Orphans {
    before: BTreeSet<(i32, String)>,
}

impl Orphans {
    pub(crate) fn new() -> Self {
        Self { before: all().into_iter().collect() }
    }

    /// Kills each new process whose environment has this tracking id; those that this user may not look into stay.
    pub(crate) fn kill(&self, record: &Recorder, id: &str) {
        let own = i32::try_from(std::process::id()).expect("a process id");
        for (pid, name) in all() {
            if pid != own
                && !self.before.contains(&(pid, name.clone()))
                && tracking_id(pid).as_deref() == Some(id)
            {
                // It may have ended just now.
                let _ = kill_process(Pid::from_raw(pid).expect("it was listed"), Signal::KILL);
                record.add(&Event::OrphanKilled { pid, name });
            }
        }
    }
}

/// All processes: ids and names. *JobExtension.cs: `SnapshotProcesses`*.
fn all() -> Vec<(i32, String)> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // One that has ended meanwhile has no name.
    pids.filter_map(|pid| {
        Some((pid, std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned()))
    })
    .collect()
}

/// The tracking id in a process's environment as it was at its start. *Runner.Common/ProcessExtensions.cs:
/// `GetEnvironmentVariable`*.
pub(crate) fn tracking_id(pid: i32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variables =
        environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    let mut ids = variables.filter_map(|variable| variable.strip_prefix(TRACKING_ID)?.strip_prefix('='));
    ids.next_back().map(str::to_owned)
}
