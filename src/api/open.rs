//! What of a repository is open: its pull requests and branches.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{Error, Failure};
use super::github::{Answer, Api};
use super::retry::with_retries;

/// Pages that are read of one list, at most: ten thousand pull requests or branches. Of a list that is longer not all is known.
const PAGES: usize = 100;

#[derive(Debug, Deserialize)]
struct Pull {
    number: u64,
}

#[derive(Debug, Deserialize)]
struct Branch {
    name: String,
}

/// The numbers of the open pull requests of `repository`.
pub async fn open_pulls(api: &Api, repository: &str, say: &dyn Fn(String)) -> Result<Vec<u64>, Error> {
    let pulls: Vec<Pull> =
        all(api, format!("/repos/{repository}/pulls?state=open&per_page=100"), say).await?;
    Ok(pulls.into_iter().map(|pull| pull.number).collect())
}

/// The names of the branches of `repository`.
pub async fn branches(api: &Api, repository: &str, say: &dyn Fn(String)) -> Result<Vec<String>, Error> {
    let branches: Vec<Branch> = all(api, format!("/repos/{repository}/branches?per_page=100"), say).await?;
    Ok(branches.into_iter().map(|branch| branch.name).collect())
}

/// A whole list, or none of it.
pub(super) async fn all<T: DeserializeOwned>(
    api: &Api,
    first: String,
    say: &dyn Fn(String),
) -> Result<Vec<T>, Error> {
    let (mut found, mut route) = (Vec::new(), Some(first));
    for _ in 0..PAGES {
        let Some(next) = route.take() else { return Ok(found) };
        let answer: Answer<T> = with_retries(say, async || api.page(&next, None).await).await?;
        if let Answer::Page { items, next, .. } = answer {
            found.extend(items);
            route = next;
        }
    }
    match route {
        None => Ok(found),
        Some(url) => {
            Err(Failure::Lasting(Error::NotUnderstood { url, why: "the list is too long".to_owned() })
                .into_error())
        }
    }
}
