//! What lies in a target directory and is of none of its units: what build scripts wrote there, what cargo laid out for users,
//! and what others left.
//!
//! A fresh checkout has none of it before a build. What cargo lays out it lays out in each build. Cargo notes when it starts a
//! script and when it ended: what changed in between is taken to be the script's, for it will not run again. Nothing else
//! comes back.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use super::sources::RUSTC_INFO;
use super::sweep::{Kept, Part, Why};
use super::units::{Unit, hash_of, profiles};
use crate::sys::Time;
use crate::sys::file::InodeTimes;
use crate::tree::{Kind, NodeId, Tree};

/// Written when a script was started. What it told cargo gets the same time.
const STARTED: &[u8] = b"invoked.timestamp";

/// Written last, when it had ended.
const ENDED: &[u8] = b"root-output";

/// What tests may leave something in, and find empty where it is there at all: cargo makes it when it compiles one.
pub(super) const TEMPORARY: &[u8] = b"tmp";

/// Directories of a profile, and those beside profiles.
const LAYOUT: [&[u8]; 8] =
    [b".fingerprint", b"build", b"deps", b"doc", b"examples", b"incremental", b"package", TEMPORARY];

/// When a build script ran. `None` for a unit that is no run of one.
pub(super) fn run_of(target: &Tree, unit: &Unit) -> Option<RangeInclusive<Time>> {
    let is_run = unit.is_run(target);
    let directories =
        || unit.parts.iter().flat_map(|&part| [Some(part), target.child(part, b"run")]).flatten();
    let mtime = |directory: NodeId, name: &[u8]| Some(target.node(target.child(directory, name)?).mtime);
    { directories().filter(|_| is_run) }
        .find_map(|directory| Some(mtime(directory, STARTED)?..=mtime(directory, ENDED)?))
}

/// The directories of a script's own output: `OUT_DIR` and those in it.
pub(super) fn output_directories(target: &Tree, unit: &Unit) -> Vec<NodeId> {
    let directories = unit.parts.iter().filter(|&&part| target.child(part, ENDED).is_some());
    let since_1_100 = unit.parts.iter().filter(|&&part| target.child(part, b"run").is_some());
    let output = directories.chain(since_1_100).filter_map(|&part| target.child(part, b"out"));
    let is_directory = |id: &NodeId| target.node(*id).kind.is_directory();
    output.flat_map(|out| target.below(out)).filter(is_directory).collect()
}

/// When `unit` was made that may have written what is not its own: a script while it ran, a macro or the linker while something
/// was compiled. `None` for documentation, whose pages are no unit's own.
pub(super) fn made_while(target: &Tree, unit: &Unit) -> Option<RangeInclusive<Time>> {
    let is_documentation = unit.fingerprints.iter().any(|id| target.name(*id).starts_with(b"doc-"));
    run_of(target, unit).or_else(|| unit.compiled(target).filter(|_| !is_documentation))
}

/// Whether it lies where tests leave what they like. Tests may count on finding nothing there, and no script is told of it, so
/// that nothing there is a script's, whatever the times say.
fn is_temporary(target: &Tree, id: NodeId) -> bool {
    target.path_below(0, id).split(|&byte| byte == b'/').next() == Some(TEMPORARY)
}

/// What was written beside units' own directories, by when a unit was made that may have written it: the number of a target
/// directory, and a node there.
pub(super) type Extras = HashMap<RangeInclusive<Time>, Vec<(u32, NodeId)>>;

