//! What of a target folder is not worth keeping: units that no build of the job asked for, and what the user does not want.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::units::{Unit, profiles};
use crate::sys::Time;
use crate::tree::{Kind, NodeId, Tree};

/// A part of a target folder that is kept by choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What lets rustc compile a part of a crate.
    Incremental,
    /// Documentation.
    Doc,
    /// Packages as they are published.
    Package,
    /// What tests leave in `CARGO_TARGET_TMPDIR`.
    Tmp,
    /// Units that no build of the job asked for.
    Unused,
}

/// What of a target folder is kept besides the units that the job used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The parts.
    pub parts: Vec<Part>,
    /// How large an executable of a test, a benchmark or an example may be, in bytes.
    pub executables: u64,
}

impl Kept {
    fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No build of the job asked for it.
    Unused,
    /// A test's, a benchmark's or an example's executable that is too large.
    Executable,
    /// Incremental compilation's, unwanted or of units that are gone.
    Incremental,
    /// Documentation, packages, temporary files.
    Extra,
}

/// What is to be left out of the target folder `target`: files, and folders with all that is in them. `is_used` tells of
/// each of its `units` whether a build of the job asked for it.
pub fn sweep(target: &Tree, units: &[Unit], is_used: &[bool], kept: &Kept) -> Vec<(NodeId, Why)> {
    let mut left_out = Vec::new();
    let is_any_used = is_used.iter().any(|&is_used| is_used);
    // Where nothing at all was used, there was no build, and nothing is known.
    let mut gone = vec![false; units.len()];
    if !kept.has(Part::Unused) && is_any_used {
        for (unit, (parts, is_used)) in units.iter().map(|unit| &unit.parts).zip(is_used).enumerate() {
            if !is_used {
                gone[unit] = true;
                left_out.extend(parts.iter().map(|&part| (part, Why::Unused)));
            }
        }
    }
    for (unit, _) in units.iter().zip(&gone).filter(|(_, gone)| !**gone) {
        left_out.extend(large_executables(target, unit, kept.executables));
    }
    for profile in profiles(target) {
        let living = units.iter().zip(&gone).filter(|(unit, gone)| unit.profile == profile && !**gone);
        let living: Vec<_> = living.map(|(unit, _)| unit).collect();
        let has_lost = units.iter().zip(&gone).any(|(unit, gone)| unit.profile == profile && *gone);
        left_out.extend(incremental(target, profile, &living, kept.has(Part::Incremental), has_lost));
    }
    left_out.extend(outputs_of(target, &left_out));
    left_out.extend(extras(target, kept));
    left_out
}

/// Whether `id` or a folder above it is left out, for each node.
pub fn spread(target: &Tree, left_out: &[(NodeId, Why)]) -> Vec<Option<Why>> {
    let mut why = vec![None; target.len() as usize];
    for &(id, reason) in left_out {
        why[id as usize].get_or_insert(reason);
    }
    // Parents come before their children.
    for (id, node) in target.iter().skip(1) {
        why[id as usize] = why[id as usize].or(why[node.parent as usize]);
    }
    why
}

/// Cargo hard-links what a unit makes into the profile's folder, with a list of its sources: they go with their unit.
fn outputs_of(target: &Tree, left_out: &[(NodeId, Why)]) -> Vec<(NodeId, Why)> {
    let why = spread(target, left_out);
    let group = |id: NodeId| match target.node(id).kind {
        Kind::File { group, .. } if group != 0 => Some(group),
        _ => None,
    };
    let gone = target.iter().filter_map(|(id, _)| Some((group(id)?, why[id as usize]?)));
    let gone: HashMap<u32, Why> = gone.collect();
    let mut outputs = Vec::new();
    for profile in profiles(target) {
        for folder in [Some(profile), target.child(profile, b"examples")].into_iter().flatten() {
            for id in target.children(folder) {
                let Some(&why) = group(id).and_then(|group| gone.get(&group)) else { continue };
                let stem = target.name(id).split(|&byte| byte == b'.').next().unwrap_or_default();
                let list = target.child(folder, &[stem, b".d"].concat());
                outputs.extend([Some(id), list].into_iter().flatten().map(|id| (id, why)));
            }
        }
    }
    outputs
}

