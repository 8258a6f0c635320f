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
    answer(git(host, directory)?.args(args))
}

fn git(host: Host<'_>, directory: &Path) -> Option<Command> {
    let mut git = host.command_outside("git", directory)?;
    // In a container the checkout may be another user's, and git would refuse to look at it.
    git.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    // A bare repository among the files of a checkout is none of ours, and its configuration can name programs.
    git.args(["-c", "safe.bareRepository=explicit"]);
    Some(git)
}

fn answer(git: &mut Command) -> Option<String> {
    let text = String::from_utf8(sys::ask(git, PATIENCE)?).ok()?;
    Some(text.trim().to_owned())
}

/// The same for a question for which git looks at files of the checkout: without the programs through which its configuration
/// lets their contents go (`filter` in gitattributes).
fn ask_of_files(host: Host<'_>, directory: &Path, args: &[&str]) -> Option<String> {
    let filters = [r"--get-regexp", r"^filter\..*\.(clean|process|required)$"];
    let named = ask(host, directory, &[&["config", "-z", "--name-only"][..], &filters].concat());
    let named = named.unwrap_or_default();
    let mut git = git(host, directory)?;
    // As `-c` does; but a name may have any sign in it.
    let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut count: usize = given;
    for name in named.split('\0').filter(|name| !name.is_empty()) {
        git.env(format!("GIT_CONFIG_KEY_{count}"), name).env(format!("GIT_CONFIG_VALUE_{count}"), "");
        count += 1;
    }
    answer(git.env("GIT_CONFIG_COUNT", count.to_string()).args(args))
}

/// Lets git look at files of which only the time is another: its plumbing takes them for changed until then.
pub(crate) fn refresh(host: Host<'_>, directory: &Path) {
    let _ = ask_of_files(host, directory, &["update-index", "-q", "--refresh"]);
}

/// Whether files that git knows in `directory` are not as they were committed; `None` where git does not tell.
pub(crate) fn has_changes(host: Host<'_>, directory: &Path) -> Option<bool> {
    let changes = ask_of_files(host, directory, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(!changes.is_empty())
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
