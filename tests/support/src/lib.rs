//! What the integration tests share: a job on a host of its own, what lies in directories, and what a cache root holds.
//!
//! | module | one way to |
//! |---|---|
//! | [`job`] | have a host with a home, a cache root and a workspace, in an environment made from nothing |
//! | [`program`] | run the program there and read what it said |
//! | [`project`] | lay out a small cargo project, and change its version and lock file |
//! | [`processes`] | wait for what the program left running |
//! | [`environment`] | pass on what reaches the toolchain and the registry, and search `PATH` |
//! | [`files`] | read, write, copy and list files, with the path in each failure |
//! | [`listing`] | compare directory trees: contents, modes, times, links, holes |
//! | [`web`] | be asked over HTTP, and answer as a test says |
//! | [`store`] | find the entries of a cache root, and unpack one |
//!
//! A test directory keeps what only it needs. Each test crate names the program once, as
//! `const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache")`: cargo tells its path to test crates alone.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

pub mod environment;
pub mod files;
pub mod job;
pub mod listing;
pub mod processes;
pub mod program;
pub mod project;
pub mod store;
pub mod web;

pub use job::Job;
pub use listing::Listing;
pub use program::Said;
