//! Settings that contradict each other, or the facts: told before anything is done.

use std::error::Error;
use std::path::Path;

use super::facts::Facts;
use super::job_layer::JobLayer;
use super::key::Given;
use super::roots::{path_roots, preset_roots, target_roots};
use super::settings::Settings;
use crate::sys::file::normal;
use crate::tree::{Existing, Selection};

/// Longest key in characters, as in `actions/cache`.
const LONGEST_KEY: usize = 512;

/// Settings that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("input `{input}`: {what}; hint: {hint}")]
pub struct Contradiction {
    pub(super) input: &'static str,
    what: String,
    hint: &'static str,
}

type Checked = Result<(), Contradiction>;

fn refuse(input: &'static str, what: impl Into<String>, hint: &'static str) -> Checked {
    Err(Contradiction { input, what: what.into(), hint })
}

fn refuse_pattern(input: &'static str, name: &str, error: &dyn Error) -> Checked {
    let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
    let hint = r"use `*`, `**`, `?`, `[ab]` and `{a,b}`; `\[` matches `[` itself";
    refuse(input, format!("`{name}`: {error}{why}"), hint)
}

/// Checks all settings. `is_rust`: cargo's layers take part unless `layers` leaves them out.
pub(super) fn check(settings: &Settings, facts: &Facts, is_rust: bool) -> Checked {
    check_layers(settings, facts)?;
    check_keys(settings, facts, is_rust)?;
    check_patterns(settings, facts)?;
    check_places(settings, facts, is_rust)
}

fn check_layers(settings: &Settings, facts: &Facts) -> Checked {
    let listed = |layer| settings.layers.as_ref().is_some_and(|layers| layers.contains(&layer));
    let left_out = |layer| settings.layers.is_some() && !listed(layer);
    let (presets, has_preset_paths) = (&settings.presets, !facts.preset_paths.is_empty());
    let has_paths = has_preset_paths || !settings.path.is_empty();
    let has_others = has_paths || !settings.builds.is_empty() || !settings.cargo_bins.is_empty();
    if !presets.may_be_rust() && !has_others {
        if let Some((preset, variable)) = facts.unset.first() {
            let what = format!("`{preset}`: `${variable}` is not set, and no other path exists");
            return refuse("preset", what, "set it in an earlier step, or list what to cache in `path`");
        }
        let what = format!("`{presets}` with no `path` caches nothing");
        return refuse("preset", what, "list what to cache in `path`, `builds` or `cargo-bins`");
    }
    let is_of_cargo =
        |layer: &&JobLayer| !presets.may_be_rust() && matches!(layer, JobLayer::Cargo | JobLayer::Target);
    let mut layers = settings.layers.iter().flatten();
    if let Some(layer) = layers.find(is_of_cargo) {
        let what = format!("preset `{presets}` has no layer `{}`", layer.name());
        return refuse("layers", what, "use preset `cargo`, or `path`");
    }
    if listed(JobLayer::Paths) && !has_paths {
        return refuse("layers", "`paths` with no `path`", "list what to cache in `path`");
    }
    if listed(JobLayer::Builds) && settings.builds.is_empty() {
        return refuse("layers", "`builds` with no `builds`", "list the outputs to keep in `builds`");
    }
    if listed(JobLayer::Bins) && settings.cargo_bins.is_empty() {
        return refuse("layers", "`bins` with no `cargo-bins`", "list the tools to keep in `cargo-bins`");
    }
    if !settings.path.is_empty() && left_out(JobLayer::Paths) {
        return refuse("path", "is set, but `layers` omits `paths`", "add `paths` to `layers`");
    }
    if has_preset_paths && left_out(JobLayer::Paths) {
        let what = format!("is `{presets}`, but `layers` omits `paths`");
        return refuse("preset", what, "add `paths` to `layers`");
    }
    if !settings.builds.is_empty() && left_out(JobLayer::Builds) {
        return refuse("builds", "is set, but `layers` omits `builds`", "add `builds` to `layers`");
    }
    if !settings.cargo_bins.is_empty() && left_out(JobLayer::Bins) {
        return refuse("cargo-bins", "is set, but `layers` omits `bins`", "add `bins` to `layers`");
    }
    Ok(())
}

