//! What lies outside of a job's sources and can get into what is built: files elsewhere, programs of the `PATH`, variables, the
//! packages of the system.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::environment::{may_change_links, may_change_native_output};
use crate::github::Environment;
use crate::store::{Outside, OutsideInput, OutsideState};
use crate::sys::{Dir, Interrupt, Time, file, sha256_hex};
use crate::tree::{Kind, Selection, walk};

/// How many bytes of a directory are read at most: of a larger one sizes and times have to do.
const MOST: u64 = 256 << 20;

/// The first second of the year 2000.
const YEAR_2000: i64 = 946_684_800;

/// Links that are followed one behind another: where there are more, what they lead to is not known.
const MOST_LINKS: usize = 4;

/// Where package managers keep what is installed: of dpkg, of apk, and of rpm in two places.
const PACKAGE_LISTS: [&str; 4] = [
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/rpmdb.sqlite",
];

/// The same of pacman: the name of each directory in it has a package and its version.
const PACKAGE_DIRECTORY: &str = "/var/lib/pacman/local";

/// Programs that come with the compiler, which is known otherwise, words that are in every script, and this program: a restore
/// puts it into the `PATH` of the steps behind it, so that no job finds it where the job before built with it.
const NOT_CALLED: [&str; 9] = [
    "cargo",
    "rustc",
    "rustdoc",
    "rustfmt",
    "rustup",
    "clippy-driver",
    "false",
    "true",
    env!("CARGO_PKG_NAME"),
];

/// Variables that are others in each step: files by which it talks to the runner, what shells set. And that by which programs are
/// found, which are known by what they are.
const OF_THE_STEP: [&str; 9] = [
    "_",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "OLDPWD",
    "PATH",
    "SHLVL",
];

/// Variables that list directories in which C compilers and linkers look for headers, libraries and packages besides.
pub(super) const SEARCHED: [&str; 6] =
    ["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"];

/// The host as a step of the job sees it.
#[derive(Debug, Clone, Copy)]
pub struct Host<'e> {
    variables: Variables<'e>,
}

#[derive(Debug, Clone, Copy)]
enum Variables<'e> {
    /// Those of this process.
    Own(&'e Environment),
    /// Those of an earlier step.
    Noted(&'e StepVariables),
}

/// The variables of a step, for who has to know later what was built with them. No value of them is kept but those of lists of
/// directories, of the names of tools, and of paths that lead somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepVariables {
    digests: BTreeMap<String, String>,
    lists: BTreeMap<String, String>,
}

impl StepVariables {
    /// Those of the step that has `env`.
    pub fn of(env: &Environment) -> Self {
        let digests = env.iter().map(|(name, value)| (name.to_owned(), sha256_hex(value.as_bytes())));
        let is_kept = |name: &str| name == "PATH" || SEARCHED.contains(&name) || names_tool(name);
        let lists = env.iter().filter(|(name, value)| is_kept(name) || leads_somewhere(value));
        let lists = lists.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { digests: digests.collect(), lists: lists.collect() }
    }
}

impl<'e> Host<'e> {
    /// That of a step with these variables.
    pub fn new(env: &'e Environment) -> Self {
        Self { variables: Variables::Own(env) }
    }

    /// That of an earlier step.
    pub fn of_step(variables: &'e StepVariables) -> Self {
        Self { variables: Variables::Noted(variables) }
    }

    /// Whether `outside` is as it was found; what is there and cannot be read is not.
    pub fn has(self, outside: &Outside) -> bool {
        let is_unread = || match &outside.input {
            OutsideInput::Path(path) => file::is_present(Path::new(path)),
            _ => false,
        };
        self.state(&outside.input) == outside.state
            && (outside.state != OutsideState::Unreadable || !is_unread())
    }

