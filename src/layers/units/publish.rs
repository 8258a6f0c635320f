//! Adds to the unit pool what an entry has of dependencies: further names of its files, so no second copy of what is large.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

use tracing::{debug_span, trace_span};

use crate::cargo::{Dependency, Unit, dependencies, portable, units};
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::units::pool::{PoolUnit, PooledUnits, digest_of, hash, made, slot};
use crate::outcome::Pooled;
use crate::plan::{PoolPlan, Session, UnitKey};
use crate::store::{
    self, EntryId, Header, Inputs, LayerData, Lease, Made, Manifest, Origin, Outside, Provenance, Root,
    Scope, Staging, Store,
};
use crate::sys::Digest;
use crate::tree::{self, Bases, Engine, Files, LinkMode, Linker, NodeSet, Placement, Progress, Source, Tree};

/// The lane of all units: whoever can use one may.
const LANE: &str = "units";

/// Adds the units of the entry `id` to the pool. `known` is what the pool has already, for each root of the entry that is a
/// directory of units.
pub(crate) fn publish_units(
    job: &Job,
    store: &Store,
    session: &Session,
    pool: &PoolPlan,
    id: &EntryId,
    known: &[Option<PooledUnits>],
) -> Result<Pooled, Trouble> {
    let _span = debug_span!("publish units").entered();
    let mut pooled = Pooled::default();
    let Some(write) = &pool.write else { return Ok(pooled) };
    let entry = store.lease(id.clone())?;
    for (root, known) in known.iter().enumerate() {
        if let Some(known) = known {
            Publisher::new(job, store, session, (pool, write), &entry, root, known)?
                .publish_all(&mut pooled)?;
        }
    }
    Ok(pooled)
}

/// One root of an entry.
struct Publisher<'a> {
    job: &'a Job,
    store: &'a Store,
    session: &'a Session,
    pool: &'a PoolPlan,
    /// Where to.
    scope: &'a Scope,
    tree: &'a Tree,
    /// Where its files lie.
    files: Files,
    units: Vec<Unit>,
    /// Those of which entries of other scopes have the inodes, by nodes.
    borrowed: Vec<bool>,
    /// What they were made of.
    made: &'a [Made],
    /// What of that lies outside of the sources.
    outside: &'a [Outside],
    /// What each of the units is.
    dependencies: Vec<Option<Dependency>>,
    known: &'a PooledUnits,
}

/// What a unit is to the pool.
enum Standing<'a> {
    /// It is there.
    Known(&'a PoolUnit),
    /// It is there, and was not read.
    Unread,
    /// It is not there, or was compiled later.
    New,
}

impl<'a> Publisher<'a> {
    fn new(
        job: &'a Job,
        store: &'a Store,
        session: &'a Session,
        (pool, scope): (&'a PoolPlan, &'a Scope),
        entry: &'a Lease,
        root: usize,
        known: &'a PooledUnits,
    ) -> Result<Self, Trouble> {
        let (tree, files) = (&entry.manifest().roots[root].tree, entry.open_root(root)?);
        let units = units(tree);
        let dependencies = dependencies(files.location(), tree, &units, &pool.home)?;
        // What several repositories share is of nobody's inodes alone.
        let own = session.scope.as_ref().ok().filter(|own| *own == scope);
        let borrowed = entry.borrowed(root, own);
        let made = entry.manifest().provenance.roots.get(root).map_or(&[][..], Vec::as_slice);
        Ok(Self {
            job,
            store,
            session,
            pool,
            scope,
            tree,
            files,
            borrowed,
            units,
            made,
            outside: &entry.manifest().provenance.outside,
            dependencies,
            known,
        })
    }

    fn publish_all(&self, pooled: &mut Pooled) -> Result<(), Trouble> {
        let keys = self.keys()?;
        let of_dependencies = (0..self.units.len()).filter(|&unit| self.dependencies[unit].is_some());
        let (mut new, mut used) = (Vec::new(), Vec::new());
        for unit in of_dependencies {
            match keys[unit].as_ref().map(|key| (key, self.standing(unit, key))) {
                Some((key, Standing::New)) => new.push((unit, key)),
                Some((_, Standing::Known(known))) => used.push(known),
                Some((_, Standing::Unread)) => pooled.known += 1,
                None => pooled.bound += 1,
            }
        }
        for unit in &used {
            unit.lease.record_use()?;
        }
        let added = new.par_iter().map(|&(unit, key)| self.publish(unit, key, &keys));
        let added = added.collect::<Result<Vec<_>, Trouble>>()?;
        pooled.known += used.len() as u64;
        pooled.added += added.len() as u64;
        pooled.bytes += added.iter().sum::<u64>();
        Ok(())
    }

