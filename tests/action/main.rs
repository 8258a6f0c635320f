//! The action and the reusable workflows, used as their users use them: by an action runner (act, in host mode), from
//! checkout to save, on real cargo projects. A test's name is what its file says of the action.

#![allow(clippy::disallowed_methods, reason = "the crate's own file layer is what is being tested")]

mod bare;
mod build;
mod download;
mod host;
mod inputs;
mod install;
mod jobs;
mod log;
mod paths;
mod platform;
mod project;
mod release;
mod shell;
mod tree;
mod workflow;
mod workflows;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");
