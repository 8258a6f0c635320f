//! The root directory of the store: whose it may be, and how anything below it is opened.
//!
//! All is opened relative to the root's own descriptor and follows no symlink, so that nothing that is planted below it
//! leads anywhere else.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address::{EntryId, Generation, key_directory};
use super::area::Area;
use super::marks::{CACHEDIR_TAG, FORMAT, FORMAT_FILE, Marks, TAG_FILE};
use super::{Error, Layer, Result, Scope};
use crate::sys::{Dir, Errno, FileType, Lock, LockMode, Stat, file};

/// How often to make a directory anew that others remove as empty. Where the root itself is gone, no number would do.
const TRIES: usize = 100;

/// Who may write to the root. Whoever can decides what later jobs run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Its owner alone.
    #[default]
    Private,
    /// The members of its group as well.
    Group,
}

impl Access {
    /// Permission bits of the root and of directories below it, but for what an entry holds.
    pub(super) fn mode(self) -> u16 {
        match self {
            Self::Private => 0o700,
            Self::Group => 0o2770,
        }
    }

    /// Permission bits of files that all users of the root read, replace or lock.
    pub(super) fn file_mode(self) -> u16 {
        match self {
            Self::Private => 0o600,
            Self::Group => 0o660,
        }
    }
}

/// Entries below one root.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    dir: Arc<Dir>,
    access: Access,
    /// The format, where it is newer than this version writes.
    newer_format: Option<u32>,
}

impl Store {
    /// Opens the store at `root`, made if there is nothing or an empty directory.
    pub fn open(root: &Path, access: Access) -> Result<Self> {
        file::make_dirs_with_mode(root, access.mode().into())?;
        let (mut store, marks) = Self::look(root, access)?;
        match marks {
            Marks::All { newer_format } => store.newer_format = newer_format,
            Marks::Some | Marks::None => store.mark()?,
        }
        Ok(store)
    }

    /// Opens the store at `root`, and changes nothing there; `None` where there is nothing yet, or an empty directory.
    pub fn open_existing(root: &Path, access: Access) -> Result<Option<Self>> {
        if !file::is_dir(root) {
            return Ok(None);
        }
        let (store, marks) = Self::look(root, access)?;
        Ok(match marks {
            Marks::All { newer_format } => Some(Self { newer_format, ..store }),
            Marks::Some => Some(store),
            Marks::None => None,
        })
    }

    /// Opens the directory `root`, and tells how far it is marked as ours. Others are refused.
    fn look(root: &Path, access: Access) -> Result<(Self, Marks)> {
        // The last component itself must be no symlink; those above it are the host's.
        let (parent, name) = (root.parent().unwrap_or(Path::new("/")), root.file_name());
        let parent = Dir::open(parent)?;
        let name = name.map_or(&b"."[..], OsStrExt::as_bytes);
        let dir = match parent.open_dir(name) {
            Err(error) if error.is(Errno::LOOP) || error.is(Errno::NOTDIR) => {
                let why =
                    "it is a symlink or not a directory; hint: set `cache-root` to the directory itself"
                        .into();
                return Err(Error::UnsafeRoot { path: root.into(), why });
            }
            dir => dir?,
        };
        check(&dir, access)?;
        let marks = Marks::of(&dir)?;
        Ok((Self { root: root.into(), dir: Arc::new(dir), access, newer_format: None }, marks))
    }

    /// Tells what this directory is, to others and to later versions. The tag comes first: see [`Marks::of`].
    fn mark(&self) -> Result<()> {
        self.write_file(&self.root.join(TAG_FILE), CACHEDIR_TAG)?;
        self.write_file(&self.root.join(FORMAT_FILE), format!("{FORMAT}\n").as_bytes())
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The root directory, open.
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Who may write here.
    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Permission bits of packs. Others' primary group may not be the root's, and the directory that a pack is in is only for
    /// that.
    pub fn pack_mode(&self) -> u16 {
        match self.access {
            Access::Private => 0o600,
            Access::Group => 0o644,
        }
    }

    /// Makes the file at `path` below the root for all users of the root, whole or not at all, replacing what is there.
    pub(super) fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let (directory, name) = self.open_parent(path)?;
        Ok(directory.write_atomic(name, bytes, self.access.file_mode())?)
    }

