//! The program as a job meets it, without a runner around it: real cargo workspaces, real files, real signals.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod cargo;
mod explain;
mod freshness;
mod inputs;
mod isolation;
mod job;
mod presets;
mod scopes;
mod sweep;
mod trouble;
mod upkeep;
