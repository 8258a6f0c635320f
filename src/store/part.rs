//! Files that lie in the folder of one entry and belong to others, too.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::entry::{EntryId, Lease, MANIFEST, TREES};
use super::manifest::{Part, Root};
use super::staging::{Staging, pack_name};
use super::{Access, Error, Layer, Result, Store};
use crate::sys::{self, CrashPoint, Dir, Errno, Lock, LockMode, Stat, file};
use crate::tree::{Files, Pack};

/// The folder in an entry with the names that keep others' files.
pub(super) const PARTS: &str = "parts";

/// The entries whose files others keep, by what these have noted: read once, when that is first asked for, since it takes a look
/// into all entries.
#[derive(Debug, Default)]
pub struct Needs {
    names: Mutex<Option<Arc<HashSet<OsString>>>>,
}

impl Needs {
    fn names(&self, store: &Store) -> Result<Arc<HashSet<OsString>>> {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = &*known {
            return Ok(Arc::clone(names));
        }
        let layers = Layer::ALL.into_iter().filter(|layer| !layer.is_whole()).collect::<Vec<_>>();
        // One that is published meanwhile is found as an entry.
        let staging = store.staging_folder();
        let mut folders: Vec<_> = store.names(&staging)?.into_iter().map(|name| staging.join(name)).collect();
        folders.extend(store.entries_in(&layers)?.into_iter().map(|id| id.path()));
        let mut names = HashSet::new();
        for folder in folders {
            names.extend(store.names(&folder.join(PARTS))?);
        }
        Ok(Arc::clone(known.insert(Arc::new(names))))
    }
}

