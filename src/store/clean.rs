//! Takes entries and debris away: eviction, quarantine, sweep.
//!
//! An entry goes by a rename into `trash/` under an exclusive lock that was had without waiting; its files are deleted
//! afterwards. A process that dies in between leaves debris in `trash/`, which the next sweep removes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tracing::debug;

use super::address::EntryId;
use super::area::Area;
use super::marks::CLEAN_LOCK;
use super::retention::{Known, Planned, Reach, Reason};
use super::session::is_session_over;
use super::{Error, Layer, Result, Store};
use crate::sys::{self, CrashPoint, Dir, Errno, FileType, Lock, LockMode, Time};

/// Longer than any job: GitHub ends those of self-hosted runners after five days.
pub(super) const LONGEST_JOB: SignedDuration = SignedDuration::from_hours(6 * 24);

/// What is further ahead is of a clock that was wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// How long a session's pointer may take to follow it.
const JUST_LEFT: SignedDuration = SignedDuration::from_mins(1);

/// How long a damaged entry is kept for somebody to look at.
const QUARANTINE: SignedDuration = SignedDuration::from_hours(24);

/// How long the note of a boot is kept that no entry is of.
const LONGEST_NOTE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What an eviction did.
#[derive(Debug, Default)]
pub struct Evicted {
    /// Entries that are gone. What they shared with others is still there.
    pub removed: Vec<Planned>,
    /// Entries that somebody is reading.
    pub in_use: Vec<EntryId>,
    /// What could not be removed. It stays for the next time.
    pub failures: Vec<Error>,
}

impl Evicted {
    /// How many are gone.
    pub fn entries(&self) -> u64 {
        self.removed.len() as u64
    }

    /// Their bytes as recorded.
    pub fn bytes(&self) -> u64 {
        self.removed.iter().map(|planned| planned.bytes).sum()
    }
}

impl std::ops::AddAssign for Evicted {
    fn add_assign(&mut self, mut other: Self) {
        self.removed.append(&mut other.removed);
        self.in_use.append(&mut other.in_use);
        self.failures.append(&mut other.failures);
    }
}

impl Store {
    /// Waits up to `patience` until nobody else cleans up, and keeps others from it while the lock is held. `None` when it
    /// was not to be had.
    pub fn lock_cleaning(&self, patience: Duration) -> Result<Option<Lock>> {
        self.check_writable()?;
        self.wait_for_lock(&self.root().join(CLEAN_LOCK), patience)
    }

    /// All entries whose header can be read. Others are of no family.
    pub fn known(&self) -> Result<Vec<Known>> {
        self.known_in(&Layer::ALL)
    }

    /// The units of the pool that were not of use for longer than `longest`. They are many, and all that their headers tell
    /// besides matters only where sizes do.
    pub fn idle_units(
        &self,
        longest: SignedDuration,
        now: Timestamp,
        reach: Option<&Reach>,
    ) -> Result<Vec<Planned>> {
        let entries = self.entries_in(&[Layer::Units])?.into_iter();
        let is_idle = |id: &EntryId| {
            self.stat(id).is_ok_and(|stat| {
                let age = now.duration_since(stat.mtime.timestamp());
                if age < -AHEAD {
                    self.set_back_one(now, id);
                }
                self.may_remove(stat.owner) && age > longest
            })
        };
        let planned = |id| {
            let header = self.header(&id).ok();
            let is_reached = |reach: &Reach| header.as_ref().is_some_and(|header| reach.has(&header.scope));
            let bytes = header.as_ref().map_or(0, |header| header.bytes);
            reach.is_none_or(is_reached).then_some(Planned { bytes, id, reason: Reason::Age })
        };
        Ok(entries.filter(is_idle).filter_map(planned).collect())
    }

