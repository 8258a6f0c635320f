//! Which units of an entry are what a build in this checkout would make: a pure judgement of what they were made of.

use std::collections::{HashMap, HashSet};

use super::source_trees::nodes_of_package;
use crate::store::{Inputs, KnownInputs, Made, Provenance, SourceId};
use crate::tree::Tree;

/// What cargo makes where it is absent.
pub const LOCK: &str = "Cargo.lock";

/// Whether it makes no difference to who may read anything but the code of other packages that `name` came or went.
pub fn is_nothing_to_reader(name: &[u8]) -> bool {
    name == LOCK.as_bytes() || is_code(name)
}

/// Whether a file called `name` is code.
pub fn is_code(name: &[u8]) -> bool {
    name.ends_with(b".rs")
}

/// Why a unit is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// What it was made of is not known.
    Unknown,
    /// It leads to this place, which is another one now.
    Bound(usize),
    /// It tells the commit, and this is another one.
    Commit,
    /// This of the sources is not as it was, or gone.
    Source(SourceId),
    /// What lies outside of the sources and has this index is not as it was.
    Outside(usize),
    /// Its package has another version now.
    Version,
    /// The manifests set something else for its profile: cargo will not ask for it, others may find it.
    Profile,
    /// The lock files name another version of the download that it is of: cargo will not ask for it, others may find it.
    Superseded,
    /// It was made at a time that is yet to come: cargo would take later changes for earlier ones.
    Future,
    /// Sources are not to be compared.
    Unwanted,
    /// Sources that it watches would get an old time, by which cargo goes in another target directory, too.
    OtherOutputs,
    /// It was built with this unit, which is left out.
    Needs(usize),
}

/// What is known of the job's checkout.
pub struct Checkout<'a> {
    /// For each of the entry's sources what was in them.
    pub trees: Vec<&'a Tree>,
    /// Whether something of them is as it was; nothing is where sources are not to be compared.
    pub is_same: Option<&'a dyn Fn(SourceId) -> bool>,
    /// The same for who reads all of a package: a lock file that is absent is made again.
    pub is_same_to_package: &'a dyn Fn(SourceId) -> bool,
    /// The same for who may read anything but the code of other packages.
    pub is_same_to_reader: &'a dyn Fn(SourceId) -> bool,
    /// Whether a name has come to a directory.
    pub is_new: &'a dyn Fn(SourceId, &[u8]) -> bool,
    /// For each place whether it is the same.
    pub places: Vec<bool>,
    /// For each of the things outside whether it is as it was.
    pub outside: Vec<bool>,
    /// For each package whether its version is the same.
    pub versions: Vec<bool>,
    /// Whether the lock files name another version of a download, and not this one.
    pub is_superseded: &'a dyn Fn(&str) -> bool,
    /// Whether the commits are the same.
    pub is_same_commit: bool,
    /// Whether cargo takes all sources for changed, since all are newer than the entry.
    pub is_all_newer: bool,
}

/// For each unit of the entry's root number `root` why it is left out; `None` for one that serves. `known` tells why one is
/// for itself, whatever it was made of.
pub fn verdicts(
    provenance: &Provenance,
    root: usize,
    checkout: &Checkout<'_>,
    known: &[Option<Reason>],
) -> Vec<Option<Reason>> {
    let Some(units) = provenance.roots.get(root).filter(|units| units.len() == known.len()) else {
        return vec![Some(Reason::Unknown); known.len()];
    };
    let areas = Areas::of(provenance, checkout);
    let judge = Judge { checkout, areas };
    let own = units.iter().zip(known).map(|(made, known)| known.clone().or_else(|| judge.own(made)));
    let mut reasons: Vec<_> = own.collect();
    leave_out_dependents(units, &mut reasons);
    reasons
}

/// Leaves out what cannot be there without what is left out: what was built with it, and what may have written something that goes
/// with it, for whose that was is not known.
pub fn leave_out_dependents(units: &[Made], reasons: &mut [Option<Reason>]) {
    let mut users = vec![Vec::new(); units.len()];
    let mut writers: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, made) in units.iter().enumerate() {
        for &need in &made.needs {
            users[need as usize].push(index);
        }
        for &extra in &made.extras {
            writers.entry(extra).or_default().push(index);
        }
    }
    let mut pending: Vec<_> = (0..units.len()).filter(|&unit| reasons[unit].is_some()).collect();
    while let Some(unit) = pending.pop() {
        let others = units[unit].extras.iter().filter_map(|extra| writers.remove(extra)).flatten();
        for dependent in users[unit].iter().copied().chain(others) {
            if reasons[dependent].is_none() {
                reasons[dependent] = Some(Reason::Needs(unit));
                pending.push(dependent);
            }
        }
    }
}

