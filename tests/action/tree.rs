//! What a folder held at some moment of a job, as recorded there by ordinary tools.

use std::collections::BTreeMap;
use std::path::Path;

/// A script for `PATH` that records `target` under a name. A folder's size is its file system's business.
pub(crate) const RECORD: &str = r#"
    mkdir -p "$RECORDS"
    find target -type d -printf '%i\t%y %m %T@\t%p\n' -o -printf '%i\t%y %m %s %T@ %l\t%p\n' >"$RECORDS/$1.list"
    find target -type f -exec sha256sum {} + >"$RECORDS/$1.sums""#;

/// All of a folder that a copy has to keep.
#[derive(Debug, PartialEq)]
pub(crate) struct Tree {
    /// Per path: type, mode, size, mtime to the nanosecond, link target.
    pub(crate) entries: BTreeMap<String, String>,
    /// Per path of a file: the hash of its content.
    pub(crate) contents: BTreeMap<String, String>,
    /// Paths that are names of one file, where there are several.
    pub(crate) hard_links: Vec<Vec<String>>,
}

impl Tree {
    /// Reads what [`RECORD`] wrote in `records`.
    pub(crate) fn read(records: &Path, name: &str) -> Self {
        let read = |kind: &str| std::fs::read_to_string(records.join(format!("{name}.{kind}"))).unwrap();
        let mut entries = BTreeMap::new();
        let mut files = BTreeMap::<String, Vec<String>>::new();
        for line in read("list").lines() {
            let [inode, facts, path] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
                panic!("{line:?}")
            };
            if is_made_in_each_build(path) {
                continue;
            }
            entries.insert(path.to_owned(), facts.to_owned());
            files.entry(inode.to_owned()).or_default().push(path.to_owned());
        }
        let pairs = read("sums");
        let pairs = pairs.lines().map(|line| line.split_once("  ").unwrap());
        let pairs = pairs.filter(|(_, path)| !is_made_in_each_build(path));
        let contents = pairs.map(|(sum, path)| (path.to_owned(), sum.to_owned())).collect();
        let mut hard_links: Vec<_> = files.into_values().filter(|paths| paths.len() > 1).collect();
        for paths in &mut hard_links {
            paths.sort();
        }
        hard_links.sort();
        Self { entries, contents, hard_links }
    }
}

/// What cargo lays out for users in each build, empty folders that it makes, and its lists of sources, which a restore dates.
fn is_made_in_each_build(path: &str) -> bool {
    let names: Vec<_> = path.split('/').collect();
    let is_of_cargo = |name: &str| name.starts_with('.') || ["build", "deps", "incremental"].contains(&name);
    matches!(names[..], ["target", _, name, ..] if !is_of_cargo(name))
        || names.last().is_some_and(|name| name.starts_with("dep-"))
}

/// Fails the test with the first differences only: a target folder has thousands of paths.
pub(crate) fn assert_same(was: &Tree, is: &Tree) {
    assert!(was.entries.len() > 100, "nothing worth comparing was recorded");
    assert_eq!(differences(&was.entries, &is.entries), Vec::<String>::new());
    assert_eq!(differences(&was.contents, &is.contents), Vec::<String>::new());
    assert_eq!(was.hard_links, is.hard_links);
}

fn differences(was: &BTreeMap<String, String>, is: &BTreeMap<String, String>) -> Vec<String> {
    let paths = was.keys().chain(is.keys().filter(|path| !was.contains_key(*path)));
    let differing = paths.filter(|path| was.get(*path) != is.get(*path));
    differing.take(20).map(|path| format!("{path}: {:?} became {:?}", was.get(path), is.get(path))).collect()
}
