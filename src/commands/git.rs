//! What git tells of a checkout, asked so that nothing of the checkout runs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::store::Revision;

/// What `git` says in `folder`; nothing where it cannot be run or fails.
pub(super) fn ask(folder: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    // In a container the checkout may be another user's, and git would refuse to look at it.
    git.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    git.args(args).current_dir(folder);
    let output = git.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Lets git look at files of which only the time is another: its plumbing takes them for changed until then.
pub(super) fn refresh(folder: &Path) {
    let _ = ask(folder, &["update-index", "-q", "--refresh"]);
}

/// What is checked out in `folder`, with what scripts can tell of it.
pub(super) fn revision(folder: &Path) -> Revision {
    // The date alone, as the whole of the times begins, and seconds.
    let format = "--format=%H%n%cs%n%cd%n%ct";
    let told =
        ask(folder, &["log", "-1", "--no-show-signature", "--date=default", format]).unwrap_or_default();
    let mut lines = told.lines().map(str::to_owned);
    Revision {
        commit: lines.next().unwrap_or_default(),
        times: lines.collect(),
        branch: ask(folder, &["symbolic-ref", "-q", "HEAD"]),
        described: ask(folder, &["describe", "--tags", "--always"]).unwrap_or_default(),
    }
}

/// The commit that is checked out in `folder`.
pub(super) fn head(folder: &Path) -> Option<String> {
    ask(folder, &["rev-parse", "HEAD"])
}
