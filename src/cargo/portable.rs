//! A digest of what a unit left that tells it from what another build left.
//!
//! Whether it can serve in another target directory is told by what it was made of; see [`super::bound`]. Cargo itself allows
//! for the directory of a build script's output, in what the script told it, by noting that directory beside it
//! (`root-output`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::bound::{is_notes, is_told, own_output, without};
use super::dep_info::listed_sources;
use super::patched::is_any_patched;
use super::units::Unit;
use crate::sys::Digest;
use crate::sys::file::normal;
use crate::tree::{self, Kind, Location, NodeId, Tree};

/// A digest of what `unit` of the target directory `target`, whose files lie at `location`, left, but for times; `None`
/// where it leads to what is not its own, or was made of patched sources. `home` is the cargo home, which is the same for all
/// that use the unit.
pub fn portable(
    location: Location<'_>,
    target: &Tree,
    unit: &Unit,
    home: &Path,
) -> tree::Result<Option<Digest>> {
    if let Some(list) = unit.source_list(target) {
        let list = location.read(target, list)?.unwrap_or_default();
        if is_any_patched(&listed_sources(&list), home) {
            return Ok(None);
        }
    }
    let own_output = own_output(location, target, unit)?;
    let mut files: Vec<_> = unit.files(target).into_iter().map(|id| (target.path_below(0, id), id)).collect();
    files.sort();
    let mut text = Vec::new();
    for (path, id) in &files {
        if is_of_no_meaning(target, *id) {
            continue;
        }
        let node = target.node(*id);
        let contents = match node.kind {
            Kind::Symlink { target: to } if leads_out(target, unit, path, target.text(to)) => {
                return Ok(None);
            }
            Kind::Symlink { target: to } => target.text(to).to_vec(),
            _ => location.read(target, *id)?.unwrap_or_default(),
        };
        let contents = match &own_output {
            Some(own) if is_told(target, *id) => without(&contents, own),
            _ => contents,
        };
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

/// Whether a file differs from build to build without any meaning. Fingerprints are no such, though they are notes.
fn is_of_no_meaning(target: &Tree, id: NodeId) -> bool {
    let name = target.name(id);
    let is_fingerprint = || {
        let parent = target.node(id).parent;
        [target.name(parent), target.name(target.node(parent).parent)]
            .iter()
            .any(|name| [&b"fingerprint"[..], b".fingerprint"].contains(name))
    };
    is_notes(target, id) && !(is_fingerprint() && name != b"invoked.timestamp")
}
