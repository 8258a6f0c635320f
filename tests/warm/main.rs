//! Workspaces with real dependencies, built again and again by jobs that start from a fresh checkout: what has not
//! changed is compiled once.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod built;
mod contents;
mod large;
mod lock;
mod online;
mod pool;
mod updates;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");
