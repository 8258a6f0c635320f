//! Links in a checkout that lead out of it: whoever can commit one would choose what a restore replaces, and whose files a save
//! takes.

use std::path::{Path, PathBuf};

use crate::job::Job;
use crate::outcome::Code;
use crate::plan::{LayerPlan, Plan, Session};
use crate::sys::file;

/// Takes layers out of the plan of which a root lies behind such a link, and tells which. A layer is cached as a whole or not at
/// all.
pub(crate) fn leave_out(job: &Job, plan: &mut Plan) {
    let checkouts = checkouts(job, plan.layers.iter());
    plan.layers.retain(|layer| !leads_out_of_any(job, &checkouts, layer));
}

/// The same of a session: the checkout may have come after the restore, and a link with it.
pub(crate) fn leave_out_of(job: &Job, session: &mut Session) {
    let mut checkouts = checkouts(job, session.layers.iter().map(|layer| &layer.plan));
    // What an interrupted job left is another one's.
    checkouts.push(session.directory.clone());
    session.layers.retain(|layer| !leads_out_of_any(job, &checkouts, &layer.plan));
}

/// The checkouts of a job, by all names that are known of them.
fn checkouts<'p>(job: &Job, layers: impl Iterator<Item = &'p LayerPlan>) -> Vec<PathBuf> {
    let sources = layers.filter_map(|layer| layer.sources());
    let given = job.context.workspace.iter().map(|directory| file::normal(directory));
    sources.flat_map(|sources| sources.workspaces.clone()).chain(job.directory()).chain(given).collect()
}

/// Whether a root of the layer lies behind a link that leads out, which is told.
fn leads_out_of_any(job: &Job, checkouts: &[PathBuf], layer: &LayerPlan) -> bool {
    let found = layer.roots.iter().find_map(|root| leads_out(checkouts, &root.path));
    if let Some((link, to)) = &found {
        job.warn(
            Code::NotCached,
            format!(
                "{}: not cached: {} points out of the checkout, to {}; hint: name that directory, as in \
                 `workspaces: . -> {}` or in `path`",
                layer.layer(),
                link.display(),
                to.display(),
                to.display()
            ),
        );
    }
    found.is_some()
}

/// The first part of `path` that is a link out of the innermost of `checkouts` in which the path lies, and where it leads.
fn leads_out(checkouts: &[PathBuf], path: &Path) -> Option<(PathBuf, PathBuf)> {
    let checkout = checkouts
        .iter()
        .filter(|checkout| path.starts_with(checkout))
        .max_by_key(|one| one.as_os_str().len())?;
    let inside = file::canonicalize(checkout).ok()?;
    let mut above: Vec<_> = path.ancestors().take_while(|above| *above != checkout).collect();
    above.reverse();
    above.into_iter().find_map(|part| {
        // What leads nowhere is told where something is to be made there.
        let to = file::canonicalize(part).ok().filter(|to| !to.starts_with(&inside))?;
        Some((part.to_path_buf(), to))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Dir;

    #[test]
    fn a_link_that_stays_in_the_checkout_leads_nowhere_else() {
        let place = tempfile::tempdir().unwrap();
        let base = file::canonicalize(place.path()).unwrap();
        for directory in ["a/build", "b/target/debug"] {
            file::make_dirs(&base.join(directory)).unwrap();
        }
        let a = Dir::open(&base.join("a")).unwrap();
        a.make_symlink(b"out", b"../b").unwrap();
        a.make_symlink(b"in", b"build").unwrap();
        a.make_symlink(b"back", b"../a/build").unwrap();
        a.make_symlink(b"nowhere", b"../c").unwrap();
        let checkouts = [base.join("a")];
        let found = |path: &str| leads_out(&checkouts, &base.join(path));
        for path in ["a/out", "a/out/target", "a/out/target/debug/absent"] {
            assert_eq!(found(path), Some((base.join("a/out"), base.join("b"))), "{path}");
        }
        for path in ["a/in", "a/back/target", "a/build/target", "a/absent/target", "a/nowhere", "b/target"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
