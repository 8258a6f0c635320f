//! The unit pool: which runs share what cargo compiled of dependencies, under which keys it is found, and who adds to it.
//!
//! A unit's key has what must be the same for cargo to take the unit (compiler, environment, configuration, cargo
//! home) and for what it holds to work (the system), the package and its version, cargo's hash of the unit, and a digest of
//! what was compiled:
//! ```text
//! unit-<d>-serde-1.0.219-0d7ce108b7e01725-<digest>
//! ```

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use crate::store::{Factor, Scope};
use crate::sys::Digest;

/// The ref of a pool that several repositories share.
const SHARED_REF: &str = "shared";

/// Digits of a digest in a unit's key.
const DIGEST: usize = 32;

/// Who has a unit pool in common, from the fewest to the most.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Nobody: there is none.
    Off,
    /// The runs of a repository, as far as they read each other's entries.
    #[default]
    Repository,
    /// All repositories of an owner.
    Owner,
    /// All repositories of the host.
    Host,
}

/// The pool of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolPlan {
    /// What the keys of units that fit begin with.
    pub prefix: String,
    /// What they are made from that the layer's key is not.
    pub factors: Vec<Factor>,
    /// Where to look.
    pub read: Vec<Scope>,
    /// Where to add, if the job may.
    pub write: Option<Scope>,
    /// The cargo home of the job's builds.
    #[serde(with = "super::paths::one")]
    pub home: PathBuf,
    /// Where cargo puts units, each with the lock files that name the dependencies.
    pub directories: Vec<UnitDirectory>,
}

/// A root of the target layer in which there are units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitDirectory {
    /// The root's name.
    pub root: String,
    /// The lock files of the workspaces that are built there.
    #[serde(with = "super::paths::several")]
    pub locks: Vec<PathBuf>,
}

/// The key of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnitKey {
    /// The package, `<name>-<version>`.
    pub package: String,
    /// Cargo's hash.
    pub hash: String,
    /// What tells it from others that cargo would take for the same.
    pub digest: String,
}

impl UnitKey {
    /// The key of a unit of `package` with cargo's hash `hash`. `contents` is of what was compiled, `needs` are the
    /// digests of the units that it was built with: one that was built with others is another one.
    pub fn new(package: &str, hash: &str, contents: &Digest, needs: &[&str]) -> Self {
        let mut needs = needs.to_vec();
        needs.sort_unstable();
        let mut digest = crate::sys::sha256_hex(&[contents.bytes(), needs.join(" ").as_bytes()].concat());
        digest.truncate(DIGEST);
        Self { package: package.into(), hash: hash.into(), digest }
    }

    /// The key's text, for units that `prefix` fits.
    pub fn text(&self, prefix: &str) -> String {
        format!("{}-{}", self.family(prefix), self.digest)
    }

    /// What only outcomes of one compilation have in common: other versions, features and profiles are no older ones of a
    /// unit, but as much in use.
    pub fn family(&self, prefix: &str) -> String {
        let Self { package, hash, .. } = self;
        format!("{prefix}{package}-{hash}")
    }

    /// Reads a key's text; `None` where `prefix` does not fit.
    pub fn parse(prefix: &str, text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(prefix)?.rsplitn(3, '-');
        let (digest, hash, package) = (parts.next()?, parts.next()?, parts.next()?);
        (digest.len() == DIGEST).then(|| Self {
            package: package.into(),
            hash: hash.into(),
            digest: digest.into(),
        })
    }
}

impl Share {
    /// Whether the job of `own` may add to the pool of `scope` where jobs have at most this in common.
    pub(super) fn allows(self, scope: Option<&Scope>, own: &Scopes) -> bool {
        let shares = [Self::Repository, Self::Owner, Self::Host].into_iter().filter(|share| *share <= self);
        let writes = |share: Self| share.scopes(own).and_then(|(_, write)| write);
        scope.is_none_or(|scope| shares.map(writes).any(|write| write.as_ref() == Some(scope)))
    }

