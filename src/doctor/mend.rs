//! Mends what is safe to mend: nothing goes that anybody could miss.

use std::time::Duration;

use jiff::Timestamp;

use super::facts::Asked;
use crate::host::{self, System};
use crate::job::chain;
use crate::outcome::Fix;
use crate::store::{self, Store};

/// How long another process may clean up before it is left alone: it does the same work.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does it, and tells what was done, or why that could not be.
pub(super) fn mend(asked: &Asked, fix: Fix) -> Result<Vec<String>, String> {
    match fix {
        Fix::Sweep => in_store(asked, sweep).map_err(|error| format!("sweep: {}", chain(&error))),
        Fix::Modes => in_store(asked, modes).map_err(|error| format!("modes: {}", chain(&error))),
        Fix::Exclude => exclude().map_err(|error| format!("cleaner: {}", chain(&error))),
    }
}

type Done = Result<Vec<String>, store::Error>;

fn in_store(asked: &Asked, mend: impl FnOnce(&Store) -> Done) -> Done {
    match Store::open_existing(&asked.root, asked.access)? {
        Some(store) => mend(&store),
        None => Ok(Vec::new()),
    }
}

fn sweep(store: &Store) -> Done {
    let now = Timestamp::now();
    let before = store.debris(now)?;
    let Some(_lock) = store.lock_cleaning(PATIENCE)? else {
        return Ok(vec!["another process is cleaning up".to_owned()]);
    };
    store.sweep(now)?;
    let after = store.debris(now)?;
    let done = |what: &str, before: usize, after: usize| {
        (after < before)
            .then(|| format!("removed what killed jobs left: {} of {before} {what}", before - after))
    };
    let leftovers = done("directories", before.left, after.left);
    let sessions = done("sessions", before.sessions, after.sessions);
    Ok(leftovers.into_iter().chain(sessions).collect())
}

fn modes(store: &Store) -> Done {
    let wrong = store.ownership()?.wrong_modes;
    let mend = |path: std::path::PathBuf| {
        store.correct_mode(&path).map(|()| format!("corrected the permission bits of {}", path.display()))
    };
    wrong.into_iter().map(mend).collect()
}

/// As `host setup` does it, and nothing else of a setup.
fn exclude() -> Result<Vec<String>, host::Error> {
    let made = host::exclude_from_cleaner(&System::open(None)?)?;
    Ok(made.into_iter().map(|path| format!("wrote {}", path.display())).collect())
}
