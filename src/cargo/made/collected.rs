//! Inputs of one unit while they are found.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::outside::is_settled;
use super::Noting;
use crate::store::{Known, OutsideInput, SourceId};
use crate::sys::file;

/// Inputs while they are found, each once.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) own: BTreeSet<u32>,
    pub(super) listed: BTreeSet<SourceId>,
    pub(super) watched: BTreeSet<SourceId>,
    pub(super) watched_packages: BTreeSet<u32>,
    pub(super) read: BTreeSet<SourceId>,
    pub(super) packages: BTreeSet<u32>,
    pub(super) beside: BTreeSet<SourceId>,
    pub(super) absent: BTreeSet<(SourceId, String)>,
    pub(super) outside: BTreeSet<u32>,
    pub(super) is_open: bool,
}

impl Collected {
    pub(super) fn into_known(self) -> Known {
        Known {
            own: self.own.into_iter().collect(),
            listed: self.listed.into_iter().collect(),
            watched: self.watched.into_iter().collect(),
            watched_packages: self.watched_packages.into_iter().collect(),
            read: self.read.into_iter().collect(),
            packages: self.packages.into_iter().collect(),
            beside: self.beside.into_iter().collect(),
            absent: self.absent.into_iter().collect(),
            outside: self.outside.into_iter().collect(),
            is_open: self.is_open,
        }
    }
}

impl Noting<'_> {
    /// Adds what `path` leads to. `false` where there is nothing.
    pub(super) fn add(
        &mut self,
        ids: &mut BTreeSet<SourceId>,
        outside: &mut BTreeSet<u32>,
        path: &Path,
    ) -> bool {
        if is_settled(path, self.making.home) {
            return true;
        }
        let led = self.making.sources.lead(path);
        ids.extend(led.ids);
        if let Some(path) = led.outside.filter(|path| !is_settled(path, self.making.home)) {
            return self.add_outside(outside, &path);
        }
        // What is left out of the sources, such as `.git`, is as good as outside.
        if led.is_absent && file::is_present(path) {
            return self.add_outside(outside, path);
        }
        !led.is_absent
    }

    /// `false` where the path cannot be noted.
    pub(super) fn add_outside(&mut self, outside: &mut BTreeSet<u32>, path: &Path) -> bool {
        let Some(path) = path.to_str() else { return false };
        outside.insert(self.outside.number(OutsideInput::Path(path.to_owned())));
        true
    }
}
