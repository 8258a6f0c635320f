//! Why a layer did not get what it looked for, and why it was not saved, in words.

use std::fmt;

use crate::outcome::{Miss, NotOwn, NotSaved, UnknownOutputs, Unusable, WhyLeftOut};

/// Why a job has no layer at all.
pub(super) const NOTHING_TO_CACHE: &str =
    "nothing to cache: no Cargo.toml here, and `path` names nothing that can be cached";

/// How many things of a kind are named.
const NAMED: usize = 3;

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => f.write_str("no entry of this repository's ref, base or default branch yet"),
            Self::Partial => {
                f.write_str("partial entry for this key, from a failed job; this job completes it")
            }
            Self::OtherPaths { reference } => {
                write!(f, "an entry of {reference} has this key, but other paths")
            }
            Self::OtherKey { reference, differences } => {
                let parts: Vec<_> = differences.iter().map(ToString::to_string).collect();
                write!(f, "nearest entry: {reference}, differs in {}", parts.join("; "))
            }
        }
    }
}

impl fmt::Display for NotSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SavedBefore => f.write_str("this job has saved it already"),
            Self::Never => f.write_str("`save` is never"),
            Self::Settled => f.write_str("this key already has an entry"),
            Self::FinalThere => f.write_str("this key already has an entry of a successful job"),
            Self::OutputsOfFailure => f.write_str("nothing kept: build outputs are saved only after success"),
            Self::Cancelled => f.write_str("the job was cancelled"),
            Self::Failed => f.write_str("the job failed and `save` is success"),
            Self::Unknown => f.write_str("nobody can tell whether the job succeeded, and `save` is success"),
            Self::Overtaken => f.write_str("the runner's next job began meanwhile"),
            Self::InUse { process, pid, path } => {
                write!(f, "process {pid} ({process}) still works in it: {}", path.display())
            }
            Self::ReadOnly(why) => why.fmt(f),
            Self::Nothing(places) if places.is_empty() => f.write_str("nothing to save"),
            Self::Nothing(places) => {
                let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
                write!(f, "nothing to save: no file in {}", places.join(", "))
            }
            Self::Unchanged => f.write_str("nothing changed"),
            Self::OtherCommit(directory) => write!(
                f,
                "nothing kept: {} changed commit since the restore; hint: restore after the checkout",
                directory.display()
            ),
            Self::Outputs(UnknownOutputs { absent, not_own }) => {
                let absent =
                    (!absent.is_empty()).then(|| format!("not there: {}", first(absent, absent.len())));
                let parts: Vec<_> =
                    absent.into_iter().chain(not_own.as_ref().map(NotOwn::to_string)).collect();
                write!(f, "nothing kept: {}", parts.join("; "))
            }
        }
    }
}

impl fmt::Display for NotOwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwritten { files, first: paths } => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                let paths = first(&paths, *files);
                write!(f, "not written since the restore, may be of another commit: {paths}")
            }
            Self::NothingNoted => f.write_str(
                "cannot tell what this job wrote; hint: restore with the same `builds` before the build",
            ),
        }
    }
}

/// The first of `names`, and how many more there are of `all`.
fn first(names: &[String], all: usize) -> String {
    let names = &names[..names.len().min(NAMED)];
    let more = all - names.len();
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is gone"),
            Self::Damaged { error } | Self::Unreadable { error } => f.write_str(error),
            Self::OtherFormat { format } => {
                write!(f, "another version of runner-cache wrote it (format {format})")
            }
            Self::Unflushed => f.write_str("the host crashed before it was on the disk"),
            Self::Uncertain => {
                f.write_str("cannot tell whether it reached the disk before its host went down")
            }
        }
    }
}

/// Why units do not serve, in words about several of them.
pub(super) fn why_left_out(code: WhyLeftOut) -> &'static str {
    match code {
        WhyLeftOut::UnknownFormat => "unknown format of cargo's fingerprints",
        WhyLeftOut::UnknownInputs => "their inputs are unknown",
        WhyLeftOut::OtherPath => "they contain another path",
        WhyLeftOut::Commit => "they contain the commit",
        WhyLeftOut::Sources => "sources changed",
        WhyLeftOut::OutsideFiles => "files outside the sources changed",
        WhyLeftOut::Programs => "programs they may run changed",
        WhyLeftOut::Variables => "variables they may read changed",
        WhyLeftOut::SystemPackages => "system packages changed",
        WhyLeftOut::Version => "their package version changed",
        WhyLeftOut::Profile => "their profile changed",
        WhyLeftOut::Superseded => "the lock file has another version of them",
        WhyLeftOut::Future => "their build time is in the future",
        WhyLeftOut::FreshnessOff => "`freshness` is off",
        WhyLeftOut::OtherOutputs => "another target directory depends on times of files they watch",
        WhyLeftOut::Dependencies => "their dependencies changed",
    }
}
