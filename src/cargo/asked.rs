//! Programs that are asked something in a job: none of the checkout's, whose files can be anybody's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::host::Host;
use crate::sys::file;

/// Directories whose programs do not run.
struct Checkout(Vec<PathBuf>);

impl Checkout {
    /// That of a step in `directory` on `host`.
    fn of(host: Host<'_>, directory: &Path) -> Self {
        let workspace = host.value("GITHUB_WORKSPACE").map(PathBuf::from);
        let directories = workspace.into_iter().chain([directory.to_path_buf()]);
        // Neither by the name that it is known by, nor by the one that it has.
        Self(
            directories
                .flat_map(|directory| [file::canonicalize(&directory).ok(), Some(directory)])
                .flatten()
                .collect(),
        )
    }

    fn has(&self, path: &Path) -> bool {
        let real = file::canonicalize(path).ok();
        [Some(path), real.as_deref()]
            .into_iter()
            .flatten()
            .any(|path| self.0.iter().any(|directory| path.starts_with(directory)))
    }
}

impl Host<'_> {
    /// A command that runs `name` in `directory` of the checkout: an absolute path, or the first program of that name that the
    /// `PATH` leads to. `None` where it lies in the checkout or is relative. What it calls itself it finds in a `PATH` without
    /// directories of the checkout: a script's interpreter, for one.
    pub fn command_outside(self, name: &str, directory: &Path) -> Option<Command> {
        let checkout = Checkout::of(self, directory);
        let path = Path::new(name);
        let program = match path.components().count() {
            _ if path.is_absolute() => Some(path.to_path_buf()),
            1 => self.program(name),
            _ => None,
        };
        let program = program.filter(|program| file::is_executable(program) && !checkout.has(program))?;
        let searched = self.path().filter(|directory| !checkout.has(directory));
        let mut command = Command::new(program);
        command.env("PATH", std::env::join_paths(searched).ok()?).current_dir(directory);
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Environment;
    use crate::sys::Dir;

    /// The program that is found, and its `PATH`.
    fn found(env: &Environment, name: &str, directory: &Path) -> Option<(PathBuf, String)> {
        let command = Host::new(env).command_outside(name, directory)?;
        let path = command.get_envs().find(|(name, _)| *name == "PATH")?.1?.to_str()?.to_owned();
        Some((command.get_program().into(), path))
    }

    #[test]
    fn nothing_of_the_checkout_is_found_by_whatever_name() {
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        for directory in ["work/crate", "work/bin", "bin"] {
            file::make_dirs(&at(directory)).unwrap();
        }
        for (directory, mode) in [("work/bin", 0o755), ("bin", 0o755), ("work", 0o644)] {
            let dir = Dir::open(&at(directory)).unwrap();
            dir.make_file_with_mode(b"tool", mode).unwrap();
        }
        Dir::open(place.path()).unwrap().make_symlink(b"link", b"work/bin").unwrap();
        let text = |path: &str| at(path).to_str().unwrap().to_owned();
        let env = |path: &str| Environment::from([("PATH", path), ("GITHUB_WORKSPACE", &*text("work"))]);
        let (outside, crate_of_it) = (text("bin"), at("work/crate"));
        let tool = Some((at("bin/tool"), outside.clone()));
        assert_eq!(found(&env(&outside), "tool", &crate_of_it), tool);
        // What cannot be run is passed over, as by shells.
        assert_eq!(found(&env(&format!("{}:{outside}", text("work"))), "tool", &crate_of_it), tool);
        assert_eq!(found(&env(&format!("{outside}:{}::tools", text("link"))), "tool", &crate_of_it), tool);
        for path in ["link", "work/bin"] {
            assert_eq!(
                found(&env(&format!("{}:{outside}", text(path))), "tool", &crate_of_it),
                None,
                "{path}"
            );
        }
        assert_eq!(found(&env(&outside), &text("work/bin/tool"), &crate_of_it), None);
        assert_eq!(found(&env(&outside), "./tool", &at("work/bin")), None);
        assert_eq!(found(&env(&outside), &text("bin/tool"), &crate_of_it), tool);
    }
}
