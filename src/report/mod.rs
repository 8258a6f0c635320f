//! What a command did, for people and for later steps: log, outputs, environment, step summary. Takes values and decides
//! nothing.

mod audited;
mod console;
mod disk;
mod explained;
mod figures;
mod key_id;
mod last_build;
mod listing;
mod restored;
mod saved;
mod summary;
mod table;
mod ways;
mod why;

pub use audited::{
    Audited, CameFrom, ComparedBuilds, DifferingUnit, HowMade, UnitName, WhyFresh, audit_json, audit_text,
};
pub use console::Console;
pub use disk::{CleanReport, DiskReport, Large, clean_text, min_free};
pub use explained::{ExplainedEntry, ExplainedLayer, Verdict, explanation};
pub use figures::{bytes, count, entries, seconds};
pub use key_id::{key_id, shown_key};
pub use last_build::{Built, BuiltDirectory, CompiledUnit, LastBuild, RestoredEntry, last_build_text};
pub use listing::entries_listing;
pub use restored::{Composed, Hit, LayerRestore, RestoreReport, SourcesKept, Transfer, UnitsKept};
pub use saved::{LayerSave, LeftOut, Pooled, SaveReport, Saved};
pub use table::{HeldDirectory, entries_json, entries_table, entry_details, plan_table, usage_table};
pub use why::{Miss, NotSaved};
