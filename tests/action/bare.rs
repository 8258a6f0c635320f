//! A release on a machine that has next to nothing: `scripts/release.sh local DIRECTORY` made it, `RELEASE_PAGE` names it.
//! Run apart, and as root: `scripts/test.sh` does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::install::which;
use crate::project::copy_tree;
use test_support::web::{Answer, Web};

/// All that the action needs of a system, besides a kernel.
const PROGRAMS: [&str; 14] = [
    "bash",
    "chmod",
    "curl",
    "dirname",
    "env",
    "find",
    "gzip",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sha256sum",
    "tail",
    "uname",
];

/// A root with a shell, some programs with their libraries, and the action of a release.
struct Root {
    dir: TempDir,
    web: Web,
}

impl Root {
    fn new() -> Self {
        let page = std::env::var_os("RELEASE_PAGE").map(PathBuf::from);
        let page = page.expect("RELEASE_PAGE names what `scripts/release.sh local DIRECTORY` made");
        let files = page.clone();
        let web = Web::new(move |_, request| {
            std::fs::read(files.join(request.path.trim_start_matches('/')))
                .map_or(Answer::Status(404), Answer::Whole)
        });

        let dir = tempfile::tempdir().unwrap();
        for directory in ["dev", "tmp", "job", "tools", "action/dist"] {
            std::fs::create_dir_all(dir.path().join(directory)).unwrap();
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy_tree(&project.join("scripts"), &dir.path().join("action/scripts"));
        std::fs::copy(page.join("release.json"), dir.path().join("action/dist/release.json")).unwrap();
        for program in PROGRAMS.iter().chain(&["wc"]) {
            let program = which(program);
            copy_into(dir.path(), &program, &Path::new("/bin").join(program.file_name().unwrap()));
            for library in libraries(&program) {
                copy_into(dir.path(), &library, &library);
            }
        }
        Self { dir, web }
    }

    /// Runs the action in it, as its steps do.
    fn action(&self, verb: &[&str], inputs: &str) -> Output {
        let mut command = Command::new("chroot");
        command.arg(self.dir.path()).args(["/bin/bash", "-p", "/action/scripts/action.sh"]).args(verb);
        command.env_clear().env("PATH", "/bin:/usr/bin:/usr/sbin:/sbin").env("HOME", "/job");
        command.env("RUNNER_TOOL_CACHE", "/tools").env("RUNNER_TEMP", "/tmp").env("GITHUB_WORKSPACE", "/job");
        command.env("GITHUB_OUTPUT", "/tmp/output").env("INSTALL_URL", self.web.url("/{file}"));
        command.env("RUNNER_CACHE_ROOT", "/cache").env("RUNNER_CACHE_INPUTS", inputs);
        command.output().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Copies a file to a place below a root.
fn copy_into(root: &Path, from: &Path, to: &Path) {
    let to = root.join(to.strip_prefix("/").unwrap());
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
}

/// The libraries that a program is linked to, and its loader.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    words.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[test]
#[ignore = "needs a release and root; scripts/test.sh has both"]
fn a_release_is_downloaded_and_brings_back_what_it_saved_in_a_root_with_little_but_a_shell() {
    let root = Root::new();
    let inputs = r#"{ "preset": "none", "path": "data", "key": "of-the-job" }"#;
    std::fs::create_dir(root.path("job/data")).unwrap();
    std::fs::write(root.path("job/data/file"), "kept").unwrap();

    for verb in [&["save"][..], &["restore", "--no-session"]] {
        let output = root.action(verb, inputs);
        let told =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && !told.contains("::warning"), "{verb:?}: {told}");
        if verb == ["save"] {
            std::fs::remove_dir_all(root.path("job/data")).unwrap();
        }
    }
    assert_eq!(std::fs::read_to_string(root.path("job/data/file")).unwrap(), "kept");
    assert_eq!(root.web.requests().len(), 1, "the second step found it in the tool cache");
}
