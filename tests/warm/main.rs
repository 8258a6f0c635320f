//! Workspaces with real dependencies, built again and again by jobs that start from a fresh checkout: what has not
//! changed is compiled once.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod built;
mod checkout;
mod contents;
#[path = "../cli/job.rs"]
#[expect(dead_code, reason = "these tests need only a part of it")]
mod job;
mod large;
mod lock;
mod pool;
#[path = "../unpack/mod.rs"]
mod unpack;
mod updates;
