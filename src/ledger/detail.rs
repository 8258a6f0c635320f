//! What events come to by span and family: for who adds them up again himself, as the page of `report` does for what its
//! reader picks. However many events, families and repositories there are, the rows are few: those that had the least to do
//! are told together.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Checked, Family, Figures, Ledger, Recorded, Result, Served, What, Window};
use crate::store::Layer;

/// Repositories that are told apart, and families.
const MOST_REPOSITORIES: usize = 40;
const MOST_FAMILIES: usize = 160;

/// Restores of which each is told.
const MOST_RESTORES: usize = 2000;

/// Lengths of a span in hours, and how many spans there are at most.
const LENGTHS: [i64; 5] = [1, 3, 24, 48, 168];
const MOST_SPANS: i64 = 60;

/// Whose rows are: a family, or several that are told together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Series {
    /// `owner/name`; nothing where they are of several.
    pub repository: Option<String>,
    /// The layer.
    pub layer: Layer,
    /// The job and the lane of the only family; nothing where there are several.
    pub family: Option<Named>,
}

/// What a family is called within its repository and layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Named {
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// The lane of the job.
    pub lane: String,
}

/// A series in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The span, by its number.
    pub span: usize,
    /// The series, by its number.
    pub series: usize,
}

/// A restore that brought something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneRestore {
    /// Whose, and when.
    pub at: At,
    /// How it was served.
    pub served: Served,
    /// What it brought.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub took: i64,
}

/// What happened to no family in a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfHost {
    /// Damaged entries and units that were taken out of use.
    pub damaged: u64,
    /// Disks with too little room that got enough.
    pub disks_freed: u64,
    /// Disks with too little room all the same.
    pub disks_short: u64,
}

/// The events of a window, by span and series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The window.
    pub window: Window,
    /// When each span begins, the first first. They are of one length, counted back from the end of the window, so that the
    /// last ones are what another window with this end has.
    pub spans: Vec<Timestamp>,
    /// Whose rows there are, those with the most lookups first.
    pub series: Vec<Series>,
    /// Sums of restores and saves.
    pub figures: BTreeMap<At, Figures>,
    /// Entries that went and their bytes, by reason.
    pub evictions: BTreeMap<(At, String), (u64, u64)>,
    /// What happened to the host, by span.
    pub of_host: BTreeMap<usize, OfHost>,
    /// Restores that brought something: all, or as many as are told, evenly picked.
    pub restores: Vec<OneRestore>,
    /// How many there were.
    pub restores_in_all: u64,
}

impl Ledger {
    /// The events of `window` by span and series.
    pub fn detail(&self, window: Window) -> Result<Detail> {
        let mut detailing = Detailing::new(window);
        self.read(window, |event| detailing.add(event))?;
        Ok(detailing.finish(&self.families()?))
    }
}

/// Adds up events, each for its family.
pub struct Detailing {
    window: Window,
    length: i64,
    spans: Vec<Timestamp>,
    figures: HashMap<(usize, i64), Figures>,
    evictions: HashMap<(usize, i64, String), (u64, u64)>,
    of_host: BTreeMap<usize, OfHost>,
    restores: Sample<(usize, i64, Served, u64, i64)>,
}

impl Detailing {
    /// Of the events of `window`.
    pub fn new(window: Window) -> Self {
        let length = span_length(window);
        let count = div_up(millis(window), length);
        let start = |index: i64| {
            let back = SignedDuration::from_millis(length * (count - index));
            window.until.saturating_sub(back).unwrap_or(Timestamp::MIN).max(window.since)
        };
        Self {
            window,
            length,
            spans: (0..count).map(start).collect(),
            figures: HashMap::new(),
            evictions: HashMap::new(),
            of_host: BTreeMap::new(),
            restores: Sample::new(MOST_RESTORES),
        }
    }

    /// Adds an event. One that is not in the window counts nowhere.
    pub fn add(&mut self, event: &Recorded<'_>) {
        if event.at < self.window.since || event.at > self.window.until {
            return;
        }
        // What was at the beginning of a span is in it, as it is with a window.
        let left = self.window.until.as_millisecond() - event.at.as_millisecond();
        let back = usize::try_from(div_up(left, self.length).max(1)).unwrap_or(usize::MAX);
        let span = self.spans.len().saturating_sub(back);
        let of_host = self.of_host.entry(span);
        match event.what {
            What::Damage { entries } => of_host.or_default().damaged += entries,
            What::Guard { checked: Checked::Freed, .. } => of_host.or_default().disks_freed += 1,
            What::Guard { checked: Checked::Short, .. } => of_host.or_default().disks_short += 1,
            What::Restore { .. } | What::Save { .. } | What::Eviction { .. } => {
                if let Some(family) = event.family {
                    self.add_of_family(span, family, &event.what);
                }
            }
        }
    }

