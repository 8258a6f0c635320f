//! The sources of a job and what lies outside of them, read once for all entries that are compared with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cargo::Host;
use crate::facts::git;
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::target_dir::provenance::selection;
use crate::store::{Outside, OutsideInput, OutsideState, Revision};
use crate::sys::{Dir, Time, before_now, file};
use crate::tree::Live;

/// Directories of sources that some entry was built from.
#[derive(Debug)]
pub(crate) struct LiveSources {
    /// The time before which all of them were as they were read.
    pub(crate) before: Time,
    by_directory: RefCell<BTreeMap<PathBuf, Option<Arc<Live>>>>,
    /// What entries had found outside, the last of each, and whether it is so now.
    outside: RefCell<BTreeMap<OutsideInput, (OutsideState, bool)>>,
    revisions: RefCell<BTreeMap<PathBuf, Revision>>,
}

impl LiveSources {
    pub(crate) fn new() -> Self {
        Self {
            before: before_now(),
            by_directory: RefCell::default(),
            outside: RefCell::default(),
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

    /// Whether `outside` is on `host` as an entry has found it.
    pub(crate) fn has(&self, host: Host<'_>, outside: &Outside) -> bool {
        let known = self.outside.borrow().get(&outside.input).cloned();
        if let Some((_, is_there)) = known.filter(|(state, _)| *state == outside.state) {
            return is_there;
        }
        let is_there = host.has(outside);
        self.outside.borrow_mut().insert(outside.input.clone(), (outside.state.clone(), is_there));
        is_there
    }

    /// What git tells of the checkout in `directory`.
    pub(crate) fn revision(&self, host: Host<'_>, directory: &Path) -> Revision {
        let mut known = self.revisions.borrow_mut();
        known.entry(directory.to_owned()).or_insert_with(|| git::revision(host, directory)).clone()
    }
}
