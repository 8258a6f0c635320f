//! Lets entries go by plan, and looks after the disks: the steps of retention and of the disk guard.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use tracing::debug_span;

use crate::job::{Job, chain};
use crate::ledger::Checked;
use crate::outcome::{Cleaned, Code, FullDisk, Large};
use crate::pipeline::record;
use crate::plan::{DiskGuard, Maintenance};
use crate::store::retention::{Inventory, Known, Lacks, Limits, MinFree, Planned, Reach, Shortage, Weights};
use crate::store::{self, Activity, EntryId, Evicted, Layer, Store, WorkLock, WorkPhase, shown_key};
use crate::sys::{self, Dir, Space, directory_size, space_at};

/// How long another process may clean up before this one goes on without: it does the same work.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to look for what else takes the disk. Somebody waits for the job.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// What is smaller is not told of.
const LARGE: u64 = 1_000_000;

/// How many large things are told of.
const LARGEST: usize = 10;

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
pub(crate) fn clean(
    job: &Job,
    store: &Store,
    limits: &Limits,
    needed: Shortage,
) -> Result<Option<Cleaned>, store::Error> {
    let _span = debug_span!("clean up").entered();
    let _at_work = job.work.begin(&job.context, store, Activity::Clean);
    let lock = match store.lock_cleaning(Duration::ZERO)? {
        Some(lock) => Some(lock),
        None if lacks(store, limits, needed)?.is_none() => None,
        None => {
            job.console.say(format!(
                "another process is cleaning up {}: waiting up to {} s for it to free space",
                store.root().display(),
                PATIENCE.as_secs()
            ));
            let _waiting = job.work.waits(WorkLock::CleanUp, store.lock_file(WorkLock::CleanUp).as_deref());
            store.lock_cleaning(PATIENCE)?
        }
    };
    let Some(_lock) = lock else { return Ok(None) };
    let _holding = job.work.holds(WorkLock::CleanUp);
    job.work.at(WorkPhase::Sweep);
    let now = Timestamp::now();
    let before = space_at(store.root())?;
    if let Err(error) = store.sweep(now) {
        job.warn(Code::NotRemoved, format!("cannot remove leftovers of killed jobs: {}", chain(&error)));
    }
    let mut lacking = lacks(store, limits, needed)?;
    if !lacking.is_none() {
        store.empty_quarantine()?;
        lacking = settled(store, limits, needed)?;
    }
    job.work.at(WorkPhase::Evict);
    let was_short = !lacking.is_none();
    let mut evicted = Evicted::default();
    let mut known = if limits.ask_for_sizes() || was_short {
        store.known()?
    } else {
        let idle = idle_units(store, limits, now)?;
        let known: Vec<_> = idle.iter().filter_map(|unit| store.known_as(unit.id.clone())).collect();
        evicted += store.evict(&idle);
        record::evicted(job, store, &known, &evicted.removed);
        store.known_in(&Layer::OF_JOBS)?
    };
    store.set_back(now, &known);
    loop {
        let has_sizes = limits.ask_for_sizes() || !lacking.is_none();
        let usage = if has_sizes { Some(store.usage(&known)?) } else { None };
        let inventory = Inventory { entries: &known, usage: usage.as_deref() };
        let plan = limits.plan(inventory, lacking, now);
        let done = store.evict(&plan);
        record::evicted(job, store, &known, &done.removed);
        let in_use = done.in_use.clone();
        evicted += done;
        let gone: HashSet<_> = plan.iter().map(|planned| &planned.id).collect();
        known.retain(|entry| !gone.contains(&entry.id) || in_use.contains(&entry.id));
        for entry in &mut known {
            entry.stays |= in_use.contains(&entry.id);
        }
        // Others may have to go for those that are being read.
        if in_use.is_empty() {
            break;
        }
        lacking = settled(store, limits, needed)?;
    }
    if was_short {
        lacking = settled(store, limits, needed)?;
    }
    let after = space_at(store.root())?;
    if let Some(failure) = evicted.failures.first() {
        let count = evicted.failures.len();
        job.warn(Code::NotRemoved, format!("cannot evict {count} entries; first error: {}", chain(failure)));
    }
    let (evicted, bytes) = (evicted.entries(), evicted.bytes());
    Ok(Some(Cleaned { evicted, bytes, before, after, shortage: lacking.all }))
}

