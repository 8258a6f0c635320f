//! What of a repository is open: its pull requests and branches.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::github::Api;
use super::lists::{KnownLists, PER_PAGE, Pages, read_list};

/// Ten thousand pull requests or branches.
const PAGES: Pages = Pages::All(100);

#[derive(Debug, Serialize, Deserialize)]
struct Pull {
    number: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Branch {
    name: String,
}

/// The numbers of the open pull requests of `repository`.
///
/// # Errors
///
/// The list cannot be read whole.
pub async fn open_pulls(
    api: &Api,
    repository: &str,
    known: &KnownLists,
    say: &dyn Fn(String),
) -> Result<Vec<u64>, Error> {
    let first = format!("/repos/{repository}/pulls?state=open&per_page=100");
    let pulls: Vec<Pull> = read_still(api, first, known, say).await?;
    Ok(pulls.into_iter().map(|pull| pull.number).collect())
}

/// The names of the branches of `repository`.
///
/// # Errors
///
/// The list cannot be read whole.
pub async fn branches(
    api: &Api,
    repository: &str,
    known: &KnownLists,
    say: &dyn Fn(String),
) -> Result<Vec<String>, Error> {
    let first = format!("/repos/{repository}/branches?per_page=100");
    let branches: Vec<Branch> = read_still(api, first, known, say).await?;
    Ok(branches.into_iter().map(|branch| branch.name).collect())
}

/// Reads a list of several pages twice, and takes what either time was on it. What goes from a page moves the rest up meanwhile, and one
/// of them to a page that was read already.
async fn read_still<T: Serialize + DeserializeOwned>(
    api: &Api,
    first: String,
    known: &KnownLists,
    say: &dyn Fn(String),
) -> Result<Vec<T>, Error> {
    let mut found: Vec<T> = read_list(api, first.clone(), PAGES, known, say).await?;
    if found.len() > PER_PAGE {
        found.extend(read_list(api, first, PAGES, known, say).await?);
    }
    Ok(found)
}