fn check_keys(settings: &Settings, facts: &Facts, is_rust: bool) -> Checked {
    let is_made_from_facts = is_rust || !facts.preset_paths.is_empty();
    if !is_made_from_facts
        && !settings.path.is_empty()
        && settings.key.is_none()
        && settings.key_files.is_empty()
    {
        return refuse(
            "key",
            "is required for `path` without a Rust workspace",
            "set `key`, or `key-files` to make one from",
        );
    }
    let parts = [
        ("key-files", !settings.key_files.is_empty()),
        ("key-env", !settings.key_env.is_empty()),
        ("key-extra", settings.key_extra.is_some()),
    ];
    let is_free = settings.key.as_deref().is_some_and(|key| matches!(Given::read(key), Given::Free(_)));
    if let Some((input, _)) = parts.into_iter().find(|(_, is_set)| is_free && *is_set) {
        return refuse(input, "does not apply to a custom `key`", "include it in `key`, or remove `key`");
    }
    let keys = settings.key.iter().map(|key| ("key", key));
    for (input, key) in keys.chain(settings.restore_keys.iter().map(|key| ("restore-keys", key))) {
        let characters = key.chars().count();
        if characters > LONGEST_KEY {
            return refuse(input, format!("`{key}` has {characters} characters"), "use at most 512");
        }
        if key.contains(',') {
            return refuse(
                input,
                format!("`{key}` contains a comma"),
                "remove it; list restore keys one per line",
            );
        }
    }
    Ok(())
}

fn check_patterns(settings: &Settings, facts: &Facts) -> Checked {
    for (input, lines) in [("path", &settings.path), ("builds", &settings.builds)] {
        if let Some(line) = lines.iter().find(|line| line.trim_start_matches('!').trim().is_empty()) {
            return refuse(input, format!("`{line}` is empty"), "remove the line");
        }
        let is_of_home = |line: &&String| {
            let path = line.trim_start_matches('!');
            path == "~" || path.starts_with("~/")
        };
        if facts.home.is_none()
            && let Some(line) = lines.iter().find(is_of_home)
        {
            return refuse(
                input,
                format!("`{line}`: this user has no home directory"),
                "set HOME, or use an absolute path",
            );
        }
        let has_others = input == "path" && !facts.preset_paths.is_empty();
        if !has_others && !lines.is_empty() && path_roots(lines, facts).is_empty() {
            let hint = "add a line without `!` that no later line excludes";
            return refuse(input, "excludes all that it names", hint);
        }
        for root in path_roots(lines, facts) {
            if let Err(error) = Selection::new(&root.include, &root.exclude) {
                return refuse_pattern(input, &root.name, &error);
            }
        }
    }
    for root in preset_roots(settings, facts) {
        let replaced = Selection::new(&root.replaced, &[]);
        if let Err(error) = Selection::new(&root.include, &root.exclude).and(replaced) {
            return refuse_pattern("preset", &root.name, &error);
        }
    }
    Ok(())
}

/// A restore replaces and deletes, so what it is about must not hold the cache, cargo's home or the sources.
fn check_places(settings: &Settings, facts: &Facts, is_rust: bool) -> Checked {
    let targets = if is_rust { target_roots(settings, facts) } else { Vec::new() };
    let cache = normal(&settings.cache_root);
    let paths = [path_roots(&settings.path, facts), preset_roots(settings, facts)].concat();
    for root in targets.iter().chain(&paths) {
        // Of a directory that nothing goes out of the cache stays: see `without_cache`.
        let is_mirror = root.existing == Existing::Mirror;
        let is_in_the_way = root.path.starts_with(&cache) || is_mirror && cache.starts_with(&root.path);
        if is_in_the_way {
            let what = format!("{} and {} (`{}`) overlap", cache.display(), root.path.display(), root.name);
            return refuse("cache-root", what, "set another directory for the cache");
        }
    }
    for (index, target) in targets.iter().enumerate() {
        let (name, path) = (&target.name, target.path.display());
        if let Some((_, workspace)) =
            facts.workspaces.iter().find(|(_, other)| normal(&other.root).starts_with(&target.path))
        {
            let what = format!(
                "the target directory {path} of `{name}` contains the workspace {}",
                workspace.root.display()
            );
            return refuse("workspaces", what, "a restore would delete the sources; use another directory");
        }
        if facts.cargo_home.as_ref().is_some_and(|home| normal(home.path()).starts_with(&target.path)) {
            return refuse(
                "workspaces",
                format!("the target directory {path} of `{name}` contains CARGO_HOME"),
                "move one of the two",
            );
        }
        if let Some(other) = targets[..index].iter().find(|other| overlap(&other.path, &target.path)) {
            let what = format!("the target directories of `{}` and `{name}` overlap", other.name);
            return refuse("workspaces", what, "use separate directories");
        }
    }
    Ok(())
}

fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
