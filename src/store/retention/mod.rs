//! Which entries are to go: limits, what entries take on the disk, and the plan that comes of both.

mod closed;
mod eviction;
mod limits;
mod policy;
#[cfg(test)]
mod tests;
mod weight;

pub use closed::{OpenRefs, closed, repositories_to_ask};
pub use eviction::{Inventory, Known, Planned, Reason, plan};
pub use limits::{Lacks, Limits, Reach};
pub use policy::{Keep, MinFree, Policy, Room};
pub use weight::{Block, BlockId, Usage, Weights};
