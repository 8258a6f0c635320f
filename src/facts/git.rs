//! What git tells of a checkout, asked so that nothing of the checkout runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cargo::Host;
use crate::store::Revision;
use crate::sys::{self, file};

/// To look at a large checkout on a busy disk takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// What git-lfs writes into git's configuration.
const LFS: [(&str, &str); 4] = [
    ("filter.lfs.clean", "git-lfs clean -- %f"),
    ("filter.lfs.smudge", "git-lfs smudge -- %f"),
    ("filter.lfs.process", "git-lfs filter-process"),
    ("filter.lfs.required", "true"),
];

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
/// lets their contents go (`filter` in gitattributes), but for git-lfs as it configures itself.
fn ask_of_files(host: Host<'_>, directory: &Path, args: &[&str]) -> Option<String> {
    // As far as git does not tell what there is, it is not asked.
    let settings = ask(host, directory, &["config", "-z", "--list"])?;
    let settings = settings.split('\0').filter_map(|setting| setting.split_once('\n'));
    let filters = settings.filter(|setting| setting.0.starts_with("filter.") && !LFS.contains(setting));
    let mut git = git(host, directory)?;
    // As `-c` does; but a name may have any sign in it.
    let given = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut count: usize = given;
    for (name, _) in filters {
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
    // A submodule has a configuration of its own, and is asked by itself.
    let args = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"];
    let changes = ask_of_files(host, directory, &args)?;
    if !changes.is_empty() || !file::is_file(&directory.join(".gitmodules")) {
        return Some(!changes.is_empty());
    }
    let paths = ask(host, directory, &["config", "-z", "--file", ".gitmodules", "--list"])?;
    let paths = paths.split('\0').filter_map(|setting| setting.split_once('\n'));
    let paths = paths.filter(|(name, _)| matches!(name.rsplit_once('.'), Some((_, "path"))));
    let modules = paths.map(|(_, path)| file::normal(&directory.join(path)));
    let is_there = |module: &PathBuf| {
        module.starts_with(directory) && module != directory && file::is_present(&module.join(".git"))
    };
    for module in modules.filter(is_there) {
        if has_changes(host, &module)? {
            return Some(true);
        }
    }
    Some(false)
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