    fn add_of_family(&mut self, span: usize, family: i64, what: &What<'_>) {
        match *what {
            What::Eviction { reason, entries, bytes, .. } => {
                let sum = self.evictions.entry((span, family, reason.to_owned())).or_default();
                *sum = (sum.0 + entries, sum.1 + bytes);
            }
            What::Restore { served, bytes, took, .. } if served.is_hit() && bytes > 0 => {
                self.figures.entry((span, family)).or_default().add(what);
                self.restores.add((span, family, served, bytes, took));
            }
            _ => self.figures.entry((span, family)).or_default().add(what),
        }
    }

    /// What all of them come to, of these `families`. Events of one that is not among them count nowhere.
    pub fn finish(self, families: &HashMap<i64, Family>) -> Detail {
        let mut lookups: HashMap<i64, u64> = HashMap::new();
        let of_figures = self.figures.iter().map(|(&(_, family), figures)| (family, figures.lookups()));
        for (family, number) in of_figures.chain(self.evictions.keys().map(|&(_, family, _)| (family, 0))) {
            if families.contains_key(&family) {
                *lookups.entry(family).or_default() += number;
            }
        }
        let (series, of_families) = told(&lookups, families);
        let at = |span, family: &i64| Some(At { span, series: *of_families.get(family)? });
        let mut figures: BTreeMap<At, Figures> = BTreeMap::new();
        for ((span, family), sum) in &self.figures {
            if let Some(at) = at(*span, family) {
                *figures.entry(at).or_default() += *sum;
            }
        }
        let mut evictions: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for ((span, family, reason), (entries, bytes)) in self.evictions {
            if let Some(at) = at(span, &family) {
                let sum = evictions.entry((at, reason)).or_default();
                *sum = (sum.0 + entries, sum.1 + bytes);
            }
        }
        let restores = self.restores.picked.iter().filter_map(|(span, family, served, bytes, took)| {
            Some(OneRestore { at: at(*span, family)?, served: *served, bytes: *bytes, took: *took })
        });
        Detail {
            window: self.window,
            spans: self.spans,
            series,
            figures,
            evictions,
            of_host: self.of_host,
            restores: restores.collect(),
            restores_in_all: self.restores.seen,
        }
    }
}

/// The series of the families that had so many `lookups`, and for each family the number of its series.
fn told(lookups: &HashMap<i64, u64>, families: &HashMap<i64, Family>) -> (Vec<Series>, HashMap<i64, usize>) {
    let most = |mut ranked: Vec<(u64, i64)>, number| {
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| families[&a.1].cmp(&families[&b.1])));
        ranked.truncate(number);
        ranked.into_iter().map(|(_, family)| family).collect::<HashSet<_>>()
    };
    // Each repository by one of its families.
    let mut repositories: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for (family, number) in lookups {
        let sum = repositories.entry(&families[family].repository).or_insert((0, *family));
        *sum = (sum.0 + number, sum.1.min(*family));
    }
    let repositories = most(repositories.into_values().collect(), MOST_REPOSITORIES);
    let repositories: HashSet<_> =
        repositories.iter().map(|family| families[family].repository.as_str()).collect();
    let by_themselves =
        most(lookups.iter().map(|(family, number)| (*number, *family)).collect(), MOST_FAMILIES);
    let series_of = |id: i64| {
        let family = &families[&id];
        let repository =
            Some(family.repository.clone()).filter(|_| repositories.contains(&*family.repository));
        let is_named = repository.is_some() && by_themselves.contains(&id);
        let named = is_named.then(|| Named { job: family.job.clone(), lane: family.lane.clone() });
        Series { repository, layer: family.layer, family: named }
    };
    let mut members: BTreeMap<Series, (u64, Vec<i64>)> = BTreeMap::new();
    for (family, number) in lookups {
        let member = members.entry(series_of(*family)).or_default();
        member.0 += number;
        member.1.push(*family);
    }
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by_key(|(_, (number, _))| std::cmp::Reverse(*number));
    let numbered = members.iter().enumerate();
    let of_families = numbered.flat_map(|(index, (_, (_, ids)))| ids.iter().map(move |id| (*id, index)));
    let of_families = of_families.collect();
    (members.into_iter().map(|(series, _)| series).collect(), of_families)
}

