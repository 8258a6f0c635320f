//! The program as a job meets it, without a runner around it: real cargo workspaces, real files, real signals.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod audit;
mod base;
mod bins;
mod borders;
mod cargo;
mod choice;
mod destination;
mod explain;
mod finality;
mod freshness;
mod habits;
mod host;
mod inputs;
mod isolation;
mod key_ids;
mod kinds;
mod lacking;
mod last_build;
mod outputs;
mod policy;
mod pool;
mod pool_upkeep;
mod presets;
mod registries;
mod registry;
mod repository;
mod run;
mod scopes;
mod several;
mod sweep;
mod trouble;
mod trust;
mod truth;
mod upkeep;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");
