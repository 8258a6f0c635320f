//! One layer brought into the job: candidates in turn until one serves, then what the unit pool has besides.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use crate::cargo::SOURCES;
use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::bins::{self, Arrival};
use crate::layers::cargo_home;
use crate::layers::linkable::linkable;
use crate::layers::rules_of;
use crate::layers::target_dir::freshness::Judged;
use crate::layers::target_dir::rules::is_target_directory;
use crate::layers::target_dir::sweep;
use crate::layers::units::restore::{self, Completed};
use crate::pipeline::candidates::{Candidates, MOST_OTHERS, Usable};
use crate::plan::{LayerPlan, LeftOut, Plan};
use crate::report::{Hit, Transfer};
use crate::store::{Lease, Root, Store};
use crate::sys::{Dir, LOST_AND_FOUND, ManyOpenFiles, file};
use crate::tree::{
    self, Delivery, Engine, Existing, Files, Linker, NodeId, Progress, Selection, Source, Tree,
};

/// An entry that served a layer.
pub(crate) struct Served {
    pub(crate) lease: Lease,
    pub(crate) hit: Hit,
    pub(crate) transfer: Option<Transfer>,
    /// Of roots of which not all was wanted, by their numbers in the entry, what was.
    pub(crate) wanted: BTreeMap<usize, Tree>,
    /// Its units that the job did not get, by the names of roots and their own directories.
    pub(crate) left_out: BTreeMap<String, BTreeMap<String, LeftOut>>,
}

impl Served {
    /// One of which nothing was brought.
    fn of(lease: Lease) -> Self {
        let (wanted, left_out) = (BTreeMap::new(), BTreeMap::new());
        Self { lease, hit: Hit::Miss, transfer: None, wanted, left_out }
    }
}

