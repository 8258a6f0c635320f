//! What a file system tells of a file, and times as it keeps them.

use std::os::fd::BorrowedFd;

use jiff::Timestamp;
pub use rustix::fs::FileType;
use rustix::fs::{self, AtFlags, StatxFlags};

/// A point in time as file systems keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Time {
    /// Seconds since 1970, negative before.
    pub seconds: i64,
    /// Nanoseconds, below one billion.
    pub nanoseconds: u32,
}

impl Time {
    /// The same for calendars; one that they do not reach is 1970.
    pub fn timestamp(self) -> Timestamp {
        let nanoseconds = i32::try_from(self.nanoseconds).unwrap_or_default();
        Timestamp::new(self.seconds, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl From<Timestamp> for Time {
    fn from(moment: Timestamp) -> Self {
        // Before 1970 both parts of it are negative.
        let (seconds, nanoseconds) = (moment.as_second(), moment.subsec_nanosecond());
        match u32::try_from(nanoseconds) {
            Ok(nanoseconds) => Self { seconds, nanoseconds },
            Err(_) => Self { seconds: seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds.unsigned_abs() },
        }
    }
}

/// What the tree engine asks of a file.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Regular file, directory, symlink or something else.
    pub kind: FileType,
    /// Permission bits, `0o7777` at most.
    pub mode: u16,
    /// Bytes, as `ls` shows them.
    pub size: u64,
    /// Last change of the contents.
    pub mtime: Time,
    /// Names that the file has, in the whole file system.
    pub links: u32,
    /// Number of the file in its file system.
    pub inode: u64,
    /// File system.
    pub device: (u32, u32),
    /// Owner.
    pub owner: u32,
    /// Its group.
    pub group: u32,
    /// Bytes that it takes on the disk.
    pub room: u64,
    /// Whether some of the file takes no room on the disk.
    pub is_sparse: bool,
}

/// What tells a file from all others of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct FileId {
    /// File system.
    pub device: (u32, u32),
    /// Number in it.
    pub inode: u64,
}

impl Stat {
    /// What tells the file from all others.
    pub fn id(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }
}

pub(super) fn stat_at(dir: BorrowedFd<'_>, name: &[u8], flags: AtFlags) -> rustix::io::Result<Stat> {
    let mask = StatxFlags::TYPE
        | StatxFlags::MODE
        | StatxFlags::SIZE
        | StatxFlags::MTIME
        | StatxFlags::NLINK
        | StatxFlags::INO
        | StatxFlags::UID
        | StatxFlags::GID
        | StatxFlags::BLOCKS;
    let stat = fs::statx(dir, name, flags | AtFlags::STATX_DONT_SYNC, mask)?;
    Ok(Stat {
        kind: FileType::from_raw_mode(stat.stx_mode.into()),
        mode: stat.stx_mode & 0o7777,
        size: stat.stx_size,
        mtime: Time { seconds: stat.stx_mtime.tv_sec, nanoseconds: stat.stx_mtime.tv_nsec },
        links: stat.stx_nlink,
        inode: stat.stx_ino,
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        owner: stat.stx_uid,
        group: stat.stx_gid,
        room: stat.stx_blocks * 512,
        is_sparse: stat.stx_blocks * 512 < stat.stx_size,
    })
}

/// Times that the kernel fills in.
pub(super) const NOW: fs::Timestamps = {
    let now = fs::Timespec { tv_sec: 0, tv_nsec: fs::UTIME_NOW };
    fs::Timestamps { last_access: now, last_modification: now }
};

/// Nobody needs the access time, and it is now.
pub(super) fn timestamps(mtime: Time) -> fs::Timestamps {
    // Some file systems in user space (bindfs) set no time where one is to be left as it is, and say that they did.
    fs::Timestamps { last_modification: timespec(mtime), ..NOW }
}

pub(super) fn timespec(time: Time) -> fs::Timespec {
    fs::Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() }
}

/// Leaves a time as it is.
pub(super) const OMIT: fs::Timespec = fs::Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT };
