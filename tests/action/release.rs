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
    let first = project.remote("refs/tags/v1.2.3");
    // Again, since something after it failed: it is the same release.
    project.assert_released();
    assert_eq!(project.remote("refs/heads/release/v1"), first);
    std::fs::write(project.path("page/release.json"), "{ \"version\": \"1.2.3\", \"other\": 1 }").unwrap();
    assert_refused(&project.release(&["commit", "../page"]), "with other files, and never moves");
    assert_eq!(project.remote("refs/tags/v1.2.3"), first);
}

/// What `gh` does with the pages of releases, which are directories here.
const GH: &str = r#"#!/bin/bash
set -eu
pages=$(dirname "$0")/../pages
mkdir -p "$pages"
echo "$*" >>"$pages/calls"
page=$pages/${3:-}
case "$1 $2" in
  "api --paginate") cat "$pages/$TAG/state" 2>/dev/null || exit 0 ;;
  "release create") mkdir "$page"; echo draft >"$page/state" ;;
  "release upload")
    [[ $(<"$page/state") == draft ]]
    [[ -z ${FULL:-} ]] || { cp "$5" "$page"; echo 'disk full' >&2; exit 1; }
    [[ $4 == --clobber ]] && cp "${@:5}" "$page" ;;
  "release download") mkdir "$5"; cp "$page"/* "$5" ;;
  "release edit") if [[ $* == *--draft=false* ]]; then [[ $(<"$page/state") == draft ]]; echo published >"$page/state"; fi ;;
esac
"#;

#[test]
fn publishing_is_done_again_after_each_failure_and_never_changes_what_is_published() {
    let project = Project::new();
    let bin = project.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("gh"), GH).unwrap();
    let page = "chmod +x ../bin/gh; cd ../page; printf binary | gzip -n >runner-cache-x86_64-linux.gz
        printf '{ \"binary_sha256\": \"%s\" }' \"$(printf binary | sha256sum | cut -c -64)\" >release.json
        echo notes >notes.md; echo '{}' >runner-cache.cdx.json; sha256sum *.gz *.json >SHA256SUMS";
    assert!(project.command("bash", &["-ec", page]).status.success());
    let by_gh = |variables: &str, verb: &str| {
        let line =
            format!("PATH=$PWD/../bin:$PATH GITHUB_REPOSITORY=o/r {variables} scripts/release.sh {verb}");
        project.command("bash", &["-c", &line])
    };
    let state = || std::fs::read_to_string(project.path("pages/v1.2.3/state")).unwrap();
    assert_refused(&by_gh("", "publish"), "has no draft");
    assert_refused(&by_gh("FULL=1", "draft ../page"), "disk full");
    for _ in 0..2 {
        let output = by_gh("", "draft ../page");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(state(), "draft\n");
    for said in ["", "v1.2.3 is published already\n"] {
        let output = by_gh("", "publish");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!((String::from_utf8(output.stdout).unwrap().as_str(), &*state()), (said, "published\n"));
    }
    let output = by_gh("", "draft ../page");
    assert!(output.status.success(), "the same page is only compared: {output:?}");
    std::fs::write(project.path("page/attestation.jsonl"), "{ \"another\": 1 }\n").unwrap();
    assert_refused(
        &by_gh("", "draft ../page"),
        "attestation.jsonl on the page of v1.2.3 is not what was made",
    );
}

#[test]
fn version_is_looked_for_in_the_changelog_by_its_whole_name() {
    let project = Project::new();
    let check = |changelog: &str| {
        std::fs::write(project.path("project/CHANGELOG.md"), changelog).unwrap();
        project.release(&["check", "1.2.3"])
    };
    for heading in ["1.2.3", "[1.2.3]", "1.2.3 - 2026-12-24", "[1.2.3] - 2026-12-24"] {
        let output = check(&format!("## Unreleased\n\n## {heading}\n\n- News\n\n## 1.2.2\n"));
        assert!(output.status.success(), "{heading}: {output:?}");
    }
    for other in ["1.2.3-rc1", "[1.2.3-rc1]", "1.2.30", "11.2.3", "1x2.3", "1.2.3.4"] {
        assert_refused(&check(&format!("## {other}\n\n- News\n")), "CHANGELOG.md has no section 1.2.3");
    }
    assert_refused(&check("## 1.2.3\n\n## 1.2.2\n\n- News\n"), "no section 1.2.3");
    assert_refused(&project.release(&["check", "1.2.4"]), "Cargo.toml has version 1.2.3, not 1.2.4");
    check("## 1.2.3\n\n- News\n");
    project.git(&["push", "--quiet", "origin", "HEAD:refs/tags/v1.2.3"]);
    assert_refused(&project.release(&["check", "1.2.3"]), "v1.2.3 is there already");
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