    /// Where the pool's units are looked up and added. `own` are the scopes of the job, its own first; only a run that
    /// others of its repository fall back on adds to what several repositories share.
    pub(super) fn scopes(self, own: &Scopes) -> Option<(Vec<Scope>, Option<Scope>)> {
        let Scopes { read, is_of_default_branch, repository, .. } = own;
        let write = own.write.as_ref().ok();
        let shared = match self {
            Self::Off => return None,
            Self::Repository => return Some((read.clone(), write.cloned())),
            Self::Owner => format!("{}/*", repository.split('/').next().unwrap_or_default()),
            Self::Host => "*".to_owned(),
        };
        let shared = Scope { repository: shared, reference: SHARED_REF.to_owned() };
        let write = write.map(|own| if *is_of_default_branch { shared.clone() } else { own.clone() });
        // Who is to read nothing reads nothing of others either.
        let read = if read.is_empty() { Vec::new() } else { [&**read, &[shared]].concat() };
        Some((read, write))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scope::NoWrite;
    use super::*;

    fn scope(repository: &str, reference: &str) -> Scope {
        Scope { repository: repository.into(), reference: reference.into() }
    }

    #[test]
    fn a_key_reads_back_and_another_prefix_does_not_fit() {
        let key =
            UnitKey::new("serde-json-1.0.0+build-1", "0123456789abcdef", &Digest::of(b"x"), &["b", "a"]);
        assert_eq!(
            key,
            UnitKey::new("serde-json-1.0.0+build-1", "0123456789abcdef", &Digest::of(b"x"), &["a", "b"])
        );
        assert_eq!(UnitKey::parse("unit-1-", &key.text("unit-1-")).as_ref(), Some(&key));
        assert_eq!(UnitKey::parse("unit-2-", &key.text("unit-1-")), None);
        assert_eq!(key.family("unit-1-"), "unit-1-serde-json-1.0.0+build-1-0123456789abcdef");
        assert_eq!(UnitKey::parse("unit-1-", "unit-1-serde-1.0"), None);
    }

    #[test]
    fn what_was_built_with_something_else_is_something_else() {
        let key = |needs: &[&str]| UnitKey::new("a-1.0.0", "0123456789abcdef", &Digest::of(b"x"), needs);
        assert_ne!(key(&["a"]), key(&["b"]));
        assert_ne!(key(&["a"]), key(&[]));
    }

    #[test]
    fn only_the_default_branch_adds_to_what_repositories_share() {
        let (main, request) = (scope("o/r", "refs/heads/main"), scope("o/r", "refs/pull/1/merge"));
        let of = |read: &[&Scope], write: Option<&Scope>, is_of_default_branch| Scopes {
            read: read.iter().map(|scope| (*scope).clone()).collect(),
            write: write.cloned().ok_or(NoWrite::Input),
            reach: None,
            is_of_default_branch,
            repository: "o/r".into(),
        };
        let of_request = of(&[&request, &main], Some(&request), false);
        assert_eq!(Share::Off.scopes(&of_request), None);
        let own = Share::Repository.scopes(&of_request);
        assert_eq!(own, Some((vec![request.clone(), main.clone()], Some(request.clone()))));
        let shared = scope("o/*", "shared");
        let (read, write) = Share::Owner.scopes(&of_request).unwrap();
        assert_eq!((read.last(), write), (Some(&shared), Some(request)));
        let of_main = of(&[&main], Some(&main), true);
        assert_eq!(Share::Owner.scopes(&of_main).unwrap().1, Some(shared));
        assert_eq!(Share::Host.scopes(&of_main).unwrap().1, Some(scope("*", "shared")));
        let of_comment = of(&[&main], None, false);
        assert_eq!(Share::Host.scopes(&of_comment).unwrap().1, None);
    }
}
