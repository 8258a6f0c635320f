//! Lists of the API, page by page. Of a page that was read before the server tells whether it still holds, and that costs no
//! question of the rate limit.
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>

use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::github::{Answer, Api};
use super::retry::with_retries;
use crate::github::Environment;
use crate::sys::{self, changeable_by_others, file};

/// Things on a page: what lists are asked for, and the most that the API gives.
pub(super) const PER_PAGE: usize = 100;

/// How many pages of a list are read.
#[derive(Debug, Clone, Copy)]
pub enum Pages {
    /// The first ones. What is further is left out.
    First(usize),
    /// All, which may be so many. A longer list is an error: of it not all is known.
    All(usize),
}

/// The directory of lists as they were read last.
#[derive(Debug, Default)]
pub struct KnownLists(Option<PathBuf>);

/// A page as it was read last.
#[derive(Debug, Serialize, Deserialize)]
struct KnownPage<T> {
    route: String,
    etag: Option<String>,
    next: Option<String>,
    items: Vec<T>,
}

impl KnownLists {
    /// Nothing is known, and nothing is kept: for what changes from one question to the next.
    pub const NONE: Self = Self(None);

    /// Those of this user, in the user's cache directory. (`runner-cache` there may be a cache root.) None where another user
    /// can change it, and could lead what is written there elsewhere.
    pub fn of_user(env: &Environment) -> Self {
        let lists = env.cache_home().map(|directory| directory.join("runner-cache-lists"));
        Self(lists.filter(|lists| matches!(changeable_by_others(lists, geteuid().as_raw()), Ok(None))))
    }

    /// The file of the list at `first` of the API at `base`.
    fn file(&self, base: &str, first: &str) -> Option<PathBuf> {
        let digest = sys::sha256_hex(format!("{base}\n{first}").as_bytes());
        Some(self.0.as_ref()?.join(format!("{}.json", &digest[..16])))
    }
}

/// Reads the list whose first page is at `first`, below the API's base. What `known` has of before is not asked for again; it gets
/// what was read. `say` is told what does not work at once.
///
/// # Errors
///
/// A page cannot be read, or the list is longer than it may be.
pub async fn read_list<T: Serialize + DeserializeOwned>(
    api: &Api,
    first: String,
    pages: Pages,
    known: &KnownLists,
    say: &dyn Fn(String),
) -> Result<Vec<T>, Error> {
    let file = known.file(api.base(), &first);
    let mut before: Vec<KnownPage<T>> = file.as_deref().map(read_known).unwrap_or_default();
    let (Pages::First(most) | Pages::All(most)) = pages;
    let (mut route, mut now) = (Some(first), Vec::new());
    while let Some(next) = route.take() {
        if now.len() == most {
            match pages {
                Pages::First(_) => break,
                Pages::All(_) => {
                    let why = format!("the list has more than {most} pages");
                    return Err(Error::NotUnderstood { url: next, why });
                }
            }
        }
        let same = before.iter().position(|page| page.route == next).map(|index| before.swap_remove(index));
        // The tag is of what is on a page. A full one that was the last may have another behind it by now, and be the same itself.
        let tagged = same.as_ref().filter(|page| page.next.is_some() || page.items.len() < PER_PAGE);
        let etag = tagged.and_then(|page| page.etag.as_deref());
        let page = match (with_retries(say, async || api.page(&next, etag).await).await?, same) {
            (Answer::Page { items, etag, next: after }, _) => {
                KnownPage { route: next, etag, next: after, items }
            }
            (Answer::Unchanged, Some(page)) => page,
            (Answer::Unchanged, None) => {
                let why = "it tells that nothing has changed, of what was not read before".to_owned();
                return Err(Error::NotUnderstood { url: next, why });
            }
        };
        route.clone_from(&page.next);
        now.push(page);
    }
    if let Some(Err(error)) = file.map(|file| write_known(&file, &now)) {
        say(format!("a list of the API is not kept: {error}: {}", error.reason()));
    }
    Ok(now.into_iter().flat_map(|page| page.items).collect())
}

/// What is in the file. One that is not whole has nothing; neither has one that another user can write, since it tells where files are.
fn read_known<T: DeserializeOwned>(path: &Path) -> Vec<KnownPage<T>> {
    let Ok(Some((owner, mode))) = file::owner_and_mode(path) else { return Vec::new() };
    if owner != geteuid().as_raw() || mode & 0o022 != 0 {
        return Vec::new();
    }
    let bytes = file::read(path).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn write_known<T: Serialize>(path: &Path, pages: &[KnownPage<T>]) -> sys::Result<()> {
    file::make_private_dirs(path.parent().unwrap_or(Path::new(".")))?;
    let text = serde_json::to_vec(pages).expect("it has nothing that JSON has not");
    file::write_atomic(path, &text)
}
