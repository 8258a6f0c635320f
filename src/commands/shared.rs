//! What a new entry shares: files that the entry has from which the job started, or the unit pool. They are not copied. They
//! get further names, or stay where they are.

use super::job::Job;
use super::live::Live;
use super::pool::{Known, PoolUnit};
use super::trouble::Trouble;
use crate::cargo::SOURCES;
use crate::store::{Elsewhere, Lease, Part, Root};
use crate::sys::{Dir, ManyOpenFiles};
use crate::tree::{self, Bases, Folders, NodeId, Tree};

/// Fewer files get their further names in no time, and each part is one folder more that a restore looks into.
const FEWEST_OF_PART: u64 = 100;

/// Parts of one root, at most.
const MOST_PARTS: usize = 8;

/// How much of a part has to be of use, in tenths: the rest cannot be deleted as long as an entry needs the part.
const USED_TENTHS: u64 = 9;

/// A root of the entry from which the job started, and the live root of that name.
pub(super) struct Alike {
    /// The number of the entry's root.
    pub(super) number: usize,
    /// For each live node whether the entry has the same.
    pub(super) same: Vec<bool>,
    /// Where that lies, by live node.
    places: Vec<u8>,
}

impl Alike {
    /// `None` where the entry has no such root.
    pub(super) fn find(job: &Job, base: Option<&Lease>, live: &Live) -> Result<Option<Self>, Trouble> {
        let Some(base) = base else { return Ok(None) };
        let (root, roots) = (&live.root, &base.manifest().roots);
        let is_it = |other: &Root| other.name == root.name && other.is_partial == root.is_partial;
        let Some(number) = roots.iter().position(is_it) else { return Ok(None) };
        let mut same = root.tree.same_as(&roots[number].tree);
        let places = roots[number].places_of(&root.tree);
        // A crate of one version holds the same always, and only whole ones that nobody patched are here.
        if root.name != SOURCES {
            let dirs = base.open_root(number)?;
            let folders = Folders::new(&dirs, &places);
            tree::only_truly_same(&root.tree, &mut same, &live.dir, folders, &job.interrupt)?;
        }
        Ok(Some(Self { number, same, places }))
    }

    /// Leaves of what is the same only what is really there, as far as names, sizes and times tell.
    fn look_after(&mut self, job: &Job, tree: &Tree, dirs: &[Dir]) -> Result<(), Trouble> {
        let folders = Folders::new(dirs, &self.places);
        let mut is_lacking = vec![false; tree.len() as usize];
        for damage in tree::verify(tree, folders, false, &job.interrupt)?.damages {
            is_lacking[damage.id as usize] = true;
        }
        // What is in a folder comes behind it.
        for (id, node) in tree.iter() {
            let is_here = !is_lacking[id as usize] && !is_lacking[node.parent as usize];
            is_lacking[id as usize] = !is_here;
            self.same[id as usize] &= is_here;
        }
        Ok(())
    }

    /// Which of the base's folders has the same as the live node `id`.
    fn place(&self, id: NodeId) -> Option<u8> {
        self.same[id as usize].then(|| self.places.get(id as usize).copied().unwrap_or(0))
    }
}

/// For one root, where each of its files is already.
pub(super) struct Shared {
    /// What stays with other entries.
    elsewhere: Elsewhere,
    /// What does not, where something stays.
    rest: Option<Rest>,
    bases: Vec<Dir>,
    /// The number of the base that has the node, for what does not stay.
    of: Vec<Option<u32>>,
}

/// A part of a live tree.
struct Rest {
    tree: Tree,
    /// For each of its nodes that of the live tree.
    ids: Vec<NodeId>,
}

impl Shared {
    /// With nobody: all is new.
    pub(super) fn with_none(live: &Live) -> Self {
        let of = vec![None; live.root.tree.len() as usize];
        Self { elsewhere: Elsewhere::default(), rest: None, bases: Vec::new(), of }
    }

    /// With the entry from which the job started. Where `may_stay`, what is the same stays where it lies, if that is worth it.
    pub(super) fn with_base(
        job: &Job,
        live: &Live,
        base: &Lease,
        alike: &mut Alike,
        may_stay: bool,
    ) -> Result<Self, Trouble> {
        let tree = &live.root.tree;
        let mut parts = vec![base.part(alike.number)];
        parts.extend(base.manifest().roots[alike.number].elsewhere.parts.iter().cloned());
        let bases = base.open_root(alike.number)?;
        let mut staying = if may_stay { staying(tree, alike, &parts) } else { Vec::new() };
        if !staying.is_empty() {
            // A file that is to be linked must be there. What stays is not touched, and would be missed by the next job.
            alike.look_after(job, tree, &bases)?;
            staying = self::staying(tree, alike, &parts);
        }
        if staying.is_empty() {
            let of = tree.iter().map(|(id, _)| alike.place(id).map(u32::from)).collect();
            return Ok(Self { elsewhere: Elsewhere::default(), rest: None, bases, of });
        }
        let of = places(tree, alike, &staying);
        let rest = tree.without(|id| of[id as usize] > 0);
        let mut ids = vec![0; rest.len() as usize];
        rest.for_each_pair(tree, |id, lives| ids[id as usize] = lives);
        Ok(Self {
            of: ids.iter().map(|&id| alike.place(id).map(u32::from)).collect(),
            rest: Some(Rest { tree: rest, ids }),
            bases,
            elsewhere: Elsewhere {
                parts: staying.into_iter().map(|place| parts[usize::from(place)].clone()).collect(),
                of,
            },
        })
    }

