//! The program as a job meets it, without a runner around it: real cargo workspaces, real files, real signals.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod audit;
mod base;
mod bins;
mod borders;
mod cargo;
mod choice;
mod closed;
mod destination;
mod diagnostics;
mod doctor;
mod explain;
mod fetch;
mod finality;
mod freshness;
mod habits;
mod hook;
mod host;
mod host_setup;
mod incremental;
mod inputs;
mod isolation;
mod json;
mod key_ids;
mod kinds;
mod lacking;
mod last_build;
mod migrate;
mod named;
mod outputs;
mod policy;
mod pool;
mod pool_upkeep;
mod presets;
mod registries;
mod registry;
mod releases;
mod repository;
mod run;
mod scopes;
mod self_update;
mod several;
mod siblings;
mod stats;
mod sweep;
mod top;
mod trouble;
mod trust;
mod truth;
mod unlisted;
mod upkeep;
mod wrote;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");