    /// The key of each unit; `None` for one that cannot serve elsewhere, and for all that need it.
    fn keys(&self) -> Result<Vec<Option<UnitKey>>, Trouble> {
        let is_there = |unit: usize| {
            let found = self.known.of(&hash(self.tree, &self.units[unit]));
            found.iter().any(|found| self.is_it(unit, found))
        };
        // What the pool has is not read again.
        let contents = (0..self.units.len()).into_par_iter().map(|unit| match &self.dependencies[unit] {
            Some(_) if !is_there(unit) => self.contents(unit),
            _ => Ok(None),
        });
        let contents = contents.collect::<Result<Vec<_>, Trouble>>()?;
        let mut keys = Keys { of: self, contents, found: HashMap::new() };
        (0..self.units.len()).map(|unit| keys.find(unit)).collect()
    }

    fn contents(&self, unit: usize) -> Result<Option<Digest>, Trouble> {
        if !self.made.get(unit).is_some_and(Made::is_self_contained) {
            return Ok(None);
        }
        Ok(portable(self.files.location(), self.tree, &self.units[unit], &self.pool.home)?)
    }

    /// Whether `known` is a unit of this tree, as far as sizes and times tell.
    fn is_it(&self, unit: usize, known: &PoolUnit) -> bool {
        known.unit.slot == slot(self.tree, &self.units[unit]) && known.is_in(self.tree)
    }

    fn standing(&self, unit: usize, key: &UnitKey) -> Standing<'a> {
        let known = self.known.of(&key.hash).iter().find(|known| known.key == *key);
        let Some(known) = known else {
            return if self.known.is_unread(key) { Standing::Unread } else { Standing::New };
        };
        // All that was built with it must not be older: so of two that were compiled at once the first one stays.
        let own = self.units[unit].files(self.tree).into_iter().map(|id| self.tree.node(id).mtime).max();
        if own < made(known.tree()) { Standing::New } else { Standing::Known(known) }
    }

    /// What lies outside and the unit was made of.
    fn outside(&self, unit: usize) -> Vec<Outside> {
        let Some(Made { inputs: Inputs::Known(known), .. }) = self.made.get(unit) else {
            return Vec::new();
        };
        known.outside.iter().map(|&index| self.outside[index as usize].clone()).collect()
    }

    /// Makes an entry of a unit, and tells its bytes.
    fn publish(&self, unit: usize, key: &UnitKey, keys: &[Option<UnitKey>]) -> Result<u64, Trouble> {
        let _span =
            trace_span!("unit", package = self.dependencies[unit].as_ref().map(|unit| &*unit.package))
                .entered();
        let tree = self.tree_of(&self.units[unit]);
        let staging = self.store.stage()?;
        match self.fill(&staging, &tree) {
            Ok(packed) => {
                let bytes = tree.bytes();
                self.store.publish(staging, &self.manifest(unit, key, keys, tree, packed))?;
                Ok(bytes)
            }
            Err(error) => {
                // What cannot be removed now, a sweep will find; what is told is why.
                let _ = self.store.discard(staging);
                Err(error)
            }
        }
    }

    /// Puts `tree`, a unit's, into a staging, and tells what of it is packed.
    fn fill(&self, staging: &Staging, tree: &Tree) -> Result<NodeSet, Trouble> {
        let trees = staging.trees()?;
        let (linker, progress) = (Linker::new(LinkMode::Auto), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress: &progress };
        let files = self.files.of_part(self.tree, tree);
        // What has an inode in the entry gets a further name.
        let has_inode: Vec<_> = (0..tree.len()).map(|id| !files.location().is_packed(id)).collect();
        let source = Source { tree, location: files.location(), linkable: &has_inode, is_live: false };
        let packed = tree::pack(source, &staging.pack(self.store, &trees, 0), engine)?;
        let rest = packed.as_ref().map_or(tree, |packed| &packed.rest.tree);
        let files = self.files.of_part(self.tree, rest);
        let location = files.location();
        let of: Vec<_> = (0..rest.len()).map(|id| (!location.is_packed(id)).then_some(0)).collect();
        let bases = Bases { roots: std::slice::from_ref(location.dir()), of: &of };
        let source = Source { tree: rest, location, linkable: &[], is_live: false };
        let placement = [Placement { node: 0, name: b"0".to_vec() }];
        tree::place(source, &placement, &trees, Some(bases), engine)?;
        Ok(packed.map(|packed| packed.packed).unwrap_or_default())
    }

    /// The tree with nothing but one unit.
    fn tree_of(&self, unit: &Unit) -> Tree {
        let mut is_of_unit = vec![false; self.tree.len() as usize];
        let mut pending: Vec<_> = unit.parts.clone();
        while let Some(id) = pending.pop() {
            is_of_unit[id as usize] = true;
            pending.extend(self.tree.children(id));
        }
        for &part in &unit.parts {
            let mut at = part;
            while at != 0 {
                at = self.tree.node(at).parent;
                is_of_unit[at as usize] = true;
            }
        }
        self.tree.without(|id| !is_of_unit[id as usize])
    }

    fn manifest(
        &self,
        unit: usize,
        key: &UnitKey,
        keys: &[Option<UnitKey>],
        tree: Tree,
        packed: NodeSet,
    ) -> Manifest {
        let borrowed = NodeSet::of(&tree.of_same_paths(self.tree, &self.borrowed));
        let Dependency { package, features, variables, needs } =
            self.dependencies[unit].as_ref().expect("it has a key");
        let needs = needs.iter().filter_map(|&need| Some(keys[need].as_ref()?.digest.clone()));
        let origin = Origin { since_boot: Some(store::since_boot_ms()), ..self.session.origin.clone() };
        let header = Header {
            data: LayerData::Units {
                unit: store::Unit {
                    slot: slot(self.tree, &self.units[unit]),
                    package: package.clone(),
                    features: features.clone(),
                    variables: variables
                        .iter()
                        .map(|(name, value)| (name.clone(), digest_of(value.as_deref())))
                        .collect(),
                    needs: needs.collect(),
                    outside: self.outside(unit),
                },
            },
            key: key.text(&self.pool.prefix),
            factors: self.pool.factors.clone(),
            scope: self.scope.clone(),
            lane: LANE.to_owned(),
            family: key.family(&self.pool.prefix),
            contents: String::new(),
            origin,
            created: Timestamp::now(),
            finality: store::Finality::Final,
            is_of_default_branch: self.session.is_of_default_branch,
            made_in_seconds: 0,
            wrote: 0,
            files: tree.files(),
            bytes: tree.bytes(),
        };
        Manifest {
            header,
            roots: vec![Root { name: ".".into(), is_partial: false, tree, packed, borrowed }],
            sources: Vec::new(),
            provenance: Provenance::default(),
        }
    }
}

