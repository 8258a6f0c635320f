//! Asks the API what is open, and tells which entries are of what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::{
    self, Api, Client, KnownLists, PUBLIC_API, Token, Url, branches, is_api_of, open_pulls, parse_url, shown,
    wait,
};
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
    let base = parse_url(job.env.get("GITHUB_API_URL").unwrap_or(PUBLIC_API))?;
    let known = of_server(job, known, &base);
    let repositories = repositories_to_ask(&known);
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
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
    Ok(closed(&known, &open, asked))
}

/// The entries of the server whose API is at `base`: another one may have a repository of the same name.
fn of_server(job: &Job, known: &[Known], base: &Url) -> Vec<Known> {
    let is_its =
        |known: &&Known| known.header.origin.server.as_ref().is_some_and(|server| is_api_of(base, server));
    let (its, others): (Vec<_>, Vec<_>) = known.iter().partition(is_its);
    let servers: BTreeSet<_> =
        others.iter().filter_map(|known| known.header.origin.server.as_ref()).collect();
    for server in servers {
        job.console.say(format!(
            "entries of {server} stay: {} is not its API; hint: set GITHUB_API_URL, to {server}/api/v3 for Enterprise Server",
            shown(base)
        ));
    }
    its.into_iter().cloned().collect()
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
