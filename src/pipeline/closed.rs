//! Asks the API what is open, and tells which entries are of what is not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::{self, Api, Client, KnownLists, PUBLIC_API, Token, branches, open_pulls, parse_url, wait};
use crate::job::{Job, chain};
use crate::outcome::Code;
use crate::store::retention::{Known, OpenRefs, Planned, closed, repositories_to_ask};

/// How long all answers may take: a host has some dozen repositories.
const BOUND: Duration = Duration::from_secs(300);

/// The entries of closed pull requests and of branches that are gone. What cannot be asked stays, with a warning.
pub(crate) fn entries_of_closed(
    job: &Job,
    known: &[Known],
    token_file: Option<&Path>,
) -> Result<Vec<Planned>, api::Error> {
    let repositories = repositories_to_ask(known);
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
    let base = parse_url(job.env.get("GITHUB_API_URL").unwrap_or(PUBLIC_API))?;
    let token = Token::find(token_file, &job.env)?;
    let console = job.console;
    let say = |text: String| console.say(text);
    let lists = KnownLists::of_user(&job.env);
    let asked = Timestamp::now();
    let open = wait(&job.interrupt, BOUND, async {
        let api = Api::new(&Client::new(&base)?, &base, token.as_ref())?;
        let mut open = BTreeMap::new();
        for repository in repositories {
            match open_refs(&api, &repository, &lists, &say).await {
                Ok(refs) => drop(open.insert(repository, refs)),
                Err(error) => {
                    let is_for_all = matches!(error, api::Error::RateLimited(_));
                    let why = chain(&error);
                    job.warn(
                        Code::NotRemoved,
                        format!("cannot tell what is closed in {repository}, all of it stays: {why}"),
                    );
                    if is_for_all {
                        break;
                    }
                }
            }
        }
        Ok::<_, api::Error>(open)
    })?;
    Ok(closed(known, &open, asked))
}

async fn open_refs(
    api: &Api,
    repository: &str,
    lists: &KnownLists,
    say: &dyn Fn(String),
) -> Result<OpenRefs, api::Error> {
    let pulls = open_pulls(api, repository, lists, say).await?.into_iter().collect();
    let branches = branches(api, repository, lists, say).await?.into_iter().collect();
    Ok(OpenRefs { pulls, branches })
}
