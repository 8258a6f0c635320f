//! Whether what a unit left leads to a directory in which it was made: then it does not do elsewhere what it does there.

use std::path::{Path, PathBuf};

use memchr::memmem;

use super::record::Record;
use super::traces::{leads_to, loaded_parts, may_hide_paths};
use super::units::Unit;
use crate::store::Revision;
use crate::tree::{self, Kind, Location, NodeId, Tree};

/// From how many bytes on a program is not read as a whole.
const LARGE: u64 = 1 << 20;

/// How many digits of a commit are looked for: the fewest that git abbreviates to.
const COMMIT: usize = 7;

/// Where and of what a unit was made, as far as what it left tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traces {
    /// The indices of the places that it leads to.
    pub(super) places: Vec<u32>,
    /// Whether it tells one of the commits.
    pub(super) tells_commit: bool,
}

impl Traces {
    pub(super) fn add(&mut self, other: Self) {
        self.places.extend(other.places);
        self.places.sort_unstable();
        self.places.dedup();
        self.tells_commit |= other.tells_commit;
    }
}

/// What is looked for in units.
#[derive(Debug)]
pub(super) struct Search<'a> {
    /// Absolute paths of directories.
    pub(super) places: &'a [PathBuf],
    /// What was checked out.
    pub(super) revisions: &'a [Revision],
}

impl Search<'_> {
    /// Looks through `unit` of the target directory `target`, whose files lie at `location`. Where a script or a macro was
    /// told the places (`may_be_told`), what can hide paths leads to all of them. What a script wrote into its output
    /// directory counts only if somebody uses that (`is_output_used`).
    pub(super) fn of_unit(
        &self,
        location: Location<'_>,
        target: &Tree,
        unit: &Unit,
        record: &Record,
        may_be_told: bool,
        is_output_used: bool,
    ) -> tree::Result<Traces> {
        let mut found: Vec<_> = self.places.iter().map(|place| follows_variable(record, place)).collect();
        let mut tells_commit = false;
        let own = own_output(location, target, unit)?;
        for id in unit.files(target) {
            if is_notes(target, id) || !is_output_used && is_in_out_of_script(target, id) {
                continue;
            }
            let contents = contents(location, target, id)?;
            // Cargo puts the directory of the script's output right in what the script told it.
            let contents = match &own {
                Some(own) if is_told(target, id) => without(&contents, own),
                _ => contents,
            };
            let hides_paths = may_hide_paths(&contents);
            for (is_bound, place) in found.iter_mut().zip(self.places) {
                *is_bound = *is_bound
                    || leads_to(&contents, &[place], &record.sources)
                    || (hides_paths && (may_be_told || knows(record, place)));
            }
            tells_commit = tells_commit
                || self.tells_commit(&contents)
                || own.is_some() && self.tells_revision(&contents);
        }
        let places = (0..).zip(found).filter_map(|(place, is_bound)| is_bound.then_some(place)).collect();
        Ok(Traces { places, tells_commit })
    }

    /// Looks through what a build script wrote beside its own output directory.
    pub(super) fn of_extra(&self, location: Location<'_>, target: &Tree, id: NodeId) -> tree::Result<Traces> {
        let contents = contents(location, target, id)?;
        let is_in = |place: &PathBuf| {
            may_hide_paths(&contents)
                || memmem::find(&contents, place.as_os_str().as_encoded_bytes()).is_some()
        };
        let places = (0..).zip(self.places).filter_map(|(number, place)| is_in(place).then_some(number));
        Ok(Traces {
            places: places.collect(),
            tells_commit: self.tells_commit(&contents) || self.tells_revision(&contents),
        })
    }

    fn tells_commit(&self, contents: &[u8]) -> bool {
        let mut commits =
            self.revisions.iter().filter_map(|revision| revision.commit.as_bytes().get(..COMMIT));
        commits.any(|beginning| memmem::find(contents, beginning).is_some())
    }

    /// What else a script can ask git for is short, and found by chance where more than its own output is looked through.
    fn tells_revision(&self, contents: &[u8]) -> bool {
        let mut texts = self
            .revisions
            .iter()
            .flat_map(|revision| [&revision.described].into_iter().chain(&revision.times));
        texts.any(|text| text.len() > 1 && memmem::find(contents, text.as_bytes()).is_some())
    }
}

