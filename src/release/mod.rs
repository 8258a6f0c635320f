//! Releases of this program: which there are, their bytes, and where those go. `scripts/install.sh` does the same in a job, for the
//! one release that its commit names.
//!
//! [`find`] tells what there is and [`bring`] gets it, into memory; [`attest`] asks `gh` about it; [`put`] writes what was
//! verified. So a file that is not verified exists nowhere, not even for a moment.

mod attestation;
mod bring;
mod download;
mod error;
mod find;
mod list;
mod machine;
mod manifest;
mod packed;
mod place;
mod put;
mod source;
mod watch;

pub use attestation::{Attested, attest, gh};
pub use bring::{Brought, bring};
pub use error::Error;
pub use find::{Asked, Found, Web, find};
pub use machine::Machine;
pub use place::{chosen_place, is_in_tool_cache, place_in_tool_cache, tool_cache};
pub use put::{Manner, is_there, put};
pub use semver::Version;
pub use watch::Watch;
