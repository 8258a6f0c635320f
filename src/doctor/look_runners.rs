//! Gathers what is known of runners, of their workspaces, and of the programs that their jobs run.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::facts::{Asked, OfRoot, Program, Runner};
use crate::host::{self, System};
use crate::job::{Job, chain};
use crate::sys::{Dir, FileType, ask, changeable_by_others, file};

/// How many files of a runner's workspaces are looked at, at most.
const MOST: usize = 200_000;

/// How long a program has to tell its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a release's manifest, at most.
const LONGEST: u64 = 1 << 20;

/// The name of this program.
const NAME: &str = "runner-cache";

/// The runners of this host, and what could not be read of them.
pub(super) fn runners(asked: &Asked) -> (Vec<Runner>, Vec<String>) {
    let system = match System::open(None) {
        Ok(system) => system,
        Err(error) => return (Vec::new(), vec![chain(&error)]),
    };
    let (found, unread) = match host::runners(&system, &asked.runner_dirs) {
        Ok(found) => found,
        Err(error) => return (Vec::new(), vec![chain(&error)]),
    };
    let runners = found.into_iter().map(|runner| Runner {
        hooks: host::hooks::state_of(&system, &runner.directory).ok(),
        name: runner.name.unwrap_or_else(|| runner.directory.display().to_string()),
        version: runner.version,
        of_root: if runner.owner == Some(0) { OfRoot::default() } else { of_root(&runner.work, MOST) },
        user: runner.user,
        work: runner.work,
    });
    (runners.collect(), unread)
}

/// What is root's in `work` and below, of as many files as `most`. What cannot be read is passed over.
fn of_root(work: &Path, most: usize) -> OfRoot {
    let mut found = OfRoot::default();
    let mut left = most;
    let Ok(top) = Dir::open(work) else { return found };
    let Ok(device) = top.stat_self().map(|stat| stat.device) else { return found };
    let mut directories = vec![top];
    while let Some(directory) = directories.pop() {
        let mut names = Vec::new();
        // Half a list is as good as it gets.
        let _ = directory.for_each_name(|name| names.push(name.to_vec()));
        for name in names {
            if left == 0 {
                return OfRoot { is_part: true, ..found };
            }
            left -= 1;
            let Ok(stat) = directory.stat(&name) else { continue };
            if stat.owner == 0 {
                found.files += 1;
                found.first.get_or_insert_with(|| directory.join(&name));
            } else if stat.kind == FileType::Directory && stat.device == device {
                directories.extend(directory.open_dir(&name));
            }
        }
    }
    found
}

/// The programs that jobs, timers and people run.
pub(super) fn programs(job: &Job, runners: &[Runner]) -> Vec<Program> {
    let mut programs = vec![Program {
        of: job.program.display().to_string(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    }];
    programs.extend(in_path(job));
    let tools = job.env.get("RUNNER_TOOL_CACHE").map(PathBuf::from);
    for tools in runners.iter().map(|runner| runner.work.join("_tool")).chain(tools) {
        // `VERSION/ARCH/runner-cache`, see scripts/install.sh: of several, jobs run the newest.
        let versions = names(&tools.join(NAME)).into_iter().filter_map(|name| name.into_string().ok());
        let newest = versions.filter_map(|version| semver::Version::parse(&version).ok()).max();
        let of = tools.join(NAME).display().to_string();
        programs.extend(newest.map(|version| Program { of, version: Some(version.to_string()) }));
    }
    for runner in runners {
        programs.extend(of_action(&runner.work.join("_actions")));
    }
    programs
}

/// The program that a shell would run, where that is another one.
fn in_path(job: &Job) -> Option<Program> {
    let path = job.env.get("PATH")?;
    let found = std::env::split_paths(path).map(|place| place.join(NAME)).find(|path| file::is_file(path))?;
    let (found, own) = (file::canonicalize(&found).ok()?, file::canonicalize(&job.program).ok()?);
    if found == own {
        return None;
    }
    // What others can replace is not run to ask it.
    let user = rustix::process::geteuid().as_raw();
    let is_trusted = matches!(changeable_by_others(&found, user), Ok(None));
    let said = is_trusted.then(|| ask(Command::new(&found).arg("--version"), PATIENCE)).flatten();
    let version = said.and_then(|said| {
        Some(String::from_utf8(said).ok()?.trim().strip_prefix(NAME)?.trim_start().to_owned())
    });
    Some(Program { of: found.display().to_string(), version })
}

/// The releases of the action that jobs of a runner used last: `OWNER/runner-cache/REF/dist/release.json`.
fn of_action(actions: &Path) -> Vec<Program> {
    let mut programs = Vec::new();
    for owner in names(actions) {
        let action = actions.join(owner).join(NAME);
        for reference in names(&action) {
            let manifest = action.join(reference).join("dist");
            let text = Dir::open(&manifest).and_then(|dir| dir.read_file_up_to(b"release.json", LONGEST));
            let version = text.ok().flatten().and_then(|text| version_of(&text));
            let of = manifest.display().to_string();
            programs.extend(version.map(|version| Program { of, version: Some(version) }));
        }
    }
    programs
}

fn version_of(manifest: &[u8]) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    manifest.get("version")?.as_str().map(str::to_owned)
}

/// The names in a directory; none where it cannot be read.
fn names(path: &Path) -> Vec<OsString> {
    let mut names = Vec::new();
    let _ = Dir::open(path)
        .and_then(|dir| dir.for_each_name(|name| names.push(OsString::from_vec(name.to_vec()))));
    names.sort_unstable();
    names
}