/// What is not as it was: the first of it.
struct Areas {
    /// In each package, but for those within it.
    packages: Vec<Option<SourceId>>,
    /// Anywhere, to who may read anything.
    anywhere: Option<SourceId>,
}

impl Areas {
    fn of(provenance: &Provenance, checkout: &Checkout<'_>) -> Self {
        let mut areas = Self { packages: vec![None; provenance.packages.len()], anywhere: None };
        if checkout.is_same.is_none() {
            return areas;
        }
        for (sources, tree) in (0..).zip(&checkout.trees) {
            let mut own = vec![None; tree.len() as usize];
            for (package, own_directory) in provenance.packages.iter().enumerate() {
                if own_directory.directory.sources == sources {
                    own[own_directory.directory.node as usize] = Some(package);
                }
            }
            for (node, of) in tree.iter() {
                own[node as usize] = own[node as usize].or(own[of.parent as usize]);
                let id = SourceId { sources, node };
                if let Some(package) = own[node as usize]
                    && !(checkout.is_same_to_package)(id)
                {
                    areas.packages[package].get_or_insert(id);
                }
                if !(checkout.is_same_to_reader)(id) {
                    areas.anywhere.get_or_insert(id);
                }
            }
        }
        areas
    }
}

struct Judge<'a> {
    checkout: &'a Checkout<'a>,
    areas: Areas,
}

impl Judge<'_> {
    fn own(&self, made: &Made) -> Option<Reason> {
        let other_place =
            made.bound.iter().map(|&place| place as usize).find(|&place| !self.checkout.places[place]);
        if let Some(place) = other_place {
            return Some(Reason::Bound(place));
        }
        if made.download.as_deref().is_some_and(|package| (self.checkout.is_superseded)(package)) {
            return Some(Reason::Superseded);
        }
        if made.is_of_commit && !self.checkout.is_same_commit {
            return Some(Reason::Commit);
        }
        match &made.inputs {
            Inputs::Unknown => Some(Reason::Unknown),
            Inputs::Foreign => {
                let is_for_cargo =
                    self.checkout.is_all_newer && self.checkout.places.iter().all(|is_same| *is_same);
                (!is_for_cargo).then_some(Reason::Unknown)
            }
            Inputs::Known(known) => self.of_inputs(known),
        }
    }

    fn of_inputs(&self, known: &KnownInputs) -> Option<Reason> {
        let outside = known.outside.iter().map(|&index| index as usize);
        if let Some(index) = outside.into_iter().find(|&index| !self.checkout.outside[index]) {
            return Some(Reason::Outside(index));
        }
        let Some(is_same) = self.checkout.is_same else {
            return known.has_sources().then_some(Reason::Unwanted);
        };
        let packages = known.packages.iter().map(|&package| package as usize);
        let mut packages = packages.chain(known.own.iter().map(|&package| package as usize));
        if packages.any(|package| !self.checkout.versions[package]) {
            return Some(Reason::Version);
        }
        let files = known.listed.iter().chain(&known.read).copied();
        let directories = known.watched.iter().chain(&known.beside).flat_map(|&id| self.below(id));
        if let Some(other) = files.chain(directories).find(|&id| !is_same(id)) {
            return Some(Reason::Source(other));
        }
        let absent = known.absent.iter().map(|(directory, name)| (*directory, name.as_bytes().to_vec()));
        let modules = known.listed.iter().filter_map(|&id| self.other_module(id));
        if let Some((directory, _)) =
            absent.chain(modules).find(|(directory, name)| (self.checkout.is_new)(*directory, name))
        {
            return Some(Reason::Source(directory));
        }
        let mut areas = known.packages.iter().map(|&package| self.areas.packages[package as usize]);
        let anywhere = if known.is_open { self.areas.anywhere } else { None };
        areas.find_map(|other| other).or(anywhere).map(Reason::Source)
    }

    /// Where else the module in the source file `id` could be: rustc takes neither where both are there (`E0761`).
    fn other_module(&self, id: SourceId) -> Option<(SourceId, Vec<u8>)> {
        let tree = self.checkout.trees[id.sources as usize];
        let (directory, name) = (tree.node(id.node).parent, tree.name(id.node));
        let module = name.strip_suffix(b".rs")?;
        let (node, other) = match (module, tree.child(directory, module)) {
            (b"mod", _) => (tree.node(directory).parent, [tree.name(directory), b".rs"].concat()),
            (_, Some(inner)) => (inner, b"mod.rs".to_vec()),
            (_, None) => (directory, module.to_vec()),
        };
        Some((SourceId { node, ..id }, other))
    }

    fn below(&self, id: SourceId) -> Vec<SourceId> {
        let tree = self.checkout.trees[id.sources as usize];
        tree.below(id.node).into_iter().map(|node| SourceId { node, ..id }).collect()
    }
}

