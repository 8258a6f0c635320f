//! Lets entries go by plan: the steps of retention.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use tracing::debug_span;

use crate::job::{Job, chain};
use crate::outcome::{Cleaned, Code};
use crate::pipeline::record;
use crate::plan::Maintenance;
use crate::store::retention::{Inventory, Known, Lacks, Limits, Reach, Room, Weights};
use crate::store::{self, Activity, Evicted, Layer, Store, WorkLock, WorkPhase};
use crate::sys::{self, Dir, Lock, Space, space_at};

/// How long another process may clean up before this one goes on without: it does the same work.
const PATIENCE: Duration = Duration::from_secs(30);

/// What may stay in `store` beside a job whose limits are `maintenance`'s, and reach the entries of `reach`.
pub(crate) fn limits(
    job: &Job,
    store: &Store,
    maintenance: &Maintenance,
    reach: Option<&Reach>,
) -> Result<Limits, store::Error> {
    let own = maintenance.policy();
    let all = job.policy.limits.policy(&own, space_at(store.root())?);
    Ok(Limits { all, own: reach.map(|reach| (reach.clone(), own)) })
}

/// Sweeps, and evicts what `limits` do not let stay and what `needed` room calls for. `None` where somebody else is at
/// it.
pub(crate) fn run(
    job: &Job,
    store: &Store,
    limits: &Limits,
    needed: Room,
) -> Result<Option<Cleaned>, store::Error> {
    let _span = debug_span!("clean up").entered();
    let _at_work = job.work.begin(&job.context, store, Activity::Clean);
    let cleaning = CleanUp { job, store, limits, needed, now: Timestamp::now() };
    let Some(_lock) = cleaning.lock()? else { return Ok(None) };
    let _holding = job.work.holds(WorkLock::CleanUp);
    cleaning.run().map(Some)
}

/// One clean-up.
struct CleanUp<'c> {
    job: &'c Job,
    store: &'c Store,
    limits: &'c Limits,
    /// Room that there has to be besides.
    needed: Room,
    now: Timestamp,
}

