//! Which files of a directory belong to a tree.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::Result;
use super::temporary::is_temporary;

/// Chosen files of a directory. A path is chosen when it, or a directory above it, matches an included pattern and no excluded
/// one; what this program put there for a moment never is.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Include,
    /// Directories below which an included pattern may match.
    leads: GlobSet,
    exclude: GlobSet,
    no_sources: Option<&'static [&'static str]>,
}

/// What is chosen, as far as it is not excluded.
#[derive(Debug, Clone, Default)]
enum Include {
    #[default]
    Everything,
    Patterns(GlobSet),
    /// The file of this name in the root.
    File(Vec<u8>),
    /// The directories of these names in each of the root's directories: hundreds of patterns take longer to compile than to
    /// match.
    Directories(HashSet<Vec<u8>>),
}

/// What a [`Selection`] says of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It belongs to the tree, and with it what lies below as far as it is not excluded.
    Chosen,
    /// It is a directory's path below which something may be chosen.
    Perhaps,
    /// Neither it nor anything below.
    LeftOut,
}

impl Selection {
    /// The whole directory.
    pub fn all() -> Self {
        Self::default()
    }

    /// What matches one of `include` (everything when it is empty) and none of `exclude`. The patterns are relative to
    /// the directory; `*` does not match `/`, `**` does.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        let leads: Vec<_> = include.iter().flat_map(|pattern| leads_to(pattern)).collect();
        let include =
            if include.is_empty() { Include::Everything } else { Include::Patterns(glob_set(include)?) };
        Ok(Self { include, leads: glob_set(&leads)?, exclude: glob_set(exclude)?, no_sources: None })
    }

    /// What is called one of `names` in any directory below it.
    pub fn of_directories(names: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { include: Include::Directories(names.into_iter().collect()), ..Self::default() }
    }

    /// The same, but for directories in which there is one of `marks`, since they can be made again, and those that we may not
    /// look into: a compiler that runs as the same user could not either.
    #[must_use]
    pub fn of_sources(self, marks: &'static [&'static str]) -> Self {
        Self { no_sources: Some(marks), ..self }
    }

    /// Whether directories that we may not look into are as good as absent.
    pub(super) fn passes_over_closed_directories(&self) -> bool {
        self.no_sources.is_some()
    }

    /// Whether a directory below the root in which there are `names`, sorted, is left out.
    pub(super) fn leaves_out_directory_of(&self, names: &[Box<[u8]>]) -> bool {
        let is_there = |mark: &&str| names.binary_search_by(|name| (**name).cmp(mark.as_bytes())).is_ok();
        self.no_sources.is_some_and(|marks| marks.iter().any(is_there))
    }

    /// The file at `path` alone, in the directory above it.
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().as_bytes();
        Self { include: Include::File(name.into()), ..Self::default() }
    }

    /// The only name in the root that is chosen, where it is one: then nobody has to look for others.
    pub(super) fn only_name(&self) -> Option<&[u8]> {
        match &self.include {
            Include::File(name) => Some(name),
            Include::Everything | Include::Patterns(_) | Include::Directories(_) => None,
        }
    }

    /// Whether an included pattern matches the path itself.
    pub fn names(&self, path: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        matches!(&self.include, Include::Patterns(patterns) if patterns.is_match(path))
    }

    /// Whether paths matter at all, or everything is chosen.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.include, Include::Everything) && self.exclude.is_empty()
    }

    /// Judges the path `path` in a directory that was itself chosen (`above`) or not.
    pub(super) fn judge(&self, above: Choice, path: &[u8], name: &[u8]) -> Choice {
        if is_temporary(name) {
            return Choice::LeftOut;
        }
        if self.is_all() {
            return Choice::Chosen;
        }
        let is_below_another = path.contains(&b'/');
        let path = Path::new(OsStr::from_bytes(path));
        if self.exclude.is_match(path) {
            return Choice::LeftOut;
        }
        match &self.include {
            _ if above == Choice::Chosen => Choice::Chosen,
            Include::Everything => Choice::Chosen,
            Include::Patterns(patterns) if patterns.is_match(path) => Choice::Chosen,
            Include::Patterns(_) if self.leads.is_match(path) => Choice::Perhaps,
            Include::File(file) if !is_below_another && file == name => Choice::Chosen,
            Include::Directories(names) if is_below_another && names.contains(name) => Choice::Chosen,
            Include::Directories(_) if !is_below_another => Choice::Perhaps,
            Include::Patterns(_) | Include::File(_) | Include::Directories(_) => Choice::LeftOut,
        }
    }

    pub(super) fn judge_root(&self) -> Choice {
        if matches!(self.include, Include::Everything) { Choice::Chosen } else { Choice::Perhaps }
    }
}

