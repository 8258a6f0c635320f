//! What events come to: pure sums of a window, by repository, job, layer, family and span.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub use super::figures::Figures;
use super::{Checked, Family, Kept, KeyDigest, Ledger, Recorded, Result, Served, What, Window};
use crate::store::Layer;

/// Spans that a window is cut into, at most.
const MOST_SPANS: i64 = 28;

/// Evictions that a limit of the user's or the disk's wants, of which a higher one would spare the entry.
const BY_LIMIT: [&str; 4] = ["count", "age", "size", "room"];

/// What is counted; nothing: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this repository.
    pub repository: Option<String>,
    /// Of this job.
    pub job: Option<String>,
    /// Of this layer.
    pub layer: Option<Layer>,
}

impl Filter {
    fn takes(&self, family: &Family) -> bool {
        self.repository.as_ref().is_none_or(|wanted| *wanted == family.repository)
            && self.job.as_ref().is_none_or(|wanted| family.job.as_ref() == Some(wanted))
            && self.layer.is_none_or(|wanted| wanted == family.layer)
    }
}

/// Figures of what has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The name.
    pub name: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// How often something was so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frequency {
    /// What: a code, or a part of a key.
    pub name: String,
    /// How often.
    pub times: u64,
}

/// Figures of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FamilyFigures {
    /// Whose.
    #[serde(flatten)]
    pub family: Family,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// The parts of its key that were others than those of the nearest entry, most often first.
    pub changes: Vec<Frequency>,
    /// Why it was not served by its very key, most often first.
    pub causes: Vec<Frequency>,
}

/// A part of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When it begins.
    pub since: Timestamp,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Entries that went in it.
    pub evicted_entries: u64,
    /// Their bytes.
    pub evicted_bytes: u64,
}

/// Entries that went for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvictedFor {
    /// The reason's code.
    pub reason: String,
    /// How many.
    pub entries: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
}

/// Hits that a limit cost: the very key was looked for that it had evicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostHits {
    /// Whose.
    #[serde(flatten)]
    pub family: Family,
    /// The reason of the eviction.
    pub reason: String,
    /// How many.
    pub hits: u64,
}

/// What a window comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// When it begins.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// All.
    pub all: Figures,
    /// By repository, the one with the most lookups first.
    pub repositories: Vec<Group>,
    /// By job of a repository.
    pub jobs: Vec<Group>,
    /// By layer.
    pub layers: Vec<Group>,
    /// By family, the one with the lowest hit rate first.
    pub families: Vec<FamilyFigures>,
    /// By span, the first first.
    pub spans: Vec<Span>,
    /// Evictions by reason.
    pub evictions: Vec<EvictedFor>,
    /// Hits that limits cost.
    pub lost_hits: Vec<LostHits>,
    /// Damaged entries and units that were taken out of use.
    pub damaged: u64,
    /// Disks with too little room that got enough.
    pub disks_freed: u64,
    /// Disks with too little room all the same.
    pub disks_short: u64,
}

/// What is known of a family while events are added.
#[derive(Debug)]
struct OfFamily<'f> {
    family: &'f Family,
    /// A number of its repository and layer.
    place: usize,
    /// Whether anything of it was in the window.
    is_there: bool,
    figures: Figures,
    changes: HashMap<String, u64>,
    causes: HashMap<String, u64>,
}

/// An entry that a limit evicted.
struct Gone {
    /// The limit's code.
    reason: &'static str,
    reference: String,
    is_of_default_branch: bool,
}

/// Adds up events.
pub struct Tally<'f> {
    window: Window,
    spans: Vec<Span>,
    /// Milliseconds of a span.
    length: i64,
    /// Those that count.
    of_families: HashMap<i64, OfFamily<'f>>,
    /// By repository and layer, and by key.
    gone: HashMap<(usize, KeyDigest), Gone>,
    evictions: BTreeMap<String, (u64, u64)>,
    lost_hits: HashMap<(i64, &'static str), u64>,
    damaged: u64,
    disks_freed: u64,
    disks_short: u64,
}

