//! The program on disks that are full, read-only, broken, cut off from power or somebody else's: real file systems, and
//! faults that the kernel is made to report.
//!
//! Only root can mount, so `cargo test` leaves this out; `scripts/disk.sh` installs what it needs and runs it.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod clock;
mod death;
mod doctor;
mod fault;
mod full;
mod guard;
mod host;
mod limits;
mod owner;
mod place;
mod power;
mod readonly;
mod strace;
mod tree;
mod trial;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");