impl CleanUp<'_> {
    /// Waits for who is at it only where room is missing.
    fn lock(&self) -> Result<Option<Lock>, store::Error> {
        if let Some(lock) = self.store.lock_cleaning(Duration::ZERO)? {
            return Ok(Some(lock));
        }
        if self.lacks()?.is_none() {
            return Ok(None);
        }
        self.job.console.say(format!(
            "another process is cleaning up {}: waiting up to {} s for it to free space",
            self.store.root().display(),
            PATIENCE.as_secs()
        ));
        let file = self.store.lock_file(WorkLock::CleanUp);
        let _waiting = self.job.work.waits(WorkLock::CleanUp, file.as_deref());
        self.store.lock_cleaning(PATIENCE)
    }

    fn run(&self) -> Result<Cleaned, store::Error> {
        let Self { job, store, .. } = *self;
        job.work.at(WorkPhase::Sweep);
        let before = space_at(store.root())?;
        remove_leftovers(job, store, self.now);
        let mut lacking = self.lacks()?;
        if !lacking.is_none() {
            store.empty_quarantine()?;
            lacking = self.settled()?;
        }
        job.work.at(WorkPhase::Evict);
        let was_short = !lacking.is_none();
        let mut evicted = Evicted::default();
        let known = if self.limits.ask_for_sizes() || was_short {
            store.known()?
        } else {
            self.evict_idle_units(&mut evicted)?;
            store.known_in(&Layer::OF_JOBS)?
        };
        store.set_back(self.now, &known);
        self.evict_by_plan(known, lacking, &mut evicted)?;
        if was_short {
            lacking = self.settled()?;
        }
        let after = space_at(store.root())?;
        if let Some(failure) = evicted.failures.first() {
            let count = evicted.failures.len();
            job.warn(
                Code::NotRemoved,
                format!("cannot evict {count} entries; first error: {}", chain(failure)),
            );
        }
        let (evicted, bytes) = (evicted.entries(), evicted.bytes());
        Ok(Cleaned { evicted, bytes, before, after, shortage: lacking.all })
    }

    /// Evicts by plan until all that has to go is gone or in use.
    fn evict_by_plan(
        &self,
        mut known: Vec<Known>,
        mut lacking: Lacks,
        evicted: &mut Evicted,
    ) -> Result<(), store::Error> {
        loop {
            let has_sizes = self.limits.ask_for_sizes() || !lacking.is_none();
            let usage = if has_sizes { Some(self.store.usage(&known)?) } else { None };
            let inventory = Inventory { entries: &known, usage: usage.as_deref() };
            let plan = self.limits.plan(inventory, lacking, self.now);
            let done = self.store.evict(&plan);
            record::evicted(self.job, self.store, &known, &done.removed);
            let in_use = done.in_use.clone();
            *evicted += done;
            let gone: HashSet<_> = plan.iter().map(|planned| &planned.id).collect();
            known.retain(|entry| !gone.contains(&entry.id) || in_use.contains(&entry.id));
            for entry in &mut known {
                entry.stays |= in_use.contains(&entry.id);
            }
            // Others may have to go for those that are being read.
            if in_use.is_empty() {
                return Ok(());
            }
            lacking = self.settled()?;
        }
    }

    /// Evicts units of the pool that lay idle for too long.
    fn evict_idle_units(&self, evicted: &mut Evicted) -> Result<(), store::Error> {
        let Self { store, limits, now, .. } = *self;
        let mut idle = match limits.all.max_age {
            Some(longest) => store.idle_units(longest, now, None)?,
            None => Vec::new(),
        };
        if let Some((reach, own)) = &limits.own
            && let Some(longest) = own.max_age
        {
            let of_own = store.idle_units(longest, now, Some(reach))?.into_iter();
            let known: HashSet<_> = idle.iter().map(|unit| unit.id.clone()).collect();
            idle.extend(of_own.filter(|unit| !known.contains(&unit.id)));
        }
        let known: Vec<_> = idle.iter().filter_map(|unit| store.known_as(unit.id.clone())).collect();
        let done = store.evict(&idle);
        record::evicted(self.job, store, &known, &done.removed);
        *evicted += done;
        Ok(())
    }

    fn lacks(&self) -> Result<Lacks, store::Error> {
        Ok(self.limits.lacks(space_at(self.store.root())?, self.needed))
    }

    /// What is missing once all deletions count: some file systems free room only when they write out.
    fn settled(&self) -> Result<Lacks, store::Error> {
        let lacking = self.lacks()?;
        if lacking.is_none() {
            return Ok(lacking);
        }
        sys::flush(&Dir::open(self.store.root())?)?;
        self.lacks()
    }
}

/// Removes what killed processes left, unless somebody else is at it.
pub(crate) fn sweep(job: &Job, store: &Store) {
    match store.lock_cleaning(Duration::ZERO) {
        Ok(Some(_lock)) => remove_leftovers(job, store, Timestamp::now()),
        Ok(None) => {}
        Err(error) => warn_of_leftovers(job, &error),
    }
}

fn remove_leftovers(job: &Job, store: &Store, now: Timestamp) {
    if let Err(error) = store.sweep(now) {
        warn_of_leftovers(job, &error);
    }
}

fn warn_of_leftovers(job: &Job, error: &store::Error) {
    job.warn(Code::NotRemoved, format!("cannot remove leftovers of killed jobs: {}", chain(error)));
}

/// Whether there could be `needed` room in `space` if all entries were gone that may go for it.
pub(crate) fn can_make_room(
    store: &Store,
    limits: &Limits,
    space: Space,
    needed: Room,
) -> Result<bool, store::Error> {
    let known = store.known()?;
    let usage = store.usage(&known)?;
    let without = |may_go: &dyn Fn(&Known) -> bool| {
        let mut weights = Weights::of(&usage);
        for (_, usage) in known.iter().zip(&usage).filter(|(entry, _)| !entry.stays && may_go(entry)) {
            weights.remove(usage);
        }
        let freed = weights.freed();
        Space {
            free_bytes: space.free_bytes + freed.bytes,
            free_inodes: space.free_inodes + freed.inodes,
            ..space
        }
    };
    let of_all = limits.lacks(without(&|_| true), needed).all;
    let of_own = limits.own.as_ref().map(|(reach, _)| {
        // What goes for the host's own lack counts as well, and is not known here.
        let reached = without(&|entry| reach.has(&entry.header.scope));
        limits.lacks(reached, needed).own
    });
    Ok(of_all.is_none() && of_own.is_none_or(Room::is_none))
}