/// What was brought of an entry; see [`Served`].
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
    pub(crate) fn restore(&self, lookup_only: bool) -> Result<Option<Served>, Trouble> {
        let served = self.first_that_serves(lookup_only);
        self.candidates.tell_of_passed_over();
        served
    }

    fn first_that_serves(&self, lookup_only: bool) -> Result<Option<Served>, Trouble> {
        let query = self.layer.query(&self.plan.scopes.read, &self.plan.lane, Timestamp::now());
        let mut candidates = self.store.candidates(&query)?.into_iter();
        let mut next = || candidates.by_ref().find_map(|candidate| self.candidates.usable(candidate));
        let mut others: VecDeque<Usable> = VecDeque::new();
        while let Some(mut usable) = others.pop_front().or_else(&mut next) {
            if lookup_only {
                let hit = usable.hit(true);
                return Ok(Some(Served { hit, ..Served::of(usable.lease) }));
            }
            let mut judged = self.candidates.judge(&usable)?;
            if judged
                .as_ref()
                .is_some_and(|judged| !self.candidates.is_own(&usable) || judged.has_lacks_of_its_own())
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
                            "{}: the entry's use was not recorded: {}",
                            self.layer.layer(),
                            chain(&error)
                        ));
                    }
                    let hit = usable.hit(transfer.lacking.is_empty());
                    let (lease, transfer) = (usable.lease, Some(transfer));
                    return Ok(Some(Served { lease, hit, transfer, wanted, left_out }));
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
        let Usable { lease, pairs, .. } = usable;
        let started = Instant::now();
        let rules = rules_of(self.layer);
        let _lock = rules.lock(self.job)?;
        // Many directories are open at once while files are placed.
        let _files = ManyOpenFiles::allow(0);
        let files = lease.manifest().header.files;
        let directories: Vec<_> = self.layer.roots.iter().map(|root| root.path.clone()).collect();
        let plan = self.layer.sources();
        let arrival = bins::announce(self.job, self.layer, &lease.manifest().header)?;
        let chosen = pairs.iter().filter_map(|&(planned, recorded)| {
            Some((recorded, self.chosen(lease, planned, recorded, arrival.as_ref(), judged.as_ref())?))
        });
        let wanted: BTreeMap<_, _> = chosen.collect();
        let transferred = shown(self.job, self.layer.layer(), files, |progress| {
            let roots = pairs.iter().filter_map(|&(planned, recorded)| {
                self.arriving(lease, planned, recorded, wanted.get(&recorded)).transpose()
            });
            self.bring(&roots.collect::<Result<Vec<_>, _>>()?, progress)
        });
        if let (Err(_), Some(arrival)) = (&transferred, &arrival) {
            arrival.call_off(self.job);
        }
        let mut transfer = transferred?;
        transfer.lacking = arrival.map(|arrival| arrival.lacking).unwrap_or_default();
        let mut left_out = BTreeMap::new();
        if let (Some(judged), Some(plan)) = (judged, plan) {
            left_out = judged.told();
            let is_there = |&(planned, recorded): &(usize, usize)| {
                let directory = &directories[planned];
                file::is_dir(directory).then(|| (recorded, directory.clone()))
            };
            let (sources, units) =
                judged.finish(self.job, plan, &pairs.iter().filter_map(is_there).collect());
            (transfer.sources, transfer.units) = (Some(sources), Some(units));
        }
        transfer.took = started.elapsed();
        Ok(Brought { transfer, wanted, left_out })
    }

    /// What of a root of the entry is wanted, where that is not all.
    fn chosen(
        &self,
        lease: &Lease,
        planned: usize,
        recorded: usize,
        arrival: Option<&Arrival>,
        judged: Option<&Judged<'_>>,
    ) -> Option<Tree> {
        let root = &lease.manifest().roots[recorded];
        if let Some(judged) = judged {
            let left_out = judged.left_out(recorded);
            return left_out.contains(&true).then(|| root.tree.without(|id| left_out[id as usize]));
        }
        match arrival {
            Some(arrival) => Some(arrival.of(&root.tree)),
            None if root.name == SOURCES => {
                let directory = self.layer.roots[planned].directory(root.is_partial);
                Some(cargo_home::absent_crates(&root.tree, &directory))
            }
            None if self.layer.roots[planned].is_of_wholes => {
                let directory = self.layer.roots[planned].directory(root.is_partial);
                Some(absent_wholes(&root.tree, &directory))
            }
            None => None,
        }
    }

    /// What comes of a root, and where to. `None` where nothing does.
    fn arriving<'l>(
        &self,
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
            existing => existing,
        };
        let existing = match existing {
            Existing::Mirror if !may_mirror(&directory)? => self.existing_of_others(&directory)?,
            existing => existing,
        };
        let others = lease.manifest().roots.iter().enumerate().filter(|(number, _)| *number != recorded);
        let mut borrowed = lease.borrowed(recorded, self.plan.scopes.write.as_ref().ok());
        if wanted.is_some() {
            borrowed = tree.of_same_paths(&root.tree, &borrowed);
        }
        let others: Vec<_> = others.map(|(_, root)| &root.tree).collect();
        let rules = rules_of(self.layer);
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
                self.job.console.warn(format!(
                    "{layer}: old files in {directory}/{prefix}* could not be removed; hint: they may be of another user"
                ));
            }
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

    /// How to restore into a directory with files that cargo did not make. In the job's own directory a step made them before
    /// cargo: they stay. Elsewhere the directory is not meant for builds.
    fn existing_of_others(&self, directory: &Path) -> Result<Existing, Trouble> {
        let own = self.layer.sources().map(|sources| &sources.directory);
        if own.is_some_and(|own| directory.starts_with(own) && directory != own) {
            Ok(Existing::Overwrite)
        } else {
            Err(Trouble::NoTargetDirectory { path: directory.display().to_string() })
        }
    }

    /// Completes a layer from the unit pool, unless an entry of the job's own lane serves it by its very key and as a whole.
    pub(crate) fn complete(&self, served: Option<&Served>) -> Option<Completed> {
        let is_whole = served.is_some_and(|served| {
            let lacks_units = served.left_out.values().any(|units| !units.is_empty());
            served.hit == Hit::Exact && !lacks_units && served.lease.manifest().header.lane == self.plan.lane
        });
        let pool = self.layer.pool().filter(|_| !is_whole)?;
        let own = self.plan.scopes.write.as_ref().ok();
        let completed = restore::complete(self.job, self.store, self.layer, pool, own, self.plan.link_mode);
        completed.unwrap_or_else(|error| {
            let layer = self.layer.layer();
            self.job.console.warn(format!("{layer}: not completed from the unit pool: {}", chain(&error)));
            None
        })
    }

    /// Marks all units that are there, so that a save can tell which of them were used. What came with `served` is known.
    pub(crate) fn mark(&self, served: Option<&Served>) {
        if self.layer.target().is_none() {
            return;
        }
        let marked = match served {
            Some(served) => self.mark_restored(served),
            None => self.mark_what_is_there(),
        };
        if let Err(error) = marked {
            self.job.console.say(format!("target: unused units will stay: {}", chain(&error)));
        }
    }

    fn mark_restored(&self, served: &Served) -> Result<(), Trouble> {
        for (planned, recorded) in self.candidates.pairs(&served.lease) {
            let root = &served.lease.manifest().roots[recorded];
            let directory = self.layer.roots[planned].directory(root.is_partial);
            let tree = served.wanted.get(&recorded).unwrap_or(&root.tree);
            if file::is_dir(&directory) {
                sweep::mark(self.job, &Dir::open(&directory)?, tree);
            } else {
                sweep::note_absent(self.job, &directory)?;
            }
        }
        Ok(())
    }

    /// Units that an earlier job left are swept like those that come from an entry.
    fn mark_what_is_there(&self) -> Result<(), Trouble> {
        self.layer.roots.iter().try_for_each(|root| self.mark_directory(&root.path))
    }

    fn mark_directory(&self, directory: &Path) -> Result<(), Trouble> {
        if !is_target_directory(directory) {
            return Ok(sweep::note_absent(self.job, directory)?);
        }
        let dir = Dir::open(directory)?;
        let tree = tree::walk(&dir, &Selection::all(), &self.job.interrupt)?.tree;
        sweep::mark(self.job, &dir, &tree);
        Ok(())
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

/// Of what lies in `tree` at its top what is not in `directory` yet.
fn absent_wholes(tree: &Tree, directory: &Path) -> Tree {
    let is_there = |id: &NodeId| file::is_present(&directory.join(OsStr::from_bytes(tree.name(*id))));
    let there: Vec<NodeId> = tree.children(0).filter(is_there).collect();
    tree.without(|id| there.contains(&id))
}

/// A directory that is absent, empty or cargo's may be made equal to an entry, whatever else is in it.
fn may_mirror(directory: &Path) -> Result<bool, Trouble> {
    Ok(file::names(directory)?.iter().all(|name| name == LOST_AND_FOUND) || is_target_directory(directory))
}
