//! Projects that the runner checks out: fixtures as git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository of the owner `btcdecoded`, with one commit or more on `main`.
pub(crate) struct Project {
    /// Name without the owner.
    pub(crate) name: &'static str,
    /// Its work tree.
    pub(crate) path: PathBuf,
}

impl Project {
    /// Makes one in `repositories` from `tests/fixtures/NAME`.
    pub(crate) fn from_fixture(repositories: &Path, name: &'static str) -> Self {
        let path = repositories.join("btcdecoded").join(name);
        copy_tree(&fixtures().join(name), &path);
        let project = Self { name, path };
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        // The runner takes GITHUB_REPOSITORY from here; nothing is ever fetched.
        project.git(&["remote", "add", "origin", &format!("https://github.com/btcdecoded/{name}.git")]);
        project.commit();
        project
    }

    /// Replaces text in a file, which must be there, and commits.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.path.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{file} has no {old:?}");
        fs::write(path, text.replace(old, new)).unwrap();
        self.commit();
    }

    /// Writes a file and commits.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.commit();
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "commit",
            "--quiet",
            "--message=State",
        ]);
    }

    /// Without the user's own settings, such as signed commits.
    fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let status = git.arg("-C").arg(&self.path).args(args).status().unwrap();
        assert!(status.success(), "git {args:?} in {}", self.path.display());
    }
}

/// The folder of the fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Copies a file or folder, except build outputs that somebody left in a fixture.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("copy {}: {error}", from.display()));
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "target" {
            copy_tree(&from.join(&name), &to.join(&name));
        }
    }
}
