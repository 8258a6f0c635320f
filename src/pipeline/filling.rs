//! The files of a new entry, placed in a staging: what is taken from where, whether all of it fits, and who may share what.

use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::base_diff::ComparedRoot;
use crate::layers::linkable::linkable;
use crate::layers::rules::Rules;
use crate::layers::units::pool::PooledUnits;
use crate::layers::working_tree::WorkingTree;
use crate::outcome::Code;
use crate::pipeline::clean_up;
use crate::pipeline::reuse_plan::{ReusePlan, Sets};
use crate::plan::{Session, SessionLayer};
use crate::report::{bytes, count, min_free};
use crate::store::retention::Room;
use crate::store::{Lease, Scope, Staging, Store};
use crate::sys::{ManyOpenFiles, Space, space_at};
use crate::tree::{self, Engine, Linker, NodeId, Placement, Source, TransferStats};

/// Fills a staging with a layer's files.
pub(super) struct Filling<'a> {
    pub(super) job: &'a Job,
    pub(super) store: &'a Store,
    pub(super) session: &'a Session,
    /// Where the entry will be.
    pub(super) scope: &'a Scope,
    pub(super) layer: &'a SessionLayer,
    pub(super) rules: &'a dyn Rules,
}

/// An entry that lacks only its manifest.
pub(super) struct Filled {
    pub(super) staging: Staging,
    pub(super) stats: TransferStats,
    /// Its roots.
    pub(super) placed: Vec<Placed>,
}

/// A root that is in the staging.
pub(super) struct Placed {
    pub(super) sets: Sets,
    /// What the unit pool has of it.
    pub(super) known: Option<PooledUnits>,
}