    /// Waits up to `patience` for the lock of the file at `path` below the root, made for all users of the root if absent.
    pub(super) fn wait_for_lock(&self, path: &Path, patience: Duration) -> Result<Option<Lock>> {
        let (directory, name) = self.open_parent(path)?;
        if self.access == Access::Group && directory.stat_if_present(name)?.is_none() {
            directory.make_file_with_mode(name, self.access.file_mode())?;
        }
        Ok(Lock::wait_on(|| directory.open_to_lock(name), path, LockMode::Exclusive, patience)?)
    }

    /// Whether what `owner` made is for this user to remove. Of those who share a root each removes only what is its own.
    pub(super) fn may_remove(&self, owner: u32) -> bool {
        let user = rustix::process::geteuid();
        self.access == Access::Private || user.is_root() || owner == user.as_raw()
    }

    /// [`Error::NewerStore`] where this version must not change anything.
    pub(super) fn check_writable(&self) -> Result<()> {
        match self.newer_format {
            Some(format) => Err(Error::NewerStore { path: self.root.clone(), format, own: FORMAT }),
            None => Ok(()),
        }
    }

    /// The directory in which the entries of a key are or would be.
    pub fn key_directory(&self, layer: Layer, scope: &Scope, key: &str) -> PathBuf {
        key_directory(&self.root, layer, scope, key)
    }

    /// The entry in `directory`, as an earlier [`EntryId::path`] told it; `None` for a directory outside this store.
    pub fn entry_at(&self, directory: &Path) -> Option<EntryId> {
        let generation = Generation::parse(directory.file_name()?.to_str()?)?;
        let key_directory = directory.parent()?.to_path_buf();
        key_directory.starts_with(&self.root).then_some(EntryId { key_directory, generation })
    }

    /// All entries, by layer, repository, ref and key.
    pub fn entries(&self) -> Result<Vec<EntryId>> {
        self.entries_in(&Layer::ALL)
    }

    /// The entries of some layers, by layer, repository, ref and key.
    pub(super) fn entries_in(&self, layers: &[Layer]) -> Result<Vec<EntryId>> {
        let mut entries = Vec::new();
        for layer in layers {
            let mut directories = vec![self.root.join(layer.name())];
            for _ in ["repository", "ref", "key"] {
                let mut below = Vec::new();
                for directory in directories {
                    below.extend(self.names(&directory)?.into_iter().map(|name| directory.join(name)));
                }
                directories = below;
            }
            for key_directory in directories {
                let generations = self.generations(&key_directory)?.into_iter();
                entries.extend(
                    generations
                        .map(|generation| EntryId { key_directory: key_directory.clone(), generation }),
                );
            }
        }
        Ok(entries)
    }

    /// The entries in a key's directory, oldest first.
    pub(super) fn generations(&self, key_directory: &Path) -> Result<Vec<Generation>> {
        let names = self.names(key_directory)?;
        Ok(names.iter().filter_map(|name| Generation::parse(name.to_str()?)).collect())
    }

    /// Opens the directory `path` below the root.
    pub(super) fn open_directory(&self, path: &Path) -> Result<Dir> {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        Ok(self.dir.open_beneath(below.as_os_str().as_bytes())?)
    }