    /// Sets the last use of those of `known` that is more than a day ahead to a day ago: else they would never grow old, and
    /// would be newer than what is saved now.
    pub fn set_back(&self, now: Timestamp, known: &[Known]) {
        for entry in known.iter().filter(|entry| now.duration_since(entry.last_used) < -AHEAD) {
            self.set_back_one(now, &entry.id);
        }
    }

    fn set_back_one(&self, now: Timestamp, id: &EntryId) {
        let time = Time::from(now - AHEAD);
        // Another user's stays as it is, and its owner's next clean-up sees it as well.
        let _ = self.open_directory(&id.path()).and_then(|directory| Ok(directory.finish_self(None, time)?));
    }

    /// The entries of some layers whose header can be read.
    pub fn known_in(&self, layers: &[Layer]) -> Result<Vec<Known>> {
        Ok(self.entries_in(layers)?.into_iter().filter_map(|id| self.known_as(id)).collect())
    }

    /// What is known of an entry; `None` for one whose header cannot be read.
    pub fn known_as(&self, id: EntryId) -> Option<Known> {
        let header = self.header(&id).ok()?;
        let stat = self.stat(&id).ok()?;
        let stays = !self.may_remove(stat.owner);
        Some(Known { id, header, last_used: stat.mtime.timestamp(), stays })
    }

    /// Carries a plan out. Entries in use are left alone, entries that are gone already are fine.
    pub fn evict(&self, plan: &[Planned]) -> Evicted {
        let mut evicted = Evicted::default();
        // Most are small: to remove one is a few calls, of which none waits for those of another one.
        let fates = plan.par_iter().map(|planned| self.evict_one(&planned.id));
        for (planned, fate) in plan.iter().zip(fates.collect::<Vec<_>>()) {
            debug!(entry = %planned.id.path().display(), reason = ?planned.reason, ?fate, "evicted");
            match fate {
                Ok(Fate::Removed) => evicted.removed.push(planned.clone()),
                Ok(Fate::InUse) => evicted.in_use.push(planned.id.clone()),
                Ok(Fate::Absent) => {}
                Err(error) => evicted.failures.push(error),
            }
        }
        evicted
    }

    fn evict_one(&self, id: &EntryId) -> Result<Fate> {
        self.check_writable()?;
        let path = id.path();
        let dir = match self.open_directory(&path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(Fate::Absent),
            dir => dir?,
        };
        let owner = dir.stat_self()?.owner;
        if !self.may_remove(owner) {
            return Err(Error::OfOther { path, owner });
        }
        // Held to the end, for the directory is in the trash by then, where only a sweep looks: it must not delete it, too.
        let Some(_lock) = Lock::try_on(dir, &path, LockMode::Exclusive)? else { return Ok(Fate::InUse) };
        let Some(trash) = self.move_into(&self.area(Area::Trash), &path)? else { return Ok(Fate::Absent) };
        sys::crash_at(CrashPoint::Trashed);
        self.remove(&trash)?;
        sys::crash_at(CrashPoint::Deleted);
        self.remove_empty_directories(&id.key_directory)?;
        Ok(Fate::Removed)
    }

    /// Takes a damaged entry out of every lookup. Returns where it is now; `None` when it is gone. Who reads it goes on.
    pub fn quarantine(&self, id: &EntryId) -> Result<Option<PathBuf>> {
        self.check_writable()?;
        let Some(path) = self.move_into(&self.area(Area::Quarantine), &id.path())? else { return Ok(None) };
        sys::crash_at(CrashPoint::Quarantined);
        // From now on its time is that of the quarantine.
        self.open_directory(&path)?.touch_self()?;
        self.remove_empty_directories(&id.key_directory)?;
        Ok(Some(path))
    }