impl<'f> Tally<'f> {
    /// Of the events of `window` and these families that `filter` takes.
    pub fn new(window: Window, families: &'f HashMap<i64, Family>, filter: &'f Filter) -> Self {
        let length = span_length(window);
        let starts = (0..).map(|index| window.since + length * index);
        let starts = starts.take_while(|start| *start < window.until);
        let spans = starts.map(|since| Span {
            since,
            figures: Figures::default(),
            evicted_entries: 0,
            evicted_bytes: 0,
        });
        let mut places = HashMap::new();
        let counted = families.iter().filter(|(_, family)| filter.takes(family));
        let of_families = counted.map(|(id, family)| {
            let next = places.len();
            let place = *places.entry((&*family.repository, family.layer)).or_insert(next);
            let (figures, changes, causes) = (Figures::default(), HashMap::new(), HashMap::new());
            (*id, OfFamily { family, place, is_there: false, figures, changes, causes })
        });
        Self {
            window,
            of_families: of_families.collect(),
            spans: spans.collect(),
            length: i64::try_from(length.as_millis()).unwrap_or(i64::MAX),
            gone: HashMap::new(),
            evictions: BTreeMap::new(),
            lost_hits: HashMap::new(),
            damaged: 0,
            disks_freed: 0,
            disks_short: 0,
        }
    }

    /// Adds an event. They come in the order of their times; those before the window only tell what went.
    pub fn add(&mut self, event: &Recorded<'_>) {
        let is_in_window = event.at >= self.window.since && event.at <= self.window.until;
        let Some(id) = event.family else {
            if is_in_window {
                self.add_of_host(&event.what);
            }
            return;
        };
        let Some(of_family) = self.of_families.get_mut(&id) else { return };
        let place = of_family.place;
        follow(&mut self.gone, &mut self.lost_hits, (id, place), &event.what, is_in_window);
        if !is_in_window {
            return;
        }
        let since = event.at.as_millisecond() - self.window.since.as_millisecond();
        let last = self.spans.len().saturating_sub(1);
        let span = usize::try_from(since / self.length.max(1)).unwrap_or(0).min(last);
        let span = self.spans.get_mut(span);
        match event.what {
            What::Restore { cause, factors, .. } => {
                of_family.is_there = true;
                of_family.figures.add(&event.what);
                count(&mut of_family.causes, cause);
                for factor in factors.into_iter().flat_map(|factors| factors.split(',')) {
                    count(&mut of_family.changes, Some(factor));
                }
                if let Some(span) = span {
                    span.figures.add(&event.what);
                }
            }
            What::Save { .. } => {
                of_family.is_there = true;
                of_family.figures.add(&event.what);
                if let Some(span) = span {
                    span.figures.add(&event.what);
                }
            }
            What::Eviction { reason, entries, bytes, .. } => {
                let sum = if let Some(sum) = self.evictions.get_mut(reason) {
                    sum
                } else {
                    self.evictions.entry(reason.to_owned()).or_default()
                };
                *sum = (sum.0 + entries, sum.1 + bytes);
                if let Some(span) = span {
                    span.evicted_entries += entries;
                    span.evicted_bytes += bytes;
                }
            }
            What::Damage { .. } | What::Guard { .. } => {}
        }
    }

    fn add_of_host(&mut self, what: &What<'_>) {
        match *what {
            What::Damage { entries } => self.damaged += entries,
            What::Guard { checked: Checked::Freed, .. } => self.disks_freed += 1,
            What::Guard { checked: Checked::Short, .. } => self.disks_short += 1,
            What::Restore { .. } | What::Save { .. } | What::Eviction { .. } => {}
        }
    }

