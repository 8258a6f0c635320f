//! What is known of units since the entry that a job started from: of those that were not made again nothing is read.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::outside::OutsideList;
use super::super::package::Package;
use super::super::source_trees::{SourceTrees, nodes_of_package};
use super::super::units::Unit;
use super::super::verdict::{is_code, is_nothing_to_reader};
use super::OutputDirectory;
use crate::store::{self, Ability, Inputs, KnownInputs, Made, Outside, Provenance, SourceId};
use crate::tree::{NodeId, Tree};

/// What has become of sources of an earlier entry.
#[derive(Debug)]
pub struct SourcesSince {
    /// The index of those of now.
    pub now: u32,
    /// For each node what is in its place, and whether that is as it was.
    pub nodes: Vec<Option<(NodeId, bool)>>,
}

/// The entry that a job started from, beside what there is now.
#[derive(Debug)]
pub struct Earlier<'a> {
    /// What its units were made of.
    pub provenance: &'a Provenance,
    /// For each output directory the number of the root, and what was in it.
    pub roots: Vec<Option<(usize, &'a Tree)>>,
    /// For each of its sources what has become of them; nothing where they are not among those of now.
    pub sources: Vec<Option<SourcesSince>>,
    /// The trees of its sources.
    pub trees: Vec<&'a Tree>,
}

/// What is known of a unit since an earlier job.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) bound: Vec<u32>,
    pub(super) is_of_commit: bool,
    pub(super) ability: Ability,
    pub(super) inputs: Inputs,
    /// What it wrote beside its own output directory, as far as it is there.
    pub(super) extras: Vec<(u32, NodeId)>,
}

/// Takes what is known of units over that have not been made again.
pub(super) struct Carrying<'a> {
    earlier: &'a Earlier<'a>,
    /// The trees of the sources of now.
    trees: Vec<&'a Tree>,
    /// For each earlier place its index now.
    places: Vec<u32>,
    /// For each earlier package its index now.
    packages: Vec<Option<u32>>,
    /// Where the earlier packages were.
    package_directories: HashSet<SourceId>,
    /// See [`Carrying::is_all_same_to_reader`], once that is asked for.
    is_all_same_to_reader: OnceLock<bool>,
}

impl<'a> Carrying<'a> {
    pub(super) fn new(
        earlier: &'a Earlier<'a>,
        sources: &SourceTrees<'a>,
        packages: &[Package],
        places: &mut Vec<PathBuf>,
    ) -> Self {
        let numbers = earlier.provenance.places.iter().map(|place| {
            let place = Path::new(OsStr::from_bytes(place));
            let known = places.iter().position(|other| other == place);
            let index = known.unwrap_or_else(|| {
                places.push(place.to_path_buf());
                places.len() - 1
            });
            u32::try_from(index).expect("there are few")
        });
        let numbers = numbers.collect();
        let place_of = |package: &store::Package| {
            let since = earlier.sources[package.directory.sources as usize].as_ref()?;
            let (node, _) = since.nodes[package.directory.node as usize]?;
            let directory = SourceId { sources: since.now, node };
            let is_it = |other: &Package| {
                sources.path(other.directory) == sources.path(directory) && other.version == package.version
            };
            u32::try_from(packages.iter().position(is_it)?).ok()
        };
        let packages = earlier.provenance.packages.iter().map(place_of).collect();
        let directories = earlier.provenance.packages.iter().map(|package| package.directory);
        Self {
            earlier,
            trees: sources.iter().map(|(_, _, tree)| tree).collect(),
            places: numbers,
            packages,
            package_directories: directories.collect(),
            is_all_same_to_reader: OnceLock::new(),
        }
    }

