//! `Cargo.lock`: which packages there are, and which of them need which.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::built::Package;

/// Each package with those that it needs.
pub(crate) struct Lock(BTreeMap<Package, Vec<Package>>);

#[derive(Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// By name, and by version as well where that alone does not tell.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// Reads a lock file.
    pub(crate) fn read(text: &str) -> Self {
        let packages = toml::from_str::<LockFile>(text).unwrap().package;
        let named = |dependency: &String| {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap(), words.next());
            let is_it = |other: &&Locked| other.name == name && version.is_none_or(|it| it == other.version);
            let found = packages.iter().find(is_it).unwrap();
            (found.name.clone(), found.version.clone())
        };
        let needs = |package: &Locked| {
            let needed = package.dependencies.iter().map(named).collect();
            ((package.name.clone(), package.version.clone()), needed)
        };
        Self(packages.iter().map(needs).collect())
    }

    /// Packages that the other lock file has not, and all that need one of them, directly or not.
    pub(crate) fn changed_since(&self, other: &Self) -> BTreeSet<Package> {
        let is_changed = |package: &&Package| !other.0.contains_key(*package);
        let mut changed: BTreeSet<_> = self.0.keys().filter(is_changed).cloned().collect();
        loop {
            let needs_one = |needed: &[Package]| needed.iter().any(|package| changed.contains(package));
            let more =
                self.0.iter().filter(|(package, needed)| !changed.contains(*package) && needs_one(needed));
            let more: Vec<_> = more.map(|(package, _)| package.clone()).collect();
            if more.is_empty() {
                return changed;
            }
            changed.extend(more);
        }
    }
}