/// What the scripts of all `outputs`, target directories of one job with their units, wrote into these. What a script unpacks
/// or links has an older time of change, but came to be while it ran: `inode_times` tells that of a node of the root of a
/// number.
pub(super) fn extras(
    outputs: &[(&Tree, &[Unit])],
    inode_times: &dyn Fn(u32, NodeId) -> Option<InodeTimes>,
) -> Extras {
    let names = names_of(outputs);
    let runs: HashSet<_> = outputs
        .iter()
        .flat_map(|(tree, units)| units.iter().filter_map(|unit| made_while(tree, unit)))
        .collect();
    let mut extras = Extras::new();
    for (number, (tree, units)) in (0..).zip(outputs) {
        let kinds = kinds(tree, units, &names);
        let may_be_extra = |id: NodeId| kinds[id as usize] == Some(Stray::Other) && !is_temporary(tree, id);
        for (id, node) in tree.iter().filter(|(id, _)| may_be_extra(*id)) {
            let born = inode_times(number, id);
            // A directory changes with what is in it.
            let times: Vec<_> = match node.kind {
                Kind::Directory { .. } => born.map(|born| born.made).into_iter().collect(),
                _ => std::iter::once(node.mtime)
                    .chain(born.into_iter().flat_map(|born| [born.changed, born.made]))
                    .collect(),
            };
            for run in runs.iter().filter(|run| times.iter().any(|time| run.contains(time))) {
                extras.entry(run.clone()).or_default().push((number, id));
            }
        }
    }
    extras
}

/// For each of `outputs` what is not worth keeping, since a build makes it or a fresh checkout has none of it, but for the
/// parts `kept` and for `known`, which scripts wrote in earlier jobs.
pub fn strays(
    outputs: &[(&Tree, &[Unit])],
    kept: Option<&Kept>,
    known: &BTreeSet<(u32, NodeId)>,
    inode_times: &dyn Fn(u32, NodeId) -> Option<InodeTimes>,
) -> Vec<Vec<(NodeId, Why)>> {
    let names = names_of(outputs);
    let mut of_scripts: HashSet<_> = extras(outputs, inode_times).into_values().flatten().collect();
    of_scripts.extend(known);
    let has = |part: Part| kept.is_some_and(|kept| kept.parts.contains(&part));
    let of_output = |(number, (tree, units)): (u32, &(&Tree, &[Unit]))| {
        // Of a cargo whose target directories are of a kind that is not known nothing is left out.
        if outputs.iter().all(|(_, units)| units.is_empty()) {
            return Vec::new();
        }
        let kinds = kinds(tree, units, &names);
        let is_of_script = |id: NodeId| of_scripts.contains(&(number, id)) && !is_temporary(tree, id);
        let is_kept = |id: NodeId| match kinds[id as usize] {
            None => true,
            Some(Stray::Uplifted) => false,
            Some(Stray::Other) => {
                !is_profile_of_coverage(tree.name(id))
                    && (is_of_script(id) || has(Part::Unused) || part_of(tree, id).is_some_and(has))
            }
        };
        let is_leaf = |id: NodeId| !tree.node(id).kind.is_directory();
        let wanted = |id| if is_leaf(id) { is_kept(id) } else { is_of_script(id) };
        let mut is_wanted: Vec<_> = (0..tree.len()).map(wanted).collect();
        // Empty directories are a unit's like its files.
        for part in units.iter().flat_map(|unit| &unit.parts) {
            tree.below(*part).into_iter().for_each(|id| is_wanted[id as usize] = true);
        }
        for top in tree.children(0) {
            is_wanted[top as usize] |= tree.name(top) == TEMPORARY;
        }
        tree.add_directories_around(&mut is_wanted);
        // The topmost will do.
        let is_top = |(id, node): &(NodeId, &crate::tree::Node)| {
            !is_wanted[*id as usize] && is_wanted[node.parent as usize]
        };
        // In target directories of 1.100 whole directories are for users alone.
        let why = |id: NodeId| {
            let mut leaves = tree.below(id).into_iter().filter(|&id| is_leaf(id)).peekable();
            let is_laid_out = |id: NodeId| kinds[id as usize] == Some(Stray::Uplifted);
            if leaves.peek().is_some() && leaves.all(is_laid_out) { Why::LaidOut } else { Why::Extra }
        };
        tree.iter().skip(1).filter(is_top).map(|(id, _)| (id, why(id))).collect()
    };
    (0..).zip(outputs).map(of_output).collect()
}

