//! A cargo home of the job's own: runners of one user then neither wait for each other's downloads nor see each other's
//! half-extracted crates.

use std::path::{Path, PathBuf};

use crate::cargo::CargoHome;
use crate::job::Job;
use crate::sys::{self, Dir, file};

/// Its name in `RUNNER_TEMP`: the same for each job of a runner, since cargo compiles all dependencies again where the path
/// of the home is another one.
const NAME: &str = "cargo-home";

/// Where the job's own home is; `None` without `RUNNER_TEMP`.
pub(crate) fn home(job: &Job) -> Option<CargoHome> {
    Some(CargoHome::at(job.context.temporary.as_ref()?.join(NAME)))
}

/// Makes the job's own home, in which the user's configuration and credentials count as before, and lets the job's later
/// steps use it.
pub(crate) fn enter(job: &Job, home: &Path) -> anyhow::Result<()> {
    file::make_private_dirs(home)?;
    if let Some(users) = users_home(job).filter(|users| users != home) {
        // Cargo reads configuration from the directories above the workspace as well, and would join it with itself.
        let is_above = job.directory()?.ancestors().any(|directory| directory.join(".cargo") == users);
        for name in CargoHome::USERS.into_iter().filter(|name| !is_above || !name.starts_with("config")) {
            link(&users.join(name), home, name)?;
        }
    }
    job.files.add_path(&home.join("bin"))?;
    Ok(())
}

/// The home that the job would use otherwise. A second restore finds the first one's in `CARGO_HOME`.
fn users_home(job: &Job) -> Option<PathBuf> {
    let own = home(job)?;
    let given = CargoHome::find(&job.env, &job.directory().ok()?).filter(|given| *given != own);
    given.or_else(|| CargoHome::of_user(&job.env)).map(|home| home.path().to_path_buf())
}

fn link(users: &Path, home: &Path, name: &str) -> sys::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    if !file::is_present(users) || file::is_present(&home.join(name)) {
        return Ok(());
    }
    Dir::open(home)?.make_symlink(name.as_bytes(), users.as_os_str().as_bytes())
}
