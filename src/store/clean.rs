//! Takes entries and debris away: eviction, quarantine, sweep.
//!
//! An entry goes by a rename into `trash/` under an exclusive lock that was had without waiting; its files are deleted
//! afterwards. A process that dies in between leaves debris in `trash/`, which the next sweep removes.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::entry::EntryId;
use super::retention::Planned;
use super::staging::remove;
use super::{Error, Result, Store};
use crate::sys::{self, Dir, Errno, Lock, LockMode, file};

/// Longer than any job: GitHub ends those of self-hosted runners after five days.
const LONGEST_JOB: SignedDuration = SignedDuration::from_hours(6 * 24);

/// How long a damaged entry is kept for somebody to look at.
const QUARANTINE: SignedDuration = SignedDuration::from_hours(24);

/// What an eviction did.
#[derive(Debug, Default)]
pub struct Evicted {
    /// Entries that are gone.
    pub entries: u64,
    /// Their bytes as recorded; what they shared with others is still there.
    pub bytes: u64,
    /// Entries that somebody is reading.
    pub in_use: u64,
    /// What could not be removed. It stays for the next time.
    pub failures: Vec<Error>,
}

impl Store {
    /// Carries a plan out. Entries in use are left alone, entries that are gone already are fine.
    pub fn evict(&self, plan: &[Planned]) -> Evicted {
        let mut evicted = Evicted::default();
        for planned in plan {
            match self.evict_one(&planned.id) {
                Ok(Fate::Removed) => {
                    evicted.entries += 1;
                    evicted.bytes += planned.bytes;
                }
                Ok(Fate::InUse) => evicted.in_use += 1,
                Ok(Fate::Absent) => {}
                Err(error) => evicted.failures.push(error),
            }
        }
        evicted
    }

    fn evict_one(&self, id: &EntryId) -> Result<Fate> {
        let path = id.path();
        let dir = match Dir::open(&path) {
            Err(error) if error.is(Errno::NOENT) => return Ok(Fate::Absent),
            dir => dir?,
        };
        let Some(_lock) = Lock::try_on(dir, &path, LockMode::Exclusive)? else { return Ok(Fate::InUse) };
        let Some(trash) = move_into(&self.trash_folder(), &path)? else { return Ok(Fate::Absent) };
        remove(&trash)?;
        self.remove_empty_folders(&id.key_folder)?;
        Ok(Fate::Removed)
    }

    /// Takes a damaged entry out of every lookup. Returns where it is now.
    pub fn quarantine(&self, id: &EntryId) -> Result<Option<PathBuf>> {
        let path = move_into(&self.quarantine_folder(), &id.path())?;
        if let Some(path) = &path {
            // From now on its time is that of the quarantine.
            Dir::open(path)?.touch_self()?;
        }
        self.remove_empty_folders(&id.key_folder)?;
        Ok(path)
    }

