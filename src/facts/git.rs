//! What git tells of a checkout, asked so that nothing of the checkout runs.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cargo::Host;
use crate::store::Revision;
use crate::sys;

/// To look at a large checkout on a busy disk takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the `git` of `host` says in `directory`; nothing where it cannot be run or fails.
pub(crate) fn ask(host: Host<'_>, directory: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new(host.program_outside("git", directory)?);
    // In a container the checkout may be another user's, and git would refuse to look at it.
    git.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    // A bare repository among the files of a checkout is none of ours, and its configuration can name programs.
    git.args(["-c", "safe.bareRepository=explicit"]).args(args).current_dir(directory);
    let text = String::from_utf8(sys::ask(&mut git, PATIENCE)?).ok()?;
    Some(text.trim().to_owned())
}

/// Lets git look at files of which only the time is another: its plumbing takes them for changed until then.
pub(crate) fn refresh(host: Host<'_>, directory: &Path) {
    let _ = ask(host, directory, &["update-index", "-q", "--refresh"]);
}

/// What is checked out in `directory`, with what scripts can tell of it.
pub(crate) fn revision(host: Host<'_>, directory: &Path) -> Revision {
    // The date alone, as the whole of the times begins, and seconds; all tags of the commit.
    let format = "--format=%H%n%cs%n%cd%n%ct%n%D";
    let tags = "--decorate-refs=refs/tags";
    let told = ask(host, directory, &["log", "-1", "--no-show-signature", "--date=default", tags, format])
        .unwrap_or_default();
    let mut lines = told.lines().map(str::to_owned);
    Revision {
        commit: lines.next().unwrap_or_default(),
        times: lines.collect(),
        branch: ask(host, directory, &["symbolic-ref", "-q", "HEAD"]),
        described: ask(host, directory, &["describe", "--tags", "--always"]).unwrap_or_default(),
    }
}

/// The commit that is checked out in `directory`.
pub(crate) fn head(host: Host<'_>, directory: &Path) -> Option<String> {
    ask(host, directory, &["rev-parse", "HEAD"])
}
