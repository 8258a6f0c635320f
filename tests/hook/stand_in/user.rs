//! The user of a runner's service, where that is another one than the test's, which then is root.

use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::files;

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    id: u32,
    /// What lies over `/etc` for this user's processes.
    etc: Option<PathBuf>,
}

impl User {
    /// One whom the host does not know by a name.
    pub(crate) fn new(id: u32) -> Self {
        Self { id, etc: None }
    }

    /// One whose runner in `runner` a service starts, and who may have root run `command` without a password. What tells the host so
    /// is in the directory `place`.
    pub(crate) fn with_sudo(id: u32, place: &Path, runner: &Path, command: &str) -> Self {
        let (name, etc) = (format!("user-{id}"), place.join("etc"));
        let users = files::read(Path::new("/etc/passwd"));
        files::write(&etc.join("passwd"), format!("{users}{name}:x:{id}:{id}::/nonexistent:/bin/sh\n"));
        // Without the passwords of the host: this one is in a directory that all can read.
        files::write(&etc.join("shadow"), format!("root:*:20000::::::\n{name}:*:20000::::::\n"));
        files::write(
            &etc.join("sudoers.d/runner-cache-test"),
            format!("{name} ALL=(root) NOPASSWD: {command}\n"),
        );
        let unit = format!("[Service]\nUser={name}\nWorkingDirectory={}\n", runner.display());
        files::write(&etc.join("systemd/system/actions.runner.o-r.runner-1.service"), unit);
        Self { id, etc: Some(etc) }
    }

    /// Makes `directory` and all in it this user's.
    pub(crate) fn take(&self, directory: &Path) {
        for (path, _) in files::walk(directory) {
            let path = directory.join(path);
            std::os::unix::fs::lchown(&path, Some(self.id), Some(self.id))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// Starts `program` as this user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let id = self.id;
        let as_user = ["setpriv", &format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups"];
        let mount = self.etc.as_ref().map(|etc| {
            let script =
                format!("mount -t overlay overlay -o lowerdir={}:/etc /etc; exec \"$@\"", etc.display());
            ["unshare", "--mount", "sh", "-euc", &script, "sh"].map(str::to_owned)
        });
        let words = mount.into_iter().flatten().chain(as_user.map(str::to_owned));
        let words: Vec<_> = words.collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(program);
        command
    }
}
