//! Flushes what was saved, or leaves that to a process of its own, so that no job waits.

use super::outliving;
use crate::job::Job;
use crate::store::{self, Access, Activity, Store, WorkLock, WorkPhase};

/// Starts the command for `store` and does not wait for it: it takes as long as the disk needs, and ends by itself.
pub(crate) fn leave_running(job: &Job, store: &Store, access: Access) {
    let access = match access {
        Access::Private => "private",
        Access::Group => "group",
    };
    let mut command = outliving::command(job, store, &[]);
    command.args(["flush", "--root-access", access, "--cache-root"]).arg(store.root());
    if let Err(error) = command.spawn() {
        job.console.say(format!("cannot flush saved entries; a power cut may lose them: {error}"));
    }
}

/// Waits until all entries are on the disk, and lets whoever looks on see that.
pub(crate) fn flush(job: &Job, store: &Store) -> Result<bool, store::Error> {
    let _at_work = job.work.begin(&job.context, store, Activity::Flush);
    let waiting = job.work.waits(WorkLock::Flush, store.lock_file(WorkLock::Flush).as_deref());
    let mut holding = None;
    let flushed = store.flush(|| {
        drop(waiting);
        holding = Some(job.work.holds(WorkLock::Flush));
        job.work.at(WorkPhase::Flush);
    });
    drop(holding);
    flushed
}
