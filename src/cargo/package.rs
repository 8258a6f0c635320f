//! Packages of the sources: where each is, and what its manifest says of it.

use std::collections::HashSet;

use super::manifest::{Manifests, name};
use super::source_trees::SourceTrees;
use crate::store::SourceId;

/// A package among the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its directory.
    pub(super) directory: SourceId,
    /// Its version, see [`Manifests::version`].
    pub(super) version: Option<String>,
}

/// The packages of the sources whose names are wanted.
pub(super) fn packages(sources: &SourceTrees<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<Package> {
    let (manifests, mut known, mut packages) = (Manifests::default(), HashSet::new(), Vec::new());
    for (number, directory, tree) in sources.iter() {
        for (id, node) in tree.iter() {
            if tree.name(id) != b"Cargo.toml" || node.kind.is_directory() {
                continue;
            }
            let own = SourceId { sources: number, node: node.parent };
            let path = sources.path(own);
            let name = manifests.at(&path).as_deref().and_then(name).filter(|name| is_wanted(name));
            let Some(name) = name else { continue };
            // A package of an inner checkout is there as well.
            if known.insert(path.clone()) {
                packages.push(Package { name, directory: own, version: manifests.version(&path, directory) });
            }
        }
    }
    packages
}
