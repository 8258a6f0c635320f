//! What there is to know of cargo: its home, a workspace's folders, what changes a build's output, and which files
//! tools replace rather than rewrite.
//!
//! Facts are read here and judged in [`crate::plan`].

mod environment;
mod home;
mod lock;
mod replaced;
mod sources;
mod sweep;
mod toolchain;
mod units;
mod workspace;

pub use environment::output_variables;
pub use home::{CRATES, CargoHome, SOURCES};
pub use lock::{Locked, folders_of_crates};
pub use replaced::{is_replaced_in_home, is_replaced_in_target, is_written_each_build};
pub use sources::{NO_SOURCES, path_packages, source_folder};
pub use sweep::{Kept, Part, Why, spread, sweep};
pub use toolchain::Toolchain;
pub use units::{Unit, units};
pub use workspace::Workspace;
