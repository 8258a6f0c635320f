//! The runner's protocol: what it tells a step ([`Context`]), what a step tells it ([`command`], [`FileCommands`]).
//!
//! All text for the runner passes through this room, which escapes it: no file name becomes a command.

pub mod command;
mod context;
mod files;
mod repository;

pub use context::{Context, Environment};
pub use files::{Error, FileCommands};
pub use repository::is_repository;
