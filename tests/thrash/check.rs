//! What a destination may be after a restore.

use std::path::Path;

use crate::layout::Layout;
use crate::listing::{Found, Items};
use crate::wrong::Wrong;

/// After a hit on `key`: all that the tree's listing tells is there. Where the layer leaves other files alone they are as
/// they were, else there are none.
pub(crate) fn hit(
    layout: Layout,
    before: Option<&Found>,
    after: Option<&Found>,
    key: &str,
) -> Result<(), Wrong> {
    let after = after.ok_or_else(|| Wrong::Corrupt("there was a hit, and there is no tree".into()))?;
    if after.temporary > 0 {
        return Err(Wrong::Failed(format!(
            "{} temporary directories were left in the tree",
            after.temporary
        )));
    }
    let listing = after.listing.as_ref().ok_or_else(|| Wrong::Corrupt("the tree has no listing".into()))?;
    if listing.key != key {
        return Err(Wrong::Corrupt(format!("the tree was saved under {}, not {key}", listing.key)));
    }
    match before.filter(|_| layout == Layout::Path) {
        None => same(&listing.items, &after.items),
        // Which names are one file depends on files of both.
        Some(before) => {
            same(&without_links(overlay(&before.items, &listing.items)), &without_links(after.items.clone()))
        }
    }
    .map_err(Wrong::Corrupt)
}

/// After a miss, and after a restore that was cancelled.
pub(crate) fn unchanged(before: Option<&Found>, after: Option<&Found>) -> Result<(), Wrong> {
    let nothing = Items::new();
    let items = |found: Option<&Found>| found.map_or(nothing.clone(), |found| found.items.clone());
    same(&items(before), &items(after)).map_err(Wrong::Lost)?;
    if before.map(|found| &found.listing) == after.map(|found| &found.listing) {
        Ok(())
    } else {
        Err(Wrong::Lost("the listing has changed".into()))
    }
}

/// After a restore that was killed: what was absent is absent or whole. Else some files are new already, and none that
/// was to stay is gone. That files themselves are whole is known, or they would not have been read.
pub(crate) fn killed(layout: Layout, before: Option<&Found>, after: Option<&Found>) -> Result<(), Wrong> {
    let Some(before) = before else {
        let Some(after) = after else { return Ok(()) };
        let key = after.listing.as_ref().map(|listing| listing.key.clone());
        return hit(layout, None, Some(after), &key.unwrap_or_default());
    };
    let after = after.ok_or_else(|| Wrong::Lost("all of it is gone".into()))?;
    if layout == Layout::Target {
        return Ok(());
    }
    let is_gone = |path: &&String| !after.items.contains_key(*path) && !is_hidden(path, &after.items);
    match before.items.keys().find(is_gone) {
        Some(path) => Err(Wrong::Lost(format!("{path}: was there before the restore"))),
        None => Ok(()),
    }
}

/// What is in `below`, and in `above` which wins.
fn overlay(below: &Items, above: &Items) -> Items {
    let mut items: Items = below
        .iter()
        .filter(|(path, _)| !is_hidden(path, above))
        .map(|(p, w)| (p.clone(), w.clone()))
        .collect();
    items.extend(above.iter().map(|(path, what)| (path.clone(), what.clone())));
    items
}

/// Whether something else than a directory lies where `path` needs one.
fn is_hidden(path: &str, items: &Items) -> bool {
    let mut above = Path::new(path).ancestors().skip(1).filter_map(|above| items.get(above.to_str()?));
    above.any(|what| !what.starts_with("directory "))
}

fn without_links(items: Items) -> Items {
    let cut = |what: String| what.split_once(" is ").map_or(what.clone(), |(what, _)| what.to_owned());
    items.into_iter().map(|(path, what)| (path, cut(what))).collect()
}

/// What is found in a tree instead of what is wanted, if anything.
pub(crate) fn same(wanted: &Items, found: &Items) -> Result<(), String> {
    let paths = wanted.keys().chain(found.keys().filter(|path| !wanted.contains_key(*path)));
    let differences = paths.filter(|path| wanted.get(*path) != found.get(*path)).map(|path| {
        let told = |items: &Items| items.get(path).map_or("nothing", String::as_str).to_owned();
        format!("  {path:?}: {} instead of {}", told(found), told(wanted))
    });
    let differences: Vec<_> = differences.collect();
    match differences.len() {
        0 => Ok(()),
        number => Err(format!("{number} differ\n{}", differences[..number.min(8)].join("\n"))),
    }
}
