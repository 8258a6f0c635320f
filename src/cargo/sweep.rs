//! What of a target directory is not worth keeping: units that no build of the job asked for, and what the user does not want.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::units::{Unit, crate_of, profiles};
use crate::sys::Time;
use crate::tree::{Kind, Node, NodeId, Tree};

/// A part of a target directory that is kept by choice.
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

/// What of a target directory is kept besides the units that the job used.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No build of the job asked for it.
    Unused,
    /// A test's, a benchmark's or an example's executable that is too large.
    Executable,
    /// Incremental compilation's, unwanted or of units that are gone.
    Incremental,
    /// Documentation, packages, temporary files, what other tools left.
    Extra,
    /// What cargo lays out for users in each build.
    LaidOut,
    /// It was changed after it was built.
    Changed,
}

/// What is to be left out of the target directory `target`: files, and directories with all that is in them. `is_used` tells of
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
    left_out
}

/// Whether `id` or a directory above it is left out, for each node.
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

/// Units of which something was changed in place after cargo had made them, such as by `strip`: cargo does not see it. `earlier`
/// is the target directory with which the job began.
pub fn changed_in_place(target: &Tree, units: &[Unit], earlier: Option<&Tree>) -> Vec<(NodeId, Why)> {
    let is_changed = |unit: &&Unit| {
        let Some(&fingerprint) = unit.fingerprints.first() else { return false };
        let made = target.node(fingerprint).mtime;
        let then = |id: NodeId| earlier.and_then(|then| Some((then, then.at(&target.path_below(0, id))?)));
        let is_carried = then(fingerprint).is_some_and(|(then, was)| then.node(was).mtime == made);
        let is_other = |id: &NodeId| {
            let now = target.node(*id);
            now.mtime > made
                || is_carried
                    && then(*id).is_some_and(|(then, was)| {
                        let was = then.node(was);
                        (was.mtime, was.mode) != (now.mtime, now.mode) || size_of(was) != size_of(now)
                    })
        };
        unit.products(target).iter().any(is_other)
    };
    units.iter().filter(is_changed).flat_map(|unit| &unit.parts).map(|&part| (part, Why::Changed)).collect()
}

fn size_of(node: &Node) -> Option<u64> {
    if let Kind::File { size, .. } = node.kind { Some(size) } else { None }
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

/// Directories of incremental compilation. Their names tell the crate, but not the unit: where units have gone, as many of a
/// crate's stay as it has units left, those that were written while one of these was compiled, else the newest.
fn incremental(
    target: &Tree,
    profile: NodeId,
    living: &[&Unit],
    is_kept: bool,
    has_lost: bool,
) -> Vec<(NodeId, Why)> {
    let Some(directory) = target.child(profile, b"incremental") else { return Vec::new() };
    if !is_kept {
        return vec![(directory, Why::Incremental)];
    }
    // A cargo of another layout may have made these for units that are not known.
    if living.is_empty() && !has_lost {
        return Vec::new();
    }
    let mut by_crate: HashMap<&[u8], Vec<NodeId>> = HashMap::new();
    for id in target.children(directory) {
        let name = target.name(id);
        let end = name.iter().rposition(|&byte| byte == b'-').unwrap_or(name.len());
        by_crate.entry(&name[..end]).or_default().push(id);
    }
    let mut left_out = Vec::new();
    for (name, mut directories) in by_crate {
        // Of one name in all packages, and soon compiled.
        let is_build_script = name.starts_with(b"build_script_");
        if is_build_script && !has_lost {
            continue;
        }
        let is_of_it = |unit: &&&Unit| unit.fingerprints.iter().any(|id| crate_of(target.name(*id)) == *name);
        let of_crate: Vec<_> = living.iter().filter(|_| !is_build_script).filter(is_of_it).collect();
        let compiled: Vec<_> = of_crate.iter().filter_map(|unit| unit.compiled(target)).collect();
        directories.sort_by_key(|id| {
            let time = newest(target, *id);
            Reverse((compiled.iter().any(|compiled| compiled.contains(&time)), time))
        });
        left_out.extend(directories.into_iter().skip(of_crate.len()).map(|id| (id, Why::Incremental)));
    }
    left_out
}

pub(super) fn newest(target: &Tree, directory: NodeId) -> Time {
    let times = target.children(directory).map(|id| target.node(id).mtime);
    times.chain([target.node(directory).mtime]).max().expect("there is one")
}
