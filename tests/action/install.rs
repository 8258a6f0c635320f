//! `scripts/install.sh` without a download: which binary is run, and which is not. Tried on a package of the same name that
//! builds in a second.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::host::{Host, write_executable};
use crate::project::copy_tree;

/// What the scripts need besides curl, wget, a hasher and cargo.
const NEEDED: [&str; 17] = [
    "awk", "bash", "cat", "chmod", "dirname", "env", "find", "gzip", "ln", "mkdir", "mktemp", "mv", "rm",
    "sort", "tail", "timeout", "uname",
];
/// Besides, on every system.
const NEEDED_BESIDES: [&str; 4] = ["tr", "wc", "xargs", "cut"];

/// A directory with the action's `scripts` and a crate in place of its own, on a host with nothing installed.
pub(crate) struct Action {
    pub(crate) host: Host,
}

/// A release of the stand-in.
pub(crate) struct Release {
    /// The program, a script.
    pub(crate) binary: Vec<u8>,
    /// As it is on the release page.
    pub(crate) packed: Vec<u8>,
}

impl Action {
    pub(crate) fn new() -> Self {
        let host = Host::new();
        let directory = host.path("stand-in");
        std::fs::create_dir_all(directory.join("src")).unwrap();
        copy_tree(&host.path("action/scripts"), &directory.join("scripts"));
        let manifest = "[package]\nname = \"runner-cache\"\nversion = \"1.2.3\"\nedition = \"2024\"\n";
        std::fs::write(directory.join("Cargo.toml"), manifest).unwrap();
        let lock = "version = 4\n\n[[package]]\nname = \"runner-cache\"\nversion = \"1.2.3\"\n";
        std::fs::write(directory.join("Cargo.lock"), lock).unwrap();
        let main = "fn main() { println!(\"runner-cache {}\", env!(\"CARGO_PKG_VERSION\")); }\n";
        std::fs::write(directory.join("src/main.rs"), main).unwrap();
        Self { host }
    }

    /// Makes it a released one, to be had at `url`.
    pub(crate) fn release(&self, url: &str) -> Release {
        // Some that cannot be packed to nothing, as of a real program.
        let ballast = (0..20_000_u32).map(|number| char::from(b'a' + (number * number % 8191 % 26) as u8));
        let binary = format!("#!/bin/sh\necho runner-cache 1.2.3\nexit\n{}\n", ballast.collect::<String>());
        let binary = binary.into_bytes();
        let packed = filter("gzip", &["-9", "-n"], &binary);
        let entry = format!(
            "{{ \"file\": \"runner-cache-{0}-linux.gz\", \"size\": {1}, \"sha256\": \"{2}\", \"binary_sha256\": \"{3}\" }}",
            std::env::consts::ARCH,
            packed.len(),
            sha256(&packed),
            sha256(&binary)
        );
        let text = format!(
            "{{\n  \"version\": \"1.2.3\",\n  \"url\": \"{url}\",\n  \"targets\": {{\n    \"{}-linux\": {entry}\n  }}\n}}\n",
            std::env::consts::ARCH
        );
        self.host.write("stand-in/dist/release.json", &text);
        Release { binary, packed }
    }

    /// Runs the script with these variables.
    pub(crate) fn install(&self, env: &[(&str, PathBuf)]) -> Output {
        self.command(env).output().unwrap()
    }

    /// As [`Self::install`], not yet started.
    pub(crate) fn command(&self, env: &[(&str, PathBuf)]) -> Command {
        let mut command = Command::new("bash");
        command.arg(self.host.path("stand-in/scripts/install.sh"));
        command.env("RUNNER_TOOL_CACHE", self.host.path("tools")).env_remove("RUNNER_CACHE_BIN");
        command.env("RUNNER_TEMP", self.host.path("home"));
        command.envs(env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `PATH` of a system that has these programs and what the scripts need anyway, but no cargo. Its `sleep` takes no time and
    /// writes down how long it was asked for.
    pub(crate) fn path_with(&self, programs: &[&str]) -> PathBuf {
        let slept = self.host.path("slept");
        let directory =
            self.host.script("system", "sleep", &format!("printf '%s\\n' \"$1\" >>{}", slept.display()));
        for program in NEEDED.iter().chain(&NEEDED_BESIDES).chain(programs) {
            std::os::unix::fs::symlink(which(program), directory.join(program)).unwrap();
        }
        directory
    }

    /// How long the scripts slept, in seconds.
    pub(crate) fn slept(&self) -> Vec<String> {
        let slept = std::fs::read_to_string(self.host.path("slept")).unwrap_or_default();
        slept.lines().map(str::to_owned).collect()
    }

    /// Where the release is kept.
    pub(crate) fn tool(&self) -> PathBuf {
        self.host.path("tools").join(kept())
    }

    /// All files in the tool cache and in `RUNNER_TEMP`.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for place in ["tools", "home"] {
            list(&self.host.path(place), &mut files);
        }
        files
    }

    /// A program that must not be run, and the file that tells that it was.
    pub(crate) fn bait(&self, path: &Path) -> PathBuf {
        let marker = self.host.path("the-wrong-one-ran");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_executable(path, &format!("#!/bin/sh\n: >{}\necho runner-cache 1.2.3\n", marker.display()));
        marker
    }
}

