//! The floor of the house: system calls whose errors name the operation and the path.
//!
//! Nothing above this room calls `std::fs`: `clippy.toml` bans it. Code that handles many files works relative to an
//! open directory ([`Dir`]), so that a path is resolved once and no component can be swapped for a symlink meanwhile.
//! There is no `unsafe` here or anywhere: `rustix` gives safe bindings.
#![allow(clippy::disallowed_methods, reason = "this is the room that wraps them")]

mod ask;
mod boot;
mod clock;
mod copy;
mod crash;
mod digest;
mod dir;
mod error;
mod extents;
pub mod file;
mod lock;
mod locked_file;
mod mounts;
mod open_files;
mod random;
mod remove;
mod signal;
mod size;
mod space;
mod stat;
mod threads;
mod umask;
mod waiting;

pub use ask::ask;
pub use boot::{boot_id, since_boot};
pub use clock::before_now;
pub use copy::{
    clone_contents, copy_contents, copy_user_attributes, has_user_attributes, read_at, read_full,
    same_contents, write_all,
};
pub use crash::{CrashPoint, crash_at};
pub use digest::{Digest, sha256_hex};
pub use dir::Dir;
pub use error::{Error, Result};
pub use extents::{
    Extent, Keeping, has_one_tree, is_in_memory, is_written, keeping, shared_extents, tells_shared_extents,
};
pub use lock::{Lock, Mode as LockMode};
pub use locked_file::LockedFile;
pub use mounts::{LOST_AND_FOUND, mount_namespace, mounts_below};
pub use open_files::ManyOpenFiles;
pub use random::random;
pub use rustix::io::Errno;
pub use signal::{Interrupt, Whole};
pub use size::directory_size;
pub use space::{Space, flush, space_at};
pub use stat::{FileType, Stat, Time};
pub use threads::with_threads;
pub use umask::is_mode_kept;
pub use waiting::{Opened, Waiting};
