//! The units of a target directory: what cargo compiled or ran once each, and which files are whose.
//!
//! A unit's files are known by the hash in their names, never by the name of its package: one package can have several
//! versions, features and profiles side by side. Two layouts:
//! ```text
//! <profile>/.fingerprint/<package>-<hash>/   <profile>/deps/*-<hash>*   <profile>/build/<package>-<hash>/   until 1.99
//! <profile>/build/<package>/<hash>/fingerprint/   and all else of the unit in <hash>/                       since 1.100
//! ```
//! `<profile>` is `debug`, `release` or the name of another profile, below a directory for the triple where there is one, and
//! below one for intermediate files where that is a part of the target directory.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::sys::Time;
use crate::tree::{Kind, NodeId, Tree};

/// What cargo calls the fingerprint of a build script's run.
const RUN: &[u8] = b"run-build-script-";

/// What the names of other fingerprints begin with, before the name of the crate. Longer ones come first.
const KINDS: [&[u8]; 9] = [
    b"test-integration-test-",
    b"test-example-",
    b"build-script-",
    b"test-bench-",
    b"test-lib-",
    b"test-bin-",
    b"example-",
    b"lib-",
    b"bin-",
];

/// Digits of a unit's hash.
const HASH: usize = 16;

/// How far below the target directory a profile's directory can be: `<build-dir>/<triple>/<profile>`.
const DEEPEST_PROFILE: usize = 3;

/// What lies beside profiles and is no directory of cargo's own units, whatever it holds.
const NO_PROFILES: [&[u8]; 3] = [b"doc", b"package", b"tmp"];

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The files that cargo reads to tell whether the unit is fresh.
    pub fingerprints: Vec<NodeId>,
    /// Files and whole directories that belong to the unit alone, its fingerprint included.
    pub parts: Vec<NodeId>,
    /// The directory of its profile.
    pub profile: NodeId,
}

impl Unit {
    /// The name of its package and its hash.
    pub fn names<'t>(&self, target: &'t Tree) -> (&'t [u8], &'t [u8]) {
        let own = self.parts[0];
        match target.name(own).split_last_chunk::<HASH>() {
            Some((package, hash)) if !package.is_empty() => (&package[..package.len() - 1], &hash[..]),
            _ => (target.name(target.node(own).parent), target.name(own)),
        }
    }

    /// Cargo's list of what it was compiled from, see [`super::DepInfo`].
    pub fn info(&self, target: &Tree) -> Option<NodeId> {
        let beside = target.node(*self.fingerprints.first()?).parent;
        target.children(beside).find(|&id| target.name(id).starts_with(b"dep-"))
    }

    /// Rustc's own list of what it was compiled from.
    pub fn source_list(&self, target: &Tree) -> Option<NodeId> {
        let out = |part: NodeId| target.child(part, b"out").into_iter().flat_map(|out| target.children(out));
        let files = |part: NodeId| [part].into_iter().chain(target.children(part)).chain(out(part));
        let is_list = |id: &NodeId| {
            target.name(*id).ends_with(b".d") && matches!(target.node(*id).kind, Kind::File { .. })
        };
        self.parts.iter().copied().flat_map(files).find(is_list)
    }

    /// Whether it is the run of a build script.
    pub fn is_run(&self, target: &Tree) -> bool {
        self.fingerprints.iter().any(|id| target.name(*id).starts_with(RUN))
    }

    /// The directory that no other unit has: its fingerprint's, or, since 1.100, that of all its files.
    pub fn directory(&self) -> NodeId {
        self.parts[0]
    }

    /// All its files.
    pub fn files(&self, target: &Tree) -> Vec<NodeId> {
        self.parts.iter().flat_map(|&part| target.leaves_below(part)).collect()
    }

    /// What was made, without what cargo and rustc noted of it.
    pub(super) fn products(&self, target: &Tree) -> Vec<NodeId> {
        let notes = self.fingerprints.first().map(|&id| target.node(id).parent);
        let is_product =
            |id: &NodeId| Some(target.node(*id).parent) != notes && !target.name(*id).ends_with(b".d");
        self.files(target).into_iter().filter(is_product).collect()
    }

    /// From when cargo called rustc for the unit until that had ended.
    pub(super) fn compiled(&self, target: &Tree) -> Option<RangeInclusive<Time>> {
        let fingerprint = target.node(*self.fingerprints.first()?);
        let called = target.child(fingerprint.parent, b"invoked.timestamp")?;
        Some(target.node(called).mtime..=fingerprint.mtime)
    }

    /// Whether a build asked for the unit and did not come to its end. Cargo makes the directory of each fingerprint that a
    /// build needs, and empties what is out of date, before it compiles anything; a unit's is written when it is done.
    pub fn is_unfinished(&self, target: &Tree) -> bool {
        let is_empty = |id: &NodeId| matches!(target.node(*id).kind, Kind::File { size: 0, .. });
        self.fingerprints.is_empty() || self.fingerprints.iter().any(is_empty)
    }
}

/// Whether a build failed or was stopped, and none that came after it made up for that.
pub fn has_unfinished(target: &Tree, units: &[Unit]) -> bool {
    units.iter().any(|unit| unit.is_unfinished(target))
}

/// All units of a target directory.
pub fn units(target: &Tree) -> Vec<Unit> {
    profiles(target).into_iter().flat_map(|profile| units_of(target, profile)).collect()
}

