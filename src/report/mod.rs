//! Renderings of what a command did, for people and for later steps: log, outputs, environment, step summary. Takes values
//! of [`crate::outcome`] and decides nothing.

mod audited;
mod bars;
mod bundle;
mod console;
mod diagnosis;
mod diagnostics;
mod difference;
mod disk;
mod explained;
mod figures;
mod history;
mod last_build;
mod listing;
mod masked;
pub mod metrics;
mod page;
mod printed;
mod restored;
mod saved;
pub mod screen;
mod stats;
mod stats_csv;
mod summary;
mod table;
mod told;
mod ways;
mod why;

pub(crate) use bundle::{Section, bundle_text};
pub use console::Console;
pub use diagnostics::{Diagnosed, start_diagnostics};
pub use difference::difference;
pub use disk::min_free;
pub use figures::{bytes, count};
pub(crate) use masked::Names;
pub use page::page;
pub use printed::printed;
pub(crate) use saved::{evicted_text, pooled_text};
pub(crate) use summary::earlier_trouble;
pub use told::{Told, as_text};
