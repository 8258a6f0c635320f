//! The units of a target folder: what cargo compiled or ran once each, and which files are whose.
//!
//! A unit's files are known by the hash in their names, never by the name of its package: one package can have several
//! versions, features and profiles side by side. Two layouts:
//! ```text
//! <profile>/.fingerprint/<package>-<hash>/   <profile>/deps/*-<hash>*   <profile>/build/<package>-<hash>/   until 1.99
//! <profile>/build/<package>/<hash>/fingerprint/   and all else of the unit in <hash>/                       since 1.100
//! ```
//! `<profile>` is `debug`, `release` or the name of another profile, below a folder for the triple where there is one.

use std::collections::HashMap;

use crate::tree::{Kind, NodeId, Tree};

/// Digits of a unit's hash.
const HASH: usize = 16;

/// How far below the target folder a profile's folder can be: `<triple>/<profile>`.
const DEEPEST_PROFILE: usize = 2;

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The files that cargo reads to tell whether the unit is fresh.
    pub fingerprints: Vec<NodeId>,
    /// Files and whole folders that belong to the unit alone, its fingerprint included.
    pub parts: Vec<NodeId>,
    /// The folder of its profile.
    pub profile: NodeId,
}

/// All units of a target folder.
pub fn units(target: &Tree) -> Vec<Unit> {
    profiles(target).into_iter().flat_map(|profile| units_of(target, profile)).collect()
}

/// The folders of profiles: in which there are units.
pub(super) fn profiles(target: &Tree) -> Vec<NodeId> {
    let mut level = vec![0];
    let mut found = Vec::new();
    for _ in 0..DEEPEST_PROFILE {
        level = level.into_iter().flat_map(|folder| subfolders(target, folder)).collect();
        let is_profile = |folder: &NodeId| {
            [&b".fingerprint"[..], b"build"].iter().any(|name| target.child(*folder, name).is_some())
        };
        found.extend(level.iter().copied().filter(is_profile));
    }
    found
}

fn units_of(target: &Tree, profile: NodeId) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut by_hash: HashMap<&[u8], usize> = HashMap::new();
    let folder = |name: &[u8]| target.child(profile, name);
    for fingerprint in folder(b".fingerprint").into_iter().flat_map(|all| subfolders(target, all)) {
        let Some(hash) = hash_of(target.name(fingerprint)) else { continue };
        by_hash.insert(hash, units.len());
        let fingerprints = fingerprint_files(target, fingerprint);
        units.push(Unit { fingerprints, parts: vec![fingerprint], profile });
    }
    for shared in [&b"deps"[..], b"build", b"examples"] {
        for part in folder(shared).into_iter().flat_map(|folder| target.children(folder)) {
            if let Some(unit) = hash_of(target.name(part)).and_then(|hash| by_hash.get(hash)) {
                units[*unit].parts.push(part);
            }
        }
    }
    for package in folder(b"build").into_iter().flat_map(|build| subfolders(target, build)) {
        for unit in subfolders(target, package).filter(|unit| is_hash(target.name(*unit))) {
            if let Some(fingerprint) = target.child(unit, b"fingerprint") {
                let fingerprints = fingerprint_files(target, fingerprint);
                units.push(Unit { fingerprints, parts: vec![unit], profile });
            }
        }
    }
    units
}

/// Cargo reads the short hash of a fingerprint each time, and the rest where something has changed.
fn fingerprint_files(target: &Tree, folder: NodeId) -> Vec<NodeId> {
    let is_hash_file = |id: &NodeId| {
        let name = target.name(*id);
        let is_other = name.contains(&b'.') || name.starts_with(b"dep-") || name.starts_with(b"output-");
        !is_other && matches!(target.node(*id).kind, Kind::File { .. })
    };
    target.children(folder).filter(is_hash_file).collect()
}

fn subfolders(target: &Tree, folder: NodeId) -> impl Iterator<Item = NodeId> {
    target.children(folder).filter(|id| matches!(target.node(*id).kind, Kind::Folder { .. }))
}

/// The hash in a name such as `libserde-0123456789abcdef.rlib` or `a-0123456789abcdef.1x2.rcgu.o`.
fn hash_of(name: &[u8]) -> Option<&[u8]> {
    let stem = name.split(|&byte| byte == b'.').next()?;
    let (rest, hash) = stem.split_at_checked(stem.len().checked_sub(HASH)?)?;
    (rest.ends_with(b"-") && is_hash(hash)).then_some(hash)
}

fn is_hash(name: &[u8]) -> bool {
    name.len() == HASH && name.iter().all(u8::is_ascii_hexdigit)
}
