//! Whose cache is where: one directory, one that users share, or one of each user.

use std::path::{Path, PathBuf};

use super::error::{Result, refused};
use super::facts::Facts;
use super::policy;
use super::record::STATE;
use super::request::PlainPath;
use super::shown::{shown, shown_path};
use super::system::Owner;
use crate::plan::{HOST_POLICY, HostPolicy};
use crate::store::Access;

/// A cache directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) path: PlainPath,
    pub(super) owner: Owner,
    /// The names of its user and group, for people.
    pub(super) names: (String, String),
    /// The home of its user, if it is one user's.
    pub(super) home: Option<PathBuf>,
}

/// All of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The only user's.
    One { root: Root, why: String },
    /// Of users who trust each other, by their group.
    Shared { root: Root, why: String },
    /// Of each user, below one directory.
    Each(Vec<Root>),
}

/// Where the cache is to be, and why.
struct Place {
    path: PathBuf,
    why: String,
}

impl Roots {
    /// Chooses them. What the policy says already counts; a request that contradicts it is refused.
    pub(super) fn choose(facts: &Facts) -> Result<Self> {
        let users = &facts.users[..];
        if users.is_empty() {
            return refused(
                "no runner found; hint: `--runner-dir` names its directory, or name the user of a later \
                 runner in `--user`",
            );
        }
        let known = policy::read(facts.policy.as_deref())?;
        let access = access(facts, &known)?;
        let place = place(facts, &known, access)?;
        let path = PlainPath::new("the cache directory", &place.path)?;
        // A runner's user is to own no directory in which root looks for what it made.
        let own = Path::new(STATE);
        if path.path().starts_with(own) || own.starts_with(path.path()) {
            return refused(format!("{STATE} belongs to `host setup`; hint: name another in `--root`"));
        }
        if access == Access::Group {
            let Some(group) = &facts.group else {
                let name = facts.request.group.as_deref();
                return refused(name.map_or_else(
                    || format!("`root-access: group` in {HOST_POLICY} names no group; hint: `--group NAME`"),
                    |name| format!("group `{name}` does not exist; hint: `groupadd {name}`"),
                ));
            };
            let owner = Owner { user: 0, group: group.number };
            let root = Root { path, owner, names: ("root".to_owned(), group.name.clone()), home: None };
            return Ok(Self::Shared { root, why: place.why });
        }
        let of_user = |path: PlainPath, index: usize| Root {
            path,
            owner: users[index].owner,
            names: (users[index].name.clone(), facts.user_groups[index].clone()),
            home: Some(users[index].home.clone()),
        };
        if users.len() == 1 {
            return Ok(Self::One { root: of_user(path, 0), why: place.why });
        }
        if known.cache_root.is_some() {
            let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
            return refused(format!(
                "`cache-root` in {HOST_POLICY} is one directory for all, and there are runners of {} users ({}); hint: `--group` \
                 for users who trust each other, or remove the line, and each user gets a directory of its own",
                names.len(),
                names.join(", ")
            ));
        }
        if facts.is_root_a_cache {
            return refused(format!(
                "{path} is the cache of one user, and there are runners of {} now; hint: name another directory in `--root`; \
                 each user gets one in it",
                users.len()
            ));
        }
        let each = users
            .iter()
            .enumerate()
            .map(|(index, user)| Ok(of_user(path.join("the cache directory of a user", &user.name)?, index)));
        Ok(Self::Each(each.collect::<Result<_>>()?))
    }

    /// All directories.
    pub(super) fn all(&self) -> &[Root] {
        match self {
            Self::One { root, .. } | Self::Shared { root, .. } => std::slice::from_ref(root),
            Self::Each(roots) => roots,
        }
    }

    /// Who may write to them.
    pub(super) fn access(&self) -> Access {
        if matches!(self, Self::Shared { .. }) { Access::Group } else { Access::Private }
    }

    /// Their permission bits.
    pub(super) fn mode(&self) -> u16 {
        if self.access() == Access::Group { 0o2770 } else { 0o700 }
    }

    /// That which the policy tells to all.
    pub(super) fn of_policy(&self) -> Option<&PlainPath> {
        match self {
            Self::One { root, .. } | Self::Shared { root, .. } => Some(&root.path),
            Self::Each(_) => None,
        }
    }

    /// That which only a variable can tell the runners of a user.
    pub(super) fn of_variable(&self, user: &str) -> Option<&PlainPath> {
        if matches!(self, Self::Each(_)) { self.of_user(user) } else { None }
    }

    /// That of a user.
    pub(super) fn of_user(&self, user: &str) -> Option<&PlainPath> {
        let root = match self {
            Self::One { root, .. } | Self::Shared { root, .. } => Some(root),
            Self::Each(roots) => roots.iter().find(|root| root.names.0 == user),
        };
        root.map(|root| &root.path)
    }

    /// Where they are and why, for people.
    pub(super) fn told(&self) -> Vec<String> {
        match self {
            Self::One { root, why } => vec![format!("{} for {}: {why}", root.path, root.names.0)],
            Self::Shared { root, why } => {
                vec![format!("{} for the group {}: {why}", root.path, root.names.1)]
            }
            Self::Each(roots) => {
                let told = |root: &Root| format!("{} for {}: each user has its own", root.path, root.names.0);
                roots.iter().map(told).collect()
            }
        }
    }
}

fn access(facts: &Facts, known: &HostPolicy) -> Result<Access> {
    match (known.root_access, &facts.request.group) {
        (Some(Access::Private), Some(_)) => refused(format!(
            "`--group` contradicts `root-access: private` in {HOST_POLICY}; hint: change one of them"
        )),
        (Some(access), _) => Ok(access),
        (None, Some(_)) => Ok(Access::Group),
        (None, None) => Ok(Access::Private),
    }
}

fn place(facts: &Facts, known: &HostPolicy, access: Access) -> Result<Place> {
    let asked = facts.request.root.as_ref();
    if let Some(path) = &known.cache_root {
        if let Some(asked) = asked.filter(|asked| *asked != path) {
            return refused(format!(
                "`cache-root` in {HOST_POLICY} is {}, and `--root` is {}; hint: change the policy first, or leave `--root` out",
                path.display(),
                asked.display()
            ));
        }
        return Ok(Place { path: path.clone(), why: format!("{HOST_POLICY} says so") });
    }
    if let Some(path) = asked {
        return Ok(Place { path: path.clone(), why: "`--root` says so".to_owned() });
    }
    if access == Access::Group || facts.users.len() > 1 {
        let hint =
            "hint: `--root DIRECTORY` gives each user a directory in it; with `--group NAME` all share it";
        return refused(format!("several users need a cache directory; {hint}"));
    }
    // Jobs can write these variables' files, and root is to make no directory for them wherever they say.
    if let Some((path, by)) = facts.runners.iter().find_map(|runner| runner.root.as_ref()) {
        // Somebody may paste the hint into a shell of root's.
        let root = if PlainPath::new("", path).is_ok() { shown_path(path) } else { "DIRECTORY".to_owned() };
        let path = shown_path(path);
        return refused(format!(
            "{} sets RUNNER_CACHE_ROOT to {path}; hint: `--root {root}`, or remove the variable there",
            shown(by)
        ));
    }
    match &facts.chosen {
        Some(chosen) => Ok(Place { path: chosen.directory.clone(), why: chosen.why.clone() }),
        None => Ok(Place { path: Path::new("/var/tmp/runner-cache").into(), why: "the default".to_owned() }),
    }
}
