//! `scripts/release.sh`: what it commits, tags and moves, in a repository and a remote of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A project with the script, its remote, and a release page of version 1.2.3.
struct Project {
    dir: TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { dir: tempfile::tempdir().unwrap() };
        for directory in ["project/scripts", "page"] {
            std::fs::create_dir_all(project.path(directory)).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/release.sh");
        std::fs::copy(script, project.path("project/scripts/release.sh")).unwrap();
        project.git(&["init", "--quiet", "--bare", "../remote"]);
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.git(&["remote", "add", "origin", "../remote"]);
        project.version("1.2.3");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Commits that the version is this one, and makes its release page.
    fn version(&self, version: &str) {
        std::fs::write(self.path("project/Cargo.toml"), format!("[package]\nversion = \"{version}\"\n"))
            .unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", version]);
        std::fs::write(self.path("page/release.json"), format!("{{ \"version\": \"{version}\" }}\n"))
            .unwrap();
        std::fs::write(self.path("page/attestation.jsonl"), "{}\n").unwrap();
    }

    fn git(&self, args: &[&str]) -> String {
        let output = self.command("git", args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn command(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.current_dir(self.path("project")).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "Test")
                .env(format!("GIT_{who}_EMAIL"), "test@example.com");
        }
        command.output().unwrap()
    }

    fn release(&self, args: &[&str]) -> Output {
        self.command("scripts/release.sh", args)
    }

    fn assert_released(&self) {
        for args in [&["commit", "../page"][..], &["advance"]] {
            let output = self.release(args);
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// What a name in the remote stands for.
    fn remote(&self, name: &str) -> String {
        self.git(&["--git-dir=../remote", "rev-parse", name])
    }
}

fn assert_refused(output: &Output, reason: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains(reason), "{told}");
}

#[test]
fn releases_are_one_line_of_commits_on_a_kept_branch() {
    let project = Project::new();
    project.assert_released();
    let first = project.remote("refs/tags/v1.2.3");
    project.version("1.3.0");
    project.assert_released();

    let second = project.remote("refs/heads/release/v1");
    assert_eq!(project.remote("refs/tags/v1.3.0"), second);
    assert_eq!(project.remote("refs/tags/v1"), second);
    assert_eq!(project.remote("refs/tags/v1.2.3"), first, "a version's tag stays");
    assert_eq!(project.remote(&format!("{second}^@")), first, "one parent: the release before");
    let files = project.git(&["--git-dir=../remote", "ls-tree", "-r", "--name-only", &second]);
    assert_eq!(files, "Cargo.toml\ndist/attestation.jsonl\ndist/release.json\nscripts/release.sh");
    let manifest = project.git(&["--git-dir=../remote", "show", &format!("{second}:dist/release.json")]);
    assert!(manifest.contains("1.3.0"), "{manifest}");
    assert_eq!(project.git(&["status", "--porcelain"]), "", "the checkout is as it was");
}

#[test]
fn a_version_is_released_once() {
    let project = Project::new();
    project.assert_released();
    assert_refused(&project.release(&["commit", "../page"]), "never moves");
}

#[test]
fn the_moving_tag_goes_forward_only() {
    let project = Project::new();
    project.assert_released();
    // Somebody put it elsewhere.
    let elsewhere = project.git(&["commit-tree", "HEAD^{tree}", "-m", "Elsewhere"]);
    project.git(&["push", "--quiet", "--force", "origin", &format!("{elsewhere}:refs/tags/v1")]);
    assert_refused(&project.release(&["advance"]), "cannot go forward");
    assert_eq!(project.remote("refs/tags/v1"), elsewhere);
}

#[test]
fn a_page_that_is_not_what_was_made_is_told() {
    let project = Project::new();
    let sums = project
        .command("bash", &["-c", "cd ../page && : >runner-cache-x86_64-linux.gz && sha256sum * >SHA256SUMS"]);
    assert!(sums.status.success());
    std::fs::write(project.path("page/release.json"), "{}").unwrap();
    assert_refused(&project.release(&["verify", "../page"]), "is not what was made");
}
