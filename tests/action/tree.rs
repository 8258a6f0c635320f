//! The target directory at some moment of a job, as an ordinary tool copied it there.

use std::path::Path;

use test_support::Listing;

/// A script for `PATH` that copies `target` under a name.
pub(crate) const RECORD: &str = r#"mkdir -p "$RECORDS" && cp -a target "$RECORDS/$1""#;

/// What [`RECORD`] copied to `records`, of which a cache has to keep all.
pub(crate) fn recorded(records: &Path, name: &str) -> Listing {
    let listing = Listing::of(&records.join(name)).unwrap_or_else(|| panic!("{name} was not recorded"));
    listing.only(|path| !is_made_in_each_build(path))
}

/// What cargo lays out for users in each build, empty directories that it makes, and its lists of sources, which a restore dates.
fn is_made_in_each_build(path: &Path) -> bool {
    let names: Vec<_> = path.iter().map(|name| name.to_str().unwrap()).collect();
    let is_of_cargo = |name: &str| name.starts_with('.') || ["build", "deps", "incremental"].contains(&name);
    matches!(names[..], [_, name, ..] if !is_of_cargo(name))
        || names.last().is_some_and(|name| name.starts_with("dep-"))
}
