//! What a command did, for people and for later steps: log, outputs, environment, step summary. Takes values and decides
//! nothing.

mod console;
mod figures;
mod restored;
mod saved;
mod table;

pub use console::Console;
pub use figures::{bytes, count, seconds};
pub use restored::{Hit, LayerRestore, RestoreReport, Transfer};
pub use saved::{LayerSave, SaveReport, Saved};
pub use table::{entries_table, entry_details};