impl Store {
    /// The folder of `entry` (its path below the root), which may have been retired.
    fn open_part(&self, entry: &str) -> Result<Dir> {
        match self.open_folder(&self.root().join(entry)) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => self.open_folder(&self.retired(entry)),
            opened => opened,
        }
    }

    /// Where `entry` is once it was retired. Generations have names that no others have.
    fn retired(&self, entry: impl AsRef<Path>) -> PathBuf {
        self.retired_folder().join(entry.as_ref().file_name().unwrap_or_default())
    }

    /// Adds to `names` what keeps the files of `part`. `false` where that cannot be.
    fn keep(&self, part: &Part, names: &Dir) -> Result<bool> {
        let name = part.generation().as_bytes();
        let linked = self.open_part(&part.entry).and_then(|folder| {
            let path = folder.path().to_path_buf();
            // Whoever removes it holds its lock from before looking whether it is needed.
            match Lock::try_on(folder, &path, LockMode::Shared)? {
                Some(lock) => Ok(lock.get().link(MANIFEST.as_bytes(), names, name)?),
                None => Err(Error::Gone { path }),
            }
        });
        match linked {
            Ok(()) => Ok(true),
            // Several roots can have files of one entry.
            Err(Error::Sys(error)) if error.is(Errno::EXIST) => Ok(true),
            Err(Error::Sys(error)) if error.is_of_unlinkable() => Ok(false),
            Err(Error::Gone { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes an entry out of every lookup, and lets those find it who need it. Returns where it is now; `None` when it is gone.
    pub(super) fn retire(&self, id: &EntryId) -> Result<Option<PathBuf>> {
        let (path, retired) = (id.path(), self.retired(id.path()));
        let to = self.make_folder(&self.retired_folder())?;
        let renamed = self.open_parent(&path).and_then(|(from, name)| Ok(from.rename_new(name, &to, name)?));
        match renamed {
            Ok(()) => {
                sys::crash_at(CrashPoint::Retired);
                Ok(Some(retired))
            }
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether files of the entry in `folder` belong to others. The caller holds its lock, or nothing follows from it: who begins
    /// to need it holds that, too, and gives its manifest a further name.
    pub(super) fn is_needed(&self, folder: &Dir, needs: &Needs) -> Result<bool> {
        // Network file systems tell late of what is not open.
        let manifest = match folder.open_file(MANIFEST.as_bytes()) {
            Ok((_, manifest)) => Some(manifest),
            Err(_) => folder.stat_if_present(MANIFEST.as_bytes())?,
        };
        if manifest.is_some_and(|manifest| manifest.links > 1) {
            return Ok(true);
        }
        // Somebody may have removed what would tell, or copied the root without its names.
        let name = folder.path().file_name().unwrap_or_default();
        Ok(needs.names(self)?.contains(name))
    }

    /// The retired entries.
    pub(super) fn all_retired(&self) -> Result<Vec<PathBuf>> {
        let folder = self.retired_folder();
        Ok(self.names(&folder)?.into_iter().map(|name| folder.join(name)).collect())
    }

    /// Removes of a retired entry what it keeps of others, for it is no entry any more, and the whole once nobody needs it.
    /// Whether something was removed.
    pub(super) fn let_go_of_retired(&self, path: &Path, needs: &Needs) -> Result<bool> {
        let dir = match self.open_folder(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(false),
            Err(Error::Sys(error)) if error.is(Errno::NOTDIR) => {
                return Err(Error::Stray { path: path.into() });
            }
            dir => dir?,
        };
        let keeps_any = |dir: &Dir| Ok::<_, Error>(dir.stat_if_present(PARTS.as_bytes())?.is_some());
        // Before the lock: whoever begins to need it must not meet one for nothing.
        if !self.may_remove(dir.stat_self()?.owner) || (self.is_needed(&dir, needs)? && !keeps_any(&dir)?) {
            return Ok(false);
        }
        let Some(lock) = Lock::try_on(dir, path, LockMode::Exclusive)? else { return Ok(false) };
        if !self.is_needed(lock.get(), needs)? {
            return self.throw_away(path);
        }
        let does_keep = keeps_any(lock.get())?;
        if does_keep {
            lock.get().remove_all(PARTS.as_bytes())?;
        }
        Ok(does_keep)
    }
}

impl Staging {
    /// Keeps the files of `parts` for as long as there is an entry of this. `false` where one of them cannot be kept, and none
    /// is.
    pub fn keep(&self, store: &Store, parts: &[&Part]) -> Result<bool> {
        if parts.is_empty() {
            return Ok(true);
        }
        let own = self.dir();
        own.make_dir(PARTS.as_bytes(), 0o700)?;
        if store.access() == Access::Group {
            own.set_mode(PARTS.as_bytes(), 0o750)?;
        }
        let names = own.open_dir(PARTS.as_bytes())?;
        for part in parts {
            if !store.keep(part, &names)? {
                own.remove_all(PARTS.as_bytes())?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn root_of(entry: &Dir, index: usize) -> Result<Dir> {
    Ok(entry.open_dir(TREES.as_bytes())?.open_dir(index.to_string().as_bytes())?)
}

impl Lease {
    /// Where the files of root `index` lie.
    pub fn open_root(&self, index: usize) -> Result<Files> {
        let Root { tree, elsewhere, .. } = &self.manifest().roots[index];
        let pack = if elsewhere.has_pack() {
            let trees = self.dir().open_dir(TREES.as_bytes())?;
            Some(Pack::open(&trees, &pack_name(index), tree, &elsewhere.of)?)
        } else {
            None
        };
        Ok(Files::new(self.open_folders(index)?, elsewhere.of.clone(), pack))
    }

    /// The folders with files of root `index`: first the entry's own, then those of its [parts](super::Elsewhere::parts).
    pub fn open_folders(&self, index: usize) -> Result<Vec<Dir>> {
        let mut folders = vec![root_of(self.dir(), index)?];
        for part in &self.manifest().roots[index].elsewhere.parts {
            let entry = self.store().open_part(&part.entry)?;
            folders.push(root_of(&entry, part.root as usize)?);
        }
        Ok(folders)
    }

    /// Where files of root `index` lie, for others to keep: first in the entry itself, then in its
    /// [parts](super::Elsewhere::parts).
    pub fn places(&self, index: usize) -> Vec<Part> {
        let (files, bytes) = self.held();
        let folder = self.id().path();
        let entry = folder.strip_prefix(self.store().root()).unwrap_or(&folder).display().to_string();
        let root = u32::try_from(index).expect("an entry has few roots");
        let mut places = vec![Part { entry, root, files, bytes }];
        places.extend(self.manifest().roots[index].elsewhere.parts.iter().cloned());
        places
    }

    /// The pack of root `index`.
    pub(super) fn open_pack(&self, index: usize) -> Result<(OwnedFd, Stat)> {
        Ok(self.dir().open_dir(TREES.as_bytes())?.open_file(&pack_name(index))?)
    }

    /// The folders of other entries in which files of root `index` lie, and how many.
    pub fn elsewhere(&self, index: usize) -> Vec<(PathBuf, u64)> {
        let root = &self.manifest().roots[index];
        let folder = |part: &Part| {
            let folder = self.store().root().join(&part.entry);
            if file::is_dir(&folder) { folder } else { self.store().retired(&part.entry) }
        };
        let files = |place: u8| root.tree.count(|id| root.elsewhere.place(id) == place).0;
        (1..).zip(&root.elsewhere.parts).map(|(place, part)| (folder(part), files(place))).collect()
    }

    /// Records that the entry was of use just now.
    pub fn record_use(&self) -> Result<()> {
        self.dir().touch_self()?;
        if self.manifest().roots.iter().any(|root| !root.elsewhere.parts.is_empty()) {
            // Whoever cleans up /tmp goes by times, and a retired entry's manifest is read by nobody. Where it cannot be touched it
            // stays as it is.
            let names = self.dir().open_dir(PARTS.as_bytes());
            let _ = names.and_then(|names| names.for_each_name(|name| drop(names.touch(name))));
        }
        Ok(())
    }

    /// Whether what lies at `path` belongs to the entry.
    pub fn has(&self, path: &Path) -> bool {
        let store = self.store();
        let parts = self.manifest().roots.iter().flat_map(|root| &root.elsewhere.parts);
        path.starts_with(self.id().path())
            || parts.map(|part| &part.entry).any(|entry| {
                path.starts_with(store.root().join(entry)) || path.starts_with(store.retired(entry))
            })
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::manifest::tests::sample;
    use super::super::retention::{Planned, Reason, Weights};
    use super::*;

    /// A store in which each entry has a file of 64 kB.
    struct Case {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("root"), Access::Private).unwrap();
            Self { folder, store }
        }

        /// An entry that has, besides its own file, those of `bases`.
        fn publish(&self, key: &str, bases: &[&EntryId]) -> EntryId {
            self.publish_at(key, bases, Timestamp::now())
        }

        fn publish_at(&self, key: &str, bases: &[&EntryId], created: Timestamp) -> EntryId {
            let staging = self.store.stage().unwrap();
            let own = staging.trees().unwrap();
            own.make_dir(b"0", 0o700).unwrap();
            file::write_new(&own.join(b"0").join(key), &vec![1; 64 * 1024]).unwrap();
            let mut manifest = sample(key, "own");
            (manifest.header.layer, manifest.header.created) = (Layer::Paths, created);
            for base in bases {
                let part = self.store.lease((*base).clone()).unwrap().places(0).remove(0);
                manifest.roots[0].elsewhere.parts.push(part);
                manifest.roots[0].elsewhere.of = vec![0];
            }
            let parts: Vec<_> = manifest.roots[0].elsewhere.parts.iter().collect();
            assert!(staging.keep(&self.store, &parts).unwrap());
            self.store.publish(staging, &manifest).unwrap()
        }

        fn evict(&self, id: &EntryId) {
            let planned = Planned { id: id.clone(), bytes: 0, reason: Reason::Asked };
            let evicted = self.store.evict(&[planned]);
            assert!(evicted.entries == 1 && evicted.failures.is_empty(), "{evicted:?}");
        }

        /// Whether each of the folders of `id` has the file of its entry.
        fn has_files(&self, id: &EntryId, keys: &[&str]) -> bool {
            let folders = self.store.lease(id.clone()).unwrap().open_folders(0).unwrap();
            folders.len() == keys.len()
                && folders
                    .iter()
                    .zip(keys)
                    .all(|(folder, key)| file::is_present(&folder.join(key.as_bytes())))
        }

        fn retired(&self) -> usize {
            self.store.all_retired().unwrap().len()
        }
    }

    #[test]
    fn what_others_need_stays_until_the_last_of_them_is_gone() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        let c = case.publish("c", &[&a, &b]);
        case.evict(&a);
        assert!(case.store.lease(a).is_err(), "no lookup finds it");
        assert!(case.has_files(&b, &["b", "a"]) && case.has_files(&c, &["c", "a", "b"]));
        case.evict(&b);
        assert_eq!(case.retired(), 2);
        case.store.sweep(Timestamp::now() + SignedDuration::from_hours(1000)).unwrap();
        assert!(case.has_files(&c, &["c", "a", "b"]), "no sweep takes it");
        case.evict(&c);
        assert_eq!(case.retired(), 0);
        assert_eq!(file::names(&case.store.trash_folder()).unwrap().len(), 0);
    }

    #[test]
    fn whole_chains_go_at_once_whichever_way_the_clock_went() {
        for is_set_back in [false, true] {
            let case = Case::new();
            let mut chain: Vec<EntryId> = Vec::new();
            for (number, key) in ["a", "b", "c", "d"].into_iter().enumerate() {
                let bases: Vec<_> = chain.last().into_iter().collect();
                let hours = i64::try_from(number).unwrap() * if is_set_back { -1 } else { 1 };
                chain.push(case.publish_at(
                    key,
                    &bases,
                    Timestamp::now() + SignedDuration::from_hours(hours),
                ));
            }
            let all = chain.iter().map(|id| Planned { id: id.clone(), bytes: 0, reason: Reason::Asked });
            let evicted = case.store.evict(&all.collect::<Vec<_>>());
            assert_eq!((evicted.entries, case.retired()), (4, 0), "{is_set_back}: {evicted:?}");
        }
    }

    #[test]
    fn a_manifest_that_is_gone_does_not_hide_that_its_entry_is_needed() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        file::remove_file(&a.path().join(MANIFEST)).unwrap();
        case.store.quarantine(&a, &Needs::default()).unwrap();
        case.store.sweep(Timestamp::now()).unwrap();
        assert!(case.has_files(&b, &["b", "a"]));
        case.evict(&b);
        assert_eq!(case.retired(), 0);
    }

    #[test]
    fn what_is_retired_keeps_nothing_of_others() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        let c = case.publish("c", &[&b]);
        case.evict(&a);
        case.evict(&b);
        assert_eq!(case.retired(), 1, "only `b` had files of `a`");
        assert!(case.has_files(&c, &["c", "b"]));
    }

    #[test]
    fn what_was_retired_before_it_was_locked_is_gone() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        case.publish("b", &[&a]);
        let folder = case.store.open_folder(&a.path()).unwrap();
        case.evict(&a);
        assert!(!case.store.is_at(&folder, &a.path()).unwrap());
        assert!(case.store.is_at(&folder, &case.store.retired(a.path())).unwrap());
    }

    #[test]
    fn a_damaged_entry_that_others_need_is_retired_and_not_quarantined() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        assert_eq!(
            case.store.quarantine(&a, &Needs::default()).unwrap().as_deref(),
            Some(&*case.store.retired(a.path()))
        );
        assert!(case.has_files(&b, &["b", "a"]));
        case.evict(&b);
        assert_eq!(case.retired(), 0);
    }

    #[test]
    fn files_of_others_are_of_the_entries_that_need_them() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        let sizes = || {
            let usage = case.store.usage(&case.store.known().unwrap()).unwrap();
            let own = usage.iter().map(|usage| usage.bytes() / (64 * 1024)).collect::<Vec<_>>();
            (own, Weights::of(&usage).size() / (64 * 1024))
        };
        assert_eq!(sizes(), (vec![1, 2], 2));
        let usage = case.store.usage(&case.store.known().unwrap()).unwrap();
        let mut weights = Weights::of(&usage);
        weights.remove(&usage[0]);
        assert!(weights.freed().bytes < 64 * 1024, "what `b` needs is not free when `a` goes");
        weights.remove(&usage[1]);
        assert!(weights.freed().bytes >= 2 * 64 * 1024);
        case.evict(&a);
        assert_eq!(sizes(), (vec![2], 2));
        case.evict(&b);
        assert_eq!(sizes(), (Vec::new(), 0));
    }

    #[test]
    fn a_part_that_is_gone_is_not_kept_and_one_that_went_is_damage() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let part = case.store.lease(a.clone()).unwrap().places(0).remove(0);
        let b = case.publish("b", &[&a]);
        let path = a.path();
        let (folder, name) = case.store.open_parent(&path).unwrap();
        folder.remove_all(name).unwrap();
        let staging = case.store.stage().unwrap();
        let other = case.store.lease(b.clone()).unwrap().places(0).remove(0);
        assert!(!staging.keep(&case.store, &[&other, &part]).unwrap());
        assert!(staging.dir().stat_if_present(PARTS.as_bytes()).unwrap().is_none());
        let lease = case.store.lease(b).unwrap();
        let Err(Error::Sys(error)) = lease.open_folders(0) else { panic!("it has all") };
        assert!(lease.has(error.path()), "{error}");
        assert!(!lease.has(&case.folder.path().join("elsewhere")));
    }
}
