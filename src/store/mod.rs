//! Entries on the runner's disk: their format, every name below the root, and what may be done to them.
//!
//! ```text
//! root/                                  0700, or 2770 where users share it; CACHEDIR.TAG, made first
//!   <layer>/<repository>/<ref>/<key>/    names as in `name`; a pool that several share is of `<owner>/*` or `*`
//!     <generation>/                      an entry: immutable; its own mtime is its last use
//!       manifest                         what it is and holds, see `manifest`
//!       tree/0, tree/1 …                 one directory per root
//!       tree/0.pack …                    small files of that root, see `tree::pack`
//!       reached                          looked at after a boot that nobody noted, see `reached`
//!       digests                          of the first reading in depth, see `verify`
//!   staging/<random>/                    an entry that is being made; locked by its maker
//!   trash/<random>/                      what is being deleted
//!   quarantine/<random>/                 entries that were found damaged
//!   retired/<name>/                      of versions before manifest format 7; swept
//!   sessions/<id>.json                   what a restore leaves for the save of the same job
//!   logs/<user>/<time>-<random>.log      what a process tells that outlives a job; locked while it runs
//!   logs/<user>/after-jobs.log           what of it was shown once
//!   working/<random>                     what a process is at, while it is, see `working`
//!   boots/<boot id>                      up to when all of that boot is on the disk, see `flush`
//!   ledger/events.db                     what happened, for statistics, see `crate::ledger`; -wal and -shm are SQLite's
//!   ledger/events.db.damaged             one that was set aside
//!   format                               where things lie; a newer one is not touched
//!   clean.lock, boots/flush.lock         held by whoever cleans up, or flushes
//! ```
//!
//! # Locks
//! `flock` on the entry's own directory. A reader holds it shared while it copies ([`Lease`]); whoever evicts takes it
//! exclusively without waiting and lets the entry be when that fails. A maker holds its staging directory exclusively, so
//! that a sweep can tell it from debris. Nobody waits for one of these locks.
//!
//! Whoever cleans up or flushes holds a file's lock, for which others wait a bounded time. While it is held, entries are
//! locked without waiting, and the other way round nobody who holds an entry asks for it: so there is no circle. Locks end
//! with their process.
//!
//! # Shared files
//! A save gives what it finds unchanged a further name: entries share inodes, and the kernel counts who has them, whoever dies.
//!
//! # Publishing
//! The manifest is written last, then one rename makes the entry visible. Each entry has a directory name of its own, so
//! two jobs that save one key do not meet.

mod address;
mod area;
mod borrowed;
mod clean;
mod contents;
mod debris;
mod default_root;
mod error;
mod finality;
mod flush;
mod header;
mod key_id;
mod layer;
mod lease;
mod ledger_file;
mod log;
mod lookup;
mod manifest;
mod marks;
pub mod name;
mod provenance;
mod reached;
pub mod retention;
mod root;
mod session;
mod staging;
mod usage;
mod verify;
mod working;

pub use address::{EntryId, key_directory};
pub use clean::Evicted;
pub use contents::{Root, Sources};
pub use debris::{Debris, Ownership};
pub use default_root::{ChosenRoot, choose_below, choose_root};
pub use error::{Error, Result};
pub use finality::Finality;
pub use flush::since_boot_ms;
pub use header::{Factor, Header, Install, LayerData, Origin, Scope, Unit};
pub use key_id::{key_id, shown_key};
pub use layer::Layer;
pub use lease::Lease;
pub use ledger_file::{LedgerFile, LedgerId};
pub use log::{Log, LogLine, LogOrigin, is_trouble};
pub use lookup::{Candidate, Lanes, Query};
pub use manifest::Manifest;
pub use provenance::{
    Ability, Inputs, KnownInputs, Made, Outside, OutsideInput, OutsideState, Package, Provenance, Revision,
    SourceId,
};
pub use root::{Access, Store};
pub use session::{Claim, Claimed, LeftSession, discard_session, pointers};
pub use staging::Staging;
pub use working::{Activity, MovedSoFar, Record, Step, Wait, WorkLock, WorkPhase, Working};
