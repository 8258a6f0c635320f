//! `std::fs` for single files and directories by path, with errors that name both.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, StatxFlags, statx};
use rustix::io::Errno;

use super::digest::{Digest, readable};
use super::error::{Error, Named, Result};
use super::stat::{FileId, Time};

/// Permission bits of a file for its owner only.
const PRIVATE: u32 = 0o600;

/// How names begin under which [`write_atomic`] makes its files.
pub const TEMPORARY_PREFIX: &str = ".tmp";

/// Bytes of a file that is read as a whole, at most.
const MOST_READ: u64 = 256 << 20;

/// Reads the whole file. One that no memory is to hold is an error ([`Errno::FBIG`]).
pub fn read(path: &Path) -> Result<Vec<u8>> {
    read_up_to(path, MOST_READ)
}

/// The same; a file of more than `most` bytes is an error.
pub fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>> {
    read_regular(path, most).named("read", || path.into())
}

/// The SHA-256 of what the file holds, whatever its size.
pub fn digest(path: &Path) -> Result<Digest> {
    let (file, _) = open_regular(path).named("open", || path.into())?;
    Digest::of_file(file).map_err(|error| Error::new("read", path, error))
}

/// Whoever opens a pipe waits for its other end, which nobody may ever open.
fn open_regular(path: &Path) -> io::Result<(fs::File, u64)> {
    let file =
        fs::OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(io::Error::other("not a file")) }
}

fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, size) = open_regular(path)?;
    let most = most.min(readable(size));
    let mut bytes = Vec::new();
    if size <= most {
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    if size > most || bytes.len() as u64 > most { Err(Errno::FBIG.into()) } else { Ok(bytes) }
}

/// Reads the whole file, or `None` where there is none.
pub fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>> {
    match read_regular(path, MOST_READ) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::new("read", path, error)),
    }
}

/// Opens the file for reading.
pub fn open(path: &Path) -> Result<fs::File> {
    fs::File::open(path).named("open", || path.into())
}

/// Adds `text` to the end of the file, made if absent. Something else in its place, such as a pipe that nobody reads, is an error.
pub fn append(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let mut file = options.open(path).named("open", || path.into())?;
    if !file.metadata().named("read metadata of", || path.into())?.is_file() {
        return Err(Error::new("append to", path, Errno::NOTSUP));
    }
    file.write_all(text.as_bytes()).named("write", || path.into())
}

/// Makes the file with the contents of `bytes`, whole or not at all, replacing what is there; for its owner only.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = temporary(path, bytes)?;
    file.persist(path).map_err(|error| Error::new("rename to", path, error.error))?;
    Ok(())
}

/// The same for all users to read.
pub fn write_atomic_for_all(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = temporary(path, bytes)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).named("set mode of", || path.into())?;
    file.persist(path).map_err(|error| Error::new("rename to", path, error.error))?;
    Ok(())
}

/// Replaces the contents of the file at `path`, symlinks followed, whole or not at all. It keeps its permission bits.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = canonicalize(path)?;
    let permissions = fs::metadata(&path).named("read metadata of", || path.clone())?.permissions();
    let file = temporary(&path, bytes)?;
    file.as_file().set_permissions(permissions).named("set mode of", || path.clone())?;
    file.persist(&path).map_err(|error| Error::new("rename to", &path, error.error))?;
    Ok(())
}

/// A file with the contents of `bytes` beside `path`, which goes unless it is renamed.
fn temporary(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // What `tempfile` makes and writes itself fails with its own errors, which hide the system's.
    let make = |path: &Path| fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path);
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .make_in(directory, make)
        .named("create a file in", || directory.into())?;
    file.as_file_mut().write_all(bytes).named("write", || path.into())?;
    Ok(file)
}

/// Makes the file empty, to be written to bit by bit; for its owner only.
pub fn create(path: &Path) -> Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(PRIVATE);
    options.open(path).named("create", || path.into())
}

/// Makes a new file with the contents of `bytes`; an existing one is an error.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)
        .named("create", || path.into())?;
    file.write_all(bytes).named("write", || path.into())
}

/// Makes the directory and those above it; existing ones are fine.
pub fn make_dirs(path: &Path) -> Result<()> {
    fs::create_dir_all(path).named("make directory", || path.into())
}

/// Makes the directory and those above it for their owner only; existing ones are fine and keep their mode.
pub fn make_private_dirs(path: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).named("make directory", || path.into())
}

/// Makes the directory and those above it with these permission bits, whatever the umask; existing ones are fine and keep
/// theirs.
pub fn make_dirs_with_mode(path: &Path, mode: u32) -> Result<()> {
    let mut absent: Vec<&Path> = path.ancestors().take_while(|above| !is_dir(above)).collect();
    while let Some(directory) = absent.pop() {
        match fs::DirBuilder::new().mode(mode & 0o777).create(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => {
                result.named("make directory", || directory.into())?;
                if mode & !0o700 != 0 {
                    let permissions = fs::Permissions::from_mode(mode);
                    fs::set_permissions(directory, permissions).named("set mode of", || directory.into())?;
                }
            }
        }
    }
    Ok(())
}

