//! A local cache for self-hosted Linux runners.
//!
//! `ARCHITECTURE.md` shows the house. Each module's first lines tell its one job, and imports point down only:
//! `cli`, `commands` → `report` → `plan` → `cargo` → `store` → `github` → `tree` → `sys`.

pub mod cargo;
pub mod cli;
pub mod commands;
pub mod github;
pub mod plan;
pub mod report;
pub mod store;
pub mod sys;
pub mod tree;
