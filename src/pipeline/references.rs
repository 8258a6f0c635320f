//! Which of the files that a new entry shares with the base stay where they are.
//!
//! That is decided for each earlier entry in which such files lie, over all roots: as long as one file is needed, nothing of
//! it can go.

use std::collections::{HashMap, HashSet};

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::base_diff::Alike;
use crate::layers::working_tree::Live;
use crate::store::{Lease, Part};

/// Fewer files get their further names in no time, and each entry is one folder more that a restore looks into.
const FEWEST: u64 = 100;

/// Entries, at most.
const MOST: usize = 8;

/// How much of what an entry holds itself has to be of use, in tenths.
const USED_TENTHS: u128 = 9;

/// The earlier entries whose files stay.
#[derive(Debug, Default)]
pub(crate) struct Staying(HashSet<String>);

impl Staying {
    /// Chooses among the entries in which files of `base` lie. What is to stay is looked at, and `alike` corrected.
    pub(crate) fn choose(
        job: &Job,
        base: &Lease,
        live: &[Live],
        alike: &mut [Option<Alike>],
    ) -> Result<Self, Trouble> {
        let staying = Self::of(base, live, alike);
        if staying.is_empty() {
            return Ok(staying);
        }
        // A file that is linked must be there. What stays is not touched, and its lack would be noticed by the next job.
        for (live, alike) in live.iter().zip(&mut *alike) {
            if let Some(alike) = alike {
                alike.look_after(job, &live.root.tree)?;
            }
        }
        Ok(Self::of(base, live, alike))
    }

    fn of(base: &Lease, live: &[Live], alike: &[Option<Alike>]) -> Self {
        let mut used: HashMap<String, Used> = HashMap::new();
        for (live, alike) in live.iter().zip(alike) {
            let Some(alike) = alike else { continue };
            let places = base.places(alike.number);
            let counts = alike.used(&live.root.tree, places.len());
            for (part, (files, bytes)) in places.into_iter().zip(counts) {
                let entry = part.entry.clone();
                let used = used.entry(entry).or_insert(Used { part, files: 0, bytes: 0 });
                used.files += files;
                used.bytes = used.bytes.saturating_add(bytes);
            }
        }
        let mut worthy: Vec<_> = used.into_values().filter(Used::is_worth_it).collect();
        worthy.sort_unstable_by(|a, b| (b.files, &b.part.entry).cmp(&(a.files, &a.part.entry)));
        Self(worthy.into_iter().take(MOST).map(|used| used.part.entry).collect())
    }

    /// Whether nothing stays anywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether files stay in `part`.
    pub(crate) fn has(&self, part: &Part) -> bool {
        self.0.contains(&part.entry)
    }
}

/// What is of use of an entry.
struct Used {
    part: Part,
    files: u64,
    bytes: u64,
}

impl Used {
    fn is_worth_it(&self) -> bool {
        let is_enough = |used: u64, of: u64| u128::from(used) * 10 >= u128::from(of) * USED_TENTHS;
        let Self { part, files, bytes } = self;
        *files >= FEWEST && is_enough(*files, part.files) && is_enough(*bytes, part.bytes)
    }
}