    /// What is there now.
    pub(super) fn state(self, input: &OutsideInput) -> OutsideState {
        let state = match input {
            OutsideInput::Path(path) => at(Path::new(path)),
            OutsideInput::Program(name) => self.program(name).and_then(|path| program(&path)),
            OutsideInput::Variable(name) => self.digest(name).map(OutsideState::Digest),
            OutsideInput::OutputVariables => Some(self.variables_of(may_change_native_output)),
            OutsideInput::LinkVariables => Some(self.variables_of(may_change_links)),
            OutsideInput::Packages => packages(),
            OutsideInput::Settings(path) => Some(OutsideState::Digest(settings(Path::new(path)))),
        };
        state.unwrap_or(OutsideState::Unreadable)
    }

    /// The names of all programs that a build script can call by name.
    pub(super) fn programs(self) -> HashSet<String> {
        let names = self.path().flat_map(|directory| file::names(&directory).unwrap_or_default());
        let names = names.filter_map(|name| name.into_string().ok());
        names.filter(|name| name.len() > 1 && !NOT_CALLED.contains(&name.as_str())).collect()
    }

    /// The names of all variables that a build script can read.
    pub(super) fn variables(self) -> HashSet<String> {
        let is_of_job = |name: &&str| !OF_THE_STEP.contains(name);
        match self.variables {
            Variables::Own(env) => {
                env.iter().map(|(name, _)| name).filter(is_of_job).map(str::to_owned).collect()
            }
            Variables::Noted(noted) => {
                noted.digests.keys().map(String::as_str).filter(is_of_job).map(str::to_owned).collect()
            }
        }
    }

    fn digest(self, name: &str) -> Option<String> {
        match self.variables {
            Variables::Own(env) => env.get(name).map(|value| sha256_hex(value.as_bytes())),
            Variables::Noted(noted) => noted.digests.get(name).cloned(),
        }
    }

    /// A digest of the variables that are meant, by their names.
    fn variables_of(self, is_meant: fn(&str) -> bool) -> OutsideState {
        let mut names: Vec<_> = self.variables().into_iter().filter(|name| is_meant(name)).collect();
        names.sort_unstable();
        let words = names.iter().map(|name| format!("{name} {}\n", self.digest(name).unwrap_or_default()));
        OutsideState::Digest(sha256_hex(words.collect::<String>().as_bytes()))
    }

    /// The values of the variables that name the compiler, the linker and what wraps them.
    pub fn named_tools(self) -> Vec<String> {
        match self.variables {
            Variables::Own(env) => {
                let tools = env.iter().filter(|(name, _)| names_tool(name));
                tools.map(|(_, value)| value.to_owned()).collect()
            }
            Variables::Noted(noted) => {
                let tools = noted.lists.iter().filter(|(name, _)| names_tool(name));
                tools.map(|(_, value)| value.clone()).collect()
            }
        }
    }

    /// The value of a variable, where it is known.
    pub(super) fn value(self, name: &str) -> Option<&'e str> {
        match self.variables {
            Variables::Own(env) => env.get(name),
            Variables::Noted(noted) => noted.lists.get(name).map(String::as_str),
        }
    }

    /// The directories that a variable such as `CPATH` names.
    pub(super) fn directories(self, variable: &str) -> Vec<PathBuf> {
        let value = self.value(variable).unwrap_or_default();
        value.split(':').filter(|directory| !directory.is_empty()).map(PathBuf::from).collect()
    }

    /// Where the program `name` is that the `PATH` leads to.
    pub(super) fn program(self, name: &str) -> Option<PathBuf> {
        self.path().map(|directory| directory.join(name)).find(|path| file::is_executable(path))
    }

    /// The directories of the `PATH`. A relative one leads anywhere.
    pub(super) fn path(self) -> impl Iterator<Item = PathBuf> {
        self.directories("PATH").into_iter().filter(|directory| directory.is_absolute())
    }
}

/// Whether a value is a path at which there is something.
fn leads_somewhere(value: &str) -> bool {
    file::is_file(Path::new(value)) || value.contains('/') && file::is_present(Path::new(value))
}

