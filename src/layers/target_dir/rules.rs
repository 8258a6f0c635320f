//! What is particular to target directories.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::cargo::{Host, RUSTC_INFO, is_replaced_in_target, is_source_list, is_written_each_build};
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::rules::{Coverage, Replaced, Rules, Saving};
use crate::layers::target_dir::{provenance, strays, sweep};
use crate::layers::working_tree::WorkingTree;
use crate::layers::worth::Worth;
use crate::outcome::Code;
use crate::plan::{JobStatus, LayerPlan, Outset, RootPlan};
use crate::store::{Header, LayerData};
use crate::sys::{Dir, LOST_AND_FOUND, Time, file};
use crate::tree::{self, Existing, Kind, Node, NodeId, Selection, Tree};

/// The rules of the layer `target`.
pub(crate) struct TargetDirs<'p>(pub(crate) &'p LayerPlan);

impl Rules for TargetDirs<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_contents(self.0, entry)
    }

    fn replaced<'t>(
        &self,
        _root: &'t RootPlan,
        tree: &'t Tree,
        others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        Ok(Some(replaced(tree, others)))
    }

    /// What a restore does not know goes only out of a directory that is cargo's. In the job's own directory a step may have made
    /// one before cargo did: its files stay. Elsewhere such a directory is not meant for builds.
    fn existing(&self, root: &RootPlan, directory: &Path) -> Result<Existing, Trouble> {
        let is_free = || Ok::<_, Trouble>(file::names(directory)?.iter().all(|name| name == LOST_AND_FOUND));
        let checkouts = self.checkouts();
        if root.existing != Existing::Mirror || is_free()? || is_target_directory(directory, &checkouts) {
            return Ok(root.existing);
        }
        if self.0.sources().is_some_and(|sources| is_within(directory, &sources.directory)) {
            Ok(Existing::Overwrite)
        } else {
            Err(Trouble::NoTargetDirectory { path: directory.display().to_string() })
        }
    }

    /// What is checked out: a commit that is made after the build is not that of what was built.
    fn outset(&self, job: &Job) -> Option<Outset> {
        let sources = self.0.sources()?;
        Some(Outset { there: Vec::new(), revisions: provenance::checked_out(Host::new(&job.env), sources) })
    }

    /// Marks all units that are there, so that a save can tell which of them were used. Those that an earlier job left are swept
    /// like those that come from an entry.
    fn mark(&self, job: &Job, restored: Option<Vec<(PathBuf, &Tree)>>) {
        let marked = match restored {
            Some(restored) => {
                restored.iter().try_for_each(|(directory, tree)| sweep::mark_restored(job, directory, tree))
            }
            None => self.0.roots.iter().try_for_each(|root| self.mark_directory(job, &root.path)),
        };
        if let Err(error) = marked {
            job.console.say(format!("target: unused units will stay: {}", chain(&error)));
        }
    }

    fn selection(
        &self,
        saving: Saving<'_>,
        root: &RootPlan,
        directory: &Path,
    ) -> Result<Option<Selection>, Trouble> {
        if is_target_directory(directory, &self.checkouts()) {
            return Ok(Some(Selection::new(&root.include, &root.exclude)?));
        }
        let hint = "hint: check CARGO_TARGET_DIR or `workspaces`";
        saving.job.warn(
            Code::NotCached,
            format!("target: skipped {}: not a Cargo target directory; {hint}", directory.display()),
        );
        Ok(None)
    }

    /// What was not asked for by a job that failed may be what it did not come to.
    fn worth(
        &self,
        saving: Saving<'_>,
        root: &RootPlan,
        dir: &Dir,
        whole: &Tree,
    ) -> Result<Option<Worth>, Trouble> {
        let Some(target) = self.0.target().filter(|_| saving.status == JobStatus::Success) else {
            return Ok(None);
        };
        let known = saving.base.and_then(|base| base.root_called(&root.name));
        sweep::swept(dir, whole, known, &target.kept).map(Some)
    }

    fn leave_out(&self, saving: Saving<'_>, working: &mut [WorkingTree<'_>]) {
        strays::leave_out(working, self.0, saving.base);
    }

    fn data(&self) -> LayerData {
        LayerData::Target
    }

    /// Cargo writes some files anew each time and never reads them, so that their contents, with the paths of one runner's
    /// workspace in them, do not matter; to others a restore gave another time.
    fn is_noise(&self, tree: &Tree, id: NodeId) -> bool {
        let path = tree.path_below(0, id);
        matches!(tree.node(id).kind, Kind::File { .. })
            && (is_written_each_build(&path) || is_source_list(&path))
    }
}

