//! Submodules of git dependencies. Since 1.94 cargo keeps them in `git/db` like repositories of their own (before, it
//! fetched them into each checkout), and no lock file names them: the checkouts do, in which they are.

use std::collections::HashSet;
use std::path::Path;

use crate::sys::{self, file};

/// The URLs of all submodules in `checkout`, those of submodules included.
pub(super) fn submodules(checkout: &Path) -> sys::Result<Vec<String>> {
    let mut found = HashSet::new();
    collect(checkout, &mut found)?;
    Ok(found.into_iter().map(|submodule| submodule.url).collect())
}

fn collect(checkout: &Path, found: &mut HashSet<Submodule>) -> sys::Result<()> {
    let Some(text) = file::read_if_present(&checkout.join(".gitmodules"))? else { return Ok(()) };
    for submodule in read(&String::from_utf8_lossy(&text)) {
        let directory = checkout.join(&submodule.path);
        // What was found before is a circle of links.
        if found.insert(submodule) {
            collect(&directory, found)?;
        }
    }
    Ok(())
}

/// What `.gitmodules` says of a submodule.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Submodule {
    path: String,
    url: String,
}

/// Reads a `.gitmodules`, as far as people write them: sections with one setting a line.
fn read(text: &str) -> Vec<Submodule> {
    let mut submodules: Vec<Submodule> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            submodules.push(Submodule::default());
        }
        let (Some(submodule), Some((name, value))) = (submodules.last_mut(), line.split_once('=')) else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim() {
            "path" => value.clone_into(&mut submodule.path),
            "url" => value.clone_into(&mut submodule.url),
            _ => {}
        }
    }
    submodules.retain(|submodule| !submodule.path.is_empty() && !submodule.url.is_empty());
    submodules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submodules_of_submodules_are_found_and_circles_end() {
        let place = tempfile::tempdir().unwrap();
        let lay = |directory: &str, text: &str| {
            let directory = place.path().join(directory);
            file::make_dirs(&directory).unwrap();
            file::write_new(&directory.join(".gitmodules"), text.as_bytes()).unwrap();
        };
        lay(
            "",
            "[submodule \"a b\"]\n\tpath = a b\n\turl = \"https://example.com/o/a.git\"\n\tupdate = none\n\
             [submodule \"no-url\"]\n\tpath = x\n# [comment]\n[submodule \"c\"]\nurl=../c\npath=c\n",
        );
        lay("a b", "[submodule \"d\"]\n\tpath = d\n\turl = git@example.com:o/d.git\n");
        lay("c", "[submodule \"self\"]\n\tpath = .\n\turl = ../c\n");
        let mut urls = submodules(place.path()).unwrap();
        urls.sort();
        let expected = ["../c", "../c", "git@example.com:o/d.git", "https://example.com/o/a.git"];
        assert_eq!(urls, expected);
    }
}
