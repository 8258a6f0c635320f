//! What there is to know of cargo: its home, a workspace's folders, what changes a build's output, and which files
//! tools replace rather than rewrite.
//!
//! Facts are read here and judged in [`crate::plan`].

mod environment;
mod home;
mod replaced;
mod toolchain;
mod workspace;

pub use environment::output_variables;
pub use home::CargoHome;
pub use replaced::{is_replaced_in_home, is_replaced_in_target, is_written_each_build};
pub use toolchain::Toolchain;
pub use workspace::Workspace;
