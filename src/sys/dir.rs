//! An open directory, and the calls that work relative to it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, IFlags, Mode, OFlags, RawDir, RenameFlags, StatxFlags};
use rustix::io::Errno;

use super::copy::write_all;
use super::error::{Error, Named, Result};
use super::file::TEMPORARY_PREFIX;
use super::random;
use super::stat::{FileType, NOW, OMIT, Stat, Time, stat_at, timespec, timestamps};

/// Size of the buffer for names. One call reads about a thousand of them.
const NAMES_BUFFER: usize = 32 * 1024;

/// Bytes of a file that is read whole, at most.
const MOST_READ: u64 = 1 << 30;

/// An open directory, and its path for messages.
#[derive(Debug)]
pub struct Dir {
    pub(super) fd: OwnedFd,
    pub(super) path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Dir {
    /// The directory's path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in this directory, for messages.
    pub fn join(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    /// Calls `each` with each name in the directory, `.` and `..` left out.
    pub fn for_each_name(&self, mut each: impl FnMut(&[u8])) -> Result<()> {
        // An earlier listing through this descriptor left it at the end.
        fs::seek(&self.fd, fs::SeekFrom::Start(0)).named("list directory", || self.path.clone())?;
        let mut buffer = Vec::<u8>::with_capacity(NAMES_BUFFER);
        let mut names = RawDir::new(&self.fd, buffer.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let entry = entry.named("list directory", || self.path.clone())?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                each(name);
            }
        }
        Ok(())
    }

    /// Whether nothing is in the directory.
    pub fn is_empty(&self) -> Result<bool> {
        let mut is_empty = true;
        self.for_each_name(|_| is_empty = false)?;
        Ok(is_empty)
    }

    /// Tells about `name`, itself and not what a symlink points to.
    pub fn stat(&self, name: &[u8]) -> Result<Stat> {
        stat_at(self.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW).named("read metadata of", || self.join(name))
    }

    /// Tells about `name`, or `None` where there is nothing of that name.
    pub fn stat_if_present(&self, name: &[u8]) -> Result<Option<Stat>> {
        match stat_at(self.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            stat => stat.map(Some).named("read metadata of", || self.join(name)),
        }
    }

    /// Tells about the directory itself.
    pub fn stat_self(&self) -> Result<Stat> {
        stat_at(self.as_fd(), b"", AtFlags::EMPTY_PATH).named("read metadata of", || self.path.clone())
    }

    /// Opens the file `name` for reading; a symlink is an error, and a pipe is not waited for.
    pub fn open_for_reading(&self, name: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        fs::openat(self, name, flags, Mode::empty()).named("open", || self.join(name))
    }

    /// Opens the regular file `name` for reading and tells about it; a symlink is an error.
    pub fn open_file(&self, name: &[u8]) -> Result<(OwnedFd, Stat)> {
        let fd = self.open_for_reading(name)?;
        let stat = self.stat_open(&fd, name)?;
        Ok((fd, stat))
    }

    /// Tells about the open file `name`.
    pub fn stat_open(&self, file: impl AsFd, name: &[u8]) -> Result<Stat> {
        stat_at(file.as_fd(), b"", AtFlags::EMPTY_PATH).named("read metadata of", || self.join(name))
    }

    /// Reads the whole file `name`, or `None` where there is none; a symlink is an error, and so is what no memory is to hold.
    pub fn read_file_if_present(&self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read_file_up_to(name, MOST_READ)
    }

    /// The same; a file of more than `most` bytes is an error ([`Errno::FBIG`]), and nothing of it is read.
    pub fn read_file_up_to(&self, name: &[u8], most: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.read_file_and_stat(name, most)?.map(|(bytes, _)| bytes))
    }

    /// The same, with what the file is that was read.
    pub fn read_file_and_stat(&self, name: &[u8], most: u64) -> Result<Option<(Vec<u8>, Stat)>> {
        use std::io::Read as _;
        let (file, stat) = match self.open_file(name) {
            Err(error) if error.is(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        if stat.size > most {
            return Err(Error::new("read", &self.join(name), Errno::FBIG));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or_default());
        // It may grow meanwhile.
        let mut file = std::fs::File::from(file).take(most);
        file.read_to_end(&mut bytes).named("read", || self.join(name))?;
        Ok(Some((bytes, stat)))
    }

    /// Whether the file `name` has less on the disk than it is long: somebody cut it longer, or it was never written.
    pub fn has_hole(&self, name: &[u8]) -> Result<bool> {
        let (file, stat) = self.open_file(name)?;
        let hole = fs::seek(&file, fs::SeekFrom::Hole(0));
        Ok(stat.size > 0 && hole.is_ok_and(|hole| hole < stat.size))
    }

    /// Makes the file `name` with the contents of `bytes` and these permission bits, whatever the umask: whole or not at all,
    /// replacing what is there.
    pub fn write_atomic(&self, name: &[u8], bytes: &[u8], mode: u16) -> Result<()> {
        let temporary = self.write_temporary(bytes, mode, None)?;
        self.rename(&temporary, self, name).inspect_err(|_| drop(self.remove_file(&temporary)))
    }

    /// The same, for a user and a group.
    pub fn write_atomic_for(&self, name: &[u8], bytes: &[u8], mode: u16, owner: (u32, u32)) -> Result<()> {
        let temporary = self.write_temporary(bytes, mode, Some(owner))?;
        self.rename(&temporary, self, name).inspect_err(|_| drop(self.remove_file(&temporary)))
    }

    /// Makes the empty file `name` with these permission bits, which it has from the moment it is there; an existing one is fine
    /// and keeps its own.
    pub fn make_file_with_mode(&self, name: &[u8], mode: u16) -> Result<()> {
        let temporary = self.write_temporary(b"", mode, None)?;
        match self.rename_new(&temporary, self, name) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.remove_file(&temporary)?;
                if error.is(Errno::EXIST) { Ok(()) } else { Err(error) }
            }
        }
    }

