//! What cargo left of a unit in a target directory, and which sources are newer: read where it is asked for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;

use crate::cargo::{
    Base, Changed, DepInfo, Evidence, Fingerprint, Note, Notes, fingerprint_hash, listed_sources,
};
use crate::sys::{Dir, Interrupt, Time, file};
use crate::tree::{Files, NodeId, Selection, Tree, walk};

/// A target directory, in the job or in an entry.
pub(crate) struct TargetDirectory<'t> {
    files: Files,
    pub(crate) notes: Notes<'t>,
}

impl<'t> TargetDirectory<'t> {
    /// The one with the files of `tree`.
    pub(crate) fn new(files: Files, tree: &'t Tree) -> Self {
        Self { files, notes: Notes::of(tree) }
    }

    /// What there is of a unit. Reading it does not count as a use: the sweep goes by the file with the hash.
    pub(crate) fn evidence(&self, note: &Note<'_>) -> anyhow::Result<Evidence> {
        let json = self
            .notes
            .beside(note, "", ".json")
            .with_context(|| format!("no JSON file beside {}", self.path(note.file).display()))?;
        // The error itself could show a value.
        let fingerprint = Fingerprint::parse(&self.read(json)?).map_err(|error| {
            anyhow!("{} is damaged in column {}", self.path(json).display(), error.column())
        })?;
        let info = self.notes.beside(note, "dep-", "").map(|list| self.read(list)).transpose()?;
        let info = info.and_then(|list| DepInfo::parse(&list));
        // What lies with the run of a build script is the script's.
        let list = info.as_ref().and_then(|_| self.notes.source_list(note));
        let sources = list.map(|list| self.read(list)).transpose()?;
        let sources = sources.map_or_else(Vec::new, |list| listed_sources(&list));
        Ok(Evidence { fingerprint, info, sources })
    }

    /// The hash of a fingerprint that was written in this job: of others, reading it would be a use.
    pub(crate) fn hash(&self, note: &Note<'_>) -> Option<u64> {
        fingerprint_hash(&self.read(note.file).ok()?)
    }

    fn read(&self, file: NodeId) -> anyhow::Result<Vec<u8>> {
        let bytes = self.files.location().read(self.notes.tree(), file)?;
        bytes.with_context(|| format!("{} is gone", self.path(file).display()))
    }

    fn path(&self, id: NodeId) -> PathBuf {
        self.files.location().path(self.notes.tree(), id)
    }
}

/// The sources of a target directory.
pub(crate) struct Checkout<'a> {
    /// The directory, in the job.
    pub(crate) target: &'a TargetDirectory<'a>,
    /// Workspaces, the most probable one first.
    pub(crate) workspaces: Vec<PathBuf>,
    /// When the restore was over: what it left did not change before.
    pub(crate) since: Time,
    pub(crate) interrupt: &'a Interrupt,
}

impl Checkout<'_> {
    /// The files that make a unit stale which was built in `then` from what `evidence` tells.
    pub(crate) fn changed(
        &self,
        then: &TargetDirectory<'_>,
        note: &Note<'_>,
        evidence: &Evidence,
    ) -> anyhow::Result<Vec<Changed>> {
        let tree = then.notes.tree();
        let package = self.package_directory(note.package);
        let mut changed = Vec::new();
        if let (Some(info), Some(list)) = (&evidence.info, then.notes.beside(note, "dep-", "")) {
            for (base, path) in &info.files {
                let path = match (base, &package) {
                    _ if path.is_absolute() => path.clone(),
                    (Base::Package, Some(package)) => package.join(path),
                    // What a build script made is newer because the script ran: that is the cause then.
                    (Base::Package, None) | (Base::Target, _) => continue,
                };
                // The restore gave the list a time of its own.
                changed.extend(self.newer(&path, tree.node(list).mtime.max(self.since))?);
            }
        }
        if let (Some(watched), Some(package)) = (evidence.fingerprint.watched(), &package)
            && let Some(output) = tree.at(watched.output.as_bytes())
        {
            for path in watched.paths() {
                changed.extend(self.newer(&package.join(path), tree.node(output).mtime)?);
            }
        }
        changed.sort_by(|a, b| a.path.cmp(&b.path));
        changed.dedup();
        Ok(changed)
    }

    /// A source that was seen to be another one, by its path in the checkout.
    pub(crate) fn seen(&self, path: &str) -> Changed {
        let is_there =
            |directory: &PathBuf| directory.ancestors().any(|above| file::is_present(&above.join(path)));
        Changed { path: path.into(), is_gone: !self.workspaces.iter().any(is_there) }
    }

    /// Where a package of the workspace is, as rustc told when it was compiled last. `None` for a download.
    fn package_directory(&self, package: &[u8]) -> Option<PathBuf> {
        self.target.notes.of_package(package).find_map(|note| {
            let Evidence { info, sources, .. } = self.target.evidence(note).ok()?;
            let directory = info?.package_directory(&sources)?;
            let mut directories = self.workspaces.iter().map(|workspace| workspace.join(&directory));
            directories.find(|directory| file::is_file(&directory.join("Cargo.toml")))
        })
    }

    /// What at `path` is newer than `than`, or that it is gone.
    fn newer(&self, path: &Path, than: Time) -> anyhow::Result<Vec<Changed>> {
        let newer = match file::kind(path)? {
            file::Kind::Neither => return Ok(vec![Changed { path: self.shown(path), is_gone: true }]),
            file::Kind::File => {
                let modified = Time::from(Timestamp::try_from(file::modified(path)?)?);
                if modified > than { vec![path.to_path_buf()] } else { Vec::new() }
            }
            file::Kind::Directory => {
                newer_in(path, &walk(&Dir::open(path)?, &Selection::all(), self.interrupt)?.tree, than)
            }
        };
        Ok(newer.iter().map(|path| Changed { path: self.shown(path), is_gone: false }).collect())
    }

    /// The path as people know it: relative to the workspace.
    fn shown(&self, path: &Path) -> PathBuf {
        let path = file::normal(path);
        let within = self.workspaces.iter().find_map(|workspace| path.strip_prefix(workspace).ok());
        within.map_or_else(|| path.clone(), Path::to_path_buf)
    }
}

/// Newer files in a directory. Where only a directory is newer, of which something was removed, it is the directory.
fn newer_in(directory: &Path, tree: &Tree, than: Time) -> Vec<PathBuf> {
    let newer = |is_directory: bool| {
        let ids = tree
            .iter()
            .filter(move |(_, node)| node.mtime > than && node.kind.is_directory() == is_directory);
        let path = |id| directory.join(OsStr::from_bytes(&tree.path_below(0, id)));
        ids.map(|(id, _)| path(id)).collect::<Vec<_>>()
    };
    let files = newer(false);
    if files.is_empty() { newer(true) } else { files }
}
