//! What all histories came to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::settings::Settings;
use crate::world::Counts;

/// The sum of all histories' counts.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) histories: u64,
    pub(crate) stale: u64,
    /// Histories in which cargo is wrong without the cache as well: a target directory that stays does that.
    pub(crate) also_without: u64,
    stats: Counts,
}

impl Figures {
    pub(crate) fn add(&mut self, stats: Counts) {
        self.histories += 1;
        self.stats.jobs += stats.jobs;
        self.stats.compared += stats.compared;
        self.stats.failed += stats.failed;
        self.stats.hits += stats.hits;
        self.stats.units += stats.units;
        self.stats.fresh += stats.fresh;
        self.stats.needless.one_path.add(stats.needless.one_path);
        self.stats.needless.any_path.add(stats.needless.any_path);
        for (shape, share) in stats.needless.by_shape {
            self.stats.needless.by_shape.entry(shape).or_default().add(share);
        }
    }

    /// One line for people.
    pub(crate) fn told(&self, shapes: usize) -> String {
        let Counts { jobs, compared, failed, hits, needless, .. } = &self.stats;
        format!(
            "judge: {jobs} jobs, {compared} compared, {failed} of them failing, {hits} with a restored target directory, {} histories, {shapes} shapes, stale: {}, \
             wrong also without the cache: {}, needless: {:.1} % (one path), {:.1} %",
            self.histories,
            self.stale,
            self.also_without,
            needless.one_path.percent(),
            needless.any_path.percent(),
        )
    }

    /// For the page.
    pub(crate) fn to_json(&self, settings: &Settings, seconds: u64) -> Value {
        let Counts { jobs, compared, failed, hits, units, fresh, needless } = &self.stats;
        let by_shape = needless.by_shape.iter().filter(|(_, share)| share.compiled > 0);
        let by_shape: BTreeMap<_, _> = by_shape.map(|(shape, share)| (shape, share.compiled)).collect();
        json!({
            "seed": settings.seed,
            "seconds": seconds,
            "histories": self.histories,
            "shapes": settings.shapes.len(),
            "jobs": jobs,
            "compared": compared,
            "failed": failed,
            "hits": hits,
            "units": units,
            "fresh": fresh,
            "stale": self.stale,
            "also_without": self.also_without,
            "needless": { "one_path": needless.one_path.percent(), "any_path": needless.any_path.percent() },
            "needless_at_one_path": { "all": needless.one_path.all, "compiled": needless.one_path.compiled, "by_shape": by_shape },
        })
    }

    /// A cache that restores nothing is never wrong.
    pub(crate) fn assert_that_the_cache_worked(&self) {
        assert!(
            self.stats.hits > 0,
            "no target directory was ever restored; the run may have been too short"
        );
        assert!(
            self.stats.fresh > 0,
            "cargo compiled everything in all jobs; the run may have been too short"
        );
    }
}