    /// The name of a new file with the contents of `bytes`, for a user and a group where `owner` says so.
    fn write_temporary(&self, bytes: &[u8], mode: u16, owner: Option<(u32, u32)>) -> Result<Vec<u8>> {
        let name = format!("{TEMPORARY_PREFIX}{:08x}{:08x}", random()?, random()?).into_bytes();
        let file = self.create_file(&name, 0o600)?;
        let give =
            |(user, group)| fs::fchown(&file, Some(fs::Uid::from_raw(user)), Some(fs::Gid::from_raw(group)));
        let written = write_all(&file, bytes)
            .and_then(|()| owner.map_or(Ok(()), give))
            .and_then(|()| fs::fchmod(&file, Mode::from_raw_mode(mode.into())));
        match written.named("write", || self.join(&name)) {
            Ok(()) => Ok(name),
            Err(error) => {
                // What cannot be removed now, a sweep of the root will find.
                let _ = self.remove_file(&name);
                Err(error)
            }
        }
    }

    /// Makes a directory of a name that no other has, for its owner alone, and tells the name.
    pub fn make_unique_dir(&self, prefix: &str) -> Result<Vec<u8>> {
        loop {
            let name = format!("{prefix}{:08x}{:08x}", random()?, random()?).into_bytes();
            match self.make_dir(&name, 0o700) {
                Ok(()) => return Ok(name),
                Err(error) if error.is(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Opens the file `name` to be locked, made if absent; a symlink is an error, and a pipe is not waited for.
    pub fn open_to_lock(&self, name: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        fs::openat(self, name, flags, Mode::from_raw_mode(0o644)).named("open lock file", || self.join(name))
    }

    /// Opens the file `name` to add to its end, made if absent; a symlink is an error.
    pub fn open_to_append(&self, name: &[u8], mode: u16) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode.into());
        fs::openat(self, name, flags, mode).named("open for writing", || self.join(name))
    }

    /// Makes the new file `name` for writing; an existing one is an error.
    pub fn create_file(&self, name: &[u8], mode: u16) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(self, name, flags, Mode::from_raw_mode(mode.into())).named("create", || self.join(name))
    }

    /// Makes the new file `name` without opening it; an existing one is an error.
    pub fn make_file(&self, name: &[u8], mode: u16) -> Result<()> {
        fs::mknodat(self, name, FileType::RegularFile, Mode::from_raw_mode(mode.into()), 0)
            .named("create", || self.join(name))
    }

    /// Opens the file `name` for writing; a symlink is an error.
    pub fn open_for_writing(&self, name: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(self, name, flags, Mode::empty()).named("open for writing", || self.join(name))
    }

    /// Makes the new directory `name`.
    pub fn make_dir(&self, name: &[u8], mode: u16) -> Result<()> {
        fs::mkdirat(self, name, Mode::from_raw_mode(mode.into())).named("make directory", || self.join(name))
    }

    /// Makes the symlink `name` that holds `target`.
    pub fn make_symlink(&self, name: &[u8], target: &[u8]) -> Result<()> {
        fs::symlinkat(target, self, name).named("make symlink", || self.join(name))
    }

    /// Reads what the symlink `name` holds.
    pub fn read_symlink(&self, name: &[u8]) -> Result<Vec<u8>> {
        let target = fs::readlinkat(self, name, Vec::new()).named("read symlink", || self.join(name))?;
        Ok(target.into_bytes())
    }

    /// Gives `name` of this directory the further name `to_name` in `to`.
    pub fn link(&self, name: &[u8], to: &Self, to_name: &[u8]) -> Result<()> {
        fs::linkat(self, name, to, to_name, AtFlags::empty()).named("hard-link", || self.join(name))
    }

    /// Renames `name` to `to_name` in `to`, replacing what is there as `rename(2)` does.
    pub fn rename(&self, name: &[u8], to: &Self, to_name: &[u8]) -> Result<()> {
        fs::renameat(self, name, to, to_name).named("rename to", || to.join(to_name))
    }

    /// Renames `name` to `to_name` in `to` where nothing may be yet.
    pub fn rename_new(&self, name: &[u8], to: &Self, to_name: &[u8]) -> Result<()> {
        match fs::renameat_with(self, name, to, to_name, RenameFlags::NOREPLACE) {
            // File systems without the flag (some network ones): the caller holds the directory, so a look suffices.
            Err(Errno::INVAL) if to.stat_if_present(to_name)?.is_none() => {
                fs::renameat(self, name, to, to_name)
            }
            renamed => renamed,
        }
        .named("rename to", || to.join(to_name))
    }

    /// Lets `name` and `other_name` in `other` change places. Both must be there.
    pub fn exchange(&self, name: &[u8], other: &Self, other_name: &[u8]) -> Result<()> {
        fs::renameat_with(self, name, other, other_name, RenameFlags::EXCHANGE)
            .named("exchange with a new file", || self.join(name))
    }

    /// Removes the file or symlink `name`.
    pub fn remove_file(&self, name: &[u8]) -> Result<()> {
        fs::unlinkat(self, name, AtFlags::empty()).named("remove", || self.join(name))
    }

    /// Removes the empty directory `name`.
    pub fn remove_dir(&self, name: &[u8]) -> Result<()> {
        fs::unlinkat(self, name, AtFlags::REMOVEDIR).named("remove directory", || self.join(name))
    }

    /// Sets the permission bits of `name`, which must not be a symlink.
    pub fn set_mode(&self, name: &[u8], mode: u16) -> Result<()> {
        fs::chmodat(self, name, Mode::from_raw_mode(mode.into()), AtFlags::empty())
            .named("set mode of", || self.join(name))
    }

    /// Sets the time of the last change of `name`, itself and not what a symlink points to.
    pub fn set_mtime(&self, name: &[u8], mtime: Time) -> Result<()> {
        fs::utimensat(self, name, &timestamps(mtime), AtFlags::SYMLINK_NOFOLLOW)
            .named("set times of", || self.join(name))
    }

    /// When the file at the relative path `path` was last read, as far as the file system keeps account of it.
    pub fn accessed(&self, path: &[u8]) -> Result<Time> {
        let stat = fs::statx(self, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::ATIME)
            .named("read metadata of", || self.join(path))?;
        Ok(Time { seconds: stat.stx_atime.tv_sec, nanoseconds: stat.stx_atime.tv_nsec })
    }

    /// Sets when the file at the relative path `path` was last read.
    pub fn set_accessed(&self, path: &[u8], time: Time) -> Result<()> {
        let times = fs::Timestamps { last_access: timespec(time), last_modification: OMIT };
        fs::utimensat(self, path, &times, AtFlags::SYMLINK_NOFOLLOW).named("set times of", || self.join(path))
    }

    /// Sets permission bits (where `mode` is given) and the time of the last change of an open file of this directory.
    pub fn finish_file(&self, file: impl AsFd, name: &[u8], mode: Option<u16>, mtime: Time) -> Result<()> {
        if let Some(mode) = mode {
            fs::fchmod(&file, Mode::from_raw_mode(mode.into())).named("set mode of", || self.join(name))?;
        }
        fs::futimens(&file, &timestamps(mtime)).named("set times of", || self.join(name))
    }

    /// Gives the directory itself to a user and a group.
    pub fn set_own_owner(&self, user: u32, group: u32) -> Result<()> {
        fs::fchown(self, Some(fs::Uid::from_raw(user)), Some(fs::Gid::from_raw(group)))
            .named("set owner of", || self.path.clone())
    }

    /// Sets the permission bits of the directory itself.
    pub fn set_own_mode(&self, mode: u16) -> Result<()> {
        fs::fchmod(self, Mode::from_raw_mode(mode.into())).named("set mode of", || self.path.clone())
    }

    /// Sets permission bits (where `mode` is given) and the time of the last change of the directory itself.
    pub fn finish_self(&self, mode: Option<u16>, mtime: Time) -> Result<()> {
        if let Some(mode) = mode {
            self.set_own_mode(mode)?;
        }
        fs::futimens(self, &timestamps(mtime)).named("set times of", || self.path.clone())
    }

    /// Asks the file system to lay each directory that is made in this one somewhere else on the disk.
    ///
    /// It is a hint for ext4, and others do not know it, so nothing is told of a failure. Ext4 lays a directory and its files
    /// beside its parent, and passes over each inode there that was freed in the last minute or more, one by one: making
    /// a target directory where one was just deleted took four times as long (`recently_deleted` in the kernel's
    /// `fs/ext4/ialloc.c`, 70 % of a restore's time).
    pub fn spread_directories(&self) {
        if let Ok(flags) = fs::ioctl_getflags(self) {
            let _ = fs::ioctl_setflags(self, flags | IFlags::TOPDIR);
        }
    }

    /// Whether what is made in the directory gets permissions from an access control list of the directory's, and not those that
    /// the umask leaves.
    pub fn has_default_acl(&self) -> bool {
        fs::fgetxattr(self, c"system.posix_acl_default", &mut [0_u8; 0]).is_ok()
    }

    /// Sets the directory's own times to now.
    pub fn touch_self(&self) -> Result<()> {
        fs::futimens(self, &NOW).named("set times of", || self.path.clone())
    }
}
