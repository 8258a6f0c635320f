//! What of a cargo home is saved: the downloads that the workspaces' lock files name, as far as they hold what these say.
//! A home is shared by all jobs of a user, and what others downloaded is theirs to save.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::cargo::{
    CRATES, CargoHome, Locked, REPOSITORIES, SOURCES, directories_of_crates, is_replaced_in_home,
};
use crate::job::Job;
use crate::job::cargo_lock::lock_cargo_home;
use crate::job::trouble::Trouble;
use crate::layers::rules::{Coverage, Replaced, Rules, Saving};
use crate::layers::worth::Worth;
use crate::outcome::Code;
use crate::plan::{LayerPlan, RootPlan};
use crate::store::{Header, LayerData, Root};
use crate::sys::{self, Digest, Dir, Lock, file};
use crate::tree::{self, Kind, NodeId, Selection, Tree};

/// The rules of the layer `cargo`.
pub(crate) struct CargoHomes<'p> {
    plan: &'p LayerPlan,
    /// What the lock files name, once it was asked for.
    locked: OnceCell<Option<Locked>>,
    /// Crates that are not what these say: `<registry>/<name>-<version>`. Packed ones are read before extracted ones.
    wrong_crates: RefCell<HashSet<Vec<u8>>>,
    lock: Option<Lock>,
}

impl<'p> CargoHomes<'p> {
    pub(crate) fn new(plan: &'p LayerPlan) -> Self {
        Self { plan, locked: OnceCell::new(), wrong_crates: RefCell::default(), lock: None }
    }

    fn locked(&self) -> sys::Result<Option<&Locked>> {
        if self.locked.get().is_none() {
            let _ = self.locked.set(locked_with_submodules(self.plan)?);
        }
        Ok(self.locked.get().and_then(Option::as_ref))
    }
}

impl Rules for CargoHomes<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_contents(self.plan, entry)
    }

    /// No download is half-way while it is read, and cargo waits while files are added.
    fn lock(&mut self, job: &Job) -> Result<(), Trouble> {
        let home = self.plan.roots.first();
        self.lock = home.map(|root| lock_cargo_home(job, &root.path)).transpose()?;
        Ok(())
    }

    fn wanted(&self, root: &RootPlan, recorded: &Root, directory: &Path) -> Option<Tree> {
        (root.name == SOURCES).then(|| absent_crates(&recorded.tree, directory))
    }

    fn selection(
        &self,
        _saving: Saving<'_>,
        root: &RootPlan,
        _directory: &Path,
    ) -> Result<Option<Selection>, Trouble> {
        if root.name != SOURCES {
            return Ok(Some(Selection::new(&root.include, &root.exclude)?));
        }
        // A home has those of all projects of a user, and these are many.
        let sources = self.locked()?.map(Locked::sources).filter(|sources| !sources.is_empty());
        Ok(sources.map(Selection::of_directories))
    }

    fn worth(
        &self,
        saving: Saving<'_>,
        root: &RootPlan,
        dir: &Dir,
        whole: &Tree,
    ) -> Result<Option<Worth>, Trouble> {
        let Some(locked) = self.locked()? else { return Ok(None) };
        let known = saving.base.and_then(|base| base.root_called(&root.name));
        let wrong_crates = &mut self.wrong_crates.borrow_mut();
        let tree = used(saving.job, locked, wrong_crates, &root.name, dir, whole, known)?;
        Ok(Some(Worth { tree, left_out: Vec::new() }))
    }

    /// A crate of one version holds the same always, and only whole ones that nobody patched are saved.
    fn is_immutable(&self, root: &RootPlan) -> bool {
        root.name == SOURCES
    }

    fn data(&self) -> LayerData {
        LayerData::Cargo
    }

    fn replaced<'t>(
        &self,
        root: &'t RootPlan,
        _tree: &'t Tree,
        _others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        Ok(Some(Box::new(move |_, path| is_replaced_in_home(&root.name, path))))
    }
}

