//! What a restore did.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::figures::{bytes, count, files, seconds};
use super::key_id::shown_key;
use super::summary::{code, table, whole_keys};
use super::ways::{modes, obstacle};
use super::why::Miss;
use crate::store::Layer;
use crate::tree::TransferStats;

/// How well a key was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// By an entry of that very key.
    Exact,
    /// By one of a restore key.
    Partial,
    /// By no entry, but by compiled dependencies of the unit pool.
    Composed,
    /// Not at all.
    Miss,
}

impl Hit {
    /// The word for outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::Composed => "composed",
            Self::Miss => "miss",
        }
    }
}

/// Files that were brought into the job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// What was done.
    pub stats: TransferStats,
    /// How long it took.
    pub took: Duration,
    /// The parts of the layer in which there are files now.
    pub parts: Vec<String>,
    /// How the sources were compared with those of the entry; nothing where that plays no part.
    pub sources: Option<SourcesKept>,
    /// Which units serve; nothing where there are none.
    pub units: Option<UnitsKept>,
    /// What was asked for and is not there now, and why: a line each.
    pub lacking: Vec<String>,
}

/// What of the sources is as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourcesKept {
    /// Files that hold the same.
    pub same: u64,
    /// Files that hold something else, or are gone.
    pub changed: u64,
}

/// Which units of an entry serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitsKept {
    /// How many do.
    pub served: u64,
    /// Why others do not: how many, and what the first of them is about.
    left_out: BTreeMap<&'static str, (u64, String)>,
}

impl UnitsKept {
    /// Counts a unit that does not serve.
    pub fn leave_out(&mut self, (why, what): (&'static str, String)) {
        self.left_out.entry(why).or_insert((0, what)).0 += 1;
    }

    /// Lines for people; none where all serve.
    fn lines(&self) -> Vec<String> {
        let sum: u64 = self.left_out.values().map(|(units, _)| units).sum();
        if sum == 0 {
            return Vec::new();
        }
        let all = count(self.served + sum);
        let mut lines = vec![format!("units: {} of {all} left out and compiled again", count(sum))];
        let mut reasons: Vec<_> = self.left_out.iter().collect();
        reasons.sort_by_key(|(_, (units, _))| std::cmp::Reverse(*units));
        lines.extend(
            reasons.into_iter().map(|(why, (units, what))| format!("  {}: {why} ({what})", count(*units))),
        );
        lines
    }
}

/// What the unit pool gave to a target directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Composed {
    /// Units.
    pub units: u64,
    /// Packages of which they are.
    pub packages: u64,
    /// Packages that the lock files name.
    pub locked: u64,
}

impl std::fmt::Display for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (units, packages, locked) = (count(self.units), count(self.packages), count(self.locked));
        write!(f, "{units} units, of {packages} of the {locked} packages in the lock file")
    }
}

/// What a restore did for one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRestore {
    /// The layer.
    pub layer: Layer,
    /// The key that was looked for.
    pub key: String,
    /// How well it was served.
    pub hit: Hit,
    /// The key of the entry that served it.
    pub matched_key: Option<String>,
    /// The ref whose entry that was.
    pub matched_ref: Option<String>,
    /// The lane whose entry that was, where it is not the job's own.
    pub matched_lane: Option<String>,
    /// What was brought; nothing on a miss and when only looking.
    pub transfer: Option<Transfer>,
    /// What the unit pool gave.
    pub composed: Option<Composed>,
    /// Why it was not served by its very key.
    pub reason: Option<Miss>,
    /// The directory of the key's entries.
    pub directory: PathBuf,
}

impl LayerRestore {
    /// Adds what the unit pool gave.
    pub fn complete(&mut self, composed: Composed, more: Transfer) {
        if self.hit == Hit::Miss {
            self.hit = Hit::Composed;
        }
        self.composed = Some(composed);
        match &mut self.transfer {
            Some(transfer) => {
                transfer.stats += more.stats;
                transfer.took += more.took;
            }
            None => self.transfer = Some(more),
        }
    }

    /// How the sources were compared, and which units serve, in words.
    fn kept(&self) -> Vec<String> {
        let Some(transfer) = &self.transfer else { return Vec::new() };
        let sources = transfer.sources.map(|SourcesKept { same, changed }| {
            format!("sources: {} as they were built, {} changed", files(same), count(changed))
        });
        sources.into_iter().chain(transfer.units.iter().flat_map(UnitsKept::lines)).collect()
    }