fn contents(location: Location<'_>, target: &Tree, id: NodeId) -> tree::Result<Vec<u8>> {
    Ok(match target.node(id).kind {
        Kind::Symlink { target: to } => target.text(to).to_vec(),
        Kind::Directory { .. } => Vec::new(),
        // Most of a large program is debug information, in which nothing is looked for.
        Kind::File { size: LARGE.., .. } if !target.name(id).contains(&b'.') => {
            let parts = location.open(target, id)?.and_then(loaded_parts);
            match parts {
                Some(parts) => parts,
                None => location.read(target, id)?.unwrap_or_default(),
            }
        }
        Kind::File { .. } => location.read(target, id)?.unwrap_or_default(),
    })
}

/// The directory of a script's output, where the unit is a run of one.
pub(super) fn own_output(
    location: Location<'_>,
    target: &Tree,
    unit: &Unit,
) -> tree::Result<Option<Vec<u8>>> {
    let files = unit.files(target);
    match files.into_iter().find(|id| target.name(*id) == b"root-output") {
        Some(id) => location.read(target, id),
        None => Ok(None),
    }
}

/// Whether the compiler read a variable with a path in `place` for something else than to find a source: that can be anything,
/// such as the path's length.
fn follows_variable(record: &Record, place: &Path) -> bool {
    let is_for_source = |variable: &[u8]| {
        let value = variable.splitn(2, |&byte| byte == b'=').nth(1).unwrap_or_default();
        record.sources.iter().any(|source| source.as_os_str().as_encoded_bytes().starts_with(value))
    };
    record.variables.iter().any(|variable| holds(variable, place) && !is_for_source(variable))
}

/// Whether the compiler knew a path in `place`.
fn knows(record: &Record, place: &Path) -> bool {
    record.sources.iter().any(|source| source.starts_with(place))
        || record.variables.iter().any(|variable| holds(variable, place))
}

fn holds(text: &[u8], place: &Path) -> bool {
    memmem::find(text, place.as_os_str().as_encoded_bytes()).is_some()
}

/// Cargo's and rustc's notes, which lead nobody anywhere else than to what is looked at as an input.
pub(super) fn is_notes(target: &Tree, id: NodeId) -> bool {
    let name = target.name(id);
    let parent = target.node(id).parent;
    let is_in_fingerprint =
        target.name(parent) == b"fingerprint" || target.name(target.node(parent).parent) == b".fingerprint";
    let is_rustcs_list = name.ends_with(b".d") && !is_in_out_of_script(target, id);
    let is_of_run = [&b"invoked.timestamp"[..], b"stderr", b"root-output"].contains(&name);
    is_rustcs_list || (is_in_fingerprint || is_of_run) && !is_in_out_of_script(target, id)
}

/// Whether a file is what a build script told cargo.
pub(super) fn is_told(target: &Tree, id: NodeId) -> bool {
    [&b"output"[..], b"stdout"].contains(&target.name(id)) && !is_in_out_of_script(target, id)
}

/// Whether a file lies in the output directory of a script: that of a run, beside what the run told.
fn is_in_out_of_script(target: &Tree, id: NodeId) -> bool {
    let mut at = id;
    while at != 0 {
        at = target.node(at).parent;
        let unit = target.node(at).parent;
        if target.name(at) == b"out"
            && [&b"output"[..], b"run"].iter().any(|name| target.child(unit, name).is_some())
        {
            return true;
        }
    }
    false
}

pub(super) fn without(contents: &[u8], part: &[u8]) -> Vec<u8> {
    if part.is_empty() {
        return contents.to_vec();
    }
    let mut kept = Vec::with_capacity(contents.len());
    let mut end = 0;
    for at in memmem::find_iter(contents, part) {
        kept.extend_from_slice(&contents[end..at]);
        kept.push(0);
        end = at + part.len();
    }
    kept.extend_from_slice(&contents[end..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_text_leaves_a_mark() {
        assert_eq!(without(b"root=/o/x /o", b"/o"), b"root=\0/x \0");
        assert_eq!(without(b"x", b""), b"x");
    }

    #[test]
    fn a_variable_binds_unless_a_source_came_of_it() {
        let record = |variable: &str, source: &str| Record {
            hash: 0,
            fingerprint: super::super::fingerprint::Fingerprint::default(),
            is_known: true,
            info: super::super::dep_info::DepInfo::default(),
            sources: vec![source.into()],
            variables: vec![variable.as_bytes().to_vec()],
        };
        let follows =
            |variable: &str, source: &str| follows_variable(&record(variable, source), Path::new("/w"));
        assert!(follows("CARGO_MANIFEST_DIR=/w/a", "src/lib.rs"));
        assert!(!follows("OUT_DIR=/w/target/debug/build/a/out", "/w/target/debug/build/a/out/x.rs"));
        assert!(!follows("VERSION=1", "src/lib.rs"));
        assert!(follows("NAMED=/w/a=/w/b", "/w/a.rs"), "a value may have the sign itself");
    }
}
