//! Sets a host up for its runners: cache directory, policy, rules for systemd's cleaner, a timer for `gc`, completions and manual
//! pages, archives of actions.
//!
//! [`facts`] are read, [`plan`] makes pieces of them without touching anything, each [`piece`] knows what is there of it, and
//! [`setup`] and [`undo`] act. What is somebody else's stays: each file has a [`mark`] with the digest of the rest, and a
//! [`record`] tells what else was made.

mod archive;
mod error;
mod facts;
pub(crate) mod hooks;
mod mark;
mod pages;
mod piece;
mod plan;
mod policy;
mod program;
mod record;
mod request;
mod roots;
mod runners;
mod setup;
mod shown;
mod system;
mod told;
mod undo;
mod units;
mod users;

pub(crate) use error::Error;
pub(crate) use hooks::{has_hook, is_in_work_of_a_known_runner};
pub(crate) use piece::Making;
pub(crate) use runners::{is_in_work_of_a_runner, runners};
pub(crate) use setup::{Setup, exclude_from_cleaner};
pub(crate) use system::System;
pub(crate) use told::{outcome, preview, remarks, removal, status};
pub(crate) use undo::Removal;
