//! `du`: what the entries take on the disk.

use super::job::Exit;
use crate::report::usage_table;
use crate::store::Store;

/// The command.
#[expect(clippy::print_stdout, reason = "this is the command's result")]
pub(super) fn run(store: &Store) -> anyhow::Result<Exit> {
    let known = store.known()?;
    if known.is_empty() {
        println!("no entries in {}", store.root().display());
        return Ok(Exit::Success);
    }
    let usage = store.usage(&known)?;
    println!("{}", usage_table(&known, &usage));
    Ok(Exit::Success)
}