    /// What all of them come to.
    pub fn finish(self) -> Stats {
        let mut all = Figures::default();
        let (mut repositories, mut jobs, mut layers) =
            (Groups::default(), Groups::default(), Groups::default());
        let mut families = Vec::new();
        let family_of: HashMap<_, _> =
            self.of_families.iter().map(|(id, of_family)| (*id, of_family.family)).collect();
        for OfFamily { family, is_there, figures, changes, causes, .. } in self.of_families.into_values() {
            if !is_there {
                continue;
            }
            let job = family.job.as_deref().unwrap_or("local");
            all += figures;
            repositories.add(family.repository.clone(), figures);
            jobs.add(format!("{} {job}", family.repository), figures);
            layers.add(family.layer.name().to_owned(), figures);
            let (changes, causes) = (often(changes), often(causes));
            families.push(FamilyFigures { family: family.clone(), figures, changes, causes });
        }
        families.sort_by(|a, b| worse(a, b).then_with(|| a.family.cmp(&b.family)));
        let mut lost_hits: Vec<_> = self.lost_hits.into_iter().collect();
        lost_hits.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let lost_hits = lost_hits.into_iter().map(|((id, reason), hits)| LostHits {
            family: family_of[&id].clone(),
            reason: reason.to_owned(),
            hits,
        });
        let mut evictions: Vec<_> = self.evictions.into_iter().collect();
        evictions.sort_by_key(|(_, (entries, _))| std::cmp::Reverse(*entries));
        let evictions =
            evictions.into_iter().map(|(reason, (entries, bytes))| EvictedFor { reason, entries, bytes });
        Stats {
            since: self.window.since,
            until: self.window.until,
            all,
            repositories: repositories.most_first(),
            jobs: jobs.most_first(),
            layers: layers.most_first(),
            families,
            spans: self.spans,
            evictions: evictions.collect(),
            lost_hits: lost_hits.collect(),
            damaged: self.damaged,
            disks_freed: self.disks_freed,
            disks_short: self.disks_short,
        }
    }
}

/// Follows what limits evict, and who looks for it afterwards: a family of that number, repository and layer.
fn follow(
    gone: &mut HashMap<(usize, KeyDigest), Gone>,
    lost_hits: &mut HashMap<(i64, &'static str), u64>,
    (id, place): (i64, usize),
    what: &What<'_>,
    is_in_window: bool,
) {
    match *what {
        What::Eviction { reason, key: Some(key), reference, is_of_default_branch, .. } => {
            if let Some(reason) = BY_LIMIT.into_iter().find(|limit| *limit == reason) {
                let reference = reference.to_owned();
                gone.insert((place, key), Gone { reason, reference, is_of_default_branch });
            }
        }
        What::Save { kept: Kept::Entry, key, .. } => drop(gone.remove(&(place, key))),
        What::Restore { served, key, reference, .. }
            if is_in_window && !matches!(served, Served::Exact | Served::Bypass) =>
        {
            if let Some(gone) = gone.get(&(place, key))
                && (gone.is_of_default_branch || gone.reference == reference)
            {
                *lost_hits.entry((id, gone.reason)).or_default() += 1;
            }
        }
        _ => {}
    }
}

/// The lowest hit rate first; among equals the one with the most lookups. Those without any are last.
fn worse(a: &FamilyFigures, b: &FamilyFigures) -> std::cmp::Ordering {
    let rank = |of: &FamilyFigures| of.figures.rate().unwrap_or(2.0);
    rank(a).total_cmp(&rank(b)).then_with(|| b.figures.lookups().cmp(&a.figures.lookups()))
}

fn count(counts: &mut HashMap<String, u64>, name: Option<&str>) {
    let Some(name) = name else { return };
    match counts.get_mut(name) {
        Some(times) => *times += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

fn often(counts: HashMap<String, u64>) -> Vec<Frequency> {
    let mut times: Vec<_> = counts.into_iter().map(|(name, times)| Frequency { name, times }).collect();
    times.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.name.cmp(&b.name)));
    times
}

#[derive(Default)]
struct Groups(BTreeMap<String, Figures>);

impl Groups {
    fn add(&mut self, name: String, figures: Figures) {
        *self.0.entry(name).or_default() += figures;
    }

    fn most_first(self) -> Vec<Group> {
        let mut groups: Vec<_> = self.0.into_iter().map(|(name, figures)| Group { name, figures }).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.figures.lookups()));
        groups
    }
}

/// Whole hours up to two days, else whole days, or several of these.
fn span_length(window: Window) -> SignedDuration {
    let length = window.until.duration_since(window.since);
    let unit = if length <= SignedDuration::from_hours(48) { 1 } else { 24 };
    let units = (length.as_hours() + unit) / unit;
    SignedDuration::from_hours(unit * ((units + MOST_SPANS - 1) / MOST_SPANS).max(1))
}
impl Ledger {
    /// What the events of a window come to, as far as `filter` lets them count.
    pub fn stats(&self, window: Window, filter: &Filter) -> Result<Stats> {
        let families = self.families()?;
        let mut tally = Tally::new(window, &families, filter);
        self.read(window, |event| tally.add(event))?;
        Ok(tally.finish())
    }
}
