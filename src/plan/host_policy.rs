//! What the owner of a host has decided for all its jobs. No workflow, input or variable goes beyond it.
//!
//! A step cannot tell a variable of the runner's `.env` from one of the workflow's `env:`, so that variables decide nothing
//! here: only a file that no job can write does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde_yaml::Value;

use super::cache_mode::CacheMode;
use super::parse::{Unreadable, near_miss, parse_age, parse_bytes, parse_keep, parse_min_free};
use super::pool::Share;
use crate::github::Context;
use crate::store::Access;
use crate::store::retention::{Keep, MinFree, Policy};
use crate::sys::Space;

/// Where it is.
pub const HOST_POLICY: &str = "/etc/runner-cache.yml";

/// What it can say.
const NAMES: [&str; 10] = [
    "cache-root",
    "root-access",
    "keep",
    "max-age",
    "max-size",
    "min-free",
    "share",
    "repositories",
    "cache-mode",
    "events",
];

/// The policy of a host. What it does not say is as without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPolicy {
    /// Where all jobs have their cache.
    pub cache_root: Option<PathBuf>,
    /// Who may write to it.
    pub root_access: Option<Access>,
    /// What all entries may take.
    pub limits: HostLimits,
    /// The most that jobs may have in common, and what they have where they ask for nothing.
    pub share: Option<Share>,
    /// Names of the repositories that have a cache here, `owner/name` or `owner/*`; all where this is absent.
    repositories: Option<Vec<String>>,
    /// What jobs may do.
    cache_mode: CacheMode,
    /// What jobs of an event may do.
    events: BTreeMap<String, CacheMode>,
    /// The texts of what is also an input, by its name.
    texts: BTreeMap<&'static str, String>,
}

/// What a host allows all entries together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostLimits {
    keep: Option<Keep>,
    /// The longest time there is where entries stay for ever.
    max_age: Option<SignedDuration>,
    max_size: Option<u64>,
    min_free: Option<MinFree>,
}

impl HostLimits {
    /// What a job with the limits `own` lets stay of all entries. Where the host says nothing, a default holds, or what the
    /// job itself wants to stay if that is more: so no job takes more from others than the default does.
    /// `space` is that of the cache's disk.
    pub fn policy(&self, own: &Policy, space: Space) -> Policy {
        let default_age = SignedDuration::from_hours(24 * DEFAULT_DAYS);
        Policy {
            keep: self.keep.clone().unwrap_or_else(Keep::all),
            max_age: self.max_age.or_else(|| own.max_age.map(|age| age.max(default_age))),
            max_size: self.max_size,
            min_free: self.min_free.unwrap_or_else(|| own.min_free.laxer(MinFree::default(), space)),
            older_toolchains: false,
        }
    }

    /// What the host says is to be left free.
    pub fn min_free(&self) -> Option<MinFree> {
        self.min_free
    }
}

/// How long entries of others stay idle at least, where the host does not say.
const DEFAULT_DAYS: i64 = 30;