/// The directories of profiles: in which there are units.
pub(super) fn profiles(target: &Tree) -> Vec<NodeId> {
    let (mut level, mut found) = (vec![0], Vec::new());
    for _ in 0..DEEPEST_PROFILE {
        let below = level.into_iter().flat_map(|directory| subdirectories(target, directory));
        let below = below.filter(|&directory| !NO_PROFILES.contains(&target.name(directory)));
        let (profiles, others): (Vec<_>, Vec<_>) =
            below.partition(|&directory| is_profile(target, directory));
        found.extend(profiles);
        level = others;
    }
    found
}

fn is_profile(target: &Tree, directory: NodeId) -> bool {
    target.child(directory, b".fingerprint").is_some()
        || units_since_1_100(target, directory).next().is_some()
}

/// The directories of units in the newer layout, each with the directory of its fingerprint.
fn units_since_1_100(target: &Tree, profile: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> {
    let packages =
        target.child(profile, b"build").into_iter().flat_map(|build| subdirectories(target, build));
    let units = packages.flat_map(|package| subdirectories(target, package));
    let units = units.filter(|unit| is_hash(target.name(*unit)));
    units.filter_map(|unit| Some((unit, target.child(unit, b"fingerprint")?)))
}

fn units_of(target: &Tree, profile: NodeId) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut by_hash: HashMap<&[u8], usize> = HashMap::new();
    let directory = |name: &[u8]| target.child(profile, name);
    for fingerprint in directory(b".fingerprint").into_iter().flat_map(|all| subdirectories(target, all)) {
        let Some(hash) = hash_of(target.name(fingerprint)) else { continue };
        by_hash.insert(hash, units.len());
        let fingerprints = fingerprint_files(target, fingerprint);
        units.push(Unit { fingerprints, parts: vec![fingerprint], profile });
    }
    for shared in [&b"deps"[..], b"build", b"examples"] {
        for part in directory(shared).into_iter().flat_map(|directory| target.children(directory)) {
            if let Some(unit) = hash_of(target.name(part)).and_then(|hash| by_hash.get(hash)) {
                units[*unit].parts.push(part);
            }
        }
    }
    add_hashless(target, directory(b"deps"), &mut units);
    for (unit, fingerprint) in units_since_1_100(target, profile) {
        units.push(Unit { fingerprints: fingerprint_files(target, fingerprint), parts: vec![unit], profile });
    }
    units
}

/// The name of the crate that a fingerprint such as `test-lib-my-crate` is of.
pub(super) fn crate_of(part: &[u8]) -> Vec<u8> {
    let name = KINDS.iter().find_map(|kind| part.strip_prefix(*kind)).unwrap_or(part);
    name.iter().map(|&byte| if byte == b'-' { b'_' } else { byte }).collect()
}

/// Adds to units what lies in `deps` under the names of their crates alone: what cargo makes for others than rustc has no hash in
/// its name, libraries of packages of the checkout (`cdylib`, `dylib`) and programs for WebAssembly. Of units of one name it is
/// nobody's: the last that was made has replaced the others' files.
fn add_hashless(target: &Tree, deps: Option<NodeId>, units: &mut [Unit]) {
    let Some(deps) = deps else { return };
    let mut by_name: HashMap<Vec<u8>, Vec<NodeId>> = HashMap::new();
    for id in target.children(deps).filter(|id| hash_of(target.name(*id)).is_none()) {
        let name = target.name(id);
        let stem = name.iter().position(|&byte| byte == b'.').map_or(name, |end| &name[..end]);
        for stem in std::iter::once(stem).chain(stem.strip_prefix(b"lib")) {
            by_name.entry(stem.to_vec()).or_default().push(id);
        }
    }
    if by_name.is_empty() {
        return;
    }
    let is_hashed = |unit: &Unit| unit.parts.iter().any(|&part| target.node(part).parent == deps);
    let mut claims: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (index, unit) in units.iter().enumerate().filter(|(_, unit)| !unit.is_run(target) && !is_hashed(unit))
    {
        if let Some(&fingerprint) = unit.fingerprints.first() {
            claims.entry(crate_of(target.name(fingerprint))).or_default().push(index);
        }
    }
    for (name, claimed) in claims {
        if let ([unit], Some(parts)) = (&*claimed, by_name.get(&name)) {
            units[*unit].parts.extend(parts);
        }
    }
}

/// Cargo reads the short hash of a fingerprint each time, and the rest where something has changed.
fn fingerprint_files(target: &Tree, directory: NodeId) -> Vec<NodeId> {
    let is_hash_file = |id: &NodeId| {
        let name = target.name(*id);
        let is_other = name.contains(&b'.') || name.starts_with(b"dep-") || name.starts_with(b"output-");
        !is_other && matches!(target.node(*id).kind, Kind::File { .. })
    };
    target.children(directory).filter(is_hash_file).collect()
}

fn subdirectories(target: &Tree, directory: NodeId) -> impl Iterator<Item = NodeId> {
    target.children(directory).filter(|id| target.node(*id).kind.is_directory())
}

/// The hash in a name such as `libserde-0123456789abcdef.rlib` or `a-0123456789abcdef.1x2.rcgu.o`.
pub(super) fn hash_of(name: &[u8]) -> Option<&[u8]> {
    let stem = name.split(|&byte| byte == b'.').next()?;
    let (rest, hash) = stem.split_at_checked(stem.len().checked_sub(HASH)?)?;
    (rest.ends_with(b"-") && is_hash(hash)).then_some(hash)
}

fn is_hash(name: &[u8]) -> bool {
    name.len() == HASH && name.iter().all(u8::is_ascii_hexdigit)
}
