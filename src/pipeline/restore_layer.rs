//! One layer brought into the job: candidates in turn until one serves, then what the unit pool has besides.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;
use tracing::{debug, debug_span};

use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::linkable::linkable;
use crate::layers::rules::Rules;
use crate::layers::rules_of;
use crate::layers::target_dir::freshness::Judged;
use crate::layers::units::restore::{self, Completed};
use crate::outcome::{Code, Hit, Transfer};
use crate::pipeline::candidates::{Candidates, MOST_OTHERS, Usable};
use crate::plan::{LayerPlan, LeftOut, Plan};
use crate::store::{Lease, Manifest, Root, Store};
use crate::sys::{ManyOpenFiles, file};
use crate::tree::{self, Delivery, Engine, Existing, Files, Linker, Progress, Source, Tree};

/// An entry that served a layer.
pub(crate) struct ServingEntry {
    pub(crate) lease: Lease,
    pub(crate) hit: Hit,
    pub(crate) transfer: Option<Transfer>,
    /// Of roots of which not all was wanted, by their numbers in the entry, what was.
    pub(crate) wanted: BTreeMap<usize, Tree>,
    /// Its units that the job did not get, by the names of roots and their own directories.
    pub(crate) left_out: BTreeMap<String, BTreeMap<String, LeftOut>>,
}

impl ServingEntry {
    /// One of which nothing was brought.
    fn of(lease: Lease) -> Self {
        let (wanted, left_out) = (BTreeMap::new(), BTreeMap::new());
        Self { lease, hit: Hit::Miss, transfer: None, wanted, left_out }
    }
}

/// What was brought of an entry; see [`ServingEntry`].
struct Brought {
    transfer: Transfer,
    wanted: BTreeMap<usize, Tree>,
    left_out: BTreeMap<String, BTreeMap<String, LeftOut>>,
}

/// Restores one layer.
pub(crate) struct Restorer<'a> {
    pub(crate) job: &'a Job,
    pub(crate) store: &'a Store,
    pub(crate) plan: &'a Plan,
    pub(crate) layer: &'a LayerPlan,
    candidates: Candidates<'a>,
}

impl<'a> Restorer<'a> {
    pub(crate) fn new(job: &'a Job, store: &'a Store, plan: &'a Plan, layer: &'a LayerPlan) -> Self {
        Self { job, store, plan, layer, candidates: Candidates::new(job, store, plan, layer) }
    }

    /// Tries the candidates until one serves.
    pub(crate) fn restore(&self, lookup_only: bool) -> Result<Option<ServingEntry>, Trouble> {
        let served = self.first_that_serves(lookup_only);
        self.candidates.tell_of_passed_over();
        served
    }