/// Patterns of the directories that lead to what `pattern` matches: for `a/*/c` these are `a` and `a/*`, for `a/**/c` all below
/// `a` as well.
fn leads_to(pattern: &str) -> Vec<String> {
    let components: Vec<_> = pattern.split('/').collect();
    let mut leads = Vec::new();
    for end in 1..components.len() {
        leads.push(components[..end].join("/"));
        if components[end - 1] == "**" {
            break;
        }
    }
    leads
}

fn glob_set(patterns: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()?);
    }
    Ok(set.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(selection: &Selection, path: &str) -> Choice {
        let mut above = selection.judge_root();
        let parts: Vec<_> = path.split('/').collect();
        for end in 1..=parts.len() {
            above = selection.judge(above, parts[..end].join("/").as_bytes(), parts[end - 1].as_bytes());
            if above == Choice::LeftOut {
                break;
            }
        }
        above
    }

    fn selection(include: &[&str], exclude: &[&str]) -> Selection {
        let owned = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
        Selection::new(&owned(include), &owned(exclude)).unwrap()
    }

    #[test]
    fn a_directory_that_matches_brings_what_is_in_it() {
        let selection = selection(&["out/*"], &["**/*.tmp"]);
        assert_eq!(choice(&selection, "out"), Choice::Perhaps);
        assert_eq!(choice(&selection, "out/bin/tool"), Choice::Chosen);
        assert_eq!(choice(&selection, "out/bin/x.tmp"), Choice::LeftOut);
        assert_eq!(choice(&selection, "src/lib.rs"), Choice::LeftOut);
    }

    #[test]
    fn only_directories_that_can_lead_to_a_match_are_read() {
        let selection = selection(&["a/*/c", "d/**/e", "f"], &[]);
        for path in ["a", "a/b", "d", "d/x", "d/x/y"] {
            assert_eq!(choice(&selection, path), Choice::Perhaps, "{path}");
        }
        for path in ["b", "a/b/x", "g/f"] {
            assert_eq!(choice(&selection, path), Choice::LeftOut, "{path}");
        }
        for path in ["a/b/c", "d/e", "d/x/e", "f", "f/g"] {
            assert_eq!(choice(&selection, path), Choice::Chosen, "{path}");
        }
    }

    #[test]
    fn directories_are_chosen_by_their_names_in_any_of_the_directories() {
        let selection = Selection::of_directories([b"serde-1.0.0".to_vec()]);
        for (path, expected) in [
            ("index", Choice::Perhaps),
            ("index/serde-1.0.0", Choice::Chosen),
            ("other/serde-1.0.0/src/lib.rs", Choice::Chosen),
            ("index/serde-1.0.1", Choice::LeftOut),
            ("index/x/serde-1.0.0", Choice::LeftOut),
        ] {
            assert_eq!(choice(&selection, path), expected, "{path}");
        }
    }

    #[test]
    fn a_file_is_chosen_by_its_own_name_whatever_is_in_it() {
        for name in [r"dev-disk-by\x2dlabel.swap", r"end\", "[a]*?{b,c}", "!x"] {
            let selection = Selection::of_file(Path::new(name));
            assert_eq!(choice(&selection, name), Choice::Chosen, "{name}");
        }
        let selection = Selection::of_file(Path::new(r"x/a\b"));
        assert_eq!(choice(&selection, "ab"), Choice::LeftOut);
        assert_eq!(choice(&selection, r"a\b"), Choice::Chosen);
        assert_eq!(choice(&selection, r"c/a\b"), Choice::LeftOut);
    }

    #[test]
    fn everything_is_chosen_but_our_own_debris() {
        assert_eq!(choice(&Selection::all(), "a/b"), Choice::Chosen);
        assert_eq!(choice(&Selection::all(), "a/.runner-cache-0123456789abcdef/b"), Choice::LeftOut);
        assert_eq!(choice(&Selection::all(), "a/.runner-cache-notes/b"), Choice::Chosen);
    }
}