/// Executables of a test, a benchmark or an example over `limit` bytes, all names of them.
fn large_executables(target: &Tree, unit: &Unit, limit: u64) -> Vec<(NodeId, Why)> {
    let kinds: [&[u8]; 3] = [b"test-", b"bench-", b"example-"];
    let is_of_kind = |id: &NodeId| kinds.iter().any(|kind| target.name(*id).starts_with(kind));
    if !unit.fingerprints.iter().any(is_of_kind) {
        return Vec::new();
    }
    let is_large = |id: &NodeId| {
        let node = target.node(*id);
        matches!(node.kind, Kind::File { size, .. } if size > limit && node.mode & 0o100 != 0)
    };
    unit.files(target).into_iter().filter(is_large).map(|id| (id, Why::Executable)).collect()
}

/// Folders of incremental compilation. Their names tell the crate, but not the unit: where units have gone, as many of a
/// crate's stay as it has units left, those that were written while one of these was compiled, else the newest.
fn incremental(
    target: &Tree,
    profile: NodeId,
    living: &[&Unit],
    is_kept: bool,
    has_lost: bool,
) -> Vec<(NodeId, Why)> {
    let Some(folder) = target.child(profile, b"incremental") else { return Vec::new() };
    if !is_kept {
        return vec![(folder, Why::Incremental)];
    }
    if !has_lost {
        return Vec::new();
    }
    let mut by_crate: HashMap<&[u8], Vec<NodeId>> = HashMap::new();
    for id in target.children(folder) {
        let name = target.name(id);
        let end = name.iter().rposition(|&byte| byte == b'-').unwrap_or(name.len());
        by_crate.entry(&name[..end]).or_default().push(id);
    }
    let mut left_out = Vec::new();
    for (name, mut folders) in by_crate {
        // Of one name in all packages, and soon compiled.
        let is_build_script = name.starts_with(b"build_script_");
        let is_of_it = |unit: &&&Unit| unit.fingerprints.iter().any(|id| is_of_crate(target.name(*id), name));
        let of_crate: Vec<_> = living.iter().filter(|_| !is_build_script).filter(is_of_it).collect();
        let compiled: Vec<_> = of_crate.iter().filter_map(|unit| unit.compiled(target)).collect();
        folders.sort_by_key(|id| {
            let time = newest(target, *id);
            Reverse((compiled.iter().any(|compiled| compiled.contains(&time)), time))
        });
        left_out.extend(folders.into_iter().skip(of_crate.len()).map(|id| (id, Why::Incremental)));
    }
    left_out
}

/// Whether a fingerprint such as `test-lib-my-crate` is of the crate `my_crate`.
fn is_of_crate(fingerprint: &[u8], name: &[u8]) -> bool {
    let plain: Vec<_> = fingerprint.iter().map(|&byte| if byte == b'-' { b'_' } else { byte }).collect();
    plain.strip_suffix(name).is_some_and(|rest| rest.ends_with(b"_"))
}

fn newest(target: &Tree, folder: NodeId) -> Time {
    let times = target.children(folder).map(|id| target.node(id).mtime);
    times.chain([target.node(folder).mtime]).max().expect("there is one")
}

fn extras(target: &Tree, kept: &Kept) -> Vec<(NodeId, Why)> {
    let unwanted = [
        (&b"doc"[..], kept.has(Part::Doc)),
        (b"package", kept.has(Part::Package)),
        (b"tmp", kept.has(Part::Tmp)),
    ];
    let is_folder = |id: &NodeId| matches!(target.node(*id).kind, Kind::Folder { .. });
    // In a profile's folder such a name is that of an executable.
    let profiles = profiles(target);
    let tops: Vec<_> =
        target.children(0).filter(is_folder).filter(|id| !profiles.contains(id)).chain([0]).collect();
    let names = unwanted.into_iter().filter(|(_, is_kept)| !is_kept).map(|(name, _)| name);
    let found = names.flat_map(|name| tops.iter().filter_map(move |&top| target.child(top, name)));
    found.filter(is_folder).map(|id| (id, Why::Extra)).collect()
}