    /// What the unit pool gave, in words.
    fn composed(&self) -> Option<String> {
        self.composed.map(|composed| format!("unit pool: {composed}"))
    }

    /// What people see of one of its keys.
    fn shown(&self, key: &str) -> String {
        shown_key(self.layer, key)
    }

    /// Its row in the summary: layer, hit, key, where it came from if that is another key, files, size, time.
    fn cells(&self) -> [String; 7] {
        let [files, size, time] = match &self.transfer {
            Some(Transfer { stats, took, .. }) => [count(stats.files), bytes(stats.bytes), seconds(*took)],
            None => ["", "", ""].map(str::to_owned),
        };
        let matched = self.matched_key.as_ref().filter(|matched| **matched != self.key);
        let from = matched.map(|matched| code(&self.shown(matched))).unwrap_or_default();
        let key = code(&self.shown(&self.key));
        [self.layer.to_string(), self.hit.name().to_owned(), key, from, files, size, time]
    }

    fn lacking(&self) -> &[String] {
        self.transfer.as_ref().map_or(&[], |transfer| &transfer.lacking)
    }

    fn has_part(&self, prefix: &str) -> bool {
        let transfer = self.transfer.as_ref();
        transfer.is_some_and(|transfer| transfer.parts.iter().any(|part| part.starts_with(prefix)))
    }
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The layers that took part.
    pub layers: Vec<LayerRestore>,
    /// The key of the cargo layer, for other jobs.
    pub cargo_key: Option<String>,
    /// The key of the target layer, for other jobs.
    pub target_key: Option<String>,
    /// The root of the cache.
    pub cache_root: PathBuf,
    /// The cargo home that the job has for itself.
    pub own_cargo_home: Option<PathBuf>,
    /// How long it took, from the start of the process.
    pub took: Duration,
}

impl RestoreReport {
    /// A report without any layer.
    pub fn of_nothing(cache_root: &Path, took: Duration) -> Self {
        Self {
            layers: Vec::new(),
            cargo_key: None,
            target_key: None,
            cache_root: cache_root.to_path_buf(),
            own_cargo_home: None,
            took,
        }
    }

    /// The layer that `cache-hit` and `cache-primary-key` are about: what the user listed, else the target directory, else
    /// what there is.
    pub fn primary(&self) -> Option<&LayerRestore> {
        let rank = |layer: Layer| match layer {
            Layer::Paths => 0,
            Layer::Target => 1,
            Layer::Cargo => 2,
            Layer::Builds => 3,
            Layer::Bins => 4,
            Layer::Units => 5,
        };
        self.layers.iter().min_by_key(|layer| rank(layer.layer))
    }

    /// The step's outputs.
    pub fn outputs(&self) -> Vec<(&'static str, String)> {
        let primary = self.primary();
        let primary_key = primary.map(|layer| layer.key.clone()).unwrap_or_default();
        let hit = |layer| self.layer(layer).map_or(Hit::Miss, |layer| layer.hit).name().to_owned();
        let restored = |layer| self.is_restored(layer).to_string();
        let key = |key: &Option<String>| key.clone().unwrap_or_default();
        let stats = self.stats();
        vec![
            ("cache-hit", primary.is_some_and(|layer| layer.hit == Hit::Exact).to_string()),
            ("cache-primary-key", primary_key.clone()),
            ("cache-key", primary_key),
            ("cache-matched-key", primary.and_then(|layer| layer.matched_key.clone()).unwrap_or_default()),
            ("deps-key", key(&self.cargo_key)),
            ("cargo-cache-key", key(&self.cargo_key)),
            ("target-cache-key", key(&self.target_key)),
            ("cargo-hit", hit(Layer::Cargo)),
            ("target-hit", hit(Layer::Target)),
            ("builds-hit", hit(Layer::Builds)),
            ("bins-hit", hit(Layer::Bins)),
            ("cargo-restored", restored(Layer::Cargo)),
            ("target-restored", restored(Layer::Target)),
            ("builds-restored", restored(Layer::Builds)),
            ("bins-restored", restored(Layer::Bins)),
            ("restored-bytes", stats.bytes.to_string()),
            ("restored-files", stats.files.to_string()),
            ("seconds", format!("{:.3}", self.took.as_secs_f64())),
            ("cache-root", self.cache_root.display().to_string()),
        ]
    }

