//! Whether what a unit left can serve in another target folder, and a digest that tells it from what another build left.
//!
//! A unit whose files lead to the folder in which they were made is bound to it. Cargo itself allows for the folder of
//! a build script's output, in what the script told it, by noting that folder beside it (`root-output`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::dep_info::{listed_sources, listed_variables};
use super::patched::is_any_patched;
use super::traces::{leads_to, may_hide_paths};
use super::units::Unit;
use crate::sys::Digest;
use crate::sys::file::normal;
use crate::tree::{self, Folders, Kind, NodeId, Tree};

/// What a unit has that cargo does not go by and that differs from build to build.
const OF_NO_MEANING: [&[u8]; 3] = [b"invoked.timestamp", b"stderr", ROOT_OUTPUT];

/// What a build script told cargo; the second name since 1.100.
const OUTPUT: [&[u8]; 2] = [b"output", b"stdout"];

/// Which folder the script had for its output.
const ROOT_OUTPUT: &[u8] = b"root-output";

/// A digest of what `unit` of the target folder `target`, whose files lie in `folders`, left, but for times; `None` where it
/// is bound to the folder in which it was made, or to one of `places`, or was made of patched sources. `home` is the cargo
/// home, which is the same for all that use the unit.
pub fn portable(
    folders: Folders<'_>,
    target: &Tree,
    unit: &Unit,
    places: &[PathBuf],
    home: &Path,
) -> tree::Result<Option<Digest>> {
    let mut files: Vec<_> = unit.files(target).into_iter().map(|id| (target.path_below(0, id), id)).collect();
    files.sort();
    let own_output = own_output(folders, target, &files)?;
    let making = Making::of(folders, target, &files)?;
    if is_any_patched(&making.sources, home) {
        return Ok(None);
    }
    let above = making.folders.iter().filter_map(|folder| folder.parent());
    let places = places.iter().chain(&making.folders).map(PathBuf::as_path).chain(above);
    // What holds the home holds every path in it.
    let places: Vec<_> = places.filter(|place| !home.starts_with(place)).collect();
    let knows_places = making.knows_any(&places);
    let mut text = Vec::new();
    for (path, id) in &files {
        if is_of_no_meaning(target, *id) {
            continue;
        }
        let node = target.node(*id);
        let contents = match node.kind {
            Kind::Symlink { target: to } => target.text(to).to_vec(),
            _ => folders.read(target, *id)?.unwrap_or_default(),
        };
        let contents = match &own_output {
            Some(own) if OUTPUT.contains(&target.name(*id)) && is_of_cargo(target, *id) => {
                without(&contents, own)
            }
            _ => contents,
        };
        let is_bound = leads_to(&contents, &places, &making.sources)
            || (knows_places && may_hide_paths(&contents))
            || (matches!(node.kind, Kind::Symlink { .. }) && leads_out(target, unit, path, &contents));
        if is_bound {
            return Ok(None);
        }
        text.extend_from_slice(path);
        text.extend_from_slice(&[0, u8::from(node.mode & 0o100 != 0)]);
        text.extend_from_slice(Digest::of(&contents).bytes());
    }
    Ok(Some(Digest::of(&text)))
}

/// Whether a link of the unit at `path` leads to what is not the unit's own, by a way from there.
fn leads_out(target: &Tree, unit: &Unit, path: &[u8], to: &[u8]) -> bool {
    let [path, to] = [path, to].map(|path| Path::new(OsStr::from_bytes(path)));
    let end = normal(&path.parent().unwrap_or(path).join(to));
    let is_own = |part: &NodeId| end.starts_with(OsStr::from_bytes(&target.path_below(0, *part)));
    to.is_relative() && !unit.parts.iter().any(is_own)
}

