//! The sources of a job and what lies outside of them, read once for all entries that are compared with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cargo::{Host, Manifests};
use crate::facts::git;
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::live_outside::LiveOutside;
use crate::layers::target_dir::provenance::selection;
use crate::store::Revision;
use crate::sys::{Dir, Time, before_now, file};
use crate::tree::Live;

/// Directories of sources that some entry was built from.
#[derive(Debug)]
pub(crate) struct LiveSources {
    /// The time before which all of them were as they were read.
    pub(crate) before: Time,
    by_directory: RefCell<BTreeMap<PathBuf, Option<Arc<Live>>>>,
    /// What lies outside of them.
    pub(crate) outside: LiveOutside,
    /// The manifests in them.
    pub(crate) manifests: Manifests,
    revisions: RefCell<BTreeMap<PathBuf, Revision>>,
}

impl LiveSources {
    pub(crate) fn new() -> Self {
        Self {
            before: before_now(),
            by_directory: RefCell::default(),
            outside: LiveOutside::default(),
            manifests: Manifests::default(),
            revisions: RefCell::default(),
        }
    }

    /// What is in `directory`; `None` where there is none.
    pub(crate) fn of(&self, job: &Job, directory: &Path) -> Result<Option<Arc<Live>>, Trouble> {
        if let Some(live) = self.by_directory.borrow().get(directory) {
            return Ok(live.clone());
        }
        let live = if file::is_dir(directory) {
            Some(Live::walk(Dir::open(directory)?, &selection()?, &job.interrupt)?.into())
        } else {
            None
        };
        self.by_directory.borrow_mut().insert(directory.to_owned(), live.clone());
        Ok(live)
    }

    /// What git tells of the checkout in `directory`.
    pub(crate) fn revision(&self, host: Host<'_>, directory: &Path) -> Revision {
        let mut known = self.revisions.borrow_mut();
        known.entry(directory.to_owned()).or_insert_with(|| git::revision(host, directory)).clone()
    }
}