/// What a file or link that is no unit's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stray {
    /// What cargo lays out for users.
    Uplifted,
    /// A script's, or somebody else's.
    Other,
}

/// For each node of `target` what it is, where it is a file or link of none of the `units` and not cargo's own. `names` are
/// those under which cargo lays out what it built.
fn kinds(target: &Tree, units: &[Unit], names: &UpliftedNames) -> Vec<Option<Stray>> {
    let mut is_known = vec![false; target.len() as usize];
    for &part in units.iter().flat_map(|unit| &unit.parts) {
        is_known[part as usize] = true;
    }
    for profile in profiles(target) {
        if let Some(directory) = target.child(profile, b"incremental") {
            is_known[directory as usize] = true;
        }
    }
    // Cargo makes these before it compiles anything.
    let mut is_layout = is_known.clone();
    target.add_directories_around(&mut is_layout);
    let tops = [0].into_iter().chain(target.children(0));
    for directory in profiles(target).into_iter().chain(tops).flat_map(|directory| target.children(directory))
    {
        is_layout[directory as usize] |= LAYOUT.contains(&target.name(directory));
    }
    // What is in a directory comes behind it.
    for (id, node) in target.iter().skip(1) {
        is_known[id as usize] |= is_known[node.parent as usize];
    }
    let kind = |(id, node): (NodeId, &crate::tree::Node)| {
        let name = target.name(id);
        if is_layout[id as usize] || is_known[id as usize] || is_cargos_own(name) {
            return None;
        }
        let is_example = target.name(node.parent) == EXAMPLES;
        match (names.contains(&(is_example, name.to_vec())), target.name(node.parent)) {
            // Libraries for others than rustc, whose names have no hash.
            (true, b"deps") => None,
            (true, _) if !node.kind.is_directory() => Some(Stray::Uplifted),
            _ => Some(Stray::Other),
        }
    };
    target.iter().map(kind).collect()
}

/// Which part of a target directory a node is in that is kept by choice.
fn part_of(target: &Tree, id: NodeId) -> Option<Part> {
    let path = target.path_below(0, id);
    // At the top, or in a directory for a triple.
    path.split(|&byte| byte == b'/').take(2).find_map(|name| match name {
        b"doc" => Some(Part::Doc),
        b"package" => Some(Part::Package),
        TEMPORARY => Some(Part::Tmp),
        _ => None,
    })
}

/// What the next run of tests would be merged with.
pub(super) fn is_profile_of_coverage(name: &[u8]) -> bool {
    name.ends_with(b".profraw") || name.ends_with(b".profdata")
}

/// Marks and locks of target directories and profiles.
fn is_cargos_own(name: &[u8]) -> bool {
    name == b"CACHEDIR.TAG"
        || name == RUSTC_INFO.as_bytes()
        || (name.starts_with(b".cargo") && name.ends_with(b"lock"))
}

/// Names, each with whether it is one in a directory of examples.
type UpliftedNames = HashSet<(bool, Vec<u8>)>;

/// The directory of a profile that has its examples.
const EXAMPLES: &[u8] = b"examples";

fn names_of(outputs: &[(&Tree, &[Unit])]) -> UpliftedNames {
    outputs.iter().flat_map(|(tree, units)| uplifted_names(tree, units)).collect()
}

