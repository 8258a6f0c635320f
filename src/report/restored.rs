//! What a restore did, in words.

use std::fmt::Write as _;

use super::figures::{bytes, count, files, seconds};
use super::summary::{code, table, whole_keys};
use super::told::Told;
use super::ways::{modes, obstacle};
use super::why::{NOTHING_TO_CACHE, why_left_out};
use crate::cargo::incremental_variable;
use crate::outcome::{
    Composed, Hit, LackingTool, LayerRestore, Matched, RestoreOutcome, SourcesKept, Transfer, UnitsKept,
    UnitsLeftOut,
};
use crate::store::{Layer, shown_key};
use crate::tree::TransferStats;

impl LayerRestore {
    /// How the sources were compared, and which units serve, in words.
    fn kept(&self) -> Vec<String> {
        let Some(transfer) = &self.transfer else { return Vec::new() };
        let sources = transfer.sources.map(|SourcesKept { same, changed }| {
            format!("sources: {} unchanged, {} changed", files(same), count(changed))
        });
        sources.into_iter().chain(transfer.units.iter().flat_map(left_out)).collect()
    }

    /// What the unit pool gave, in words.
    fn composed(&self) -> Option<String> {
        self.composed.map(|composed| format!("unit pool: {}", composed_text(composed)))
    }

    /// What people see of one of its keys.
    fn shown(&self, key: &str) -> String {
        shown_key(self.layer, key)
    }

    /// Its line in the log with what came and why not all, and its keys and units besides.
    fn told(&self) -> Told {
        let mut text = format!("{:<7} {:<9}", self.layer, self.hit.name());
        match &self.transfer {
            Some(Transfer { stats, took, .. }) => {
                let (files, bytes, took) = (files(stats.files), bytes(stats.bytes), seconds(*took));
                let _ = write!(text, "{files}, {bytes} in {took} ({})", modes(stats));
            }
            None if self.hit == Hit::Miss => text.push_str("nothing restored"),
            None => text.push_str("lookup only"),
        }
        if let Some(reason) = &self.reason {
            let _ = write!(text, "; {reason}");
        }
        let of = self.matched.as_ref().map_or_else(String::new, |Matched { reference, lane, .. }| {
            let lane = lane.as_ref().map_or_else(String::new, |lane| format!(", lane {lane}"));
            format!(" of {reference}{lane}")
        });
        let key = self.shown(&self.key);
        let mut details = match self.other_key() {
            Some(other) => vec![format!("key {key}"), format!("from {}{of}", self.shown(other))],
            None => vec![format!("key {key}{of}")],
        };
        details.extend(self.composed());
        details.extend(self.kept());
        details.extend(self.lacking());
        Told { line: text, of: self.layer.to_string(), details }
    }

    /// Its row in the summary: layer, hit, key, where it came from if that is another key, files, size, time.
    fn cells(&self) -> [String; 7] {
        let [files, size, time] = match &self.transfer {
            Some(Transfer { stats, took, .. }) => [count(stats.files), bytes(stats.bytes), seconds(*took)],
            None => ["", "", ""].map(str::to_owned),
        };
        let matched = self.other_key();
        let from = matched.map(|matched| code(&self.shown(matched))).unwrap_or_default();
        let key = code(&self.shown(&self.key));
        [self.layer.to_string(), self.hit.name().to_owned(), key, from, files, size, time]
    }

    /// The key of the entry that served it, where it is another one.
    fn other_key(&self) -> Option<&str> {
        let matched = self.matched.as_ref()?;
        (matched.key != self.key).then_some(&*matched.key)
    }

    /// What was asked for and did not come: a line each.
    fn lacking(&self) -> Vec<String> {
        let lacking = self.transfer.as_ref().map_or(&[][..], |transfer| &transfer.lacking);
        lacking.iter().map(|LackingTool { tool, why }| format!("{tool} not restored: {why}")).collect()
    }

    fn has_part(&self, prefix: &str) -> bool {
        let transfer = self.transfer.as_ref();
        transfer.is_some_and(|transfer| transfer.parts.iter().any(|part| part.starts_with(prefix)))
    }
}