/// Whether a variable names what cargo calls: the compiler, a linker, a wrapper.
fn names_tool(name: &str) -> bool {
    const TOOLS: [&str; 7] = [
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "CARGO_BUILD_RUSTC",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    ];
    TOOLS.contains(&name) || name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER")
}

fn at(path: &Path) -> Option<OutsideState> {
    match file::kind(path).ok()? {
        file::Kind::File => contents(path),
        file::Kind::Directory => directory(path, MOST_LINKS).map(OutsideState::Digest),
        file::Kind::Neither => None,
    }
}

fn contents(path: &Path) -> Option<OutsideState> {
    file::digest(path).ok().map(OutsideState::File)
}

/// Package managers and archives give files whole seconds, and other times with other contents; who writes a program does not.
/// Some give all files one time, of long ago: Nix the first second, npm a day in 1985.
fn program(path: &Path) -> Option<OutsideState> {
    let (size, mtime) = file::size_and_time(path)?;
    if mtime.nanoseconds == 0 && mtime.seconds > YEAR_2000 {
        Some(OutsideState::Installed { size, mtime })
    } else {
        contents(path)
    }
}

/// A digest of names and contents, also of what links lead to, one behind another as far as `links`.
fn directory(path: &Path, links: usize) -> Option<String> {
    let tree = walk(&Dir::open(path).ok()?, &Selection::all(), &Interrupt::default()).ok()?.tree;
    let of_file = if tree.bytes() > MOST { size_and_time } else { digest };
    let mut text = Vec::new();
    for (id, node) in tree.iter() {
        let name = tree.path_below(0, id);
        let path = path.join(OsStr::from_bytes(&name));
        let what = match node.kind {
            Kind::Directory { .. } => Vec::new(),
            Kind::File { .. } => of_file(&path)?,
            Kind::Symlink { target } => {
                let led = match file::kind(&path) {
                    Ok(file::Kind::Directory) => directory(&path, links.checked_sub(1)?)?.into_bytes(),
                    Ok(file::Kind::File) => of_file(&path)?,
                    Ok(file::Kind::Neither) | Err(_) => Vec::new(),
                };
                [tree.text(target), b"\0", &led].concat()
            }
        };
        for part in [&name, &what] {
            text.extend_from_slice(part);
            text.push(0);
        }
    }
    Some(sha256_hex(&text))
}

fn size_and_time(path: &Path) -> Option<Vec<u8>> {
    let (size, Time { seconds, nanoseconds }) = file::size_and_time(path)?;
    Some(format!("{size} {seconds}.{nanoseconds}").into_bytes())
}

fn digest(path: &Path) -> Option<Vec<u8>> {
    file::digest(path).ok().map(|digest| digest.bytes().to_vec())
}

/// A digest of the variables that a configuration file of cargo's sets.
fn settings(path: &Path) -> String {
    let text = file::read_if_present(path).ok().flatten().unwrap_or_default();
    let table = String::from_utf8_lossy(&text).parse::<toml::Table>().unwrap_or_default();
    sha256_hex(table.get("env").map(ToString::to_string).unwrap_or_default().as_bytes())
}