    /// Variables for the job's later steps, those of layers that took part. `…_CACHE_RESTORED` is true after an exact
    /// hit only, so that a step may be skipped by it; the others as soon as something was restored.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let own_home = self.own_cargo_home.as_ref().map(|home| ("CARGO_HOME", home.display().to_string()));
        let mut env: Vec<_> = own_home.into_iter().collect();
        for layer in &self.layers {
            let exact = (layer.hit == Hit::Exact && self.is_restored(layer.layer)).to_string();
            let restored = self.is_restored(layer.layer).to_string();
            let part = |part| layer.has_part(part).to_string();
            let directory = layer.directory.display().to_string();
            match layer.layer {
                Layer::Cargo => env.extend([
                    ("CARGO_CACHE_DIR", directory),
                    ("CARGO_CACHE_RESTORED", exact),
                    ("CARGO_REGISTRY_RESTORED", part("registry/")),
                    ("CARGO_GIT_RESTORED", part("git/")),
                ]),
                Layer::Target => env.extend([
                    ("TARGET_CACHE_DIR", directory),
                    ("TARGET_CACHE_RESTORED", exact),
                    ("TARGET_RESTORED", restored),
                ]),
                Layer::Builds => env.extend([("BUILD_CACHE_DIR", directory), ("BUILDS_RESTORED", restored)]),
                Layer::Units | Layer::Paths | Layer::Bins => {}
            }
        }
        env
    }

    /// The report for the log.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for layer in &self.layers {
            let _ = write!(text, "{:<7} {:<9}", layer.layer, layer.hit.name());
            match &layer.transfer {
                Some(Transfer { stats, took, .. }) => {
                    let (files, bytes, took) = (files(stats.files), bytes(stats.bytes), seconds(*took));
                    let _ = write!(text, "{files}, {bytes} in {took} ({})", modes(stats));
                }
                None if layer.hit == Hit::Miss => text.push_str("nothing restored"),
                None => text.push_str("looked up only"),
            }
            let of = |what: &Option<String>, word: &str| what.as_ref().map(|of| format!("{word}{of}"));
            let of_ref = of(&layer.matched_ref, " of ").unwrap_or_default();
            let of =
                of(&layer.matched_lane, ", lane ").map_or(of_ref.clone(), |lane| format!("{of_ref}{lane}"));
            let _ = match layer.matched_key.as_ref().filter(|matched| **matched != layer.key) {
                Some(matched) => {
                    write!(
                        text,
                        "\n        key {}\n        from {}{of}",
                        layer.shown(&layer.key),
                        layer.shown(matched)
                    )
                }
                None => write!(text, "\n        key {}{of}", layer.shown(&layer.key)),
            };
            if let Some(reason) = &layer.reason {
                let _ = write!(text, "\n        {reason}");
            }
            for line in layer.composed().iter().chain(&layer.kept()).chain(layer.lacking()) {
                let _ = write!(text, "\n        {line}");
            }
            text.push('\n');
        }
        let stats = self.layers.iter().filter_map(|layer| Some(&layer.transfer.as_ref()?.stats));
        text.push_str(obstacle(stats));
        if self.layers.is_empty() {
            text.push_str("nothing to cache: there is no Cargo.toml here, and `path` is empty\n");
        }
        text.pop();
        text
    }

    /// The report for the step summary, in Markdown.
    pub fn summary(&self) -> String {
        let mut text = String::from("### runner-cache: restored\n\n");
        let rows: Vec<_> = self.layers.iter().map(LayerRestore::cells).collect();
        text += &table(
            [
                ("layer", false),
                ("hit", false),
                ("key", false),
                ("from", false),
                ("files", true),
                ("size", true),
                ("time", true),
            ],
            &rows,
        );
        text.push('\n');
        for layer in &self.layers {
            if let Some(reason) = &layer.reason {
                let _ = writeln!(text, "{}: {}\n", layer.layer, code(&reason.to_string()));
            }
        }
        for line in self.layers.iter().flat_map(|layer| layer.composed().into_iter().chain(layer.kept())) {
            let _ = writeln!(text, "{}\n", code(line.trim_start()));
        }
        for line in self.layers.iter().flat_map(LayerRestore::lacking) {
            let _ = writeln!(text, "{}\n", code(line));
        }
        let keys = self.layers.iter().flat_map(|layer| {
            std::iter::once(&layer.key).chain(&layer.matched_key).map(|key| (layer.layer, key.as_str()))
        });
        text += &whole_keys(keys);
        text
    }

    fn layer(&self, wanted: Layer) -> Option<&LayerRestore> {
        self.layers.iter().find(|layer| layer.layer == wanted)
    }

    fn is_restored(&self, layer: Layer) -> bool {
        let transfer = self.layer(layer).and_then(|layer| layer.transfer.as_ref());
        transfer.is_some_and(|transfer| transfer.stats.files > 0)
    }

    fn stats(&self) -> TransferStats {
        let mut sum = TransferStats::default();
        for transfer in self.layers.iter().filter_map(|layer| layer.transfer.as_ref()) {
            sum += transfer.stats;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(layer: Layer, hit: Hit) -> LayerRestore {
        let stats = TransferStats { files: 3, bytes: 10, copied: 3, ..TransferStats::default() };
        let parts = vec!["registry/cache".into()];
        LayerRestore {
            layer,
            key: "new".into(),
            hit,
            matched_key: (hit != Hit::Miss).then(|| "old|`".into()),
            matched_ref: None,
            matched_lane: None,
            transfer: (hit != Hit::Miss).then_some(Transfer {
                stats,
                took: Duration::ZERO,
                parts,
                sources: None,
                units: None,
                lacking: Vec::new(),
            }),
            composed: None,
            reason: None,
            directory: "/cache/directory".into(),
        }
    }

    fn report(layers: Vec<LayerRestore>) -> RestoreReport {
        RestoreReport {
            layers,
            cargo_key: None,
            target_key: None,
            cache_root: "/r".into(),
            own_cargo_home: None,
            took: Duration::ZERO,
        }
    }

    fn value(values: &[(&str, String)], name: &str) -> String {
        values.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
    }

    #[test]
    fn cache_hit_is_true_or_false_and_about_the_exact_key() {
        for (hit, expected) in [(Hit::Exact, "true"), (Hit::Partial, "false"), (Hit::Miss, "false")] {
            let report = report(vec![layer(Layer::Cargo, Hit::Exact), layer(Layer::Target, hit)]);
            assert_eq!(value(&report.outputs(), "cache-hit"), expected);
            assert_eq!(value(&report.outputs(), "target-hit"), hit.name());
        }
        assert_eq!(value(&report(Vec::new()).outputs(), "cache-hit"), "false");
    }

    #[test]
    fn a_step_may_be_skipped_after_an_exact_hit_only() {
        for (hit, exact, any) in
            [(Hit::Exact, "true", "true"), (Hit::Partial, "false", "true"), (Hit::Miss, "false", "false")]
        {
            let env = report(vec![layer(Layer::Target, hit), layer(Layer::Cargo, hit)]).env();
            assert_eq!(value(&env, "TARGET_CACHE_RESTORED"), exact);
            assert_eq!(value(&env, "TARGET_RESTORED"), any);
            assert_eq!(value(&env, "CARGO_REGISTRY_RESTORED"), any);
            assert_eq!(value(&env, "CARGO_GIT_RESTORED"), "false", "there was nothing of git in it");
        }
    }

    #[test]
    fn the_log_tells_whose_entry_served() {
        let mut layer = layer(Layer::Target, Hit::Partial);
        layer.matched_ref = Some("refs/heads/main".into());
        let log = report(vec![layer]).log();
        assert!(log.contains("key new\n        from old|` of refs/heads/main"), "{log}");
    }

    #[test]
    fn layers_that_did_not_take_part_set_no_variables() {
        assert!(report(vec![layer(Layer::Paths, Hit::Exact)]).env().is_empty());
    }

    #[test]
    fn a_key_cannot_break_the_table() {
        let summary = report(vec![layer(Layer::Target, Hit::Partial)]).summary();
        assert!(summary.contains("<code>old&#124;&#96;</code>"), "{summary}");
    }
}
