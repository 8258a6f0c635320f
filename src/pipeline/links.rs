//! What in a checkout leads out of it, links and cargo's configuration: whoever can commit such would choose what a restore
//! replaces, and whose files a save takes.

use std::path::{Path, PathBuf};

use crate::cargo::tells_output_directory;
use crate::job::Job;
use crate::outcome::Code;
use crate::plan::{self, Access, LayerPlan, Plan, Session, Settings};
use crate::sys::file;

/// Variables by which a job says where cargo builds.
const GIVEN: [&str; 3] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"];

/// Takes layers out of the plan of which a root lies behind such a link, and tells which. A layer is cached as a whole or not at
/// all.
pub(crate) fn leave_out(job: &Job, settings: &Settings, plan: &mut Plan) {
    let checkouts = checkouts(job, plan.layers.iter());
    plan.layers.retain(|layer| !leads_out_of_any(job, &checkouts, layer));
    if plan::access(&job.context) == Access::Base {
        plan.layers.retain(|layer| !is_configured_elsewhere(job, settings, &checkouts, layer));
    }
}

/// Whether the checkout's configuration of cargo says that the layer's directories are elsewhere, which is told. Where a job has
/// more rights than who wrote the checkout, only the job itself and the host say that.
fn is_configured_elsewhere(job: &Job, settings: &Settings, checkouts: &[PathBuf], layer: &LayerPlan) -> bool {
    let Some(sources) = layer.sources() else { return false };
    let is_told = |workspace: &PathBuf| tells_output_directory(workspace, &sources.directory);
    let is_given = |path: &Path| {
        let variables = GIVEN.iter().filter_map(|name| job.env.get(name)).map(PathBuf::from);
        let listed =
            settings.workspaces.iter().filter_map(|spec| Some(spec.path.join(spec.target.as_ref()?)));
        let mut given = variables.chain(listed).map(|given| file::normal(&sources.directory.join(given)));
        given.any(|given| given == path)
    };
    let is_elsewhere = |path: &Path| !checkouts.iter().any(|checkout| path.starts_with(checkout));
    let elsewhere =
        layer.roots.iter().map(|root| &*root.path).find(|path| is_elsewhere(path) && !is_given(path));
    let Some(path) = elsewhere.filter(|_| sources.workspaces.iter().any(is_told)) else { return false };
    let event = job.context.event.as_deref().unwrap_or("unknown");
    job.warn(
        Code::NotCached,
        format!(
            "{}: not cached: the checkout's cargo configuration names {}, which counts for no job of the event `{event}`; \
             hint: set CARGO_TARGET_DIR",
            layer.layer(),
            path.display()
        ),
    );
    true
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
        // What leads nowhere is told where something is to be made there. What git keeps is none of the checkout's files.
        let is_out = |to: &PathBuf| !to.starts_with(&inside) || is_of_git(to) && !is_of_git(part);
        let to = file::canonicalize(part).ok().filter(is_out)?;
        Some((part.to_path_buf(), to))
    })
}

fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".git")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Dir;

    #[test]
    fn a_link_that_stays_in_the_checkout_leads_nowhere_else() {
        let place = tempfile::tempdir().unwrap();
        let base = file::canonicalize(place.path()).unwrap();
        for directory in ["a/build", "a/.git/hooks", "b/target/debug"] {
            file::make_dirs(&base.join(directory)).unwrap();
        }
        let a = Dir::open(&base.join("a")).unwrap();
        a.make_symlink(b"out", b"../b").unwrap();
        a.make_symlink(b"in", b"build").unwrap();
        a.make_symlink(b"back", b"../a/build").unwrap();
        a.make_symlink(b"nowhere", b"../c").unwrap();
        a.make_symlink(b"git", b".git").unwrap();
        let checkouts = [base.join("a")];
        let found = |path: &str| leads_out(&checkouts, &base.join(path));
        for path in ["a/out", "a/out/target", "a/out/target/debug/absent"] {
            assert_eq!(found(path), Some((base.join("a/out"), base.join("b"))), "{path}");
        }
        assert_eq!(found("a/git/hooks"), Some((base.join("a/git"), base.join("a/.git"))));
        for path in [
            "a/.git/lfs",
            "a/in",
            "a/back/target",
            "a/build/target",
            "a/absent/target",
            "a/nowhere",
            "b/target",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