/// The sources whose own times cargo will compare with those that it noted, for the units of which `serves` holds.
pub fn watched_sources(
    provenance: &Provenance,
    trees: &[&Tree],
    serves: impl Fn(usize, usize) -> bool,
) -> Vec<SourceId> {
    let directories: HashSet<_> = provenance.packages.iter().map(|package| package.directory).collect();
    let mut found = HashSet::new();
    for (root, units) in provenance.roots.iter().enumerate() {
        for (_, made) in units.iter().enumerate().filter(|(unit, _)| serves(root, *unit)) {
            let Inputs::Known(known) = &made.inputs else { continue };
            for id in &known.watched {
                let all = trees[id.sources as usize].below(id.node);
                found.extend(all.into_iter().map(|node| SourceId { node, ..*id }));
            }
            for &package in &known.watched_packages {
                let directory = provenance.packages[package as usize].directory;
                let is_other = |node| directories.contains(&SourceId { node, ..directory });
                let nodes = nodes_of_package(trees[directory.sources as usize], directory.node, is_other);
                found.extend(nodes.into_iter().map(|node| SourceId { node, ..directory }));
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Ability, Package};
    use crate::sys::{Dir, Interrupt, file};
    use crate::tree::{Selection, walk};

    fn made(needs: &[u32], inputs: Inputs) -> Made {
        Made {
            directory: 0,
            needs: needs.to_vec(),
            bound: vec![],
            is_of_commit: false,
            ability: Ability::default(),
            download: None,
            extras: vec![],
            inputs,
        }
    }

    fn known(listed: &[SourceId]) -> Inputs {
        Inputs::Known(KnownInputs { listed: listed.to_vec(), ..KnownInputs::default() }.into())
    }

    /// `a/x`, `a/b/y`, `c/z`, where `a` and `a/b` are packages.
    struct World {
        tree: Tree,
        provenance: Provenance,
    }

    impl World {
        fn new(units: Vec<Made>) -> Self {
            let place = tempfile::tempdir().unwrap();
            for path in ["a/x", "a/b/y", "c/z", "Cargo.lock"] {
                let path = place.path().join(path);
                file::make_dirs(path.parent().unwrap()).unwrap();
                file::write_atomic(&path, b"").unwrap();
            }
            let tree = walk(&Dir::open(place.path()).unwrap(), &Selection::all(), &Interrupt::default())
                .unwrap()
                .tree;
            let id = |path: &str| SourceId { sources: 0, node: tree.at(path.as_bytes()).unwrap() };
            let packages = ["a", "a/b"].map(|path| Package { directory: id(path), version: None }).to_vec();
            let provenance = Provenance { packages, roots: vec![units], ..Provenance::default() };
            Self { tree, provenance }
        }

        fn id(&self, path: &str) -> SourceId {
            SourceId { sources: 0, node: self.tree.at(path.as_bytes()).unwrap() }
        }

        fn judge(&self, other: &[&str], change: impl Fn(&mut Checkout<'_>)) -> Vec<Option<Reason>> {
            let others: Vec<_> = other.iter().map(|path| self.id(path)).collect();
            let is_same = |id: SourceId| !others.contains(&id);
            let mut checkout = Checkout {
                trees: vec![&self.tree],
                is_same: Some(&is_same),
                is_same_to_package: &is_same,
                is_same_to_reader: &is_same,
                is_new: &|_, _| false,
                is_superseded: &|_| false,
                places: vec![true; self.provenance.places.len()],
                outside: vec![true; self.provenance.outside.len()],
                versions: vec![true; self.provenance.packages.len()],
                is_same_commit: true,
                is_all_newer: false,
            };
            change(&mut checkout);
            verdicts(&self.provenance, 0, &checkout, &vec![None; self.provenance.roots[0].len()])
        }
    }

    #[test]
    fn a_unit_goes_with_what_it_was_built_with() {
        let mut world = World::new(vec![]);
        let x = world.id("a/x");
        world.provenance.roots = vec![vec![
            made(&[1], known(&[])),
            made(&[2], known(&[])),
            made(&[], known(&[x])),
            made(&[], known(&[])),
        ]];
        assert_eq!(world.judge(&["c/z"], |_| {}), [None, None, None, None]);
        assert_eq!(
            world.judge(&["a/x"], |_| {}),
            [Some(Reason::Needs(1)), Some(Reason::Needs(2)), Some(Reason::Source(x)), None]
        );
    }

    #[test]
    fn a_unit_goes_with_who_may_have_written_the_same() {
        let mut world = World::new(vec![]);
        let x = world.id("a/x");
        let wrote = |needs: &[u32], extras: &[(u32, u32)], inputs| Made {
            extras: extras.to_vec(),
            ..made(needs, inputs)
        };
        world.provenance.roots = vec![vec![
            wrote(&[], &[(0, 7)], known(&[x])),
            wrote(&[], &[(0, 7), (0, 8)], known(&[])),
            wrote(&[1], &[], known(&[])),
            wrote(&[], &[(0, 8)], known(&[])),
            wrote(&[], &[(1, 7)], known(&[])),
        ]];
        assert_eq!(world.judge(&[], |_| {}), [const { None }; 5]);
        let needs = |unit| Some(Reason::Needs(unit));
        assert_eq!(
            world.judge(&["a/x"], |_| {}),
            [Some(Reason::Source(x)), needs(0), needs(1), needs(1), None]
        );
    }

    #[test]
    fn a_package_is_without_those_within_and_all_counts_for_open_units() {
        let whole = |packages: &[u32], is_open: bool| {
            made(
                &[],
                Inputs::Known(
                    KnownInputs { packages: packages.to_vec(), is_open, ..KnownInputs::default() }.into(),
                ),
            )
        };
        let world = World::new(vec![whole(&[0], false), whole(&[1], false), whole(&[1], true)]);
        let left_out =
            |other: &str| world.judge(&[other], |_| {}).iter().map(Option::is_some).collect::<Vec<_>>();
        assert_eq!(left_out("a/x"), [true, false, true]);
        assert_eq!(left_out("a/b/y"), [false, true, true]);
        assert_eq!(left_out("c/z"), [false, false, true]);
        assert_eq!(left_out("Cargo.lock"), [false, false, true]);
        assert_eq!(left_out("a/b"), [false, true, true], "there are other names in it");
    }

    #[test]
    fn what_is_not_known_or_leads_elsewhere_does_not_serve() {
        let mut world = World::new(vec![]);
        world.provenance.places = vec![b"/w".to_vec(), b"/t".to_vec()];
        let bound = |places: &[u32]| Made { bound: places.to_vec(), ..made(&[], known(&[])) };
        let x = world.id("a/x");
        world.provenance.roots = vec![vec![
            made(&[], Inputs::Unknown),
            bound(&[0]),
            bound(&[1]),
            Made { is_of_commit: true, ..made(&[], known(&[])) },
            made(&[], known(&[x])),
            made(&[], Inputs::Foreign),
        ]];
        let unknown = Some(Reason::Unknown);
        assert_eq!(world.judge(&[], |_| {}), [unknown.clone(), None, None, None, None, unknown.clone()]);
        let newer = |checkout: &mut Checkout<'_>| checkout.is_all_newer = true;
        assert_eq!(world.judge(&[], newer)[5], None);
        let moved = world.judge(&[], |checkout| {
            checkout.places = vec![false, true];
            checkout.is_all_newer = true;
        });
        assert_eq!(moved[1..], [Some(Reason::Bound(0)), None, None, None, unknown.clone()]);
        let committed = world.judge(&[], |checkout| checkout.is_same_commit = false);
        assert_eq!(committed[1..5], [None, None, Some(Reason::Commit), None]);
        let uncompared = world.judge(&[], |checkout| checkout.is_same = None);
        assert_eq!(uncompared[1..5], [None, None, None, Some(Reason::Unwanted)]);
    }

    #[test]
    fn what_is_watched_is_found_in_directories_and_packages() {
        let mut world = World::new(vec![]);
        let (a, b, c) = (world.id("a"), world.id("a/b"), world.id("c"));
        let watched = KnownInputs { watched: vec![c], watched_packages: vec![0], ..KnownInputs::default() };
        world.provenance.roots = vec![vec![made(&[], Inputs::Known(watched.into()))]];
        let found = watched_sources(&world.provenance, &[&world.tree], |_, _| true);
        let mut expected = vec![a, world.id("a/x"), c, world.id("c/z")];
        expected.sort();
        assert_eq!(found, expected);
        assert!(!found.contains(&b));
        assert!(watched_sources(&world.provenance, &[&world.tree], |_, _| false).is_empty());
    }
}