/// Removes what killed processes left, unless somebody else is at it.
pub(crate) fn sweep(job: &Job, store: &Store) {
    let swept = store.lock_cleaning(Duration::ZERO).and_then(|lock| match lock {
        Some(_lock) => store.sweep(Timestamp::now()),
        None => Ok(()),
    });
    if let Err(error) = swept {
        job.warn(Code::NotRemoved, format!("cannot remove leftovers of killed jobs: {}", chain(&error)));
    }
}

/// Whether there could be `needed` room in `space` if all entries were gone that may go for it.
pub(crate) fn can_make_room(
    store: &Store,
    limits: &Limits,
    space: Space,
    needed: Shortage,
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
    Ok(of_all.is_none() && of_own.is_none_or(Shortage::is_none))
}

/// Units of the pool that lay idle for too long.
fn idle_units(store: &Store, limits: &Limits, now: Timestamp) -> Result<Vec<Planned>, store::Error> {
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
    Ok(idle)
}

fn lacks(store: &Store, limits: &Limits, needed: Shortage) -> Result<Lacks, store::Error> {
    Ok(limits.lacks(space_at(store.root())?, needed))
}

/// What is missing once all deletions count: some file systems free room only when they write out.
fn settled(store: &Store, limits: &Limits, needed: Shortage) -> Result<Lacks, store::Error> {
    let lacking = lacks(store, limits, needed)?;
    if lacking.is_none() {
        return Ok(lacking);
    }
    sys::flush(&Dir::open(store.root())?)?;
    lacks(store, limits, needed)
}

/// What a job will need of the workspace's disk, as far as that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// What jobs of its kind wrote at most, in bytes.
    pub(crate) bytes: u64,
    /// Entries that are likely to serve it: they do not make way for what it may write.
    pub(crate) entries: Vec<EntryId>,
}

/// When the disk is looked at.
#[derive(Debug)]
pub(crate) enum Phase {
    /// What is wrong is a warning, or ends the job. Where there is no room for what is expected, room is made, and a lack of it is
    /// told and no more.
    BeforeJob(Expected),
    /// The job was told before, and nothing can fail any more.
    AfterJob,
}

/// Looks at the disks of the root, the workspace and the temporary directory, and makes room where there is too little.
/// `false`: there is too little all the same, and the job is to fail for it.
/// `reach`: whose entries the job's own limits reach.
pub(crate) fn guard(
    job: &Job,
    store: Option<&Store>,
    maintenance: &Maintenance,
    reach: Option<&Reach>,
    root: &Path,
    phase: &Phase,
) -> bool {
    if maintenance.disk_guard == DiskGuard::Off {
        return true;
    }
    let mut is_fine = true;
    for disk in disks(job, root) {
        let expected = match phase {
            Phase::BeforeJob(expected) if disk.names.contains(&WORKSPACE) => expected,
            Phase::BeforeJob(_) | Phase::AfterJob => &Expected::default(),
        };
        match guard_disk(job, store, maintenance, reach, root, &disk, expected) {
            Ok(None) => {}
            Ok(Some(report)) => {
                let is_full =
                    !maintenance.policy.min_free.shortage(report.after, Shortage::default()).is_none();
                is_fine &= !is_full;
                if matches!(phase, Phase::AfterJob) || !is_full {
                    job.console.say(report.text());
                } else if maintenance.disk_guard == DiskGuard::Fail {
                    job.error(format!("{}\n`disk-guard` is fail", report.text()));
                } else {
                    job.warn(Code::DiskFull, report.text());
                }
            }
            Err(error) => job.warn(Code::DiskUnknown, format!("disk check failed: {}", chain(&error))),
        }
    }
    is_fine || maintenance.disk_guard != DiskGuard::Fail
}

/// What lies on a disk that a job fills.
const WORKSPACE: &str = "the workspace";

