//! What a new entry shares: files that the entry has from which the job started, or the unit pool. They are not copied. They
//! get further names, or stay where they are.

use std::collections::HashSet;

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::base_diff::Alike;
use crate::layers::units::pool::{Known, PoolUnit};
use crate::layers::working_tree::Live;
use crate::pipeline::references::Staying;
use crate::store::{Borrowed, Elsewhere, Lease, Part, Scope};
use crate::sys::{Dir, ManyOpenFiles};
use crate::tree::{self, Bases, Engine, Kind, NewPack, NodeId, Packed, Source, Subtree, Tally, Tree};

/// For one root, where each of its files is already.
pub(crate) struct Shared {
    /// What stays with other entries.
    elsewhere: Elsewhere,
    /// What is to be placed, where that is not all.
    placed: Option<Subtree>,
    bases: Vec<Dir>,
    /// For each node that is to be placed the number of the base that has it.
    of: Vec<Option<u32>>,
    /// For each live node whether the entry from which the job started has it, in whatever way.
    is_known: Vec<bool>,
    /// For each live node whether a base has it.
    is_based: Vec<bool>,
    /// For each live node whether what has it is of a scope that the job does not write to.
    borrowed: Vec<bool>,
}

impl Shared {
    /// With nobody: all is new.
    pub(crate) fn with_none(live: &Live) -> Self {
        let count = live.root.tree.len() as usize;
        let (of, is_known) = (vec![None; count], vec![false; count]);
        let (is_based, borrowed) = (is_known.clone(), is_known.clone());
        let elsewhere = Elsewhere::default();
        Self { elsewhere, placed: None, bases: Vec::new(), of, is_known, is_based, borrowed }
    }

    /// With the entry from which the job started, which writes to `own`.
    pub(crate) fn with_base(
        live: &Live,
        base: &Lease,
        alike: &Alike,
        staying: &Staying,
        own: &Scope,
    ) -> Result<Self, Trouble> {
        let tree = &live.root.tree;
        let bases = base.open_folders(alike.number)?;
        let of: Vec<_> = tree.iter().map(|(id, _)| alike.place(id).map(u32::from)).collect();
        let (elsewhere, placed) = what_stays(tree, alike, base, staying);
        let of = match &placed {
            Some(placed) => placed.of_these(&of),
            None => of,
        };
        let mut borrowed = tree.of_same_paths(
            &base.manifest().roots[alike.number].tree,
            &base.borrowed(alike.number, Some(own)),
        );
        let is_based: Vec<_> = tree.iter().map(|(id, _)| alike.place(id).is_some()).collect();
        for (borrowed, is_based) in borrowed.iter_mut().zip(&is_based) {
            *borrowed &= is_based;
        }
        Ok(Self { elsewhere, placed, bases, of, is_known: alike.same.clone(), is_based, borrowed })
    }

    /// Adds what the unit pool has, in a layer whose entries are whole and in a job that writes to `own`.
    pub(crate) fn add_units(
        &mut self,
        job: &Job,
        live: &Live,
        known: &Known,
        files: &ManyOpenFiles,
        own: &Scope,
    ) {
        let room = files.take(known.iter().count());
        for unit in known.iter().take(room) {
            self.add_unit(job, live, unit, own);
        }
    }

    /// Packs what is small of `live`, in a layer whose entries are whole, and tells what that is.
    pub(crate) fn pack(
        &mut self,
        source: Source<'_>,
        new: &NewPack<'_>,
        engine: Engine<'_>,
    ) -> Result<Tally, Trouble> {
        debug_assert!(self.placed.is_none(), "only whole entries have packs");
        let Some(Packed { of, rest, tally }) = tree::pack(source, new, engine)? else {
            return Ok(Tally::default());
        };
        self.of = rest.of_these(&self.of);
        self.elsewhere.of = of;
        self.placed = Some(rest);
        Ok(tally)
    }

    /// Whether a base has the live node `id`.
    pub(crate) fn is_based(&self, id: NodeId) -> bool {
        self.is_based[id as usize]
    }

