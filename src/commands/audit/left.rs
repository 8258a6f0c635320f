//! What a build left in target directories: its units, with digests of what they made and with what cargo noted of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::Context as _;
use memchr::memmem;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::cargo::{Artifacts, Build, BuiltUnit, Evidence, Slot, Unit, units};
use crate::layers::target_dir::fingerprints::TargetDirectory;
use crate::plan::RootPlan;
use crate::sys::{Digest, Dir, Error, Interrupt, Time, file};
use crate::tree::{self, Kind, NodeId, Selection, Tree, walk};

/// A target directory, read.
pub(super) struct Directory<'p> {
    pub(super) root: &'p RootPlan,
    /// `None` where there is none.
    pub(super) dir: Option<Dir>,
    pub(super) tree: Tree,
}

impl<'p> Directory<'p> {
    pub(super) fn read(root: &'p RootPlan, interrupt: &Interrupt) -> anyhow::Result<Self> {
        if !file::is_dir(&root.path) {
            let tree = Tree::with_root(0, Time { seconds: 0, nanoseconds: 0 });
            return Ok(Self { root, dir: None, tree });
        }
        let dir = Dir::open(&root.path)?;
        let tree = walk(&dir, &Selection::all(), interrupt)?.tree;
        Ok(Self { root, dir: Some(dir), tree })
    }

    /// All of them.
    pub(super) fn read_all(roots: &'p [RootPlan], interrupt: &Interrupt) -> anyhow::Result<Vec<Self>> {
        roots.iter().map(|root| Self::read(root, interrupt)).collect()
    }

    /// Where a unit of it lies.
    pub(super) fn slot(&self, unit: &Unit) -> Slot {
        let (package, hash) = unit.names(&self.tree);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Slot {
            root: self.root.name.clone(),
            profile: text(&self.tree.path_below(0, unit.profile)),
            package: text(package),
            hash: text(hash),
        }
    }

    fn path(&self, id: NodeId) -> String {
        String::from_utf8_lossy(&self.tree.path_below(0, id)).into_owned()
    }

    fn contents(&self, id: NodeId) -> anyhow::Result<Vec<u8>> {
        let path = self.tree.path_below(0, id);
        let contents = self.dir.as_ref().map(|dir| dir.read_file_if_present(&path)).transpose()?.flatten();
        contents
            .with_context(|| format!("{} is gone", self.root.path.join(OsStr::from_bytes(&path)).display()))
    }

    fn digest(&self, id: NodeId) -> anyhow::Result<Digest> {
        if let Kind::Symlink { target } = self.tree.node(id).kind {
            return Ok(Digest::of(self.tree.text(target)));
        }
        let path = self.tree.path_below(0, id);
        let dir = self.dir.as_ref().context("a directory without files has none")?;
        let digest = Digest::of_file(dir.open_for_reading(&path)?);
        Ok(digest.map_err(|errno| Error::new("read", &dir.join(&path), errno))?)
    }

    /// Where a unit was made, by the file that tells it.
    fn place(&self, unit: &Unit, file: NodeId) -> anyhow::Result<Option<PathBuf>> {
        let text = self.contents(file)?;
        if unit.is_run(&self.tree) {
            return Ok(Some(PathBuf::from(OsStr::from_bytes(&text))));
        }
        // Rustc's list begins with the file that is made, by its absolute path; a blank has a backslash before it.
        let made =
            memmem::find(&text, b": ").map(|end| String::from_utf8_lossy(&text[..end]).replace("\\ ", " "));
        Ok(made.and_then(|made| Some(PathBuf::from(made).parent()?.to_path_buf())))
    }
}

/// What a build left.
pub(super) struct Left {
    pub(super) build: Build,
    /// What cargo noted of each unit, by part. What cannot be read is not told.
    pub(super) evidence: BTreeMap<Slot, BTreeMap<String, Evidence>>,
}

/// Which copies of artifacts are looked for.
#[derive(Clone, Copy)]
pub(super) enum Finals<'b> {
    /// All files that hold what a unit made.
    All,
    /// Those that this build has.
    As(&'b Build),
}

