//! Files that lie in the folder of one entry and belong to others, too.

use std::path::{Path, PathBuf};

use super::entry::{EntryId, Lease, MANIFEST, TREES};
use super::manifest::Part;
use super::staging::Staging;
use super::{Access, Error, Result, Store};
use crate::sys::{self, CrashPoint, Dir, Errno, Lock, LockMode};
use crate::tree::NodeId;

/// The folder in an entry with the names that keep others' files.
pub(super) const PARTS: &str = "parts";

/// Why a manifest cannot have a further name: it has all that it can have, is somebody else's, or is gone; or the file system
/// has none.
const UNLINKABLE: [Errno; 5] = [Errno::MLINK, Errno::PERM, Errno::ACCESS, Errno::OPNOTSUPP, Errno::NOENT];

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
        let name = part.entry.rsplit('/').next().unwrap_or_default();
        let linked = self.open_part(&part.entry).and_then(|folder| {
            let path = folder.path().to_path_buf();
            // Whoever removes it looks first whether it is needed, and locks it before.
            match Lock::try_on(folder, &path, LockMode::Shared)? {
                Some(lock) => Ok(lock.get().link(MANIFEST.as_bytes(), names, name.as_bytes())?),
                None => Err(Error::Gone { path }),
            }
        });
        match linked {
            // Several roots can have files of one entry.
            Err(Error::Sys(error)) if error.is(Errno::EXIST) => Ok(true),
            Err(Error::Sys(error)) if UNLINKABLE.iter().any(|&errno| error.is(errno)) => Ok(false),
            Err(Error::Gone { .. }) => Ok(false),
            linked => linked.map(|()| true),
        }
    }

    /// Takes an entry that others need out of every lookup. Returns where it is now; `None` when it is gone.
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

    /// The retired entries.
    pub(super) fn all_retired(&self) -> Result<Vec<PathBuf>> {
        let folder = self.retired_folder();
        Ok(self.names(&folder)?.into_iter().map(|name| folder.join(name)).collect())
    }

    /// Removes of a retired entry what it keeps of others, for it is no entry any more, and the whole once nobody needs it.
    pub(super) fn let_go_of_retired(&self, path: &Path) -> Result<()> {
        let dir = match self.open_folder(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(()),
            dir => dir?,
        };
        if !self.may_remove(dir.stat_self()?.owner) {
            return Ok(());
        }
        let Some(lock) = Lock::try_on(dir, path, LockMode::Exclusive)? else { return Ok(()) };
        if is_needed(lock.get())? {
            return match lock.get().stat_if_present(PARTS.as_bytes())? {
                Some(_) => Ok(lock.get().remove_all(PARTS.as_bytes())?),
                None => Ok(()),
            };
        }
        self.throw_away(path)?;
        Ok(())
    }
}

/// Whether files of the entry in `folder` belong to others.
pub(super) fn is_needed(folder: &Dir) -> Result<bool> {
    let manifest = folder.stat_if_present(MANIFEST.as_bytes())?;
    Ok(manifest.is_some_and(|manifest| manifest.links > 1))
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
    /// The folders with the files of root `index`: first the entry's own, then those of its
    /// [parts](super::Elsewhere::parts).
    pub fn open_root(&self, index: usize) -> Result<Vec<Dir>> {
        let mut folders = vec![root_of(self.dir(), index)?];
        for part in &self.manifest().roots[index].elsewhere.parts {
            let entry = self.store().open_part(&part.entry)?;
            folders.push(root_of(&entry, part.root as usize)?);
        }
        Ok(folders)
    }

    /// The folder with the files of root `index`, in an entry of a layer whose entries hold all of them themselves (see
    /// [`Layer::is_whole`](super::Layer::is_whole)).
    pub fn open_whole_root(&self, index: usize) -> Result<Dir> {
        root_of(self.dir(), index)
    }

    /// The files that the entry holds itself of root `index`, for others to keep.
    pub fn part(&self, index: usize) -> Part {
        let root = &self.manifest().roots[index];
        let place = |id: NodeId| root.elsewhere.of.get(id as usize).copied().unwrap_or(0);
        let (files, bytes) = root.tree.count(|id| place(id) == 0);
        let folder = self.id().path();
        let entry = folder.strip_prefix(self.store().root()).unwrap_or(&folder).display().to_string();
        Part { entry, root: u32::try_from(index).expect("an entry has few roots"), files, bytes }
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
    use crate::sys::file;

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
            let staging = self.store.stage().unwrap();
            let own = staging.trees().unwrap();
            own.make_dir(b"0", 0o700).unwrap();
            file::write_new(&own.join(b"0").join(key), &vec![1; 64 * 1024]).unwrap();
            let mut manifest = sample(key, "own");
            for base in bases {
                let part = self.store.lease((*base).clone()).unwrap().part(0);
                manifest.roots[0].elsewhere.parts.push(part);
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
            let folders = self.store.lease(id.clone()).unwrap().open_root(0).unwrap();
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
    fn a_damaged_entry_that_others_need_is_retired_and_not_quarantined() {
        let case = Case::new();
        let a = case.publish("a", &[]);
        let b = case.publish("b", &[&a]);
        assert_eq!(case.store.quarantine(&a).unwrap().as_deref(), Some(&*case.store.retired(a.path())));
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
        let part = case.store.lease(a.clone()).unwrap().part(0);
        let b = case.publish("b", &[&a]);
        let path = a.path();
        let (folder, name) = case.store.open_parent(&path).unwrap();
        folder.remove_all(name).unwrap();
        let staging = case.store.stage().unwrap();
        let other = case.store.lease(b.clone()).unwrap().part(0);
        assert!(!staging.keep(&case.store, &[&other, &part]).unwrap());
        assert!(staging.dir().stat_if_present(PARTS.as_bytes()).unwrap().is_none());
        let lease = case.store.lease(b).unwrap();
        let Err(Error::Sys(error)) = lease.open_root(0) else { panic!("it has all") };
        assert!(lease.has(error.path()), "{error}");
        assert!(!lease.has(&case.folder.path().join("elsewhere")));
    }
}