    /// Removes what killed processes left: stagings that nobody works on, trash, and sessions of jobs that never saved; and
    /// what was in quarantine for long.
    pub fn sweep(&self, now: Timestamp) -> Result<()> {
        self.check_writable()?;
        let is_old = |modified| now.duration_since(modified) > QUARANTINE;
        first_failure([
            self.sweep_files(now),
            self.sweep_records(),
            self.empty(&self.area(Area::Staging), |_| true),
            self.empty(&self.area(Area::Trash), |_| true),
            self.empty(&self.area(Area::Retired), |_| true),
            self.empty(&self.area(Area::Quarantine), is_old),
        ])
    }

    /// Removes all that is in quarantine: where room is short nobody looks at it any more.
    pub fn empty_quarantine(&self) -> Result<()> {
        self.check_writable()?;
        self.empty(&self.area(Area::Quarantine), |_| true)
    }

    /// Removes this user's directories in `directory` on which nobody works and whose time `goes`. One that cannot be removed
    /// does not keep the others. What is no directory was not put there by us, and stays.
    fn empty(&self, directory: &Path, goes: impl Fn(Timestamp) -> bool) -> Result<()> {
        let names = self.names(directory)?.into_iter();
        first_failure(names.map(|name| self.remove_debris(&directory.join(name), &goes)))
    }

    fn remove_debris(&self, path: &Path, goes: impl Fn(Timestamp) -> bool) -> Result<()> {
        let (directory, name) = self.open_parent(path)?;
        let Some(stat) = directory.stat_if_present(name)? else { return Ok(()) };
        if stat.kind != FileType::Directory {
            return Err(Error::Stray { path: path.into() });
        }
        if !self.may_remove(stat.owner) || !goes(stat.mtime.timestamp()) {
            return Ok(());
        }
        let dir = match self.open_directory(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(()),
            dir => dir?,
        };
        let Some(_lock) = Lock::try_on(dir, path, LockMode::Exclusive)? else { return Ok(()) };
        sys::crash_at(CrashPoint::Sweeping);
        self.remove(path)
    }

    fn sweep_files(&self, now: Timestamp) -> Result<()> {
        let directory = self.area(Area::Sessions);
        let sessions = self.names(&directory)?.into_iter().map(|name| (directory.join(name), LONGEST_JOB));
        let boots = self.noted_boots()?.into_iter().map(|path| (path, LONGEST_NOTE));
        first_failure(
            sessions.chain(boots).map(|(path, longest)| self.remove_file_if_over(&path, longest, now)),
        )
    }

    /// Whether a sweep removes the file `path`: of this user and older than `longest`, or the session of a job that is over.
    pub(super) fn goes_at_sweep(&self, path: &Path, longest: SignedDuration, now: Timestamp) -> Result<bool> {
        let (directory, name) = match self.open_parent(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(false),
            opened => opened?,
        };
        let Some(stat) = directory.stat_if_present(name)? else { return Ok(false) };
        let is_file = stat.kind == FileType::RegularFile && self.may_remove(stat.owner);
        let age = now.duration_since(stat.mtime.timestamp());
        let is_over = || age > JUST_LEFT && is_session_over(&directory, name);
        Ok(is_file && (age > longest || is_over()))
    }

