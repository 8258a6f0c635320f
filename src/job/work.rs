//! What this process is at, kept in a record of the cache while it works, for whoever looks on. It costs a few calls a layer,
//! and none a file. A cache that cannot have the record (full, read-only, of a newer version) changes nothing for the job.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::debug;

use crate::github::Context;
use crate::store::{
    Activity, Layer, MovedSoFar, Record, Step, Store, Wait, WorkLock, WorkPhase, Working, shown_key,
};
use crate::sys::{chain, file};

/// What this process is at; nothing where it is at nothing, or has no record.
#[derive(Debug, Default)]
pub(crate) struct Work(Mutex<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    record: Record,
    working: Working,
}

/// Ends the record when it is dropped, unless another one began it.
#[derive(Debug)]
pub(crate) struct AtWork<'w> {
    work: &'w Work,
    is_its: bool,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if self.is_its {
            *self.work.kept() = None;
        }
    }
}

/// What is waited for until this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'w>(&'w Work);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.change(|working| working.waits = None);
    }
}

/// What is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Holding<'w>(&'w Work, WorkLock);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.0.change(|working| working.holds.retain(|held| *held != self.1));
    }
}

impl Work {
    /// Begins to tell that a job does `activity` with `store`. What is begun meanwhile is a part of it.
    pub(crate) fn begin(&self, job: &Context, store: &Store, activity: Activity) -> AtWork<'_> {
        let mut kept = self.kept();
        let is_its = kept.is_none();
        if is_its {
            let working = Working {
                pid: std::process::id(),
                activity,
                since: Timestamp::now(),
                runner: job.runner.clone(),
                repository: job.repository.clone(),
                job: job.job.clone(),
                run: job.run.clone(),
                step: Step::default(),
                holds: Vec::new(),
                waits: None,
            };
            match store.begin_record(&working) {
                Ok(record) => *kept = Some(Kept { record, working }),
                Err(error) => debug!("not to be seen at work: {}", chain(&error)),
            }
        }
        drop(kept);
        AtWork { work: self, is_its }
    }

    /// It is at this of a layer, whose key is this.
    pub(crate) fn at_layer(&self, layer: Layer, key: &str, phase: WorkPhase) {
        let key = Some(shown_key(layer, key));
        self.change(|working| working.step = Step { layer: Some(layer), key, phase, moved: None });
    }

    /// It is at this, with the layer as before.
    pub(crate) fn at(&self, phase: WorkPhase) {
        self.change(|working| (working.step.phase, working.step.moved) = (phase, None));
    }

    /// It is at the files of a layer.
    pub(crate) fn at_files(&self, layer: Layer, moved: MovedSoFar) {
        self.change(|working| {
            let key = working.step.key.take().filter(|_| working.step.layer == Some(layer));
            working.step = Step { layer: Some(layer), key, phase: WorkPhase::Files, moved: Some(moved) };
        });
    }

    /// It waits for `lock`, whose file is this.
    pub(crate) fn waits(&self, lock: WorkLock, path: Option<&Path>) -> Waiting<'_> {
        let file = path.and_then(file::id);
        self.change(|working| working.waits = Some(Wait { lock, file, since: Timestamp::now() }));
        Waiting(self)
    }

    /// It has `lock`.
    pub(crate) fn holds(&self, lock: WorkLock) -> Holding<'_> {
        self.change(|working| working.holds.push(lock));
        Holding(self, lock)
    }

    fn change(&self, change: impl FnOnce(&mut Working)) {
        let mut kept = self.kept();
        let Some(Kept { record, working }) = kept.as_mut() else { return };
        change(working);
        if let Err(error) = record.write(working) {
            debug!("not to be seen at work any more: {}", chain(&error));
            *kept = None;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
