//! The units of the pool that a job may use, each held while it is looked at.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::cargo::{Unit, units};
use crate::github::Environment;
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::outcome::Code;
use crate::plan::{PoolPlan, UnitKey};
use crate::store::{self, EntryId, Layer, Lease, Scope, Store};
use crate::sys::{ManyOpenFiles, Time, sha256_hex};
use crate::tree::Tree;

/// How many files a transfer has open at a time besides the units, at most.
pub(crate) const OTHER_FILES: usize = 200;

/// A unit of the pool.
#[derive(Debug)]
pub(crate) struct PoolUnit {
    pub(crate) key: UnitKey,
    pub(crate) unit: store::Unit,
    pub(crate) lease: Lease,
}

impl PoolUnit {
    /// What is in it, as it lies in a target directory.
    pub(crate) fn tree(&self) -> &Tree {
        &self.lease.manifest().roots[0].tree
    }

    /// Whether its build script read what variables are now. They may be others in the step that builds.
    pub(crate) fn has_values_of(&self, env: &Environment) -> bool {
        self.unit.variables.iter().all(|(name, value)| *value == digest_of(env.get(name)))
    }

    /// Whether the target directory `target` has just these files.
    pub(crate) fn is_in(&self, target: &Tree) -> bool {
        let (tree, same) = (self.tree(), self.tree().same_as(target));
        tree.iter().all(|(id, node)| same[id as usize] || node.kind.is_directory())
    }
}

/// What was found in the pool.
pub(crate) struct Found {
    /// The units, the newest first.
    pub(crate) units: Vec<PoolUnit>,
    /// Of those that were not read, since too many files would be open.
    pub(crate) unread: Vec<UnitKey>,
}

/// What the pool has under the hashes of the units in a target directory.
#[derive(Debug)]
pub(crate) struct PooledUnits {
    by_hash: HashMap<String, Vec<PoolUnit>>,
    /// Those that were found and not opened, since too many files would be open.
    unread: HashSet<UnitKey>,
}

impl PooledUnits {
    /// Looks for the units of `target`.
    pub(crate) fn find(
        job: &Job,
        store: &Store,
        files: &ManyOpenFiles,
        pool: &PoolPlan,
        target: &Tree,
    ) -> Result<Self, Trouble> {
        let hashes: HashSet<_> = units(target).iter().map(|unit| hash(target, unit)).collect();
        // Also of what the job adds to and does not read, lest it adds the same each time.
        let scopes = pool.read.iter().chain(&pool.write);
        let found = find(job, store, files, (pool, scopes), |key| hashes.contains(&key.hash))?;
        let mut by_hash: HashMap<String, Vec<PoolUnit>> = HashMap::new();
        for unit in found.units {
            by_hash.entry(unit.key.hash.clone()).or_default().push(unit);
        }
        Ok(Self { by_hash, unread: found.unread.into_iter().collect() })
    }

    /// Those of one hash.
    pub(crate) fn of(&self, hash: &str) -> &[PoolUnit] {
        self.by_hash.get(hash).map_or(&[], Vec::as_slice)
    }

    /// Whether this one is there and was not read.
    pub(crate) fn is_unread(&self, key: &UnitKey) -> bool {
        self.unread.contains(key)
    }

    /// All that were read.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PoolUnit> {
        self.by_hash.values().flatten()
    }
}

/// Cargo's hash of a unit.
pub(crate) fn hash(target: &Tree, unit: &Unit) -> String {
    String::from_utf8_lossy(unit.names(target).1).into_owned()
}

/// Where a unit lies.
pub(crate) fn slot(target: &Tree, unit: &Unit) -> String {
    String::from_utf8_lossy(&target.path_below(0, unit.directory())).into_owned()
}

/// The units whose keys are wanted, of each one. What cannot be read is passed over.
pub(crate) fn find<'p>(
    job: &Job,
    store: &Store,
    files: &ManyOpenFiles,
    (pool, scopes): (&PoolPlan, impl Iterator<Item = &'p Scope>),
    is_wanted: impl Fn(&UnitKey) -> bool,
) -> Result<Found, Trouble> {
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    let mut seen_scopes = Vec::new();
    for scope in scopes {
        if seen_scopes.contains(&scope) {
            continue;
        }
        seen_scopes.push(scope);
        for text in store.keys(Layer::Units, scope)? {
            let key = UnitKey::parse(&pool.prefix, &text).filter(&is_wanted);
            keys.extend(key.filter(|key| seen.insert(key.clone())).map(|key| (scope, text, key)));
        }
    }
    // Each is held open. Where that is not allowed for all, fewer come.
    let unread = keys.split_off(files.take(keys.len())).into_iter().map(|(_, _, key)| key).collect();
    let damaged = AtomicUsize::new(0);
    let found = keys.into_par_iter().map(|(scope, text, key)| {
        let ids = store.entries_of(Layer::Units, scope, &text)?;
        let units = ids.into_iter().filter_map(|id| open(store, &id, &key, &damaged));
        // The same may have been compiled twice at the same time. The first is older than all that needs it.
        Ok(units.min_by_key(|unit| made(unit.tree())))
    });
    let mut found: Vec<_> = found.collect::<Result<Vec<_>, Trouble>>()?.into_iter().flatten().collect();
    tell_damaged(job, damaged.into_inner());
    found.sort_by(|a, b| {
        let created = |unit: &PoolUnit| unit.lease.manifest().header.created;
        created(b).cmp(&created(a)).then_with(|| a.key.digest.cmp(&b.key.digest))
    });
    Ok(Found { units: found, unread })
}

/// `None` for one that is not to be had.
fn open(store: &Store, id: &EntryId, key: &UnitKey, damaged: &AtomicUsize) -> Option<PoolUnit> {
    match store.lease(id.clone()) {
        Ok(lease) => {
            let unit =
                lease.manifest().header.unit().cloned().filter(|_| lease.manifest().roots.len() == 1)?;
            Some(PoolUnit { key: key.clone(), unit, lease })
        }
        Err(error) if error.is_damage() => {
            take_out(store, id);
            damaged.fetch_add(1, Ordering::Relaxed);
            None
        }
        // It is gone, or of a newer version, for example.
        Err(_) => None,
    }
}

/// Takes a damaged unit out of use. One that stays, such as in a store of a newer version, is found again.
pub(crate) fn take_out(store: &Store, id: &EntryId) {
    let _ = store.quarantine(id);
}

/// Tells that so many units were damaged.
pub(crate) fn tell_damaged(job: &Job, count: usize) {
    if count > 0 {
        job.note_damaged(count as u64);
        job.warn(Code::Damaged, format!("unit pool: took {count} damaged units out of use"));
    }
}

/// How the value of a variable is noted; an empty one is none.
pub(crate) fn digest_of(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(|value| sha256_hex(value.as_bytes()))
}

/// When the last file of a unit was made.
pub(crate) fn made(tree: &Tree) -> Option<Time> {
    tree.iter().filter(|(_, node)| !node.kind.is_directory()).map(|(_, node)| node.mtime).max()
}
