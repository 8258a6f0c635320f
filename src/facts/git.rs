//! What git tells of a checkout, asked so that nothing of the checkout runs.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cargo::Host;
use crate::store::Revision;
use crate::sys;

/// To look at a large checkout on a busy disk takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the `git` of `host` says in `folder`; nothing where it cannot be run or fails.
pub(crate) fn ask(host: Host<'_>, folder: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new(host.program_outside("git", folder)?);
    // In a container the checkout may be another user's, and git would refuse to look at it.
    git.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    // A bare repository among the files of a checkout is none of ours, and its configuration can name programs.
    git.args(["-c", "safe.bareRepository=explicit"]).args(args).current_dir(folder);
    let text = String::from_utf8(sys::ask(&mut git, PATIENCE)?).ok()?;
    Some(text.trim().to_owned())
}

/// Lets git look at files of which only the time is another: its plumbing takes them for changed until then.
pub(crate) fn refresh(host: Host<'_>, folder: &Path) {
    let _ = ask(host, folder, &["update-index", "-q", "--refresh"]);
}

/// What is checked out in `folder`, with what scripts can tell of it.
pub(crate) fn revision(host: Host<'_>, folder: &Path) -> Revision {
    // The date alone, as the whole of the times begins, and seconds.
    let format = "--format=%H%n%cs%n%cd%n%ct";
    let told = ask(host, folder, &["log", "-1", "--no-show-signature", "--date=default", format])
        .unwrap_or_default();
    let mut lines = told.lines().map(str::to_owned);
    Revision {
        commit: lines.next().unwrap_or_default(),
        times: lines.collect(),
        branch: ask(host, folder, &["symbolic-ref", "-q", "HEAD"]),
        described: ask(host, folder, &["describe", "--tags", "--always"]).unwrap_or_default(),
    }
}

/// The commit that is checked out in `folder`.
pub(crate) fn head(host: Host<'_>, folder: &Path) -> Option<String> {
    ask(host, folder, &["rev-parse", "HEAD"])
}