/// A file system, and what of ours lies on it.
struct Disk {
    names: Vec<&'static str>,
    path: PathBuf,
    space: Space,
}

fn disks(job: &Job, root: &Path) -> Vec<Disk> {
    let workspace = job.directory().ok();
    let places = [
        ("the cache root", Some(root)),
        (WORKSPACE, workspace.as_deref()),
        ("RUNNER_TEMP", job.context.temporary.as_deref()),
    ];
    let mut disks: Vec<Disk> = Vec::new();
    for (name, path) in places {
        let Some((path, space)) = path.and_then(|path| Some((path, space_at(path).ok()?))) else { continue };
        match disks.iter_mut().find(|disk| disk.space.device == space.device) {
            Some(disk) => disk.names.push(name),
            None => disks.push(Disk { names: vec![name], path: path.into(), space }),
        }
    }
    disks
}

/// Makes room on one disk. A report where there is too little all the same.
fn guard_disk(
    job: &Job,
    store: Option<&Store>,
    maintenance: &Maintenance,
    reach: Option<&Reach>,
    root: &Path,
    disk: &Disk,
    expected: &Expected,
) -> Result<Option<FullDisk>, store::Error> {
    let min_free: MinFree = maintenance.policy.min_free;
    // A disk that is full is one thing, and one that may become so another.
    let is_full = !min_free.shortage(disk.space, Shortage::default()).is_none();
    let expected_bytes = if is_full { 0 } else { expected.bytes };
    let needed = Shortage { bytes: expected_bytes, inodes: 0 };
    let shortage = min_free.shortage(disk.space, needed);
    if shortage.is_none() {
        return Ok(None);
    }
    let is_of_root = disk.path == root;
    let cleaned = match store.filter(|_| is_of_root) {
        Some(store) => {
            let kept = expected.entries.iter().filter(|_| !is_full);
            let _leases: Vec<_> = kept.filter_map(|entry| store.lease(entry.clone()).ok()).collect();
            clean(job, store, &limits(job, store, maintenance, reach)?, needed)?
        }
        None => None,
    };
    let space = space_at(&disk.path)?;
    let mut report = FullDisk {
        names: disk.names.clone(),
        before: disk.space,
        after: space,
        min_free,
        expected: expected_bytes,
        evicted: cleaned.map_or(0, |cleaned| cleaned.evicted),
        largest: Vec::new(),
    };
    if min_free.shortage(space, needed).is_none() {
        job.console.say(report.text());
        record::guarded(job, store, Checked::Freed, &report);
        return Ok(None);
    }
    record::guarded(job, store, Checked::Short, &report);
    report.largest = largest(job, store.filter(|_| is_of_root))?;
    Ok(Some(report))
}

/// What takes the most: entries, and what lies in the runner's work directory.
fn largest(job: &Job, store: Option<&Store>) -> Result<Vec<Large>, store::Error> {
    let mut largest = Vec::new();
    if let Some(store) = store {
        let known = store.known()?;
        let usage = store.usage(&known)?;
        let entries = known.iter().zip(&usage);
        largest.extend(entries.map(|(entry, usage)| Large {
            what: format!(
                "{} {} of {}",
                entry.header.layer(),
                shown_key(entry.header.layer(), &entry.header.key),
                entry.header.scope.repository
            ),
            bytes: usage.bytes(),
        }));
    }
    largest.sort_by_key(|large| std::cmp::Reverse(large.bytes));
    largest.truncate(LARGEST);
    // `_work/<repository>/<repository>`: beside it lie the other repositories' workspaces.
    if let Some(work) = job.context.workspace.as_deref().and_then(|path| path.ancestors().nth(2)) {
        let sizes = directory_size(work, LOOK_FOR)?.into_iter();
        let mut others: Vec<_> =
            sizes.map(|(path, bytes)| Large { what: path.display().to_string(), bytes }).collect();
        others.sort_by_key(|large| std::cmp::Reverse(large.bytes));
        others.truncate(LARGEST);
        others.retain(|large| large.bytes >= LARGE);
        largest.extend(others);
    }
    Ok(largest)
}
