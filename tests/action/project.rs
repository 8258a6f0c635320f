//! Projects that the runner checks out: fixtures as git repositories.

use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::files;
pub(crate) use test_support::files::copy as copy_tree;

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
        let text = files::read(&path);
        assert!(text.contains(old), "{file} has no {old:?}");
        self.write(file, &text.replace(old, new));
    }

    /// Writes a file and commits.
    pub(crate) fn write(&self, file: &str, text: &str) {
        files::write(&self.path.join(file), text);
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

/// The directory of the fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}