fn packages() -> Option<OutsideState> {
    if let Some(list) = PACKAGE_LISTS.iter().map(Path::new).find(|list| file::is_file(list)) {
        return contents(list);
    }
    let mut names = file::names(Path::new(PACKAGE_DIRECTORY)).ok()?;
    names.sort();
    let text: Vec<_> = names.iter().flat_map(|name| [name.as_bytes(), b"\n"].concat()).collect();
    Some(OutsideState::Digest(sha256_hex(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_of_a_step_is_the_same_host() {
        let bin = tempfile::tempdir().unwrap();
        file::write_atomic(&bin.path().join("tool"), b"x").unwrap();
        let path = bin.path().to_str().unwrap();
        let env = Environment::from([
            ("PATH", path),
            ("CPATH", "/a:/b"),
            ("SECRET", "s3cret"),
            ("GITHUB_ENV", "f"),
        ]);
        let noted: StepVariables =
            serde_json::from_str(&serde_json::to_string(&StepVariables::of(&env)).unwrap()).unwrap();
        assert!(!format!("{noted:?}").contains("s3cret"));
        let (own, noted) = (Host::new(&env), Host::of_step(&noted));
        assert_eq!(own.variables(), noted.variables());
        assert!(own.programs() == noted.programs() && own.programs().contains("tool"));
        for list in ["PATH", "CPATH", "LIBRARY_PATH"] {
            assert_eq!(own.directories(list), noted.directories(list), "{list}");
        }
        for input in [
            OutsideInput::Variable("SECRET".into()),
            OutsideInput::Variable("NONE".into()),
            OutsideInput::Program("tool".into()),
        ] {
            assert_eq!(own.state(&input), noted.state(&input));
        }
    }

    #[test]
    fn what_is_there_and_cannot_be_read_is_not_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("link");
        let input = OutsideInput::Path(path.to_str().unwrap().to_owned());
        let env = Environment::default();
        let host = Host::new(&env);
        let outside = Outside { state: host.state(&input), input };
        assert!(host.has(&outside), "it is absent still");
        Dir::open(place.path()).unwrap().make_symlink(b"link", b"link").unwrap();
        assert_eq!(host.state(&outside.input), OutsideState::Unreadable);
        assert!(!host.has(&outside));
    }

    #[test]
    fn a_directory_is_known_by_what_its_links_lead_to_whatever_its_size() {
        let (place, env) = (tempfile::tempdir().unwrap(), Environment::default());
        let sdk = Dir::open(place.path()).unwrap();
        for version in ["1.2", "1.3"] {
            file::make_dirs(&place.path().join(version)).unwrap();
            file::write_atomic(&place.path().join(version).join("sdk.h"), version.as_bytes()).unwrap();
        }
        let data = std::fs::File::from(sdk.create_file(b"data", 0o644).unwrap());
        let input = OutsideInput::Path(place.path().to_str().unwrap().to_owned());
        for size in [0, MOST + 1] {
            data.set_len(size).unwrap();
            sdk.make_symlink(b"current", b"1.2").unwrap();
            let before = Host::new(&env).state(&input);
            assert_eq!(Host::new(&env).state(&input), before);
            sdk.remove_file(b"current").unwrap();
            sdk.make_symlink(b"current", b"1.3").unwrap();
            assert_ne!(Host::new(&env).state(&input), before, "{size} bytes");
            sdk.remove_file(b"current").unwrap();
        }
    }

    #[test]
    fn a_program_is_known_by_what_it_is_now() {
        let place = tempfile::tempdir().unwrap();
        let bin = place.path().to_str().unwrap();
        let env = Environment::from([("PATH", &*format!("relative:{bin}")), ("GITHUB_ENV", "x"), ("A", "1")]);
        let host = Host::new(&env);
        let idlc = OutsideInput::Program("idlc".into());
        assert_eq!(host.state(&idlc), OutsideState::Unreadable);
        let write = |name: &str, text: &[u8]| {
            file::write_atomic(&place.path().join(name), text).unwrap();
            Dir::open(place.path()).unwrap().set_mode(name.as_bytes(), 0o755).unwrap();
        };
        write("runner-cache", b"itself");
        write("idlc", b"one");
        let one = host.state(&idlc);
        assert_eq!(host.programs(), HashSet::from(["idlc".to_owned()]));
        write("idlc", b"two");
        assert_ne!(host.state(&idlc), one);
        assert_eq!(host.variables(), HashSet::from(["A".to_owned()]));
        let other = Environment::from([("A", "2")]);
        let a = OutsideInput::Variable("A".into());
        assert_ne!(host.state(&a), Host::new(&other).state(&a));
        assert_eq!(host.state(&OutsideInput::Variable("B".into())), OutsideState::Unreadable);
    }
}
