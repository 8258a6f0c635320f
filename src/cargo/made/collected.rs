//! Inputs of one unit while they are found.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::outside::is_settled;
use super::Noting;
use crate::store::{KnownInputs, OutsideInput, SourceId};
use crate::sys::file;

/// What a unit was made of cannot be known.
#[derive(Debug)]
pub(super) struct Unknowable;

/// Whether all could be noted that there is.
pub(super) type Noted<T = ()> = Result<T, Unknowable>;

/// What cannot be known unless `is_known`.
pub(super) fn known_if(is_known: bool) -> Noted {
    if is_known { Ok(()) } else { Err(Unknowable) }
}

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
    pub(super) fn into_known(self) -> KnownInputs {
        KnownInputs {
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
    /// Adds what `path` leads to, and tells whether there is anything.
    pub(super) fn add(
        &mut self,
        ids: &mut BTreeSet<SourceId>,
        outside: &mut BTreeSet<u32>,
        path: &Path,
    ) -> Noted<bool> {
        if is_settled(path, self.making.home) {
            return Ok(true);
        }
        let led = self.making.sources.lead(path);
        ids.extend(led.ids);
        if let Some(path) = led.outside.filter(|path| !is_settled(path, self.making.home)) {
            self.add_outside(outside, &path)?;
            return Ok(true);
        }
        // What is left out of the sources, such as `.git`, is as good as outside.
        if led.is_absent && file::is_present(path) {
            self.add_outside(outside, path)?;
            return Ok(true);
        }
        Ok(!led.is_absent)
    }

    /// Adds what is at a path that must be text.
    pub(super) fn add_outside(&mut self, outside: &mut BTreeSet<u32>, path: &Path) -> Noted {
        let path = path.to_str().ok_or(Unknowable)?;
        outside.insert(self.outside.number(OutsideInput::Path(path.to_owned())));
        Ok(())
    }
}