/// Renames; what is at `to` is replaced as `rename(2)` does.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).named("rename to", || to.into())
}

/// Removes the file.
pub fn remove_file(path: &Path) -> Result<()> {
    fs::remove_file(path).named("remove", || path.into())
}

/// Removes the directory if it is empty, and says whether it did.
pub fn remove_dir_if_empty(path: &Path) -> Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(Error::new("remove directory", path, error)),
    }
}

/// The names in a directory, in order; none where there is no such directory.
pub fn names(path: &Path) -> Result<Vec<std::ffi::OsString>> {
    let listing = match fs::read_dir(path) {
        Ok(listing) => listing,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Error::new("list directory", path, error)),
    };
    let mut names = listing
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()
        .named("list directory", || path.into())?;
    names.sort_unstable();
    Ok(names)
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// Something else, or nothing.
    Neither,
}

/// What is there, symlinks followed. What cannot be looked at is an error, and not absent.
pub fn kind(path: &Path) -> Result<Kind> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Kind::Directory),
        Ok(metadata) if metadata.is_file() => Ok(Kind::File),
        Ok(_) => Ok(Kind::Neither),
        Err(error) if is_absent(&error) => Ok(Kind::Neither),
        Err(error) => Err(Error::new("read metadata of", path, error)),
    }
}

/// Whether a directory is there, symlinks followed.
pub fn is_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether a regular file is there, symlinks followed.
pub fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// What the symlink at `path` holds; `None` where there is none.
pub fn link_target(path: &Path) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// The first bytes of a file, at most so many.
pub fn beginning(path: &Path, most: u64) -> Option<Vec<u8>> {
    let (file, _) = open_regular(path).ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Whether there is a file that somebody may run.
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether there is anything, a symlink to nothing included.
pub fn is_present(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The path without symlinks.
pub fn canonicalize(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).named("resolve", || path.into())
}

/// Takes `.` and `..` out of a path by its text alone: symlinks are followed when the path is used.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The time at which the file or directory last changed.
pub fn modified(path: &Path) -> Result<std::time::SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).named("read metadata of", || path.into())
}

/// The size in bytes of what `path` leads to, and the time at which it last changed; `None` where it leads to no file.
pub fn size_and_time(path: &Path) -> Option<(u64, Time)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let nanoseconds = u32::try_from(metadata.mtime_nsec()).unwrap_or(0);
    Some((metadata.len(), Time { seconds: metadata.mtime(), nanoseconds }))
}

/// When a file or directory came to be under a name, as far as that is known; neither time can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InodeTimes {
    /// When its inode last changed.
    pub changed: Time,
    /// When it was made; where the file system does not tell, as `changed`.
    pub made: Time,
}

impl InodeTimes {
    /// Whether `is_meant` holds for one of them.
    pub fn any(self, is_meant: impl FnMut(Time) -> bool) -> bool {
        [self.changed, self.made].into_iter().any(is_meant)
    }
}

/// When what is at `path` came to be; nothing where that cannot be read. Symlinks are not followed.
pub fn inode_times(path: &Path) -> Option<InodeTimes> {
    let mask = StatxFlags::CTIME | StatxFlags::BTIME;
    let stat = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, mask).ok()?;
    let time = |time: rustix::fs::StatxTimestamp| Time { seconds: time.tv_sec, nanoseconds: time.tv_nsec };
    let changed = time(stat.stx_ctime);
    let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    Some(InodeTimes { changed, made: if has_birth { time(stat.stx_btime) } else { changed } })
}

/// The owner and the permission bits of what `path` leads to; `None` where nothing is.
pub fn owner_and_mode(path: &Path) -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.uid(), metadata.mode() & 0o7777))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).named("read metadata of", || path.into()),
    }
}

/// What tells the file that `path` leads to from all others; `None` where nothing is.
pub fn id(path: &Path) -> Option<FileId> {
    let stat = statx(CWD, path, AtFlags::empty(), StatxFlags::INO).ok()?;
    Some(FileId { device: (stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino })
}

/// A number that tells the file system of `path` from others.
pub fn device(path: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).named("read metadata of", || path.into())?;
    Ok(metadata.dev())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_cannot_be_made_is_told_with_the_systems_reason() {
        let directory = tempfile::tempdir().unwrap();
        let absent = directory.path().join("absent");
        let error = write_atomic(&absent.join("file"), b"").unwrap_err();
        assert!(error.is(Errno::NOENT), "{error:?}");
        assert_eq!(error.source().unwrap().to_string(), io::Error::from(Errno::NOENT).to_string());
    }
}
