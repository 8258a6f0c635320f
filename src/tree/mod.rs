//! The tree engine: what a directory tree holds ([`Tree`]), and bringing it from one place to another.
//!
//! - [`walk`] reads a live folder into a [`Tree`]: one `statx` a file, in parallel.
//! - [`place`] makes parts of a tree in a folder where they are not yet. A save places a live folder into a staging of
//!   the store; a restore places an entry beside its destination.
//! - [`restore`] brings a tree to its destination: whole by one rename where nothing was, else only the difference,
//!   staged first and then put in place by renames that are undone if one fails.
//!
//! Everything works relative to open folders and follows no symlink. Nothing here knows what a cache is.

mod engine;
mod error;
mod failure;
mod index;
mod link;
mod place;
mod restore;
mod select;
mod update;
mod walk;

pub use engine::{Engine, Progress};
pub use error::{Error, Result};
pub use index::{Kind, Node, NodeId, Tree};
pub use link::{LinkMode, Linker, Obstacle};
pub use place::{Base, Placement, Source, Tally, place};
pub use restore::{Existing, restore};
pub use select::Selection;
pub use walk::{Walked, walk};

/// What every name that this program puts into somebody's folder for a moment begins with. A walk leaves such names out:
/// they are what a killed process left behind.
pub const TEMPORARY_PREFIX: &str = ".runner-cache-";