    /// Where something stays.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.elsewhere.parts
    }

    /// What is to be placed of `live`.
    pub(crate) fn tree<'t>(&'t self, live: &'t Live) -> &'t Tree {
        self.placed.as_ref().map_or(&live.root.tree, |placed| &placed.tree)
    }

    /// What is said of live nodes, of those that are to be placed.
    pub(crate) fn of_placed(&self, said: Vec<bool>) -> Vec<bool> {
        match &self.placed {
            Some(placed) => placed.of_these(&said),
            None => said,
        }
    }

    /// For the tree engine.
    pub(crate) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.bases, of: &self.of }
    }

    /// For the manifest.
    pub(crate) fn into_places(self) -> (Elsewhere, Borrowed) {
        (self.elsewhere, Borrowed::of(&self.borrowed))
    }

    /// Adds a unit that is there, if the entry does not have it. One that cannot be read is copied.
    fn add_unit(&mut self, job: &Job, live: &Live, unit: &PoolUnit, own: &Scope) {
        debug_assert!(self.placed.is_none(), "only whole entries have units");
        let (tree, of_unit) = (&live.root.tree, unit.tree());
        let folder = tree.at(unit.unit.slot.as_bytes());
        if folder.is_none_or(|folder| self.is_known[folder as usize]) || !unit.is_in(tree) {
            return;
        }
        let Ok(mut folders) = unit.lease.open_folders(0) else { return };
        let root = folders.swap_remove(0);
        let elsewhere = &unit.lease.manifest().roots[0].elsewhere;
        let borrowed = unit.lease.borrowed(0, Some(own));
        let mut same = of_unit.same_as(tree);
        if tree::only_truly_same(of_unit, &mut same, &live.dir, (&root).into(), &job.interrupt).is_ok() {
            let mut ids = Vec::new();
            of_unit.for_each_pair(tree, |id, lives| {
                if same[id as usize] && elsewhere.place(id) == 0 {
                    ids.push(lives);
                    self.is_based[lives as usize] = true;
                    self.borrowed[lives as usize] |= borrowed[id as usize];
                }
            });
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

/// Where nodes of `tree` stay, and what of it does not; `None` where nothing does. A folder that is made anyway, for what is in
/// it, does not stay.
fn what_stays(tree: &Tree, alike: &Alike, base: &Lease, staying: &Staying) -> (Elsewhere, Option<Subtree>) {
    if staying.is_empty() {
        return (Elsewhere::default(), None);
    }
    let mut parts = Vec::new();
    // By place the number that it gets.
    let mut numbers = Vec::new();
    for part in base.places(alike.number) {
        let stays = staying.has(&part);
        parts.extend(stays.then_some(part));
        numbers.push(if stays { u8::try_from(parts.len()).expect("there are few") } else { 0 });
    }
    if parts.is_empty() {
        return (Elsewhere::default(), None);
    }
    let number = |id: NodeId| alike.place(id).map_or(0, |place| numbers[usize::from(place)]);
    let mut of: Vec<u8> = tree.iter().map(|(id, _)| number(id)).collect();
    keep_names_together(tree, &mut of);
    let rest = Subtree::of(tree, of.iter().map(|&number| number == 0).collect());
    for &id in &rest.ids {
        of[id as usize] = 0;
    }
    (Elsewhere { parts, of }, Some(rest))
}

/// Lets no name of a file stay of which another one does not: that would become a second file.
fn keep_names_together(tree: &Tree, of: &mut [u8]) {
    let group = |id: NodeId| match tree.node(id).kind {
        Kind::File { group, .. } if group != 0 => Some(group),
        _ => None,
    };
    let ids = || (0..tree.len()).filter_map(|id| Some((id, group(id)?)));
    let torn: HashSet<u32> = ids().filter(|(id, _)| of[*id as usize] == 0).map(|(_, group)| group).collect();
    for (id, group) in ids() {
        if torn.contains(&group) {
            of[id as usize] = 0;
        }
    }
}
