//! What there is to know of cargo: its home, what it has installed, a workspace's directories, what changes a build's output,
//! and which files tools replace rather than rewrite.
//!
//! Facts are read here and judged in [`crate::plan`].

mod artifacts;
mod ask;
mod asked;
mod audit;
mod bound;
mod cause;
mod checkouts;
mod compiled;
mod config;
mod dep_info;
mod dependencies;
mod environment;
mod fingerprint;
mod home;
mod host;
mod install_root;
mod left_out;
mod linked;
mod literals;
mod lock;
mod made;
mod manifest;
mod outside;
mod package;
mod patched;
mod portable;
mod profile;
mod reader;
mod record;
mod records;
mod replaced;
mod source_trees;
mod sources;
mod strays;
mod sweep;
mod system;
mod tool;
mod toolchain;
mod toolchain_file;
mod traces;
mod units;
mod verdict;
mod workspace;

pub use artifacts::Artifacts;
pub use audit::{Build, BuiltUnit, Comparison, Differing, Incomparable, Slot, compare};
pub use cause::{Cause, Changed, Evidence, causes};
pub use compiled::{Before, Compiled, FingerprintTimes, Note, Notes};
pub use config::{config_files, tells_output_directory};
pub use dep_info::{Base, DepInfo, Download, listed_sources};
pub use dependencies::{Dependency, dependencies};
pub use environment::{incremental_variable, may_change_dependencies, output_variables};
pub use fingerprint::{Difference, Fingerprint, fingerprint_hash};
pub use home::{CRATES, CargoHome, REPOSITORIES, SOURCES};
pub use host::{Host, StepVariables};
pub use install_root::{InstallRoot, Installs, UnreadableNotes};
pub use left_out::WhyLeftOut;
pub use lock::{Locked, directories_of_crates};
pub use made::{Configured, Earlier, Making, OutputDirectory, SourcesSince};
pub use manifest::Manifests;
pub use portable::portable;
pub use profile::profile_settings;
pub use records::{Fit, Misfit, Records, may_hold_secret, name_and_version};
pub use replaced::{is_replaced_in_home, is_replaced_in_target, is_source_list, is_written_each_build};
pub use source_trees::SourceTrees;
pub use sources::{
    NO_SOURCES, OUTPUT_MARKS, RUSTC_INFO, named_files, named_programs, path_packages, sibling_directory,
    source_directory,
};
pub use strays::strays;
pub use sweep::{Kept, Part, Why, changed_in_place, spread, sweep};
pub use system::system;
pub use tool::Tool;
pub use toolchain::Toolchain;
pub use traces::leads_to;
pub use units::{Unit, has_unfinished, units};
pub use verdict::{
    Checkout, LOCK, Reason, is_code, is_nothing_to_reader, leave_out_dependents, verdicts, watched_sources,
};
pub use workspace::Workspace;