/// The names that cargo gives to what the `units` of `target` made, where users look for it, and in `deps` where others
/// than rustc link it.
fn uplifted_names(target: &Tree, units: &[Unit]) -> UpliftedNames {
    let mut names = HashSet::new();
    let made = made_names(target, units);
    for &fingerprint in units.iter().flat_map(|unit| &unit.fingerprints) {
        let name = target.name(fingerprint);
        let Some(end) = name.iter().position(|&byte| byte == b'-') else { continue };
        let (kind, plain) = (&name[..end], &name[end + 1..]);
        let snake: Vec<u8> = plain.iter().map(|&byte| if byte == b'-' { b'_' } else { byte }).collect();
        let forms: &[(&[u8], &[u8])] = match kind {
            b"bin" | b"example" => &[
                (b"", b""),
                (b"", b".d"),
                (b"", b".wasm"),
                (b"", b".exe"),
                (b"", b".dwp"),
                (b"", b".js"),
                (b"", b".pdb"),
            ],
            b"lib" => &[
                (b"lib", b".rlib"),
                (b"lib", b".rmeta"),
                (b"lib", b".so"),
                (b"lib", b".a"),
                (b"lib", b".d"),
                (b"lib", b".dylib"),
                (b"", b".d"),
                (b"", b".wasm"),
                (b"", b".dll"),
                (b"", b".dwp"),
                (b"lib", b".so.dwp"),
            ],
            _ => continue,
        };
        for (prefix, suffix) in forms {
            let name = [prefix, &snake[..], suffix].concat();
            // What the compiler did not make somebody else did.
            if [&b""[..], b".d"].contains(suffix) || made.contains(&name) {
                let is_example = kind == b"example";
                names.insert((is_example, [prefix, plain, suffix].concat()));
                names.insert((is_example, name));
            }
        }
    }
    names
}

/// The names of what lies in the directories of units and in `deps`, without hashes.
fn made_names(target: &Tree, units: &[Unit]) -> HashSet<Vec<u8>> {
    let own = units.iter().flat_map(|unit| unit.files(target));
    let shared = profiles(target).into_iter().filter_map(|profile| target.child(profile, b"deps"));
    let all = own.chain(shared.flat_map(|deps| target.children(deps)));
    all.map(|id| without_hash(target.name(id))).collect()
}

/// `liba.so` for `liba-0123456789abcdef.so`.
fn without_hash(name: &[u8]) -> Vec<u8> {
    let Some(hash) = hash_of(name) else { return name.to_vec() };
    let end = name.iter().position(|&byte| byte == b'.').unwrap_or(name.len());
    [&name[..end - hash.len() - 1], &name[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::super::units::units;
    use super::*;
    use crate::sys::{Dir, Interrupt, file};
    use crate::tree::{Selection, walk};

    #[test]
    fn what_tests_left_is_no_scripts_whatever_its_time() {
        let place = tempfile::tempdir().unwrap();
        let hash = "a-0123456789abcdef";
        let run = format!("debug/.fingerprint/{hash}/run-build-script-build-script-build");
        let build = format!("debug/build/{hash}");
        let files = [
            run.clone(),
            format!("{run}.json"),
            format!("{build}/invoked.timestamp"),
            format!("{build}/output"),
            format!("{build}/root-output"),
            "debug/beside.txt".to_owned(),
            "tmp/once.txt".to_owned(),
        ];
        for path in &files {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_new(&path, b"x").unwrap();
        }
        let dir = Dir::open(place.path()).unwrap();
        for path in &files {
            // As on a file system that keeps whole seconds.
            let (directory, name) = path.rsplit_once('/').unwrap();
            let directory = dir.open_beneath(directory.as_bytes()).unwrap();
            directory.set_mtime(name.as_bytes(), Time { seconds: 1_000, nanoseconds: 0 }).unwrap();
        }
        let tree = walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
        let units = units(&tree);
        assert_eq!(units.len(), 1);
        let outputs = [(&tree, &*units)];
        let found = extras(&outputs, &|_, _| None);
        let paths: BTreeSet<_> =
            found.into_values().flatten().map(|(_, id)| tree.path_below(0, id)).collect();
        assert_eq!(paths, BTreeSet::from([b"debug/beside.txt".to_vec()]));
        // Nor is it where an entry of before took it for one.
        let known = BTreeSet::from([(0, tree.at(b"tmp/once.txt").unwrap())]);
        let left_out = strays(&outputs, None, &known, &|_, _| None);
        let paths: Vec<_> = left_out[0].iter().map(|(id, _)| tree.path_below(0, *id)).collect();
        assert_eq!(paths, [b"tmp/once.txt".to_vec()]);
    }
}
