//! Looks at a host for one moment. It changes nothing there, and disturbs nobody.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::job::{Job, chain};
use crate::ledger::{self, Latest, Ledger, OfRunner};
use crate::outcome::{Live, LiveLock, Party, StoredNow};
use crate::store::retention::{Policy, Room};
use crate::store::{self, Layer, Store, WorkLock, Working};
use crate::sys::{FileId, HeldFile, Space, file, held_files, host_name, name_of, space_at};

/// Events that are shown, at most.
const EVENTS: u32 = 200;

/// How far back the jobs of a runner count.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// How often entries are counted anew: the header of each is read for that.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Looks at one host again and again.
pub(super) struct Looker<'a> {
    job: &'a Job,
    store: &'a Store,
    /// What a job lets stay.
    own: Policy,
    counted: Option<(Instant, StoredNow)>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(job: &'a Job, store: &'a Store, own: Policy) -> Self {
        Self { job, store, own, counted: None }
    }

    /// How the host is now. What cannot be read is told, and the rest is there.
    pub(super) fn look(&mut self) -> Live {
        let mut troubles = Vec::new();
        let store = self.store;
        let working = or_told(store.working(), &mut troubles);
        let disk = space_at(store.root()).ok();
        let policy = disk.map_or_else(|| self.own.clone(), |disk| self.policy(disk));
        let short = disk.map_or_else(Room::default, |disk| policy.min_free.shortage(disk, Room::default()));
        let locks = locks(store, &working, &mut troubles);
        let at = Timestamp::now();
        let (runners, events) = match told(store, at) {
            Ok(told) => told,
            Err(error) => {
                troubles.push(chain(&error));
                (Vec::new(), Vec::new())
            }
        };
        Live {
            at,
            host: host_name(),
            cache_root: store.root().to_path_buf(),
            disk,
            min_free: policy.min_free,
            short,
            max_size: policy.max_size,
            stored: self.count(&mut troubles),
            working,
            locks,
            runners,
            events,
            troubles,
        }
    }

    /// What all entries may take, and leave free.
    fn policy(&self, disk: Space) -> Policy {
        let host = self.job.policy.limits.policy(&self.own, disk);
        Policy { max_size: host.max_size.or(self.own.max_size), ..host }
    }

    fn count(&mut self, troubles: &mut Vec<String>) -> Option<StoredNow> {
        if let Some((counted, stored)) = self.counted
            && counted.elapsed() < COUNT_EVERY
        {
            return Some(stored);
        }
        match self.store.known_in(&Layer::OF_JOBS) {
            Ok(known) => {
                let bytes = known.iter().map(|entry| entry.header.bytes).sum();
                let stored = StoredNow { entries: known.len() as u64, bytes };
                self.counted = Some((Instant::now(), stored));
                Some(stored)
            }
            Err(error) => {
                troubles.push(chain(&error));
                None
            }
        }
    }
}

fn or_told<T: Default>(read: store::Result<T>, troubles: &mut Vec<String>) -> T {
    read.unwrap_or_else(|error| {
        troubles.push(chain(&error));
        T::default()
    })
}

/// What the ledger tells: of runners, and of what happened last.
fn told(store: &Store, now: Timestamp) -> ledger::Result<(Vec<OfRunner>, Vec<Latest>)> {
    let Some(ledger) = Ledger::open_existing(store)? else { return Ok((Vec::new(), Vec::new())) };
    let since = now.saturating_sub(LATELY).unwrap_or(Timestamp::MIN);
    Ok((ledger.runners(since)?, ledger.latest(EVENTS)?))
}

/// Who has which lock, and who waits for it. What processes tell of themselves comes first, for the kernel does not tell of
/// processes in other containers, and on some file systems not of which file a lock is.
fn locks(store: &Store, working: &[Working], troubles: &mut Vec<String>) -> Vec<LiveLock> {
    // Without `/proc` the records tell most.
    let held = held_files().unwrap_or_default();
    let mut locks = BTreeMap::new();
    for lock in [WorkLock::CleanUp, WorkLock::Flush, WorkLock::Cargo] {
        let waits = || {
            working
                .iter()
                .filter_map(|one| one.waits.filter(|wait| wait.lock == lock).map(|wait| (one, wait)))
        };
        let own = store.lock_file(lock).and_then(|path| file::id(&path));
        let files: Vec<_> = own.into_iter().chain(waits().filter_map(|(_, wait)| wait.file)).collect();
        let is_of = |one: &&HeldFile| files.contains(&one.file);
        let of_kernel = held.iter().filter(is_of).map(|one| (one.waits, party(one.pid, working)));
        let (mut holders, mut waiters) = (Vec::new(), Vec::new());
        holders.extend(working.iter().filter(|one| one.holds.contains(&lock)).map(|one| told_of(one, None)));
        waiters.extend(waits().map(|(one, wait)| told_of(one, Some(wait.since))));
        for (waits, party) in of_kernel {
            let to = if waits { &mut waiters } else { &mut holders };
            if to.iter().all(|known: &Party| known.pid != party.pid) {
                to.push(party);
            }
        }
        if !(holders.is_empty() && waiters.is_empty()) {
            let name = lock.name().to_owned();
            locks.insert((0, name.clone()), LiveLock { name, is_shared: false, holders, waiters });
        }
    }
    let disk = file::id(store.root()).map(|root| root.device);
    let files = held.iter().map(|one| one.file).filter(|file| Some(file.device) == disk);
    let files: Vec<FileId> = files.collect();
    for (file, key) in or_told(store.keys_at(&files), troubles) {
        let of_entry = held.iter().filter(|one| one.file == file);
        let holders = of_entry.clone().filter(|one| !one.waits).map(|one| party(one.pid, working));
        let is_shared = of_entry.clone().all(|one| one.is_shared);
        let lock = locks.entry((1, key.clone())).or_insert_with(|| LiveLock {
            name: key,
            is_shared,
            holders: Vec::new(),
            waiters: Vec::new(),
        });
        lock.holders.extend(holders);
    }
    locks.into_values().collect()
}

/// What is known of a process that the kernel names.
fn party(pid: u32, working: &[Working]) -> Party {
    let known = working.iter().find(|one| one.pid == pid).map(|one| told_of(one, None));
    known.unwrap_or_else(|| Party { pid, what: name_of(pid).unwrap_or_else(|| "?".to_owned()), since: None })
}

fn told_of(working: &Working, since: Option<Timestamp>) -> Party {
    let whose = working.job.as_deref().or(working.repository.as_deref());
    let what = [Some(working.activity.name()), whose, working.runner.as_deref()];
    Party { pid: working.pid, what: what.into_iter().flatten().collect::<Vec<_>>().join(" "), since }
}