    fn remove_file_if_over(&self, path: &Path, longest: SignedDuration, now: Timestamp) -> Result<()> {
        if !self.goes_at_sweep(path, longest, now)? {
            return Ok(());
        }
        let (directory, name) = self.open_parent(path)?;
        match directory.remove_file(name) {
            Err(error) if error.is(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Removes the directory at `path` with all that is in it.
    fn remove(&self, path: &Path) -> Result<()> {
        let (directory, name) = self.open_parent(path)?;
        Ok(directory.remove_all(name)?)
    }

    fn remove_empty_directories(&self, key_directory: &Path) -> Result<()> {
        // The directories of key, ref and repository.
        for directory in key_directory.ancestors().take(3) {
            if directory == self.root() || !self.remove_directory_if_empty(directory)? {
                break;
            }
        }
        Ok(())
    }

    fn remove_directory_if_empty(&self, path: &Path) -> Result<bool> {
        let removed = self.open_parent(path).and_then(|(directory, name)| Ok(directory.remove_dir(name)?));
        match removed {
            Ok(()) => Ok(true),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) || error.is(Errno::NOTEMPTY) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renames the directory `path` to a new name in `directory`; `None` when it is gone.
    fn move_into(&self, directory: &Path, path: &Path) -> Result<Option<PathBuf>> {
        let target = format!("{:08x}{:08x}", sys::random()?, sys::random()?);
        let to: Dir = self.make_directory(directory)?;
        let renamed = match self.open_parent(path) {
            Ok((from, name)) => from.rename_new(name, &to, target.as_bytes()).map_err(Error::from),
            Err(error) => Err(error),
        };
        match renamed {
            Ok(()) => Ok(Some(directory.join(target))),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Debug)]
enum Fate {
    Removed,
    InUse,
    Absent,
}

/// The first failure of all that is done: none keeps the rest from being done.
fn first_failure(done: impl IntoIterator<Item = Result<()>>) -> Result<()> {
    done.into_iter().fold(Ok(()), Result::and)
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::sample;
    use super::super::{Access, Candidate, Lanes, Query, Scope};
    use super::*;
    use crate::sys::file;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
        (directory, store)
    }

    fn publish(store: &Store, key: &str, lane: &str) -> EntryId {
        store.publish(store.stage().unwrap(), &sample(key, lane)).unwrap()
    }

    fn lookup(store: &Store, key: &str, restore_keys: &[&str], lanes: Lanes) -> Vec<Candidate> {
        let restore_keys: Vec<_> = restore_keys.iter().map(ToString::to_string).collect();
        let scopes = [Scope { repository: "o/r".into(), reference: "refs/heads/main".into() }];
        let layer = Layer::Target;
        store
            .candidates(&Query {
                layer,
                scopes: &scopes,
                key,
                restore_keys: &restore_keys,
                lane: "own",
                lanes,
                may_be_partial: false,
                now: Timestamp::now(),
            })
            .unwrap()
    }

    fn ids(candidates: &[Candidate]) -> Vec<EntryId> {
        candidates.iter().map(|candidate| candidate.id.clone()).collect()
    }

    fn planned(id: &EntryId) -> Planned {
        Planned { id: id.clone(), bytes: 1, reason: Reason::Count { keep: 1 } }
    }

    #[test]
    fn a_lookup_prefers_the_exact_key_then_the_own_lane_then_the_newest() {
        let (_directory, store) = store();
        let other_exact = publish(&store, "a-1", "other");
        let own_exact = publish(&store, "a-1", "own");
        let other_prefix = publish(&store, "a-2", "other");
        let own_prefix = publish(&store, "a-3", "own");
        publish(&store, "b-1", "own");
        let all = lookup(&store, "a-1", &["a-"], Lanes::Any);
        assert_eq!(ids(&all), [own_exact.clone(), other_exact, own_prefix.clone(), other_prefix]);
        assert_eq!(ids(&lookup(&store, "a-1", &["a-"], Lanes::Own)), [own_exact, own_prefix]);
        assert!(lookup(&store, "a-", &[], Lanes::Any).is_empty());
    }

    #[test]
    fn an_entry_of_the_future_wins_over_none_that_is_not() {
        let (_directory, store) = store();
        let publish_at = |days: i64, key: &str| {
            let mut manifest = sample(key, "own");
            manifest.header.created = Timestamp::now() + SignedDuration::from_hours(24 * days);
            store.publish(store.stage().unwrap(), &manifest).unwrap()
        };
        let of_future = publish_at(900, "a-1");
        assert_eq!(ids(&lookup(&store, "a-1", &["a-"], Lanes::Any)), std::slice::from_ref(&of_future));
        let (exact, prefixed) = (publish_at(-2, "a-1"), publish_at(-1, "a-2"));
        assert_eq!(
            ids(&lookup(&store, "a-1", &["a-"], Lanes::Any)),
            [exact, of_future.clone(), prefixed.clone()]
        );
        assert_eq!(lookup(&store, "a-", &["a-"], Lanes::Any)[0].id, prefixed);
    }

    #[test]
    fn restore_keys_are_tried_in_their_order() {
        let (_directory, store) = store();
        let far = publish(&store, "a-x-1", "own");
        let near = publish(&store, "a-y-1", "own");
        assert_eq!(ids(&lookup(&store, "a-y-2", &["a-y-", "a-"], Lanes::Any)), [near, far]);
    }

    #[test]
    fn a_key_too_long_for_a_directory_name_is_found_by_prefix() {
        let (_directory, store) = store();
        let long = publish(&store, &"k".repeat(500), "own");
        assert_eq!(ids(&lookup(&store, "other", &[&"k".repeat(400)], Lanes::Any)), [long]);
    }

    #[test]
    fn an_empty_key_directory_is_no_entry() {
        let (_directory, store) = store();
        let id = publish(&store, "a", "own");
        store.remove(&id.path()).unwrap();
        assert!(file::is_dir(&id.key_directory));
        assert!(lookup(&store, "a", &["a"], Lanes::Any).is_empty());
    }

    #[test]
    fn an_entry_that_is_read_is_not_evicted() {
        let (_directory, store) = store();
        let id = publish(&store, "a", "own");
        let lease = store.lease(id.clone()).unwrap();
        assert_eq!(store.evict(&[planned(&id)]).in_use, std::slice::from_ref(&id));
        drop(lease);
        assert_eq!(store.evict(&[planned(&id)]).removed, [planned(&id)]);
        assert_eq!(store.evict(&[planned(&id)]).entries(), 0, "another process took it");
        assert!(matches!(store.lease(id.clone()), Err(Error::Gone { .. })));
        assert!(!file::is_dir(&id.key_directory));
    }

    #[test]
    fn an_entry_without_its_manifest_is_damaged() {
        let (_directory, store) = store();
        let id = publish(&store, "a", "own");
        file::remove_file(&id.path().join("manifest")).unwrap();
        assert!(store.lease(id.clone()).unwrap_err().is_damage());
        store.quarantine(&id).unwrap();
        assert!(lookup(&store, "a", &[], Lanes::Any).is_empty());
        let quarantined = || file::names(&store.area(Area::Quarantine)).unwrap().len();
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(quarantined(), 1, "for somebody to look at");
        store.sweep(Timestamp::now() + SignedDuration::from_hours(25)).unwrap();
        assert_eq!(quarantined(), 0);
    }

    #[test]
    fn a_sweep_removes_debris_and_no_staging_that_is_worked_on() {
        let (_directory, store) = store();
        let alive = store.stage().unwrap();
        drop(store.stage().unwrap());
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(file::names(&store.area(Area::Staging)).unwrap().len(), 1);
        store.publish(alive, &sample("a", "own")).unwrap();
    }

    #[test]
    fn a_session_of_a_job_that_never_saved_is_removed_when_the_job_is_over_or_after_days() {
        let (_directory, store) = store();
        let temporary = tempfile::tempdir().unwrap();
        let left = || file::names(&store.area(Area::Sessions)).unwrap().len();
        store.leave_session("what to save", temporary.path(), false).unwrap();
        let now = Timestamp::now();
        store.sweep(now + SignedDuration::from_hours(1)).unwrap();
        assert_eq!(left(), 1, "the job is at work");
        store.sweep(now + SignedDuration::from_hours(7 * 24)).unwrap();
        assert_eq!(left(), 0);

        store.leave_session("what to save", temporary.path(), false).unwrap();
        temporary.close().unwrap();
        store.sweep(now).unwrap();
        assert_eq!(left(), 1, "its pointer may be to come");
        store.sweep(now + SignedDuration::from_hours(1)).unwrap();
        assert_eq!(left(), 0);
    }
}