/// The path of a release in a tool cache.
pub(crate) fn kept() -> PathBuf {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    Path::new("runner-cache/1.2.3").join(arch).join("runner-cache")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// That it found the binary at `path`, and printed nothing else there.
pub(crate) fn assert_found(output: &Output, path: &Path) {
    assert!(output.status.success(), "{}{}", stdout(output), stderr(output));
    assert_eq!(stdout(output), format!("{}\n", path.display()), "{}", stderr(output));
}

/// That it found none, and why.
pub(crate) fn assert_gave_up(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(output), stderr(output));
    assert!(stdout(output).contains(reason), "{reason:?} is not in: {}{}", stdout(output), stderr(output));
}

fn list(place: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(place).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

/// Where a program is.
pub(crate) fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|place| place.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{program} is not installed"))
}

/// What a program makes of `bytes`.
fn filter(program: &str, args: &[&str], bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    output.stdout
}

fn sha256(bytes: &[u8]) -> String {
    String::from_utf8(filter("sha256sum", &[], bytes)).unwrap()[..64].to_owned()
}

#[test]
fn an_unreleased_binary_is_built_once_and_then_found_in_the_tool_cache() {
    let action = Action::new();
    // A job's own settings must not bend the build: with these it would fail, or end up elsewhere.
    let settings = [
        ("RUSTFLAGS", "--no-such-flag".into()),
        ("CARGO_TARGET_DIR", action.host.path("of-the-job")),
        ("CARGO_BUILD_TARGET", "no-such-target".into()),
    ];
    let first = action.install(&settings);
    assert!(first.status.success(), "{}", stderr(&first));
    assert!(stdout(&first).starts_with(action.host.path("tools").to_str().unwrap()), "{}", stdout(&first));
    assert!(stderr(&first).contains("Compiling runner-cache v1.2.3"), "{}", stderr(&first));
    assert!(!action.host.path("of-the-job").exists());

    let second = action.install(&settings);
    assert_eq!(stdout(&second), stdout(&first));
    assert_eq!(stderr(&second), "", "nothing was built");

    // Torn, as by a crash.
    std::fs::write(stdout(&first).trim_end(), "#!/bin/sh\necho half a binary\n").unwrap();
    let third = action.install(&settings);
    assert!(stderr(&third).contains("Compiling"), "{}", stderr(&third));

    // Other sources of the same version are another binary.
    let main = "fn main() { println!(\"another\"); }\n";
    std::fs::write(action.host.path("stand-in/src/main.rs"), main).unwrap();
    let other = action.install(&settings);
    assert_ne!(stdout(&other), stdout(&first));
}

#[test]
fn what_a_job_put_on_path_or_in_the_tool_cache_is_not_run() {
    let action = Action::new();
    let marker = action.bait(&action.tool());
    action.bait(&action.host.path("of-the-job/runner-cache"));
    let path =
        std::env::join_paths([action.host.path("of-the-job"), action.path_with(&["sha256sum"])]).unwrap();
    let output = action.install(&[("PATH", path.clone().into())]);
    assert_gave_up(&output, "runner-cache 1.2.3 has no release, and no cargo to build it with");

    action.release("https://localhost:9/{file}");
    let output = action.install(&[("PATH", path.into())]);
    assert_gave_up(&output, "no curl or wget");
    let told = stderr(&output);
    assert_eq!(told.matches(": not the runner-cache 1.2.3 of dist/release.json").count(), 2, "{told}");
    assert!(!marker.exists());
}

#[test]
fn what_has_the_hash_of_the_release_is_run_from_where_it_is() {
    let action = Action::new();
    let release = action.release("https://localhost:9/{file}");
    let text = String::from_utf8(release.binary).unwrap();
    let mut system = vec![action.path_with(&["openssl"])];
    system.insert(0, action.host.path("on-path"));
    let path = [("PATH", std::env::join_paths(system).unwrap().into())];

    // The least preferred first.
    let dist = format!("stand-in/dist/runner-cache-{}-linux", std::env::consts::ARCH);
    for place in [action.host.path("on-path/runner-cache"), action.host.path(&dist), action.tool()] {
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        write_executable(&place, &text);
        let output = action.install(&path);
        assert_found(&output, &place);
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn a_failed_build_says_why_and_leaves_nothing_behind() {
    let action = Action::new();
    std::fs::write(action.host.path("stand-in/src/main.rs"), "this is not Rust").unwrap();
    let output = action.install(&[]);
    assert_gave_up(&output, "cargo could not build runner-cache 1.2.3");
    assert_eq!(action.left(), Vec::<PathBuf>::new());
}

#[test]
fn runner_cache_bin_is_the_hosts_and_not_a_workflows() {
    let action = Action::new();
    let marker = action.bait(&action.host.path("named/runner-cache"));
    let named = action.host.path("named/runner-cache");
    let env = [("RUNNER_CACHE_BIN", named.clone()), ("PATH", action.path_with(&["sha256sum"]))];

    // In the step's environment, but not in that of whoever started it.
    let output = action.install(&env);
    assert_gave_up(&output, "no cargo to build it with");
    assert!(stderr(&output).contains("ignoring RUNNER_CACHE_BIN"), "{}", stderr(&output));
    assert!(!marker.exists());

    // A runner that has it.
    let mut runner =
        Command::new("cat").env("RUNNER_CACHE_BIN", &named).stdin(Stdio::piped()).spawn().unwrap();
    let output = action.command(&env).arg(runner.id().to_string()).output().unwrap();
    drop(runner.stdin.take());
    runner.wait().unwrap();
    assert_found(&output, &named);
    assert!(marker.exists());
}
