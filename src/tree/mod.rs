//! The tree engine: what a directory tree holds ([`Tree`]), and bringing it from one place to another.
//!
//! - [`walk`] reads a live directory into a [`Tree`]: one `statx` a file, in parallel.
//! - [`place`] makes parts of a tree in a directory where they are not yet. A save places a live directory into a staging of
//!   the store; a restore places an entry beside its destination.
//! - [`pack`] puts small files of a tree into one file, of which they can be placed as well.
//! - [`restore`] brings trees to their destinations, all or none: whole by one rename where nothing was, else only the
//!   difference, staged first and then put in place by renames that are undone if one fails.
//! - [`Snapshot`] knows files again by what they hold, after others with the same names took their place.
//!   [`Live`] is what is there now, for as many snapshots as are compared with it.
//! - [`Aside`] lets a directory make way for a while.
//! - [`verify`] tells whether a directory still holds what a tree says.
//!
//! Everything works relative to open directories and follows no symlink. Nothing here knows what a cache is.

mod alike;
mod aside;
mod bases;
mod beside;
mod difference;
mod engine;
mod error;
mod existing;
mod failure;
mod index;
mod link;
mod live;
mod location;
mod maker;
mod names;
mod node_set;
mod pack;
mod packing;
mod place;
mod restore;
mod select;
mod snapshot;
mod source;
mod space_estimate;
mod subtree;
mod temporary;
mod threads;
mod transfer_stats;
mod update;
mod verify;
mod walk;

pub use alike::only_truly_same;
pub use aside::Aside;
pub use bases::Bases;
pub use engine::{Engine, Progress};
pub use error::{Error, Result};
pub use existing::Existing;
pub use index::{Kind, Node, NodeId, Tree};
pub use link::{LinkMode, Linker, Obstacle};
pub use live::Live;
pub use location::{Files, Location};
pub use names::with_names_elsewhere;
pub use node_set::NodeSet;
pub use pack::Pack;
pub use packing::{NewPack, Packed, pack, packable};
pub use place::{Placement, place};
pub use restore::{Delivery, restore};
pub use select::Selection;
pub use snapshot::{Compared, Snapshot};
pub use source::Source;
pub use space_estimate::{SpaceEstimate, estimate_space};
pub use subtree::Subtree;
pub use temporary::TEMPORARY_PREFIX;
pub use transfer_stats::TransferStats;
pub use verify::{Damage, Verified, verify};
pub use walk::{Walked, walk};
