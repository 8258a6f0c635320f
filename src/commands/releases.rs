//! What `fetch` and `self-update` have in common: which release is asked for, how, and what is told of it.

use std::time::Duration;

use super::ended::Ended;
use crate::api::{self, KnownLists, Token, wait};
use crate::cli::Releases;
use crate::job::bar::Bar;
use crate::job::{Exit, Job};
use crate::release::{
    Asked, Attested, Brought, Error, Found, Machine, Version, Watch, Web, attest, bring, find, gh,
};

/// For all of a download, unless the host says otherwise.
const BOUND: Duration = Duration::from_secs(120);

/// The release that was asked for.
#[derive(Debug)]
pub(super) enum Wanted {
    /// It need not be downloaded.
    There(Found),
    /// It was.
    Brought(Found, Brought),
}

/// What the arguments and the environment ask for.
pub(super) fn asked(job: &Job, releases: &Releases, version: Option<Version>, machine: Machine) -> Asked {
    Asked {
        version,
        machine,
        repository: releases.repository.clone(),
        api: job.env.get("GITHUB_API_URL").map(str::to_owned),
        template: releases.download_url.clone(),
        lists: KnownLists::of_user(&job.env),
    }
}

/// Finds the release, and downloads it unless `is_there` says that it need not be.
pub(super) fn brought(
    job: &Job,
    releases: &Releases,
    asked: &Asked,
    is_there: impl Fn(&Found) -> bool,
) -> anyhow::Result<Wanted> {
    let (console, bar) = (job.console, Bar::default());
    let say = |text: String| console.say(text);
    let progress = |come: u64, all: u64| bar.show(come, all);
    let web = Web {
        token: Token::find(releases.token_file.as_deref(), &job.env)?,
        watch: Watch { say: &say, progress: &progress },
    };
    let with_attestations = !releases.no_attestation && gh(&job.env).is_some();
    let wanted = wait(&job.interrupt, bound(job), async {
        let found = find(asked, &web).await?;
        if is_there(&found) {
            return Ok::<_, Error>(Wanted::There(found));
        }
        let brought = bring(&found, &web, with_attestations).await?;
        Ok(Wanted::Brought(found, brought))
    });
    bar.clear();
    wanted.map_err(|error| match error {
        Error::Api(api::Error::TooSlow(bound)) => anyhow::anyhow!(
            "not downloaded within {} s; hint: RUNNER_CACHE_DOWNLOAD_SECONDS sets a longer time",
            bound.as_secs()
        ),
        error => error.into(),
    })
}

/// What an error means for the end of the process: a signal is none.
pub(super) fn or_interrupted(result: anyhow::Result<Ended>) -> anyhow::Result<Ended> {
    match result {
        Err(error) if matches!(error.downcast_ref(), Some(Error::Api(api::Error::Interrupted))) => {
            Ok(Ended::early(Exit::Interrupted))
        }
        result => result,
    }
}

/// Lets `gh` verify who built it, and tells by what it is verified.
pub(super) fn verified_by(job: &Job, releases: &Releases, brought: &Brought) -> anyhow::Result<Attested> {
    let attested = attest(brought, gh(&job.env).as_deref(), &releases.repository)?;
    job.console.say(match attested {
        Attested::Yes => "verified: size, SHA-256, and by gh who built it",
        Attested::NotAsked if releases.no_attestation => "verified: size and SHA-256",
        Attested::NotAsked => "verified size and SHA-256; gh is missing, so not who built it",
    });
    Ok(attested)
}

/// How long a download may take, as for `scripts/download.sh`.
fn bound(job: &Job) -> Duration {
    let seconds =
        job.env.get("RUNNER_CACHE_DOWNLOAD_SECONDS").and_then(|seconds| seconds.parse::<u64>().ok());
    seconds.filter(|seconds| (1..100_000).contains(seconds)).map_or(BOUND, Duration::from_secs)
}