/// Keys, those of the units that a unit was built with before its own.
struct Keys<'c, 'a> {
    of: &'c Publisher<'a>,
    contents: Vec<Option<Digest>>,
    /// What was found out already.
    found: HashMap<usize, Option<UnitKey>>,
}

impl Keys<'_, '_> {
    fn find(&mut self, unit: usize) -> Result<Option<UnitKey>, Trouble> {
        if let Some(found) = self.found.get(&unit) {
            return Ok(found.clone());
        }
        // Fingerprints are of no circle. In one that was made up none has a key.
        self.found.insert(unit, None);
        let key = self.make(unit)?;
        self.found.insert(unit, key.clone());
        Ok(key)
    }

    fn make(&mut self, unit: usize) -> Result<Option<UnitKey>, Trouble> {
        let of = self.of;
        let Some(Dependency { package, needs, .. }) = &of.dependencies[unit] else { return Ok(None) };
        let mut digests = Vec::new();
        for &need in needs {
            let Some(key) = self.find(need)? else { return Ok(None) };
            digests.push(key.digest);
        }
        let hash = hash(of.tree, &of.units[unit]);
        let is_same = |known: &&PoolUnit| {
            let theirs: HashSet<_> = known.unit.needs.iter().collect();
            theirs == digests.iter().collect() && of.is_it(unit, known)
        };
        if let Some(known) = of.known.of(&hash).iter().find(is_same) {
            return Ok(Some(known.key.clone()));
        }
        let contents = match self.contents[unit] {
            Some(contents) => Some(contents),
            None => of.contents(unit)?,
        };
        let digests: Vec<_> = digests.iter().map(String::as_str).collect();
        Ok(contents.map(|contents| UnitKey::new(package, &hash, &contents, &digests)))
    }
}
