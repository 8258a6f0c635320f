//! `list`: all entries, those that were of use last first.

use std::path::Path;

use jiff::Timestamp;

use super::job::Exit;
use crate::report::entries_table;
use crate::store::Store;
use crate::sys::file;

/// The command.
#[expect(clippy::print_stdout, reason = "this is the command's result")]
pub(super) fn run(root: &Path) -> anyhow::Result<Exit> {
    let mut entries = if file::is_dir(root) { Store::open(root)?.known()? } else { Vec::new() };
    if entries.is_empty() {
        println!("no entries in {}", root.display());
        return Ok(Exit::Success);
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
    println!("{}", entries_table(&entries, Timestamp::now()));
    Ok(Exit::Success)
}