    /// Opens the directory that `path` lies in, and tells its name there.
    pub(super) fn open_parent<'p>(&self, path: &'p Path) -> Result<(Dir, &'p [u8])> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        Ok((self.open_directory(path.parent().unwrap_or(&self.root))?, name))
    }

    /// Opens the directory `path` below the root, made if absent.
    pub(super) fn make_directory(&self, path: &Path) -> Result<Dir> {
        let mut tries = 0;
        loop {
            let opened = self.open_directory(path).or_else(|error| {
                let Error::Sys(absent) = &error else { return Err(error) };
                if !absent.is(Errno::NOENT) {
                    return Err(error);
                }
                match self.access {
                    Access::Private => file::make_dirs_with_mode(path, self.access.mode().into())?,
                    Access::Group => self.make_shared_directories(path)?,
                }
                self.open_directory(path)
            });
            match opened {
                // An eviction removed it, or one above it, as empty between two of these steps.
                Err(Error::Sys(error)) if error.is(Errno::NOENT) && tries < TRIES => tries += 1,
                opened => return opened,
            }
        }
    }

    /// Makes the directory `path` below the root and those above it. Each has its mode from the moment it is there: a process
    /// that is killed leaves none that only its owner can use.
    fn make_shared_directories(&self, path: &Path) -> Result<()> {
        let absent: Vec<_> = path.ancestors().take_while(|above| !file::is_dir(above)).collect();
        for directory in absent.into_iter().rev() {
            let (parent, name) = self.open_parent(directory)?;
            let made = self.dir.make_unique_dir(file::TEMPORARY_PREFIX)?;
            self.dir.set_mode(&made, 0o2770)?;
            if let Err(error) = self.dir.rename_new(&made, &parent, name) {
                self.dir.remove_dir(&made)?;
                if !error.is(Errno::EXIST) {
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// The names in the directory `path` below the root, in order; none where there is no such directory.
    pub(super) fn names(&self, path: &Path) -> Result<Vec<OsString>> {
        let mut names = Vec::new();
        let mut list = || -> Result<()> {
            let dir = self.open_directory(path)?;
            Ok(dir.for_each_name(|name| names.push(OsString::from_vec(name.to_vec())))?)
        };
        match list() {
            // Never there, or removed as empty since it was opened.
            Err(Error::Sys(error))
                if [Errno::NOENT, Errno::NOTDIR, Errno::LOOP].iter().any(|&e| error.is(e)) => {}
            listed => listed?,
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The directory of `area`.
    pub(super) fn area(&self, area: Area) -> PathBuf {
        self.root.join(area.name())
    }

    /// This user's logs.
    pub(super) fn logs_directory(&self) -> PathBuf {
        let user = rustix::process::geteuid().as_raw();
        self.area(Area::Logs).join(user.to_string())
    }
}

/// Whoever can write to the root can decide what later jobs run.
fn check(dir: &Dir, access: Access) -> Result<()> {
    let stat: Stat = dir.stat_self()?;
    let refuse = |why: String| Err(Error::UnsafeRoot { path: dir.path().into(), why });
    let user = rustix::process::geteuid().as_raw();
    if stat.kind != FileType::Directory {
        refuse("not a directory".into())
    } else if stat.mode & 0o002 != 0 {
        refuse(format!("any user can write to it (mode {:o}); hint: chmod o-w", stat.mode))
    } else if access == Access::Group {
        Ok(())
    } else if stat.owner != user {
        refuse(format!(
            "it belongs to user {}, not to user {user}; hint: set `cache-root`, or `root-access: group` to \
             share it",
            stat.owner
        ))
    } else if stat.mode & 0o020 != 0 {
        refuse(format!(
            "its group can write to it (mode {:o}); hint: chmod g-w, or set `root-access: group` to share it",
            stat.mode
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::CLEAN_LOCK;
    use super::*;
    use crate::sys::LOST_AND_FOUND;

    fn directory_with_mode(mode: u16) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        file::make_dirs(&root).unwrap();
        Dir::open(directory.path()).unwrap().set_mode(b"root", mode).unwrap();
        (directory, root)
    }

    #[test]
    fn a_root_that_others_can_write_to_is_refused() {
        for (mode, access, is_fine) in [
            (0o755, Access::Private, true),
            (0o775, Access::Private, false),
            (0o777, Access::Private, false),
            (0o2770, Access::Group, true),
            (0o777, Access::Group, false),
        ] {
            let (_directory, root) = directory_with_mode(mode);
            let opened = Store::open(&root, access);
            assert_eq!(opened.is_ok(), is_fine, "{mode:o} {access:?}: {opened:?}");
            assert!(is_fine || matches!(opened, Err(Error::UnsafeRoot { .. })));
        }
    }

    #[test]
    fn a_root_that_is_a_symlink_is_refused() {
        let (directory, root) = directory_with_mode(0o700);
        Dir::open(directory.path()).unwrap().make_symlink(b"link", root.as_os_str().as_bytes()).unwrap();
        let opened = Store::open(&directory.path().join("link"), Access::Private);
        assert!(matches!(opened, Err(Error::UnsafeRoot { .. })), "{opened:?}");
    }

    #[test]
    fn a_new_root_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("a/root");
        let store = Store::open(&root, Access::Private).unwrap();
        assert_eq!(store.dir().stat_self().unwrap().mode, 0o700);
        assert!(file::is_file(&root.join("CACHEDIR.TAG")));
    }

    #[test]
    fn a_root_that_was_not_marked_to_the_end_is_marked_anew() {
        let zeros = [0; 8];
        for (tag, format, has_more, is_ours) in [
            (None, None, false, true),
            (Some(&b""[..]), None, false, true),
            (Some(CACHEDIR_TAG), None, true, true),
            (Some(CACHEDIR_TAG), Some(&zeros[..]), true, true),
            (Some(&zeros[..]), Some(&b""[..]), true, true),
            (None, Some(&b"1\n"[..]), true, true),
            (None, None, true, false),
            (Some(&zeros[..]), None, true, false),
            (Some(b"somebody else's"), None, false, false),
        ] {
            let (_directory, root) = directory_with_mode(0o700);
            // Of a job that is marking it, and of a file system.
            file::write_new(&root.join(".tmpAbCdEf"), b"Sig").unwrap();
            file::make_dirs(&root.join(LOST_AND_FOUND)).unwrap();
            let marks = [(TAG_FILE, tag), (FORMAT_FILE, format)];
            for (name, contents) in marks.into_iter().filter_map(|(name, text)| Some((name, text?))) {
                file::write_new(&root.join(name), contents).unwrap();
            }
            if has_more {
                file::make_dirs(&root.join(Area::Staging.name())).unwrap();
            }
            let what = format!("{tag:?} {format:?} {has_more}");
            let before = file::names(&root).unwrap();
            let existing = Store::open_existing(&root, Access::Private);
            assert_eq!(existing.is_ok(), is_ours, "{what}: {existing:?}");
            assert_eq!(file::names(&root).unwrap(), before, "{what}: nothing is changed");
            let opened = Store::open(&root, Access::Private);
            assert_eq!(opened.is_ok(), is_ours, "{what}: {opened:?}");
            if is_ours {
                assert_eq!(file::read(&root.join(FORMAT_FILE)).unwrap(), b"1\n", "{what}");
                assert!(Store::open_existing(&root, Access::Private).unwrap().is_some());
            } else {
                assert_eq!(file::names(&root).unwrap(), before, "{what}: nothing is changed");
            }
        }
    }

    #[test]
    fn a_root_that_lost_its_marks_is_known_by_what_else_is_in_it() {
        let ours = Layer::ALL.iter().map(|layer| layer.name()).chain(Area::ALL.map(Area::name));
        for (more, is_ours) in ours.map(|name| (name, true)).chain([("precious", false)]) {
            let (_directory, root) = directory_with_mode(0o700);
            file::write_new(&root.join(CLEAN_LOCK), b"").unwrap();
            for name in [Area::Staging.name(), more] {
                file::make_dirs(&root.join(name)).unwrap();
            }
            assert_eq!(Store::open(&root, Access::Private).is_ok(), is_ours, "{more}");
        }
    }

    #[test]
    fn jobs_that_make_a_root_at_the_same_time_all_have_it() {
        let directory = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let root = directory.path().join(format!("{round}"));
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        Store::open(&root, Access::Private)
                            .unwrap()
                            .leave_session("", directory.path(), false)
                            .unwrap()
                    });
                }
            });
        }
    }

    #[test]
    fn a_store_of_a_newer_version_is_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        Store::open(&root, Access::Private).unwrap();
        file::write_atomic(&root.join(FORMAT_FILE), b"2\n").unwrap();
        let store = Store::open(&root, Access::Private).unwrap();
        let error = store.stage().unwrap_err().to_string();
        assert!(error.contains("format 2") && error.contains("update"), "{error}");
        assert!(store.leave_session("what to save", directory.path(), false).is_err());
        assert!(store.sweep(jiff::Timestamp::now()).is_err());
    }
}
