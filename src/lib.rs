//! A local cache for self-hosted Linux runners.
//!
//! `ARCHITECTURE.md` shows the house. Each module's first lines tell its one job, and imports point down only:
//! `commands` → `pipeline` → `layers` → `facts` → `job` → `cli`, `report` → `plan` → `cargo` → `store` → `github`, `tree` →
//! `sys`.

pub mod cargo;
pub mod cli;
pub mod commands;
pub mod facts;
pub mod github;
pub mod job;
mod layers;
mod pipeline;
pub mod plan;
pub mod report;
pub mod store;
pub mod sys;
pub mod tree;
