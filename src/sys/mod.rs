//! The floor of the house: system calls whose errors name the operation and the path.
//!
//! Nothing above this room calls `std::fs`: `clippy.toml` bans it. Code that handles many files works relative to an
//! open directory ([`Dir`]), so that a path is resolved once and no component can be swapped for a symlink meanwhile.
//! There is no `unsafe` here or anywhere: `rustix` gives safe bindings.
#![allow(clippy::disallowed_methods, reason = "this is the room that wraps them")]

mod ask;
mod boot;
mod cleaner;
mod clock;
mod copy;
mod crash;
mod digest;
mod dir;
mod dir_open;
mod error;
mod extents;
pub mod file;
mod foreign;
mod host;
mod lock;
mod locked_file;
mod locks;
pub mod lossy;
mod mounts;
mod open_files;
mod processes;
mod program;
mod random;
mod remove;
mod signal;
mod size;
mod space;
mod standing;
mod stat;
mod threads;
mod umask;
mod waiting;

pub use ask::ask;
pub use boot::{boot_id, since_boot};
pub use cleaner::{CLEANERS, Cleaned, cleaned, cleaner_rules};
pub use clock::before_now;
pub use copy::{
    can_reflink, clone_contents, copy_contents, copy_user_attributes, has_user_attributes, read_at,
    read_full, same_contents, write_all,
};
pub use crash::{CrashPoint, crash_at};
pub use digest::{Digest, sha256_hex};
pub use dir::Dir;
pub use error::{Error, Result, chain};
pub use extents::{
    Extent, Keeping, has_one_tree, is_in_memory, is_written, keeping, shared_extents, tells_shared_extents,
};
pub use foreign::{foreign_directory, hand_back};
pub use host::{host_name, kernel};
pub use lock::{Lock, Mode as LockMode};
pub use locked_file::LockedFile;
pub use locks::{HeldFile, held_files};
pub use mounts::{LOST_AND_FOUND, file_system_of, mount_namespace, mounts_below};
pub use open_files::ManyOpenFiles;
pub use processes::{
    AtWork, Awaited, Process, ancestor, at_work_in, is_hung_up, is_readable_within, name_of, program_of,
    runs_since,
};
pub use program::NewProgram;
pub use random::random;
pub use rustix::io::Errno;
pub use rustix::process::Pid;
pub use signal::{Interrupt, Whole};
pub use size::directory_size;
pub use space::{Space, flush, space_at};
pub use standing::changeable_by_others;
pub use stat::{FileId, FileType, Stat, Time};
pub use threads::with_threads;
pub use umask::is_mode_kept;
pub use waiting::{Opened, Waiting};