    /// Adds what the unit pool has, where nothing stays with other entries.
    pub(super) fn add_units(&mut self, job: &Job, live: &Live, known: &Known, files: &ManyOpenFiles) {
        let room = files.take(known.iter().count());
        for unit in known.iter().take(room) {
            self.add_unit(job, live, unit);
        }
    }

    /// Where something stays.
    pub(super) fn parts(&self) -> &[Part] {
        &self.elsewhere.parts
    }

    /// What is to be placed of `live`.
    pub(super) fn tree<'t>(&'t self, live: &'t Live) -> &'t Tree {
        self.rest.as_ref().map_or(&live.root.tree, |rest| &rest.tree)
    }

    /// What is said of live nodes, of those that are to be placed.
    pub(super) fn of_placed(&self, said: Vec<bool>) -> Vec<bool> {
        match &self.rest {
            Some(rest) => rest.ids.iter().map(|&id| said[id as usize]).collect(),
            None => said,
        }
    }

    /// For the tree engine.
    pub(super) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.bases, of: &self.of }
    }

    /// For the manifest.
    pub(super) fn into_elsewhere(self) -> Elsewhere {
        self.elsewhere
    }

    /// Adds a unit that is there, if the entry does not have it. One that cannot be read is copied.
    fn add_unit(&mut self, job: &Job, live: &Live, unit: &PoolUnit) {
        let (tree, own) = (&live.root.tree, unit.tree());
        let folder = tree.at(unit.unit.slot.as_bytes());
        if folder.is_none_or(|folder| self.of[folder as usize].is_some()) || !unit.is_in(tree) {
            return;
        }
        let Ok(root) = unit.lease.open_whole_root(0) else { return };
        let mut same = own.same_as(tree);
        if tree::only_truly_same(own, &mut same, &live.dir, (&root).into(), &job.interrupt).is_ok() {
            let mut ids = Vec::new();
            own.for_each_pair(tree, |id, lives| ids.extend(same[id as usize].then_some(lives)));
            self.add(root, ids);
        }
    }

    fn add(&mut self, base: Dir, ids: impl IntoIterator<Item = NodeId>) {
        let number = u32::try_from(self.bases.len()).ok();
        self.bases.push(base);
        for id in ids {
            let of = &mut self.of[id as usize];
            *of = of.or(number);
        }
    }
}

/// Of the places where the base has its files those where they stay: nearly all that is there is of use, and there is much.
fn staying(tree: &Tree, alike: &Alike, parts: &[Part]) -> Vec<u8> {
    let is_used = |files: u64, bytes: u64, part: &Part| {
        files >= FEWEST_OF_PART
            && files * 10 >= part.files * USED_TENTHS
            && bytes * 10 >= part.bytes * USED_TENTHS
    };
    let used = (0..).zip(parts).filter_map(|(place, part)| {
        let (files, bytes) = tree.count(|id| alike.place(id) == Some(place));
        is_used(files, bytes, part).then_some((files, place))
    });
    let mut used: Vec<(u64, u8)> = used.collect();
    used.sort_unstable_by(|a, b| b.cmp(a));
    used.into_iter().take(MOST_PARTS).map(|(_, place)| place).collect()
}

/// For each node its number in `staying`, from 1 on, and 0 for what does not stay. A folder that is made anyway, for what is
/// in it, does not stay.
fn places(tree: &Tree, alike: &Alike, staying: &[u8]) -> Vec<u8> {
    let number = |id: NodeId| staying.iter().position(|&place| alike.place(id) == Some(place));
    let numbers = tree.iter().map(|(id, _)| number(id).map_or(0, |at| u8::try_from(at + 1).unwrap_or(0)));
    let mut numbers: Vec<u8> = numbers.collect();
    // What is in a folder comes behind it.
    for id in (0..tree.len()).rev() {
        if numbers[id as usize] == 0 {
            numbers[tree.node(id).parent as usize] = 0;
        }
    }
    numbers[0] = 0;
    numbers
}
