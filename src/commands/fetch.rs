//! `fetch`: a release's binary, where jobs find it.

use std::path::PathBuf;

use super::ended::Ended;
use super::releases::{Wanted, asked, brought, or_interrupted, verified_by};
use crate::cli::Fetch;
use crate::job::{Exit, Job};
use crate::outcome::{Done, Fetched};
use crate::release::{
    Attested, Found, Machine, Manner, chosen_place, is_there, place_in_tool_cache, put, tool_cache,
};
use crate::sys::file;

/// The command.
pub(super) fn run(job: &Job, fetch: &Fetch) -> anyhow::Result<Ended> {
    or_interrupted(carry_out(job, fetch))
}

fn carry_out(job: &Job, fetch: &Fetch) -> anyhow::Result<Ended> {
    let this = Machine::this();
    let Some(machine) = fetch.target.or(this) else {
        anyhow::bail!("no binary for this machine; hint: `--target`");
    };
    let directory = fetch.tool_cache.clone().or_else(|| tool_cache(&job.env));
    let place = |found: &Found| -> Option<PathBuf> {
        match &fetch.to {
            Some(to) => Some(chosen_place(to, file::is_dir(to))),
            None => Some(place_in_tool_cache(directory.as_deref()?, &found.version, machine)),
        }
    };
    let asked = asked(job, &fetch.releases, fetch.wanted.clone(), machine);
    let wanted = brought(job, &fetch.releases, &asked, |found| {
        place(found).is_none_or(|place| is_there(&place, &found.binary_sha256))
    })?;
    let (Wanted::There(found) | Wanted::Brought(found, _)) = &wanted;
    let Some(place) = place(found) else {
        anyhow::bail!("no tool cache: neither RUNNER_TOOL_CACHE nor HOME is set; hint: `--tool-cache`");
    };
    let attested = match &wanted {
        Wanted::There(found) => {
            job.console.say(format!("runner-cache {} is there already, verified", found.version));
            Attested::NotAsked
        }
        Wanted::Brought(found, brought) => {
            let attested = verified_by(job, &fetch.releases, brought)?;
            let trial = (Some(machine) == this).then_some(&found.version);
            put(&place, &brought.program, Manner::New, trial)?;
            attested
        }
    };
    let fetched = Fetched {
        version: found.version.to_string(),
        path: place,
        downloaded: matches!(wanted, Wanted::Brought(..)),
        attested: attested == Attested::Yes,
    };
    Ok(Ended::with(Exit::Success, Done::Fetch(fetched)))
}