impl TargetDirs<'_> {
    /// The directories in which what is built has its sources.
    fn checkouts(&self) -> Vec<&Path> {
        let sources = self.0.sources().into_iter();
        sources
            .flat_map(|sources| std::iter::once(&sources.directory).chain(&sources.workspaces))
            .map(PathBuf::as_path)
            .collect()
    }

    fn mark_directory(&self, job: &Job, directory: &Path) -> Result<(), Trouble> {
        if !is_target_directory(directory, &self.checkouts()) {
            return Ok(sweep::note_absent(job, directory)?);
        }
        let dir = Dir::open(directory)?;
        let tree = tree::walk(&dir, &Selection::all(), &job.interrupt)?.tree;
        sweep::mark(job, &dir, &tree);
        Ok(())
    }
}

/// Which files of a target directory, or of a unit, are replaced. `others` are other target directories of the job.
pub(crate) fn replaced<'t>(tree: &'t Tree, others: &[&Tree]) -> Replaced<'t> {
    let elsewhere: HashSet<_> = others.iter().flat_map(|other| rewritten(other)).collect();
    Box::new(move |id, path| {
        let node = tree.node(id);
        // Since 1.100 a script's output lies where rustc's own does in other units.
        let is_scripts_output = || tree.child(tree.node(node.parent).parent, b"run").is_some();
        is_replaced_in_target(path)
            && !is_scripts_output()
            && !elsewhere.contains(&(node.mtime, size_of(node)))
    })
}

/// Times and sizes of the files in a target directory that may be rewritten. Cargo links final artifacts out of the directory of
/// intermediate files, which can be another one (`build-dir`), and no two other files were written in the same nanosecond.
fn rewritten(target: &Tree) -> impl Iterator<Item = (Time, u64)> {
    let is_rewritten = move |id: NodeId| !is_replaced_in_target(&target.path_below(0, id));
    let files = target.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
    files.filter(move |(id, _)| is_rewritten(*id)).map(|(_, node)| (node.mtime, size_of(node)))
}

fn size_of(node: &Node) -> u64 {
    if let Kind::File { size, .. } = node.kind { size } else { 0 }
}

/// Whether cargo made this directory for builds of what is in `checkouts`. Only then may a restore delete what it does not
/// know, and a save take what is there.
pub(crate) fn is_target_directory(directory: &Path, checkouts: &[&Path]) -> bool {
    // Tools such as `cargo llvm-cov` let cargo build below a directory that they make themselves. Outside of the checkouts what
    // lies below a directory can be of other projects.
    let is_own = || checkouts.iter().any(|checkout| is_within(directory, checkout));
    let is_above = || {
        file::names(directory).is_ok_and(|names| names.iter().any(|name| is_marked(&directory.join(name))))
    };
    is_marked(directory) || is_own() && is_above()
}

fn is_within(directory: &Path, checkout: &Path) -> bool {
    directory.starts_with(checkout) && directory != checkout
}

fn is_marked(directory: &Path) -> bool {
    let is_cargos = |tag: &[u8]| tag.windows(CARGOS_TAG.len()).any(|text| text == CARGOS_TAG);
    file::is_file(&directory.join(RUSTC_INFO))
        || file::read(&directory.join("CACHEDIR.TAG")).is_ok_and(|tag| is_cargos(&tag))
}

/// What cargo writes into the tag of a target directory that it makes; other caches have such tags, too.
const CARGOS_TAG: &[u8] = b"created by cargo";
