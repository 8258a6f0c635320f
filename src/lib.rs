//! A local cache for self-hosted Linux runners.
//!
//! `ARCHITECTURE.md` shows the house. Each module's first lines tell its one job, and imports point down only:
//! `commands` → `doctor` → `pipeline` → `layers` → `host` → `facts` → `job` → `cli`, `report` → `outcome` → `migrate` →
//! `plan` → `cargo` → `ledger` → `store` → `release` → `api` → `github`, `tree` → `sys`.

pub mod api;
pub mod cargo;
pub mod cli;
pub mod commands;
mod doctor;
pub mod facts;
pub mod github;
mod host;
pub mod job;
mod layers;
pub mod ledger;
pub mod migrate;
pub mod outcome;
mod pipeline;
pub mod plan;
pub mod release;
pub mod report;
pub mod store;
pub mod sys;
pub mod tree;