impl Left {
    /// Reads what a command that ended with `code` left of the units that are `meant`.
    pub(super) fn read(
        directories: &[Directory<'_>],
        code: u8,
        is_meant: impl Fn(&Slot) -> bool,
        finals: Finals<'_>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let mut left = Self { build: Build { code, ..Build::default() }, evidence: BTreeMap::new() };
        let mut wanted = Vec::new();
        for directory in directories {
            for unit in units(&directory.tree) {
                let slot = directory.slot(&unit);
                if is_meant(&slot) {
                    let files = left.add(directory, &unit, &slot)?;
                    wanted.extend(files.into_iter().map(|id| (directory, slot.clone(), id)));
                }
            }
            left.add_evidence(directory)?;
        }
        let files: Vec<_> = wanted.iter().map(|(directory, _, id)| (*directory, *id)).collect();
        for ((directory, slot, id), digest) in wanted.iter().zip(digests(&files, interrupt)?) {
            let made = left.build.units.get_mut(slot).expect("it was added");
            made.files.insert(directory.path(*id), digest);
        }
        left.build.finals = match finals {
            Finals::All => left.copies(directories, &files, interrupt)?,
            Finals::As(build) => copies_as_in(build, directories, interrupt)?,
        };
        Ok(left)
    }

    /// All files that hold what units made and are none of the units' own `files`. Most have another size.
    fn copies(
        &self,
        directories: &[Directory<'_>],
        files: &[(&Directory<'_>, NodeId)],
        interrupt: &Interrupt,
    ) -> anyhow::Result<BTreeMap<(String, String), Digest>> {
        let own: HashSet<_> = files.iter().map(|(directory, id)| (&*directory.root.name, *id)).collect();
        let sizes: HashSet<_> =
            files.iter().filter_map(|(directory, id)| size(&directory.tree, *id)).collect();
        let made = self.build.units.values().flat_map(|made| made.files.values());
        let made: HashSet<_> = made.map(Digest::bytes).collect();
        let mut copies = copies(directories, interrupt, |directory, id| {
            let is_of_size = size(&directory.tree, id).is_some_and(|size| size > 0 && sizes.contains(&size));
            is_of_size && !own.contains(&(&*directory.root.name, id))
        })?;
        copies.retain(|_, digest| made.contains(digest.bytes()));
        Ok(copies)
    }

    /// Adds a unit, but for the digests of the files that it returns.
    fn add(&mut self, directory: &Directory<'_>, unit: &Unit, slot: &Slot) -> anyhow::Result<Vec<NodeId>> {
        let tree = &directory.tree;
        let is_done = !unit.is_unfinished(tree);
        let Artifacts { files, told, place } = unit.artifacts(tree);
        let place = place.filter(|_| is_done).map(|file| directory.place(unit, file)).transpose()?.flatten();
        let mut made = BuiltUnit {
            is_done,
            is_run: unit.is_run(tree),
            is_incremental: unit.is_incremental(tree),
            ..BuiltUnit::default()
        };
        if let Some(told) = told.filter(|_| is_done) {
            let text = without(&directory.contents(told)?, place.as_ref());
            made.files.insert(directory.path(told), Digest::of(&text));
        }
        made.place = place;
        self.build.units.insert(slot.clone(), made);
        Ok(if is_done { files } else { Vec::new() })
    }

    /// Adds what cargo noted of the units of a directory that are there already.
    fn add_evidence(&mut self, directory: &Directory<'_>) -> anyhow::Result<()> {
        let Some(dir) = &directory.dir else { return Ok(()) };
        let target = TargetDirectory::new(dir.open_beneath(b"")?.into(), &directory.tree);
        let units = units(&directory.tree);
        let slots = units.iter().map(|unit| (unit, directory.slot(unit)));
        let slots =
            slots.flat_map(|(unit, slot)| unit.fingerprints.iter().map(move |&id| (id, slot.clone())));
        let slots: HashMap<_, _> = slots.collect();
        for note in target.notes.all() {
            let slot = &slots[&note.file];
            let Some(made) = self.build.units.get_mut(slot) else { continue };
            let part = String::from_utf8_lossy(note.part).into_owned();
            made.parts.push(part.clone());
            made.hashes.extend(target.hash(note));
            // One that is not finished has none.
            let Ok(evidence) = target.evidence(note) else { continue };
            made.needs.extend(evidence.fingerprint.needs().unwrap_or_default());
            self.evidence.entry(slot.clone()).or_default().insert(part, evidence);
        }
        Ok(())
    }
}

/// The files that the build `of` has as copies of artifacts.
fn copies_as_in(
    of: &Build,
    directories: &[Directory<'_>],
    interrupt: &Interrupt,
) -> anyhow::Result<BTreeMap<(String, String), Digest>> {
    copies(directories, interrupt, |directory, id| {
        of.finals.contains_key(&(directory.root.name.clone(), directory.path(id)))
    })
}

fn copies(
    directories: &[Directory<'_>],
    interrupt: &Interrupt,
    is_meant: impl Fn(&Directory<'_>, NodeId) -> bool,
) -> anyhow::Result<BTreeMap<(String, String), Digest>> {
    let all =
        directories.iter().flat_map(|directory| directory.tree.iter().map(move |(id, _)| (directory, id)));
    let is_file = |(directory, id): &(&Directory<'_>, NodeId)| size(&directory.tree, *id).is_some();
    let meant: Vec<_> = all.filter(is_file).filter(|(directory, id)| is_meant(directory, *id)).collect();
    let names = meant.iter().map(|(directory, id)| (directory.root.name.clone(), directory.path(*id)));
    Ok(names.zip(digests(&meant, interrupt)?).collect())
}

/// What a build script told, without the path of its directory: cargo puts the present one in its place.
fn without(told: &[u8], place: Option<&PathBuf>) -> Vec<u8> {
    let Some(place) = place.map(|place| place.as_os_str().as_bytes()).filter(|place| !place.is_empty())
    else {
        return told.to_vec();
    };
    let (mut rest, mut text) = (told, Vec::with_capacity(told.len()));
    while let Some(at) = memmem::find(rest, place) {
        text.extend_from_slice(&rest[..at]);
        rest = &rest[at + place.len()..];
    }
    text.extend_from_slice(rest);
    text
}

fn size(tree: &Tree, id: NodeId) -> Option<u64> {
    match tree.node(id).kind {
        Kind::File { size, .. } => Some(size),
        Kind::Directory { .. } | Kind::Symlink { .. } => None,
    }
}

fn digests(files: &[(&Directory<'_>, NodeId)], interrupt: &Interrupt) -> anyhow::Result<Vec<Digest>> {
    files
        .par_iter()
        .map(|(directory, id)| {
            anyhow::ensure!(!interrupt.is_raised(), tree::Error::Interrupted);
            directory.digest(*id)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_script_told_is_compared_without_the_path_of_its_directory() {
        let told = |text: &str, place: &str| without(text.as_bytes(), Some(&PathBuf::from(place)));
        let here = told("cargo:a=/w/1/out/x\ncargo:b=/w/1/out", "/w/1/out");
        assert_eq!(here, told("cargo:a=/w/2/out/x\ncargo:b=/w/2/out", "/w/2/out"));
        assert_eq!(here, b"cargo:a=/x\ncargo:b=");
        assert_eq!(told("a", ""), b"a");
        assert_eq!(without(b"a", None), b"a");
    }
}