/// The folder of the script's output, where the unit is a run of one.
fn own_output(
    folders: Folders<'_>,
    target: &Tree,
    files: &[(Vec<u8>, NodeId)],
) -> tree::Result<Option<Vec<u8>>> {
    let is_it = |id: NodeId| is_of_cargo(target, id) && target.name(id) == ROOT_OUTPUT;
    match files.iter().find(|(_, id)| is_it(*id)) {
        Some((_, id)) => folders.read(target, *id),
        None => Ok(None),
    }
}

fn is_of_no_meaning(target: &Tree, id: NodeId) -> bool {
    is_of_cargo(target, id) && (OF_NO_MEANING.contains(&target.name(id)) || target.name(id).ends_with(b".d"))
}

/// Whether a file is cargo's or rustc's rather than one that a build script wrote into its folder.
fn is_of_cargo(target: &Tree, id: NodeId) -> bool {
    let mut at = id;
    while at != 0 {
        at = target.node(at).parent;
        if target.name(at) == b"out" {
            // Since 1.100 rustc's own are in folders of that name.
            return target.name(id).ends_with(b".d");
        }
    }
    true
}

/// Where a unit was made.
#[derive(Default)]
struct Making {
    /// The target folders: an entry may have come from another runner.
    folders: Vec<PathBuf>,
    /// The files that the compiler read.
    sources: Vec<PathBuf>,
    /// The variables that the compiler read, with their values, and the folder that a script had.
    variables: Vec<Vec<u8>>,
}

impl Making {
    /// Rustc's lists begin with the path of what was made, and scripts have the path of their folder noted.
    fn of(folders: Folders<'_>, target: &Tree, files: &[(Vec<u8>, NodeId)]) -> tree::Result<Self> {
        let mut making = Self::default();
        for (path, id) in files.iter().filter(|(_, id)| is_of_cargo(target, *id)) {
            let name = target.name(*id);
            let beside = &path[..path.len() - name.len()];
            if name.ends_with(b".d") {
                let list = folders.read(target, *id)?.unwrap_or_default();
                making.add_folder(&list, beside);
                making.sources.extend(listed_sources(&list));
                making.variables.extend(listed_variables(&list).map(<[u8]>::to_vec));
            } else if name == ROOT_OUTPUT {
                let output = folders.read(target, *id)?.unwrap_or_default();
                // Since 1.100 it lies in a folder beside that of the output.
                let unit = beside.strip_suffix(b"run/").unwrap_or(beside);
                making.add_folder(&output, &[unit, b"out"].concat());
                making.variables.push(output);
            }
        }
        Ok(making)
    }

    /// Whether a path in one of `places` was known to what made the unit.
    fn knows_any(&self, places: &[&Path]) -> bool {
        let sources = self.sources.iter().map(|source| source.as_os_str().as_bytes());
        let mut known = sources.chain(self.variables.iter().map(Vec::as_slice));
        let holds_any = |text: &[u8]| {
            places.iter().any(|place| memmem::find(text, place.as_os_str().as_bytes()).is_some())
        };
        known.any(holds_any)
    }

    /// The folder before the path `below` in `text`.
    fn add_folder(&mut self, text: &[u8], below: &[u8]) {
        let end = memmem::find(text, &[b"/", below].concat());
        let folder = end.map(|end| PathBuf::from(OsStr::from_bytes(&text[..end])));
        self.folders.extend(folder.filter(|folder| !self.folders.contains(folder)));
    }
}

fn without(contents: &[u8], part: &[u8]) -> Vec<u8> {
    let mut rest = contents;
    let mut text = Vec::with_capacity(contents.len());
    while let Some(at) = memmem::find(rest, part).filter(|_| !part.is_empty()) {
        text.extend_from_slice(&rest[..at]);
        text.push(0);
        rest = &rest[at + part.len()..];
    }
    text.extend_from_slice(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_text_leaves_a_mark() {
        assert_eq!(without(b"root=/o/x /o", b"/o"), b"root=\0/x \0");
        assert_eq!(without(b"x", b""), b"x");
    }
}