    /// Removes what killed processes left: stagings that nobody works on, trash, and sessions of jobs that never saved.
    pub fn sweep(&self, now: Timestamp) -> Result<()> {
        self.sweep_sessions(now)?;
        for folder in [self.staging_folder(), self.trash_folder(), self.quarantine_folder()] {
            for name in file::names(&folder)? {
                let path = folder.join(name);
                if folder == self.quarantine_folder() && !is_older_than(&path, QUARANTINE, now) {
                    continue;
                }
                let dir = match Dir::open(&path) {
                    Err(error) if error.is(Errno::NOENT) => continue,
                    dir => dir?,
                };
                if let Some(_lock) = Lock::try_on(dir, &path, LockMode::Exclusive)? {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    fn sweep_sessions(&self, now: Timestamp) -> Result<()> {
        for name in file::names(&self.sessions_folder())? {
            let path = self.sessions_folder().join(name);
            if is_older_than(&path, LONGEST_JOB, now) {
                match file::remove_file(&path) {
                    Err(error) if error.is(Errno::NOENT) => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }

    fn remove_empty_folders(&self, key_folder: &Path) -> Result<()> {
        // The folders of key, ref and repository.
        for folder in key_folder.ancestors().take(3) {
            if folder == self.root() || !file::remove_dir_if_empty(folder)? {
                break;
            }
        }
        Ok(())
    }
}

enum Fate {
    Removed,
    InUse,
    Absent,
}

/// Renames `path` to a new name in `folder`; `None` when it is gone.
fn move_into(folder: &Path, path: &Path) -> Result<Option<PathBuf>> {
    let target = folder.join(format!("{:08x}{:08x}", sys::random()?, sys::random()?));
    match file::rename(path, &target) {
        Ok(()) => Ok(Some(target)),
        Err(error) if error.is(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether `path` last changed longer ago than `age`. What is gone is not old.
fn is_older_than(path: &Path, age: SignedDuration, now: Timestamp) -> bool {
    let modified = file::modified(path).ok().and_then(|modified| Timestamp::try_from(modified).ok());
    modified.is_some_and(|modified| now.duration_since(modified) > age)
}

#[cfg(test)]
mod tests {
    use super::super::manifest::tests::sample;
    use super::super::retention::Reason;
    use super::super::{Candidate, Lanes, Layer, Query, Scope};
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("root")).unwrap();
        (folder, store)
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
        let (_folder, store) = store();
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
    fn restore_keys_are_tried_in_their_order() {
        let (_folder, store) = store();
        let far = publish(&store, "a-x-1", "own");
        let near = publish(&store, "a-y-1", "own");
        assert_eq!(ids(&lookup(&store, "a-y-2", &["a-y-", "a-"], Lanes::Any)), [near, far]);
    }

    #[test]
    fn a_key_too_long_for_a_folder_name_is_found_by_prefix() {
        let (_folder, store) = store();
        let long = publish(&store, &"k".repeat(500), "own");
        assert_eq!(ids(&lookup(&store, "other", &[&"k".repeat(400)], Lanes::Any)), [long]);
    }

    #[test]
    fn an_empty_key_folder_is_no_entry() {
        let (_folder, store) = store();
        let id = publish(&store, "a", "own");
        remove(&id.path()).unwrap();
        assert!(file::is_dir(&id.key_folder));
        assert!(lookup(&store, "a", &["a"], Lanes::Any).is_empty());
    }

    #[test]
    fn an_entry_that_is_read_is_not_evicted() {
        let (_folder, store) = store();
        let id = publish(&store, "a", "own");
        let lease = store.lease(id.clone()).unwrap();
        assert_eq!(store.evict(&[planned(&id)]).in_use, 1);
        drop(lease);
        assert_eq!(store.evict(&[planned(&id)]).entries, 1);
        assert!(matches!(store.lease(id.clone()), Err(Error::Gone { .. })));
        assert!(!file::is_dir(&id.key_folder));
    }

    #[test]
    fn an_entry_without_its_manifest_is_damaged() {
        let (_folder, store) = store();
        let id = publish(&store, "a", "own");
        file::remove_file(&id.path().join("manifest")).unwrap();
        assert!(store.lease(id.clone()).unwrap_err().is_damage());
        store.quarantine(&id).unwrap();
        assert!(lookup(&store, "a", &[], Lanes::Any).is_empty());
        let quarantined = || file::names(&store.quarantine_folder()).unwrap().len();
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(quarantined(), 1, "for somebody to look at");
        store.sweep(Timestamp::now() + SignedDuration::from_hours(25)).unwrap();
        assert_eq!(quarantined(), 0);
    }

    #[test]
    fn a_sweep_removes_debris_and_no_staging_that_is_worked_on() {
        let (_folder, store) = store();
        let alive = store.stage().unwrap();
        drop(store.stage().unwrap());
        store.sweep(Timestamp::now()).unwrap();
        assert_eq!(file::names(&store.staging_folder()).unwrap().len(), 1);
        store.publish(alive, &sample("a", "own")).unwrap();
    }

    #[test]
    fn a_session_of_a_job_that_never_saved_is_removed_after_days() {
        let (_folder, store) = store();
        store.leave_session(&"what to save").unwrap();
        let now = Timestamp::now();
        store.sweep(now).unwrap();
        assert_eq!(file::names(&store.sessions_folder()).unwrap().len(), 1);
        store.sweep(now + SignedDuration::from_hours(7 * 24)).unwrap();
        assert_eq!(file::names(&store.sessions_folder()).unwrap().len(), 0);
    }

    #[test]
    fn a_root_that_everybody_can_write_to_is_refused() {
        let (_folder, store) = store();
        let parent = Dir::open(store.root().parent().unwrap()).unwrap();
        parent.set_mode(b"root", 0o777).unwrap();
        assert!(matches!(Store::open(store.root()), Err(Error::UnsafeRoot { .. })));
    }
}
