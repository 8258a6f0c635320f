//! Which entries may serve a job, best first.
//!
//! Exact key before a prefix, what a job completed before what one began, own lane before others, restore keys in their order,
//! own ref before base ref before default branch, newest first. What is of the future, since a clock was ahead, comes behind
//! all that is not: else nothing would ever be newer.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::address::{EntryId, scope_directory};
use super::header::Header;
use super::{Layer, Result, Scope, Store, name};

/// Of how many keys the headers are read where all would be worth a look.
const MOST_KEYS: usize = 50;

/// Whose entries a job may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lanes {
    /// Those of its own lane first, then all others.
    Any,
    /// Those of its own lane only.
    Own,
}

/// A lane as a job sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Own,
    Other,
}

/// What a job looks for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The layer.
    pub layer: Layer,
    /// Where to look, first to last.
    pub scopes: &'a [Scope],
    /// The exact key.
    pub key: &'a str,
    /// Prefixes of other keys, best first.
    pub restore_keys: &'a [String],
    /// The job's own lane.
    pub lane: &'a str,
    /// Whose entries will do.
    pub lanes: Lanes,
    /// Whether entries can be partial: these come after all that are final.
    pub may_be_partial: bool,
    /// The present time: entries of the future come last.
    pub now: Timestamp,
}

/// An entry that may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub id: EntryId,
    /// Its key.
    pub key: String,
    /// Whether its key is the one that was looked for.
    pub is_exact: bool,
}

impl Store {
    /// The entries that may serve, best first. Directories that cannot be read hold none.
    pub fn candidates(&self, query: &Query<'_>) -> Result<Vec<Candidate>> {
        let mut found = Vec::new();
        self.add_exact(query, &mut found)?;
        let exact = found.len();
        self.add_prefixed(query, &mut found)?;
        if query.may_be_partial {
            // What cannot be read will not be taken anyway.
            let is_partial =
                |one: &Candidate| self.header(&one.id).is_ok_and(|header| !header.finality.is_final());
            found[..exact].sort_by_cached_key(is_partial);
            found[exact..].sort_by_cached_key(is_partial);
        }
        Ok(found)
    }

    fn add_exact(&self, query: &Query<'_>, found: &mut Vec<Candidate>) -> Result<()> {
        let mut directories = Vec::new();
        for scope in query.scopes {
            directories.push((self.key_directory(query.layer, scope, query.key), query.key.to_owned()));
        }
        self.add_lane(query, &directories, Lane::Own, found)?;
        if query.lanes == Lanes::Any {
            self.add_lane(query, &directories, Lane::Other, found)?;
        }
        Ok(())
    }

    fn add_prefixed(&self, query: &Query<'_>, found: &mut Vec<Candidate>) -> Result<()> {
        if query.restore_keys.is_empty() {
            return Ok(());
        }
        let mut keys = Vec::new();
        for scope in query.scopes {
            let directory = scope_directory(self.root(), query.layer, scope);
            for name in self.names(&directory)? {
                let key_directory = directory.join(&name);
                if let Some(key) = self.key_of(name.to_str(), &key_directory)?.filter(|key| key != query.key)
                {
                    keys.push((key_directory, key));
                }
            }
        }
        let mut matching = Vec::new();
        for prefix in query.restore_keys {
            let (of_prefix, rest) = keys.into_iter().partition(|(_, key)| key.starts_with(prefix.as_str()));
            keys = rest;
            matching.push(of_prefix);
        }
        // All restore keys in the own lane come before any of them in another one.
        for directories in &matching {
            self.add_lane(query, directories, Lane::Own, found)?;
        }
        if query.lanes == Lanes::Any {
            for directories in &matching {
                self.add_lane(query, directories, Lane::Other, found)?;
            }
        }
        Ok(())
    }

    /// Adds the entries of these keys' directories (neighbouring directories of one scope count as one), newest first.
    fn add_lane(
        &self,
        query: &Query<'_>,
        directories: &[(PathBuf, String)],
        lane: Lane,
        found: &mut Vec<Candidate>,
    ) -> Result<()> {
        for scope in directories.chunk_by(|(a, _), (b, _)| a.parent() == b.parent()) {
            let mut of_scope = Vec::new();
            for (key_directory, key) in scope {
                for generation in self.generations(key_directory)? {
                    let of = if generation.is_of_lane(query.lane) { Lane::Own } else { Lane::Other };
                    if of == lane {
                        let id = EntryId { key_directory: key_directory.clone(), generation };
                        of_scope.push(Candidate { id, key: key.clone(), is_exact: key == query.key });
                    }
                }
            }
            let rank =
                |one: &Candidate| (!one.id.generation.is_of_future(query.now), one.id.generation.clone());
            of_scope.sort_by_cached_key(|one| Reverse(rank(one)));
            found.append(&mut of_scope);
        }
        Ok(())
    }

    /// The keys of a layer in a scope, as far as their directories' names tell them.
    pub fn keys(&self, layer: Layer, scope: &Scope) -> Result<Vec<String>> {
        let names = self.names(&scope_directory(self.root(), layer, scope))?;
        Ok(names.iter().filter_map(|name| Some(name::decode(name.to_str()?)?.into_owned())).collect())
    }

    /// The entries of a key, oldest first.
    pub fn entries_of(&self, layer: Layer, scope: &Scope, key: &str) -> Result<Vec<EntryId>> {
        let key_directory = self.key_directory(layer, scope, key);
        let generations = self.generations(&key_directory)?.into_iter();
        Ok(generations
            .map(|generation| EntryId { key_directory: key_directory.clone(), generation })
            .collect())
    }

    /// What the entries of a layer in these scopes are, as far as they can be read: those of the keys to which entries came
    /// last. To read all would take longer than the look-up.
    pub fn newest_headers(&self, layer: Layer, scopes: &[Scope]) -> Result<Vec<Header>> {
        let mut headers = Vec::new();
        for scope in scopes {
            let directory = scope_directory(self.root(), layer, scope);
            let names = self.names(&directory)?;
            if names.is_empty() {
                continue;
            }
            let dir = self.open_directory(&directory)?;
            let time = |name: &OsString| {
                let stat = dir.stat_if_present(name.as_bytes()).ok().flatten();
                (stat.map(|stat| stat.mtime), name.clone())
            };
            let mut newest: Vec<_> = names.iter().map(time).collect();
            newest.sort_unstable_by(|a, b| b.cmp(a));
            for key_directory in newest.into_iter().take(MOST_KEYS).map(|(_, name)| directory.join(name)) {
                for generation in self.generations(&key_directory)? {
                    headers
                        .extend(self.header(&EntryId { key_directory: key_directory.clone(), generation }));
                }
            }
        }
        Ok(headers)
    }

    /// The key of a directory. A name that was cut tells it only together with an entry's manifest.
    fn key_of(&self, name: Option<&str>, directory: &Path) -> Result<Option<String>> {
        let Some(name) = name else { return Ok(None) };
        if let Some(key) = name::decode(name) {
            return Ok(Some(key.into_owned()));
        }
        let header = |generation| self.header(&EntryId { key_directory: directory.into(), generation });
        // A manifest that cannot be read belongs to an entry that will not be taken anyway.
        Ok(self
            .generations(directory)?
            .into_iter()
            .rev()
            .find_map(|generation| header(generation).ok()?.key.into()))
    }
}
