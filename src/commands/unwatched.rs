//! Packages of which a file has changed that cargo does not watch and a procedural macro may have read: they are compiled anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::evidence::TargetFolder;
use super::freshness::manifests;
use super::job::Job;
use super::trouble::Trouble;
use crate::cargo::{Package, Watch};
use crate::store::Lease;
use crate::sys::file;
use crate::tree::Compared;

/// How many packages are told one by one.
const TOLD: usize = 3;

/// A package that is compiled anew.
#[derive(Debug)]
pub(super) struct Anew {
    package: String,
    /// The files because of which it is, relative to the package.
    files: Vec<PathBuf>,
}

/// Takes all sources of such packages for changed, in folders of which each was `compared` with the sources of the entry: so
/// cargo compiles these packages and what depends on them. What is in `outputs` is made by cargo.
pub(super) fn compile_anew(
    compared: &mut [(PathBuf, Compared)],
    lease: &Lease,
    outputs: &[PathBuf],
) -> Result<Vec<Anew>, Trouble> {
    let mut built = None;
    let mut all = Vec::new();
    for (folder, compared) in compared {
        let folder = file::normal(folder);
        let packages = Packages::of(&folder, outputs, compared)?;
        let suspects = packages.suspects(compared);
        if suspects.is_empty() {
            continue;
        }
        let built = match &mut built {
            Some(built) => built,
            unread => unread.insert(target_folders(lease)?),
        };
        let mut anew = BTreeMap::new();
        for (package, files) in suspects {
            let files = unwatched(built, &folder.join(package), &packages.all[package], files);
            if !files.is_empty() {
                anew.insert(package, files);
            }
        }
        if !anew.is_empty() {
            compared.take_for_changed(|path| packages.around(path).is_some_and(|own| anew.contains_key(own)));
        }
        let named = anew.into_iter().map(|(own, files)| (packages.all[own].name.clone(), files));
        all.extend(named.map(|(package, files)| Anew { package, files }));
    }
    Ok(all)
}

/// Tells of them.
pub(super) fn tell(job: &Job, anew: &[Anew]) {
    for Anew { package, files } in anew.iter().take(TOLD) {
        let first = files[0].display();
        let more = match files.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        job.console.say(format!(
            "target: `{package}` is compiled anew: {first}{more} has changed, which cargo does not watch and a procedural macro \
             may read"
        ));
    }
    match anew.len().saturating_sub(TOLD) {
        0 => {}
        1 => job.console.say("target: and 1 more package, for the same reason"),
        more => job.console.say(format!("target: and {more} more packages, for the same reason")),
    }
}

/// A file that has changed.
struct ChangedFile {
    /// Relative to its package.
    path: PathBuf,
    is_there: bool,
}

/// The packages of a folder.
struct Packages {
    /// By their own folders in it.
    all: BTreeMap<PathBuf, Package>,
    /// Folders in it that are of no package.
    outputs: Vec<PathBuf>,
}

impl Packages {
    /// Those in `folder`; none where nothing has changed.
    fn of(folder: &Path, outputs: &[PathBuf], compared: &Compared) -> Result<Self, Trouble> {
        let mut all = BTreeMap::new();
        if compared.changed().next().is_some() || !compared.gone().is_empty() {
            for manifest in manifests(compared.tree()) {
                let text = file::read_if_present(&folder.join(&manifest))?.unwrap_or_default();
                if let (Some(package), Some(own)) = (Package::parse(&text), manifest.parent()) {
                    all.insert(own.to_path_buf(), package);
                }
            }
        }
        let outputs = outputs.iter().filter_map(|output| output.strip_prefix(folder).ok());
        Ok(Self { all, outputs: outputs.map(Path::to_path_buf).collect() })
    }

    /// The folder of the package that a file is of.
    fn around(&self, path: &Path) -> Option<&Path> {
        if self.outputs.iter().any(|output| path.starts_with(output)) {
            return None;
        }
        let folders = path.ancestors().skip(1);
        { folders }.find_map(|folder| self.all.get_key_value(folder)).map(|(own, _)| own.as_path())
    }

    /// For each package what has changed of it and could be read by a macro.
    fn suspects(&self, compared: &Compared) -> BTreeMap<&Path, Vec<ChangedFile>> {
        let gone = compared.gone().iter().map(|path| (path.clone(), false));
        let mut suspects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (path, is_there) in compared.changed().map(|path| (path, true)).chain(gone) {
            let Some(own) = self.around(&path) else { continue };
            let Ok(path) = path.strip_prefix(own).map(Path::to_path_buf) else { continue };
            if self.all[own].may_read(&path) {
                suspects.entry(own).or_default().push(ChangedFile { path, is_there });
            }
        }
        suspects
    }
}

fn target_folders(lease: &Lease) -> Result<Vec<TargetFolder<'_>>, Trouble> {
    let roots = lease.manifest().roots.iter().enumerate();
    roots.map(|(number, root)| Ok(TargetFolder::new(lease.open_root(number)?, &root.tree))).collect()
}

/// Which of the files of the package in `folder` cargo does not watch; none where nothing was built of the package.
fn unwatched(
    built: &[TargetFolder<'_>],
    folder: &Path,
    package: &Package,
    files: Vec<ChangedFile>,
) -> Vec<PathBuf> {
    let units = built
        .iter()
        .flat_map(|target| target.notes.of_package(package.name.as_bytes()).map(move |note| (target, note)));
    let mut watch: Option<Watch> = None;
    for (target, note) in units {
        let evidence = target.evidence(note).ok();
        watch.get_or_insert_default().add(folder, package, note.part, evidence.as_ref());
    }
    let Some(watch) = watch else { return Vec::new() };
    let lacking =
        files.into_iter().filter(|file| watch.lacks(folder, &folder.join(&file.path), file.is_there));
    lacking.map(|file| file.path).collect()
}