impl HostPolicy {
    /// Reads the text of the policy.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        // A map of YAML's own: it refuses a name that stands there twice.
        let values = serde_yaml::from_str::<Option<serde_yaml::Mapping>>(text)
            .map_err(|error| Unreadable::new(error.to_string()))?
            .unwrap_or_default();
        let mut policy = Self::default();
        for (name, value) in values {
            let name = text_of(name)?;
            let Some(name) = NAMES.into_iter().find(|known| **known == name) else {
                let near = near_miss(&name, NAMES.into_iter());
                return Err(Unreadable::new(format!(
                    "unknown name `{name}`; allowed: {}{near}",
                    NAMES.join(", ")
                )));
            };
            policy.set(name, value).map_err(|error| Unreadable::new(format!("`{name}`: {error}")))?;
        }
        Ok(policy)
    }

    fn set(&mut self, name: &'static str, value: Value) -> Result<(), Unreadable> {
        match name {
            "repositories" => {
                self.repositories = Some(read(value, "a list of names such as owner/name or owner/*")?);
            }
            "cache-mode" => self.cache_mode = mode(value)?,
            "events" => {
                let events: BTreeMap<String, Value> = read(value, "a map from events to modes")?;
                for (event, value) in events {
                    // Events that are not known yet may come; those of this form alone.
                    if !event.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
                        let hint = "name events one by one, such as `pull_request`";
                        return Err(Unreadable::new(format!("`{event}` is no event; hint: {hint}")));
                    }
                    let mode = mode(value).map_err(|error| Unreadable::new(format!("`{event}`: {error}")))?;
                    self.events.insert(event, mode);
                }
            }
            _ => {
                let text = text_of(value)?;
                self.set_input(name, &text)?;
                self.texts.insert(name, text);
            }
        }
        Ok(())
    }

    /// Sets what is an input as well.
    fn set_input(&mut self, name: &str, text: &str) -> Result<(), Unreadable> {
        let unless_none = |text| Some(text).filter(|text: &&str| *text != "none");
        match name {
            "cache-root" => {
                let root = PathBuf::from(text);
                if !root.is_absolute() {
                    return Err(Unreadable::new(format!("`{text}` is not an absolute path")));
                }
                self.cache_root = Some(root);
            }
            "root-access" => self.root_access = Some(one_of(text)?),
            "share" => self.share = Some(one_of(text)?),
            "keep" => self.limits.keep = Some(parse_keep(text)?),
            "max-age" => {
                self.limits.max_age = Some(unless_none(text).map_or(Ok(SignedDuration::MAX), parse_age)?);
            }
            "max-size" => {
                self.limits.max_size = unless_none(text).map(parse_bytes).transpose()?;
            }
            "min-free" => self.limits.min_free = Some(parse_min_free(text)?),
            _ => unreachable!("the names are listed above"),
        }
        Ok(())
    }

    /// What is an input as well: names and values, which are the defaults of jobs on this host.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.texts.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// The most that a job may have in common with others. Where the host does not say, whoever calls the program outside of
    /// a workflow (`is_actions` is false) says it.
    pub fn most_share(&self, is_actions: bool) -> Share {
        self.share.unwrap_or(if is_actions { Share::Repository } else { Share::Host })
    }

    /// What the job of `context` may do at most.
    pub fn mode(&self, context: &Context) -> CacheMode {
        let repository = context.repository.as_deref().unwrap_or_default();
        if !self.has_cache(repository) {
            return CacheMode::None;
        }
        let of_event = context.event.as_deref().and_then(|event| self.events.get(event)).copied();
        self.cache_mode.and(of_event.unwrap_or_default())
    }

    /// The repositories that it names, `owner/name` or `owner/*`.
    pub fn repositories(&self) -> &[String] {
        self.repositories.as_deref().unwrap_or_default()
    }

    /// Whether jobs of `repository` have a cache here. GitHub knows no case in names.
    fn has_cache(&self, repository: &str) -> bool {
        let Some(patterns) = &self.repositories else { return true };
        patterns.iter().any(|pattern| match (pattern.strip_suffix("/*"), repository.split_once('/')) {
            (Some(owner), Some((of, _))) => owner.eq_ignore_ascii_case(of),
            _ => pattern == "*" || pattern.eq_ignore_ascii_case(repository),
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value, allowed: &str) -> Result<T, Unreadable> {
    serde_yaml::from_value(value).map_err(|_| Unreadable::new(format!("is not {allowed}")))
}

fn mode(value: Value) -> Result<CacheMode, Unreadable> {
    one_of(&text_of(value)?)
}

/// Numbers and truth values are texts as well, as in inputs.
fn text_of(value: Value) -> Result<String, Unreadable> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        // `none` is no word of YAML's, but an empty value is.
        _ => Err(Unreadable::new("requires a string".to_owned())),
    }
}