impl Filling<'_> {
    /// Places what is there in a staging; `None` where it would not fit, which was told.
    pub(super) fn fill(
        &self,
        files: &ManyOpenFiles,
        roots: &[ComparedRoot<'_>],
        base: Option<&Lease>,
    ) -> Result<Option<Filled>, Trouble> {
        let plans = roots.iter().map(|root| match (base, &root.diff) {
            (Some(base), Some(diff)) => ReusePlan::with_base(&root.working, base, diff, self.scope),
            _ => Ok(ReusePlan::of_nothing(&root.working)),
        });
        let plans = plans.collect::<Result<Vec<_>, Trouble>>()?;
        let working: Vec<_> = roots.iter().map(|root| &root.working).collect();
        // Before units are held: what is held makes no room.
        if let Some(why) = self.lack_of_room(&working, &plans)? {
            self.job.warn(Code::NotSaved, format!("{}: not saved: {why}", self.layer.plan.layer()));
            return Ok(None);
        }
        let with_units = working.iter().zip(plans).map(|(working, mut plan)| {
            let known = self.known(files, working);
            if let Some(known) = &known {
                plan.add_units(self.job, working, known, files, self.scope);
            }
            ToPlace { working, plan, known }
        });
        let planned = with_units.collect();
        let staging = self.store.stage()?;
        match self.place(&staging, &working, planned) {
            Ok((stats, placed)) => Ok(Some(Filled { staging, stats, placed })),
            Err(error) => {
                // What cannot be removed now, a sweep will find; what is told is why.
                let _ = self.store.discard(staging);
                Err(error)
            }
        }
    }

    /// What the unit pool has of a directory of units. Without it the entry is as good.
    fn known(&self, files: &ManyOpenFiles, working: &WorkingTree) -> Option<PooledUnits> {
        let pool = self.layer.plan.pool()?;
        if pool.directories.iter().all(|directory| directory.root != working.root.name) {
            return None;
        }
        match PooledUnits::find(self.job, self.store, files, pool, &working.root.tree) {
            Ok(known) => Some(known),
            Err(error) => {
                self.job
                    .warn(Code::PoolNotFilled, format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Why the new entry would not fit, once what may go has gone. Nothing is begun that cannot be ended.
    fn lack_of_room(
        &self,
        working: &[&WorkingTree<'_>],
        plans: &[ReusePlan],
    ) -> Result<Option<String>, Trouble> {
        let mut needed = Room::default();
        for (index, (one, plan)) in working.iter().zip(plans).enumerate() {
            let linker = Linker::new(self.session.link_mode);
            let linkable = may_share(self.rules, working, index, plan)?;
            let (tree, location) = (&one.root.tree, (&one.dir).into());
            let source = Source { tree, location, linkable: &linkable, is_live: true };
            let packable = if self.layer.plan.layer().has_packs() {
                tree::packable(tree, &linkable, self.store.pack_mode())
            } else {
                Vec::new()
            };
            let needs =
                tree::estimate_space(source, &packable, Some(plan.bases()), self.store.root(), &linker)?;
            needed.bytes += needs.bytes;
            needed.inodes += needs.inodes;
        }
        let root = self.store.root();
        let limits =
            clean_up::limits(self.job, self.store, &self.session.maintenance, self.session.reach.as_ref())?;
        // What is below `min-free` after the save would be evicted again at once.
        let lacks = |space: Space| !limits.lacks(space, needed).is_none();
        let mut space = space_at(root)?;
        if !lacks(space) {
            return Ok(None);
        }
        // Where all of it would not do, others' entries are not to go for nothing.
        if clean_up::can_make_room(self.store, &limits, space, needed)? {
            clean_up::run(self.job, self.store, &limits, needed)?;
            space = space_at(root)?;
        }
        Ok(lacks(space).then(|| {
            format!(
                "needs up to {} and {} inodes on the disk of {}, which has {} and {} inodes free \
                 (`min-free`: {}); hint: run `runner-cache gc` (see `runner-cache du`), or set another \
                 `cache-root`",
                bytes(needed.bytes),
                count(needed.inodes),
                root.display(),
                bytes(space.free_bytes),
                count(space.free_inodes),
                min_free(self.session.maintenance.policy().min_free)
            )
        }))
    }

    fn place(
        &self,
        staging: &Staging,
        working: &[&WorkingTree<'_>],
        planned: Vec<ToPlace<'_>>,
    ) -> Result<(TransferStats, Vec<Placed>), Trouble> {
        let trees = staging.trees()?;
        let layer = self.layer.plan.layer();
        let files = working.iter().map(|working| working.root.tree.files()).sum();
        shown(self.job, layer, files, |progress| {
            let (mut stats, mut placed) = (TransferStats::default(), Vec::new());
            for (index, ToPlace { working: one, plan, known }) in planned.into_iter().enumerate() {
                let linker = Linker::new(self.session.link_mode);
                let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress };
                let (location, linkable) = ((&one.dir).into(), may_share(self.rules, working, index, &plan)?);
                let plan = if layer.has_packs() {
                    let tree = &one.root.tree;
                    let source = Source { tree, location, linkable: &linkable, is_live: true };
                    let (plan, packed) =
                        plan.pack(source, &staging.pack(self.store, &trees, index), engine)?;
                    stats += packed;
                    plan
                } else {
                    plan.pack_nothing()
                };
                let linkable = plan.of_placed(linkable);
                let source = Source { tree: plan.tree(one), location, linkable: &linkable, is_live: true };
                let placement = [Placement { node: 0, name: index.to_string().into_bytes() }];
                stats += tree::place(source, &placement, &trees, Some(plan.bases()), engine)?;
                placed.push(Placed { sets: plan.into_sets(), known });
            }
            Ok((stats, placed))
        })
    }
}

/// Which files of the root number `index` may share their inode with the entry.
fn may_share(
    rules: &dyn Rules,
    working: &[&WorkingTree<'_>],
    index: usize,
    plans: &ReusePlan,
) -> tree::Result<Vec<bool>> {
    let others = working.iter().enumerate().filter(|(number, _)| *number != index);
    let WorkingTree { plan, root, dir, .. } = working[index];
    let tree = &root.tree;
    let others: Vec<_> = others.map(|(_, other)| &other.root.tree).collect();
    let replaced = rules.replaced(plan, tree, &others)?;
    let mut may = linkable(replaced.as_ref(), tree, &[]);
    // Whose else they are nobody knows: of another ref's entry, by a job that had this directory before.
    let is_new = |id: NodeId| may[id as usize] && !plans.is_based(id);
    let has_others = tree::with_names_elsewhere(tree, dir, is_new)?;
    for (may, has_others) in may.iter_mut().zip(has_others) {
        *may &= !has_others;
    }
    Ok(may)
}

/// A root that is to be placed.
struct ToPlace<'w> {
    working: &'w WorkingTree<'w>,
    plan: ReusePlan,
    /// What the unit pool has of it.
    known: Option<PooledUnits>,
}