impl RestoreOutcome {
    /// The step's outputs.
    pub fn outputs(&self) -> Vec<(&'static str, String)> {
        let primary = self.primary();
        let primary_key = primary.map(|layer| layer.key.clone()).unwrap_or_default();
        let hit = |layer| self.layer(layer).map_or(Hit::Miss, |layer| layer.hit).name().to_owned();
        let restored = |layer| self.is_restored(layer).to_string();
        let key = |key: &Option<String>| key.clone().unwrap_or_default();
        let stats = self.stats();
        let matched = primary.and_then(|layer| layer.matched.as_ref());
        let matched_key = matched.map(|matched| matched.key.clone()).unwrap_or_default();
        vec![
            ("cache-hit", primary.is_some_and(|layer| layer.hit == Hit::Exact).to_string()),
            ("cache-primary-key", primary_key.clone()),
            ("cache-key", primary_key),
            ("cache-matched-key", matched_key),
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
        let incremental = self.incremental.map(incremental_variable);
        let incremental = incremental.map(|(name, value)| (name, value.to_owned()));
        let mut env: Vec<_> = own_home.into_iter().chain(incremental).collect();
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
    pub fn told(&self) -> Vec<Told> {
        let mut told: Vec<_> = self.layers.iter().map(LayerRestore::told).collect();
        let stats = self.layers.iter().filter_map(|layer| Some(&layer.transfer.as_ref()?.stats));
        told.extend(obstacle(stats).map(Told::line));
        if self.layers.is_empty() {
            told.push(Told::line(NOTHING_TO_CACHE));
        }
        told
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
        for layer in &self.layers {
            for line in layer.composed().iter().chain(&layer.kept()).chain(&layer.lacking()) {
                let _ = writeln!(text, "{}: {}\n", layer.layer, code(line.trim_start()));
            }
        }
        text += &self.history_summary();
        let keys = self.layers.iter().flat_map(|layer| {
            let matched = layer.matched.as_ref().map(|matched| &matched.key);
            std::iter::once(&layer.key).chain(matched).map(|key| (layer.layer, key.as_str()))
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

/// Which units do not serve, and why: lines; none where all serve.
fn left_out(kept: &UnitsKept) -> Vec<String> {
    let sum: u64 = kept.left_out.iter().map(|left_out| left_out.units).sum();
    if sum == 0 {
        return Vec::new();
    }
    let all = count(kept.served + sum);
    let mut lines = vec![format!("units: {} of {all} left out; cargo will recompile them", count(sum))];
    let mut reasons: Vec<_> = kept.left_out.iter().collect();
    reasons.sort_by_key(|left_out| std::cmp::Reverse(left_out.units));
    lines.extend(reasons.into_iter().map(|UnitsLeftOut { code, units, first }| {
        format!("  {}: {} ({first})", count(*units), why_left_out(*code))
    }));
    lines
}

/// What the unit pool gives, in words.
pub(super) fn composed_text(Composed { units, packages, locked }: Composed) -> String {
    format!(
        "{} units, of {} of the {} packages in the lock file",
        count(units),
        count(packages),
        count(locked)
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::outcome::RestoreTimes;

    fn layer(layer: Layer, hit: Hit) -> LayerRestore {
        let stats = TransferStats { files: 3, bytes: 10, copied: 3, ..TransferStats::default() };
        let parts = vec!["registry/cache".into()];
        LayerRestore {
            layer,
            key: "new".into(),
            hit,
            matched: (hit != Hit::Miss).then(|| Matched {
                key: "old|`".into(),
                reference: "refs/heads/main".into(),
                lane: None,
            }),
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
            times: RestoreTimes::default(),
        }
    }

    fn report(layers: Vec<LayerRestore>) -> RestoreOutcome {
        RestoreOutcome { layers, ..RestoreOutcome::of_nothing(Path::new("/r"), Duration::ZERO) }
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
        let told = report(vec![layer(Layer::Target, Hit::Partial)]).told();
        assert_eq!(told[0].details, ["key new", "from old|` of refs/heads/main"]);
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