    /// For each of the `units` of the output directory number `number` what is known of it; `None` of one that is new.
    pub(super) fn root(
        &self,
        number: usize,
        outputs: &[OutputDirectory<'_>],
        units: &[Unit],
        outside: &mut OutsideList<'_>,
    ) -> Vec<Option<Carried>> {
        let output = &outputs[number];
        let Some((root, tree)) = self.earlier.roots[number] else { return Vec::new() };
        let Some(then) = self.earlier.provenance.roots.get(root) else { return Vec::new() };
        let by_path: HashMap<_, _> =
            then.iter().map(|made| (tree.path_below(0, made.directory), made)).collect();
        let of_unit = |unit: &Unit| {
            let made = by_path.get(&output.tree.path_below(0, unit.directory()))?;
            is_same_unit(output.tree, unit, tree).then(|| self.carry(made, outputs, outside))
        };
        units.iter().map(of_unit).collect()
    }

    /// What the script of a unit wrote into the sources before, as far as it is there: one that writes only what differs
    /// leaves it.
    pub(super) fn written_before(
        &self,
        number: usize,
        output: &OutputDirectory<'_>,
        unit: &Unit,
    ) -> Vec<SourceId> {
        let Some((root, tree)) = self.earlier.roots[number] else { return Vec::new() };
        let path = output.tree.path_below(0, unit.directory());
        let mut units = self.earlier.provenance.roots.get(root).into_iter().flatten();
        let made = units.find(|made| tree.path_below(0, made.directory) == path);
        let Some(Inputs::Known(known)) = made.map(|made| &made.inputs) else { return Vec::new() };
        let now = |id: &SourceId| {
            let since = self.earlier.sources[id.sources as usize].as_ref()?;
            let (node, _) = since.nodes[id.node as usize]?;
            Some(SourceId { sources: since.now, node })
        };
        known.read.iter().filter_map(now).collect()
    }

    /// What was at a node of a root then, in the root of now.
    fn extra(&self, (root, id): (u32, NodeId), outputs: &[OutputDirectory<'_>]) -> Option<(u32, NodeId)> {
        let is_it = |of: &Option<(usize, &Tree)>| of.is_some_and(|(number, _)| number == root as usize);
        let number = self.earlier.roots.iter().position(is_it)?;
        let (_, then) = self.earlier.roots[number]?;
        let id = outputs[number].tree.at(&then.path_below(0, id))?;
        Some((u32::try_from(number).ok()?, id))
    }

    fn carry(&self, made: &Made, outputs: &[OutputDirectory<'_>], outside: &mut OutsideList<'_>) -> Carried {
        let inputs = match &made.inputs {
            Inputs::Known(known) => {
                self.known(known, outside).map_or(Inputs::Unknown, |known| Inputs::Known(known.into()))
            }
            unknown => unknown.clone(),
        };
        Carried {
            extras: made.extras.iter().filter_map(|extra| self.extra(*extra, outputs)).collect(),
            bound: made.bound.iter().map(|&place| self.places[place as usize]).collect(),
            is_of_commit: made.is_of_commit,
            ability: made.ability,
            inputs,
        }
    }

    /// A directory in which there is no `name`, if there is none now.
    fn still_absent(&self, directory: SourceId, name: &str) -> Option<(SourceId, String)> {
        let since = self.earlier.sources[directory.sources as usize].as_ref()?;
        let (node, _) = since.nodes[directory.node as usize]?;
        let is_there = self.trees[since.now as usize].child(node, name.as_bytes()).is_some();
        (!is_there).then(|| (SourceId { sources: since.now, node }, name.to_owned()))
    }

    /// Whether all that was in the sources is as it was to who may read anything but the code of other packages: as
    /// [`super::super::verdict::Checkout::is_same_to_reader`] tells it.
    fn is_all_same_to_reader(&self) -> bool {
        *self.is_all_same_to_reader.get_or_init(|| {
            let sources = self.earlier.sources.iter().zip(&self.earlier.trees);
            sources.filter_map(|(since, then)| Some((since.as_ref()?, then))).all(|(since, then)| {
                let now = self.trees[since.now as usize];
                since.nodes.iter().zip(0..).all(|(found, id)| match found {
                    _ if is_code(then.name(id)) => true,
                    Some((_, true)) => true,
                    Some((node, false)) => has_same_names_to_reader((now, *node), (then, id)),
                    None => is_nothing_to_reader(then.name(id)),
                })
            })
        })
    }

    /// The same as it is now; `None` where something has changed since: then the unit is of what was.
    fn known(&self, known: &KnownInputs, outside: &mut OutsideList<'_>) -> Option<KnownInputs> {
        let one = |id: &SourceId| {
            let since = self.earlier.sources[id.sources as usize].as_ref()?;
            let (node, is_same) = since.nodes[id.node as usize]?;
            is_same.then_some(SourceId { sources: since.now, node })
        };
        let all = |ids: &[SourceId]| ids.iter().map(one).collect::<Option<Vec<_>>>();
        let packages = |packages: &[u32]| {
            packages.iter().map(|&package| self.packages[package as usize]).collect::<Option<Vec<_>>>()
        };
        let tree = |id: SourceId| self.earlier.trees[id.sources as usize];
        let watched =
            known.watched.iter().chain(&known.beside).map(|&id| (id, tree(id).leaves_below(id.node)));
        let whole = known.packages.iter().map(|&package| {
            let directory = self.earlier.provenance.packages[package as usize].directory;
            let is_other = |node| self.package_directories.contains(&SourceId { node, ..directory });
            (directory, nodes_of_package(tree(directory), directory.node, is_other))
        });
        let mut below = watched
            .chain(whole)
            .flat_map(|(id, nodes)| nodes.into_iter().map(move |node| SourceId { node, ..id }));
        if !below.all(|id| one(&id).is_some()) || known.is_open && !self.is_all_same_to_reader() {
            return None;
        }
        let outside = known.outside.iter().map(|&index| {
            let Outside { input, state } = &self.earlier.provenance.outside[index as usize];
            let number = outside.number(input.clone());
            (outside.list[number as usize].state == *state).then_some(number)
        });
        Some(KnownInputs {
            own: packages(&known.own)?,
            listed: all(&known.listed)?,
            watched: all(&known.watched)?,
            watched_packages: packages(&known.watched_packages)?,
            read: all(&known.read)?,
            packages: packages(&known.packages)?,
            beside: all(&known.beside)?,
            absent: {
                let absent = known.absent.iter().map(|(directory, name)| self.still_absent(*directory, name));
                absent.collect::<Option<_>>()?
            },
            outside: outside.collect::<Option<_>>()?,
            is_open: known.is_open,
        })
    }
}

/// Whether only such names came to or went from a directory that are nothing to who reads no code of other packages.
fn has_same_names_to_reader((now, here): (&Tree, NodeId), (then, there): (&Tree, NodeId)) -> bool {
    let is_directory = |tree: &Tree, id| tree.node(id).kind.is_directory();
    let names = |tree: &Tree, id| -> HashSet<(Vec<u8>, bool)> {
        let children = tree.children(id).filter(|&id| !is_nothing_to_reader(tree.name(id)));
        children.map(|id| (tree.name(id).to_vec(), is_directory(tree, id))).collect()
    };
    is_directory(now, here) && is_directory(then, there) && names(now, here) == names(then, there)
}

/// Whether cargo has not made `unit` of `target` again since it was in `then`.
fn is_same_unit(target: &Tree, unit: &Unit, then: &Tree) -> bool {
    let is_same = |&id: &NodeId| {
        let was = then.at(&target.path_below(0, id));
        was.is_some_and(|was| then.node(was).mtime == target.node(id).mtime)
    };
    !unit.fingerprints.is_empty() && unit.fingerprints.iter().all(is_same)
}
