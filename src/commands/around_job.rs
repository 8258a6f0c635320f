//! `job-started`, `job-completed`, `watch-job` and `after-save`: what runs around a job without a step of its own. Nothing that goes wrong in it is
//! the job's affair, and it takes no longer than it may.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::ended::Ended;
use crate::cli::{Inputs, Root};
use crate::job::{Exit, Job};
use crate::outcome::{Done, SaveOutcome};
use crate::pipeline::{afterwards, around_job, watch};
use crate::plan::{Post, Session};
use crate::store::Store;
use crate::sys::Pid;

/// How long a job waits for its start.
const BEFORE: Duration = Duration::from_secs(120);

/// How long a job's end may take. After a cancellation the runner waits five minutes, less a few seconds.
const AFTER: Duration = Duration::from_secs(240);

/// How long what nobody waits for may take: a flush waits for those before it.
const LATER: Duration = Duration::from_secs(3600);

/// What is left for ending in order once the time is over.
const GRACE: Duration = Duration::from_secs(20);

/// The command `job-started`.
pub(super) fn started(job: &Job, inputs: &Inputs) -> Ended {
    end_after(job, BEFORE);
    ended(around_job::started(job, &inputs.settings(&job.env)))
}

/// The command `job-completed`.
pub(super) fn completed(job: &Job, inputs: &Inputs) -> Ended {
    end_after(job, AFTER);
    ended(around_job::completed(job, &inputs.settings(&job.env)))
}

/// The command `watch-job`.
pub(super) fn watch(job: &Job, inputs: &Inputs, worker: Pid, session: &Path) -> Ended {
    let settings = inputs.settings(&job.env);
    if !watch::wait_for_end(job, worker) {
        return ended(Vec::new());
    }
    end_after(job, AFTER);
    ended(around_job::finish(job, &settings, vec![session.to_path_buf()], Post::Watch))
}

/// The command `after-save`.
pub(super) fn after_save(job: &Job, root: &Root) -> anyhow::Result<Ended> {
    end_after(job, LATER);
    let session: Session = serde_json::from_reader(io::stdin()).context("standard input")?;
    let store = Store::open(&root.directory(&job.env), session.maintenance.access)?;
    afterwards::carry_out(job, &store, &session)?;
    Ok(Ended::early(Exit::Success))
}

fn ended(saved: Vec<SaveOutcome>) -> Ended {
    Ended::with(Exit::Success, Done::Save(saved))
}

/// Lets what is done end in order when the time is over, and ends the process if it does not.
fn end_after(job: &Job, bound: Duration) {
    let (interrupt, console) = (job.interrupt.clone(), job.console);
    let watch = move || {
        thread::sleep(bound);
        interrupt.raise();
        console.warn(format!("not done within {} s: stopping", bound.as_secs()));
        thread::sleep(GRACE);
        std::process::exit(0);
    };
    if let Err(error) = thread::Builder::new().name("time limit".to_owned()).spawn(watch) {
        job.console.warn(format!("no time limit: cannot start a thread: {error}"));
    }
}