fn one_of<T: clap::ValueEnum>(text: &str) -> Result<T, Unreadable> {
    let names = || {
        T::value_variants().iter().filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
    };
    T::from_str(text, false).map_err(|_| {
        let names: Vec<_> = names().collect();
        let near = near_miss(text, names.iter().map(String::as_str));
        Unreadable::new(format!("`{text}` is not allowed; allowed: {}{near}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(repository: &str, event: &str) -> Context {
        Context { repository: Some(repository.into()), event: Some(event.into()), ..Context::default() }
    }

    #[test]
    fn all_that_it_can_say_is_read() {
        let text = "cache-root: /data/cache\nroot-access: group\nkeep: target=2\nmax-age: 14d\nmax-size: 200GB\nmin-free: 10%\n\
                    share: owner\nrepositories: [a/*, b/one]\ncache-mode: write\nevents: { pull_request: read }\n";
        let policy = HostPolicy::parse(text).unwrap();
        assert_eq!(policy.cache_root, Some("/data/cache".into()));
        assert_eq!(policy.root_access, Some(Access::Group));
        assert_eq!((policy.most_share(true), policy.most_share(false)), (Share::Owner, Share::Owner));
        assert_eq!(policy.limits.max_age, Some(SignedDuration::from_hours(14 * 24)));
        assert_eq!(policy.limits.max_size, Some(200_000_000_000));
        assert_eq!(policy.limits.min_free(), Some(MinFree::Percent(10.0)));
        let names: Vec<_> = policy.inputs().collect();
        assert!(names.contains(&("max-age", "14d")) && names.len() == 7, "{names:?}");
        for text in ["", "# nothing yet\n", "{}"] {
            assert_eq!(HostPolicy::parse(text).unwrap(), HostPolicy::default(), "{text}");
        }
    }

    #[test]
    fn a_name_stands_there_once() {
        for text in ["cache-mode: none\ncache-mode: write\n", "events:\n  push: none\n  push: write\n"] {
            let error = HostPolicy::parse(text).unwrap_err().to_string();
            assert!(error.contains("duplicate"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_in_it_is_named() {
        for (text, told) in [
            (
                "events: { '*': none }",
                "`events`: `*` is no event; hint: name events one by one, such as `pull_request`",
            ),
            (
                "events: { Push: none }",
                "`events`: `Push` is no event; hint: name events one by one, such as `pull_request`",
            ),
            (
                "max-sice: 1GB",
                "unknown name `max-sice`; allowed: cache-root, root-access, keep, max-age, max-size, \
                 min-free, share, repositories, cache-mode, events; did you mean `max-size`?",
            ),
            (
                "max-size: much",
                "`max-size`: `much` is not a size; allowed: a number and a unit, such as 20GB or 500MiB",
            ),
            (
                "share: owners",
                "`share`: `owners` is not allowed; allowed: off, repository, owner, host; did you mean `owner`?",
            ),
            ("cache-root: cache", "`cache-root`: `cache` is not an absolute path"),
            ("cache-mode: [read]", "`cache-mode`: requires a string"),
            (
                "events: { push: reed }",
                "`events`: `push`: `reed` is not allowed; allowed: auto, read, write, write-only, none; did you \
                                        mean `read`?",
            ),
            ("repositories: a/*", "`repositories`: is not a list of names such as owner/name or owner/*"),
        ] {
            assert_eq!(HostPolicy::parse(text).unwrap_err().to_string(), told);
        }
        assert!(HostPolicy::parse("a: [").is_err());
    }

    #[test]
    fn the_narrowest_of_its_modes_holds() {
        let policy = HostPolicy::parse(
            "repositories: [Ours/*, theirs/one]\ncache-mode: write\nevents: { pull_request: read, schedule: write-only }",
        )
        .unwrap();
        for (repository, event, mode) in [
            ("ours/a", "push", CacheMode::Write),
            ("theirs/ONE", "pull_request", CacheMode::Read),
            ("ours/a", "schedule", CacheMode::WriteOnly),
            ("theirs/two", "push", CacheMode::None),
            ("oursx/a", "push", CacheMode::None),
            ("", "push", CacheMode::None),
        ] {
            assert_eq!(policy.mode(&context(repository, event)), mode, "{repository}, {event}");
        }
        assert!(HostPolicy::default().mode(&Context::default()).writes());
    }

    #[test]
    fn without_limits_of_the_host_others_keep_what_the_default_leaves_them() {
        let days = |days: i64| Some(SignedDuration::from_hours(24 * days));
        let own = |max_age, percent| Policy {
            max_age,
            max_size: Some(1),
            min_free: MinFree::Percent(percent),
            ..Policy::default()
        };
        let space = Space { bytes: 1000, inodes: 0, free_bytes: 500, free_inodes: 0, device: 0 };
        let none = HostLimits::default();
        let greedy = none.policy(&own(days(1), 50.0), space);
        assert_eq!(
            (greedy.max_age, greedy.max_size, greedy.min_free),
            (days(30), None, MinFree::Percent(5.0))
        );
        assert_eq!(greedy.keep, Keep::all());
        let lax = none.policy(&own(None, 0.0), space);
        assert_eq!((lax.max_age, lax.min_free), (None, MinFree::Percent(0.0)));
        let host = HostPolicy::parse("max-age: 90d\nmin-free: 1%\nmax-size: 10GB").unwrap().limits;
        let held = host.policy(&own(days(1), 50.0), space);
        assert_eq!((held.max_age, held.max_size), (days(90), Some(10_000_000_000)));
        assert_eq!(held.min_free, MinFree::Percent(1.0));
    }
}
