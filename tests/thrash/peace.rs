//! After the thrash: nobody works, nothing is killed or damaged any more. The cache must be sound and do its work.

use std::path::Path;
use std::time::Duration;

use test_support::files::{inside, remove, walk};
use test_support::processes;
use test_support::store::{self, is_temporary};

use crate::action::Action;
use crate::arena::{Arena, KEYS};
use crate::check;
use crate::fault::entries;
use crate::layout::Layout;
use crate::listing::scan;
use crate::watch::look_at_quarantine;
use crate::worker::Worker;
use crate::wrong::Wrong;

/// How long what runs in the background may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// So many that nothing goes.
const KEEP_ALL: [&str; 4] = ["--keep", "paths=100,target=100", "--min-free", "0%"];

pub(crate) fn make(arena: &Arena) -> Result<(), Wrong> {
    wait_for_background(arena)?;
    let root = arena.root();
    let mut worker = Worker::in_peace(arena, 0);
    clean(&mut worker, &root)?;
    // What was damaged and not used since is found now. Then all that is left is sound, contents included.
    worker.ask_root(Action::Verify, &[])?.expect(&[0, 1])?;
    look_at_quarantine(arena)?;
    for deep in [&[][..], &["--deep"], &["--deep"]] {
        worker.ask_root(Action::Verify, deep)?.expect(&[0])?;
    }
    compare_entries(arena)?;
    for number in 0..arena.settings.workers {
        let mut worker = Worker::in_peace(arena, number);
        for layout in Layout::ALL {
            use_cache(&mut worker, layout)?;
        }
    }
    wait_for_background(arena)?;
    clean(&mut worker, &root)?;
    find_debris(arena)?;
    remove_all(&mut worker, &root)
}

/// A cleaning leaves nothing that a killed process left behind.
fn clean(worker: &mut Worker<'_>, root: &Path) -> Result<(), Wrong> {
    worker.ask_root(Action::Gc, &KEEP_ALL)?.expect(&[0])?;
    match store::debris(root).first() {
        Some(left) => Err(Wrong::Failed(format!("{}: still there after a cleaning", left.display()))),
        None => Ok(()),
    }
}

/// Nothing is left once all entries are removed.
fn remove_all(worker: &mut Worker<'_>, root: &Path) -> Result<(), Wrong> {
    worker.ask_root(Action::Remove, &["*"])?.expect(&[0])?;
    for entry in inside(&root.join("quarantine")) {
        remove(&entry);
    }
    clean(worker, root)
}

/// Compares what each entry holds with the listing in it.
fn compare_entries(arena: &Arena) -> Result<(), Wrong> {
    let root = arena.root();
    let unpacked = arena.directory().join("unpacked");
    for entry in entries(&root) {
        let wrong = |what: &str| Wrong::Corrupt(format!("{}: {what}", entry.display()));
        store::unpack(&root, &entry, &unpacked).map_err(|what| wrong(&what))?;
        let found = scan(&unpacked)?.ok_or_else(|| wrong("is missing"))?;
        let listing = found.listing.ok_or_else(|| wrong("has no listing"))?;
        check::same(&listing.items, &found.items).map_err(|what| wrong(&what))?;
        arena.figures.add("entries_left", 1);
    }
    remove(&unpacked);
    Ok(())
}

/// Each key can be restored, and what is saved comes back.
fn use_cache(worker: &mut Worker<'_>, layout: Layout) -> Result<(), Wrong> {
    for key in KEYS {
        worker.restore_with(layout, &["--no-session", "--key", key])?;
        worker.change(layout, key)?;
        let saved = scan(&worker.tree(layout))?.and_then(|found| found.listing);
        if !worker.save_with(layout, &[layout.inputs(), &["--key", key]].concat())? {
            return Err(Wrong::Failed(format!("{key}: not saved, though nothing is in the way")));
        }
        remove(&worker.tree(layout));
        let restored = worker.restore_with(layout, &["--no-session", "--key", key])?;
        if restored.is_none() || restored != saved {
            return Err(Wrong::Lost(format!("{key}: what was just saved does not come back")));
        }
    }
    Ok(())
}

/// Restores took away what killed ones left beside and in their destinations.
fn find_debris(arena: &Arena) -> Result<(), Wrong> {
    match walk(arena.directory()).into_iter().find(|(path, _)| is_temporary(path)) {
        Some((left, _)) => Err(Wrong::Failed(format!("{}: left by a killed restore", left.display()))),
        None => Ok(()),
    }
}

/// Waits for the flushes that saves left running.
pub(crate) fn wait_for_background(arena: &Arena) -> Result<(), Wrong> {
    if processes::end_within(&arena.root(), PATIENCE) {
        Ok(())
    } else {
        Err(Wrong::Failed("what runs in the background does not end".into()))
    }
}