    fn first_that_serves(&self, lookup_only: bool) -> Result<Option<ServingEntry>, Trouble> {
        let query = self.layer.query(&self.plan.scopes.read, &self.plan.lane, Timestamp::now());
        let mut candidates = self.store.candidates(&query)?.into_iter();
        let mut next = || candidates.by_ref().find_map(|candidate| self.candidates.usable(candidate));
        let mut others: VecDeque<Usable> = VecDeque::new();
        while let Some(mut usable) = others.pop_front().or_else(&mut next) {
            if lookup_only {
                let hit = usable.hit(true);
                return Ok(Some(ServingEntry { hit, ..ServingEntry::of(usable.lease) }));
            }
            let mut judged = self.candidates.judge(&usable)?;
            if judged.as_ref().is_some_and(|judged| !self.candidates.is_own(&usable) || judged.lacks_units())
            {
                while others.len() < MOST_OTHERS
                    && let Some(other) = next()
                {
                    others.push_back(other);
                }
                if let Some(better) = self.candidates.better(&usable, judged.as_ref(), &others)? {
                    drop(judged);
                    std::mem::swap(&mut usable, &mut others[better.index]);
                    judged = self.candidates.judge(&usable)?;
                    self.candidates.tell_of_better(&better, &others[better.index], &usable);
                }
            }
            match self.transfer(&usable, judged) {
                Ok(Brought { transfer, wanted, left_out }) => {
                    if let Err(error) = usable.lease.record_use() {
                        self.job.console.say(format!(
                            "{}: cannot record the entry's use: {}",
                            self.layer.layer(),
                            chain(&error)
                        ));
                    }
                    let hit = usable.hit(transfer.lacking.is_empty());
                    let (lease, transfer) = (usable.lease, Some(transfer));
                    return Ok(Some(ServingEntry { lease, hit, transfer, wanted, left_out }));
                }
                Err(error) if error.is_damage_of(&usable.lease) => {
                    drop(usable.lease);
                    self.candidates.quarantine(&usable.candidate, &chain(&error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn transfer(&self, usable: &Usable, judged: Option<Judged<'_>>) -> Result<Brought, Trouble> {
        let _span = debug_span!("bring").entered();
        let Usable { lease, pairs, .. } = usable;
        let started = Instant::now();
        let mut rules = rules_of(self.layer);
        rules.lock(self.job)?;
        // Many directories are open at once while files are placed.
        let _files = ManyOpenFiles::allow(0);
        let Manifest { header, roots, .. } = lease.manifest();
        rules.before_files(self.job, header)?;
        let chosen = pairs.iter().filter_map(|&(planned, recorded)| {
            if let Some(judged) = &judged {
                let left_out = judged.left_out(recorded);
                let chosen = || roots[recorded].tree.without(|id| left_out[id as usize]);
                return left_out.contains(&true).then(|| (recorded, chosen()));
            }
            let (plan, root) = (&self.layer.roots[planned], &roots[recorded]);
            Some((recorded, rules.wanted(plan, root, &plan.directory(root.is_partial))?))
        });
        let wanted: BTreeMap<_, _> = chosen.collect();
        let transferred = shown(self.job, self.layer.layer(), header.files, |progress| {
            let arriving = pairs.iter().filter_map(|&(planned, recorded)| {
                self.arriving(&*rules, lease, planned, recorded, wanted.get(&recorded)).transpose()
            });
            self.bring(&arriving.collect::<Result<Vec<_>, _>>()?, progress)
        });
        let lacking = rules.after_files(self.job, transferred.is_ok());
        let mut transfer = Transfer { lacking, ..transferred? };
        let mut left_out = BTreeMap::new();
        if let (Some(judged), Some(plan)) = (judged, self.layer.sources()) {
            left_out = judged.left_out_units();
            let is_there = |&(planned, recorded): &(usize, usize)| {
                let directory = &self.layer.roots[planned].path;
                file::is_dir(directory).then(|| (recorded, directory.clone()))
            };
            let (sources, units) =
                judged.finish(self.job, plan, &pairs.iter().filter_map(is_there).collect());
            (transfer.sources, transfer.units) = (Some(sources), Some(units));
        }
        transfer.took = started.elapsed();
        Ok(Brought { transfer, wanted, left_out })
    }

    /// What comes of a root, and where to. `None` where nothing does.
    fn arriving<'l>(
        &self,
        rules: &dyn Rules,
        lease: &'l Lease,
        planned: usize,
        recorded: usize,
        wanted: Option<&'l Tree>,
    ) -> Result<Option<Arriving<'l>>, Trouble> {
        let root = &lease.manifest().roots[recorded];
        let plan = &self.layer.roots[planned];
        let directory = plan.directory(root.is_partial);
        let tree = wanted.unwrap_or(&root.tree);
        let is_empty = tree.files() == 0 && root.tree.files() > 0;
        // What is there of another entry's goes all the same.
        if is_empty && !(plan.existing == Existing::Mirror && file::is_dir(&directory)) {
            return Ok(None);
        }
        let existing = match plan.existing {
            Existing::Mirror if root.is_partial => Existing::Overwrite,
            _ => rules.existing(plan, &directory)?,
        };
        let others = lease.manifest().roots.iter().enumerate().filter(|(number, _)| *number != recorded);
        let mut borrowed = lease.borrowed(recorded, self.plan.scopes.write.as_ref().ok());
        if wanted.is_some() {
            borrowed = tree.of_same_paths(&root.tree, &borrowed);
        }
        let others: Vec<_> = others.map(|(_, root)| &root.tree).collect();
        let replaced = rules.replaced(plan, tree, &others)?;
        let linkable = linkable(replaced.as_ref(), tree, &borrowed);
        let files = lease.open_root(recorded)?;
        let files = if wanted.is_some() { files.of_part(&root.tree, tree) } else { files };
        // Roots may lie on different file systems.
        let linker = Linker::new(self.plan.link_mode);
        Ok(Some(Arriving { root, tree, files, linkable, linker, directory, existing }))
    }

    /// Brings all of the roots, or none: they are one unit.
    fn bring(&self, roots: &[Arriving<'_>], progress: &Progress) -> Result<Transfer, Trouble> {
        let delivery = |arriving| self.delivery(arriving, progress);
        let deliveries: Vec<_> = roots.iter().map(delivery).collect();
        let mut transfer = Transfer::default();
        for (Arriving { root, directory, .. }, stats) in roots.iter().zip(tree::restore(&deliveries)?) {
            if stats.files > 0 {
                transfer.parts.push(root.name.clone());
            }
            if stats.left_behind > 0 {
                let (layer, directory, prefix) =
                    (self.layer.layer(), directory.display(), tree::TEMPORARY_PREFIX);
                self.job.warn(Code::LeftBehind, format!(
                    "{layer}: cannot remove old files in {directory}/{prefix}*; hint: they may belong to another user"
                ));
            }
            debug!(to = %directory.display(), ?stats, "brought");
            transfer.stats += stats;
        }
        Ok(transfer)
    }

    fn delivery<'d>(&'d self, arriving: &'d Arriving<'_>, progress: &'d Progress) -> Delivery<'d> {
        let Arriving { root, tree, files, linkable, linker, directory, existing } = arriving;
        Delivery {
            source: Source { tree, location: files.location(), linkable, is_live: false },
            destination: directory,
            existing: *existing,
            is_part: root.is_partial,
            engine: Engine { linker, interrupt: &self.job.interrupt, progress },
        }
    }

    /// Completes a layer from the unit pool, unless an entry of the job's own lane serves it by its very key and as a whole.
    pub(crate) fn complete(&self, served: Option<&ServingEntry>) -> Option<Completed> {
        let is_whole = served.is_some_and(|served| {
            let lacks_units = served.left_out.values().any(|units| !units.is_empty());
            served.hit == Hit::Exact && !lacks_units && served.lease.manifest().header.lane == self.plan.lane
        });
        let pool = self.layer.pool().filter(|_| !is_whole)?;
        let own = self.plan.scopes.write.as_ref().ok();
        let completed = restore::complete(self.job, self.store, self.layer, pool, own, self.plan.link_mode);
        completed.unwrap_or_else(|error| {
            let layer = self.layer.layer();
            self.job.warn(
                Code::PoolNotRead,
                format!("{layer}: cannot complete it from the unit pool: {}", chain(&error)),
            );
            None
        })
    }

    /// Notes what a save has to know of the directories. What came with `served` is known.
    pub(crate) fn mark(&self, served: Option<&ServingEntry>) {
        let restored = served.map(|served| {
            let pairs = self.candidates.pairs(&served.lease).into_iter();
            let roots = &served.lease.manifest().roots;
            pairs.map(|(planned, recorded)| {
                let root = &roots[recorded];
                let directory = self.layer.roots[planned].directory(root.is_partial);
                (directory, served.wanted.get(&recorded).unwrap_or(&root.tree))
            })
        });
        rules_of(self.layer).mark(self.job, restored.map(Iterator::collect));
    }
}

/// A root on its way into a job.
struct Arriving<'l> {
    root: &'l Root,
    /// What comes of it.
    tree: &'l Tree,
    files: Files,
    linkable: Vec<bool>,
    linker: Linker,
    directory: PathBuf,
    existing: Existing,
}
