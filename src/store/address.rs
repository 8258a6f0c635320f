//! Where an entry lies, and what lies where in it.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::header::Scope;
use super::{Layer, name};

/// The directory of the trees in an entry.
pub(super) const TREES: &str = "tree";

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The directory of its layer, repository, ref and key.
    pub(super) key_directory: PathBuf,
    /// Its own directory's name.
    pub(super) generation: Generation,
}

/// Name of an entry's directory: `<time of publishing>-<random>-<lane>`. Names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Generation(String);

/// How the time of a generation is written.
const TIME: &str = "%Y%m%dT%H%M%S.%9fZ";

/// By how much the clocks of two hosts may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Generation {
    pub(super) fn new(created: Timestamp, random: u32, lane: &str) -> Self {
        Self(format!("{}-{random:08x}-{}", created.strftime(TIME), name::encode(lane)))
    }

    /// Whether its time is still to come: the clock was ahead.
    pub(super) fn is_of_future(&self, now: Timestamp) -> bool {
        self.0.as_str()
            > now.saturating_add(SKEW).unwrap_or(Timestamp::MAX).strftime(TIME).to_string().as_str()
    }

    /// `None` for a name that is none of ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(3, '-');
        let (time, random, lane) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours =
            time.len() == "20260102T030405.123456789Z".len() && random.len() == 8 && !lane.is_empty();
        is_ours.then(|| Self(name.to_owned()))
    }

    pub(super) fn is_of_lane(&self, lane: &str) -> bool {
        self.0.splitn(3, '-').nth(2) == Some(&name::encode(lane))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl EntryId {
    /// The entry's directory.
    pub fn path(&self) -> PathBuf {
        self.key_directory.join(self.generation.as_str())
    }
}

/// Directory of a layer's repository and ref below the root.
pub(super) fn scope_directory(root: &Path, layer: Layer, scope: &Scope) -> PathBuf {
    root.join(layer.name()).join(name::encode(&scope.repository)).join(name::encode(&scope.reference))
}

/// The directory in which the entries of a key are or would be, below `root`.
pub fn key_directory(root: &Path, layer: Layer, scope: &Scope, key: &str) -> PathBuf {
    scope_directory(root, layer, scope).join(name::encode(key))
}

/// The name of the pack of root `index`, beside the root's directory.
pub(super) fn pack_name(index: usize) -> Vec<u8> {
    format!("{index}.pack").into_bytes()
}