/// What the lock files name; `None` where there is none that can be read: then nothing is known to be of no use.
pub(crate) fn locked(locks: &[PathBuf]) -> sys::Result<Option<Locked>> {
    let mut locked = Locked::default();
    let mut is_any_read = false;
    for path in locks {
        let text = file::read_if_present(path)?.unwrap_or_default();
        is_any_read |= !text.is_empty() && locked.add(&String::from_utf8_lossy(&text));
    }
    Ok(is_any_read.then_some(locked))
}

/// What the lock files of a layer name, and its submodules.
fn locked_with_submodules(layer: &LayerPlan) -> sys::Result<Option<Locked>> {
    let mut locked = locked(layer.locks())?;
    let repositories = layer.roots.iter().find(|root| root.name == REPOSITORIES);
    if let (Some(locked), Some(repositories)) = (&mut locked, repositories) {
        locked.add_submodules(&CargoHome::around(&repositories.path))?;
    }
    Ok(locked)
}

/// The tree of the part `part` of a cargo home without what is not used, and without crates that hold something else
/// than a lock file says, packed or extracted. What `known` has is not read again. `wrong_crates` takes these crates'
/// paths, `<registry>/<name>-<version>`: they are to be read before the extracted ones.
fn used(
    job: &Job,
    locked: &Locked,
    wrong_crates: &mut HashSet<Vec<u8>>,
    part: &str,
    dir: &Dir,
    tree: &Tree,
    known: Option<&Tree>,
) -> Result<Tree, Trouble> {
    let mut is_left_out = vec![false; tree.len() as usize];
    for id in locked.unused(part, tree) {
        is_left_out[id as usize] = true;
    }
    let tree = tree.without(|id| is_left_out[id as usize]);
    if part == SOURCES {
        let is_wrong = |id: &NodeId| wrong_crates.contains(&tree.path_below(0, *id));
        let wrong: HashSet<_> = directories_of_crates(&tree).filter(is_wrong).collect();
        return Ok(tree.without(|id| wrong.contains(&id)));
    }
    if part != CRATES {
        return Ok(tree);
    }
    let same = known.map_or_else(|| vec![false; tree.len() as usize], |known| tree.same_as(known));
    let is_new = |id: &NodeId| !same[*id as usize] && matches!(tree.node(*id).kind, Kind::File { .. });
    let new: Vec<_> = tree.iter().map(|(id, _)| id).filter(is_new).collect();
    let wrong = new.into_par_iter().map(|id| Ok((!is_right(locked, dir, &tree, id)?).then_some(id)));
    let wrong = wrong.collect::<sys::Result<Vec<_>>>()?;
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    for &id in &wrong {
        let path = tree.path_below(0, id);
        wrong_crates.extend(path.strip_suffix(b".crate").map(<[u8]>::to_vec));
        let path = dir.join(&path);
        let hint = "hint: remove it; cargo downloads it again";
        job.warn(
            Code::NotCached,
            format!("cargo: skipped {}: checksum differs from Cargo.lock; {hint}", path.display()),
        );
    }
    Ok(tree.without(|id| wrong.contains(&id)))
}

/// Of the extracted crates in `tree` those that are not in `directory` yet. Half a crate there is left to cargo, which
/// removes it first.
fn absent_crates(tree: &Tree, directory: &Path) -> Tree {
    let is_there = |id: NodeId| file::is_present(&directory.join(OsStr::from_bytes(&tree.path_below(0, id))));
    let there: HashSet<NodeId> = directories_of_crates(tree).filter(|&id| is_there(id)).collect();
    tree.without(|id| there.contains(&id))
}

fn is_right(locked: &Locked, dir: &Dir, tree: &Tree, id: NodeId) -> sys::Result<bool> {
    let path = tree.path_below(0, id);
    let (file, _) = dir.open_file(&path)?;
    let digest = Digest::of_file(file).map_err(|errno| sys::Error::new("read", &dir.join(&path), errno))?;
    Ok(locked.is_right(tree.name(id), &digest))
}
