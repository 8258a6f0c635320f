//! What cargo and rustc noted of one unit, read from a target directory.

use std::path::{Path, PathBuf};

use super::dep_info::{DepInfo, listed_sources, listed_variables};
use super::fingerprint::{Fingerprint, Watched, fingerprint_hash, has_known_form};
use super::units::Unit;
use crate::tree::{self, Location, NodeId, Tree};

/// What was noted of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The hash of its fingerprint, by which units that need it name it.
    pub(super) hash: u64,
    /// Its fingerprint.
    pub(super) fingerprint: Fingerprint,
    /// Whether all of it is of a kind that is known.
    pub(super) is_known: bool,
    /// Cargo's list of files and variables; nothing for the run of a build script.
    pub(super) info: DepInfo,
    /// Rustc's list of files, relative to the workspace or absolute.
    pub(super) sources: Vec<PathBuf>,
    /// The variables that rustc read, each as `NAME=value`, or `NAME` where it was not set.
    pub(super) variables: Vec<Vec<u8>>,
}

impl Record {
    /// Whether it was checked by clippy, which names this variable whether it is set or not.
    pub(super) fn asks_clippy(&self) -> bool {
        self.variables.iter().any(|variable| variable.starts_with(b"CLIPPY_CONF_DIR"))
    }

    /// Whether what git notes is watched: cargo goes by its time, which a commit does not always change.
    pub(super) fn watches_git(&self) -> bool {
        let mut watched = self.fingerprint.watched().into_iter().flat_map(Watched::paths);
        watched.any(|path| Path::new(path).components().any(|part| part.as_os_str() == ".git"))
    }

    /// Reads that of `unit` of the target directory `target`, whose files lie at `location`. `None` for a unit that is not as
    /// we know them: unfinished, damaged.
    pub(super) fn read(location: Location<'_>, target: &Tree, unit: &Unit) -> tree::Result<Option<Self>> {
        let [fingerprint] = unit.fingerprints[..] else { return Ok(None) };
        let text = |file: NodeId| Ok::<_, tree::Error>(location.read(target, file)?.unwrap_or_default());
        let in_words = [target.name(fingerprint), b".json"].concat();
        let Some(in_words) = target.child(target.node(fingerprint).parent, &in_words) else {
            return Ok(None);
        };
        let Some(hash) = fingerprint_hash(&text(fingerprint)?) else { return Ok(None) };
        let in_words = text(in_words)?;
        let Ok(fingerprint) = Fingerprint::parse(&in_words) else { return Ok(None) };
        let info = unit.info(target).map(text).transpose()?.map(|list| DepInfo::parse(&list));
        let is_known = has_known_form(&in_words) && !matches!(info, Some(None));
        let info = info.flatten().unwrap_or_default();
        let list = unit.source_list(target).map(text).transpose()?.unwrap_or_default();
        let (sources, variables) = (listed_sources(&list), listed_variables(&list).map(<[u8]>::to_vec));
        Ok(Some(Self { hash, fingerprint, is_known, info, sources, variables: variables.collect() }))
    }
}