/// All of what is added, or evenly picked ones: each second, fourth and so on.
struct Sample<T> {
    most: usize,
    seen: u64,
    step: u64,
    picked: Vec<T>,
}

impl<T> Sample<T> {
    fn new(most: usize) -> Self {
        Self { most, seen: 0, step: 1, picked: Vec::new() }
    }

    fn add(&mut self, one: T) {
        if self.seen.is_multiple_of(self.step) {
            if self.picked.len() == self.most {
                let mut is_to_stay = false;
                self.picked.retain(|_| {
                    is_to_stay = !is_to_stay;
                    is_to_stay
                });
                self.step *= 2;
            }
            if self.seen.is_multiple_of(self.step) {
                self.picked.push(one);
            }
        }
        self.seen += 1;
    }
}

/// Milliseconds of a span.
fn span_length(window: Window) -> i64 {
    let hour = 3_600_000;
    let is_enough = |hours: &i64| millis(window) <= hour * hours * MOST_SPANS;
    let weeks = || div_up(millis(window), hour * 168 * MOST_SPANS) * 168;
    hour * LENGTHS.into_iter().find(is_enough).unwrap_or_else(weeks)
}

fn millis(window: Window) -> i64 {
    (window.until.as_millisecond() - window.since.as_millisecond()).max(1)
}

fn div_up(number: i64, by: i64) -> i64 {
    (number + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::KeyDigest;

    fn window(hours: i64) -> Window {
        let until = Timestamp::from_second(1_790_000_000).unwrap();
        Window { since: until - SignedDuration::from_hours(hours), until }
    }

    fn restore(at: Timestamp, family: i64) -> Recorded<'static> {
        let (key, served) = (KeyDigest(1), Served::Exact);
        let (cause, factors, reference) = (None, None, "");
        let what = What::Restore { served, cause, factors, key, reference, files: 1, bytes: 7, took: 3 };
        Recorded { at, family: Some(family), what }
    }

    fn families(number: i64) -> HashMap<i64, Family> {
        let family = |id: i64| Family {
            repository: format!("o/{}", id / 3),
            job: None,
            lane: id.to_string(),
            layer: Layer::Target,
            contents: String::new(),
        };
        (0..number).map(|id| (id, family(id))).collect()
    }

    #[test]
    fn the_last_spans_are_a_window_of_their_own() {
        for hours in [1, 24, 100, 24 * 7, 24 * 30, 24 * 365, 24 * 4000] {
            let window = window(hours);
            let (mut detailing, families) = (Detailing::new(window), families(1));
            let spans = detailing.spans.clone();
            assert!(spans.len() <= 60 && spans[0] == window.since, "{hours}: {}", spans.len());
            let millisecond = SignedDuration::from_millis(1);
            let times = spans.iter().flat_map(|start| [*start, *start + millisecond, *start - millisecond]);
            let mut times: Vec<_> = times.chain([window.until]).collect();
            times.sort();
            for at in &times {
                detailing.add(&restore(*at, 0));
            }
            let detail = detailing.finish(&families);
            for (span, start) in spans.iter().enumerate() {
                let rows = detail.figures.iter().filter(|(at, _)| at.span >= span);
                let told: u64 = rows.map(|(_, figures)| figures.exact).sum();
                assert_eq!(told, times.iter().filter(|at| *at >= start).count() as u64, "{hours}: {span}");
            }
        }
    }

    #[test]
    fn rows_and_restores_are_few_however_many_there_are() {
        let window = window(24 * 365);
        let (mut detailing, families) = (Detailing::new(window), families(900));
        for index in 0..30_000_i64 {
            detailing.add(&restore(window.since + SignedDuration::from_mins(index * 17), index % 900));
        }
        let detail = detailing.finish(&families);
        assert!(detail.series.len() <= 40 + 160 + 1, "{}", detail.series.len());
        let sum: u64 = detail.figures.values().map(Figures::lookups).sum();
        assert_eq!((sum, detail.restores_in_all), (30_000, 30_000));
        assert!((1000..=2000).contains(&detail.restores.len()), "{}", detail.restores.len());
        let named = detail.series.iter().filter(|series| series.family.is_some()).count();
        assert!((100..=160).contains(&named), "{named}");
    }
}
