//! Settings that contradict each other, or the facts: told before anything is done.

use std::path::Path;

use super::facts::Facts;
use super::key::Given;
use super::roots::{RootPlan, Shape, path_roots, target_roots};
use super::settings::{Preset, Settings};
use crate::store::Layer;
use crate::sys::file::normal;
use crate::tree::Selection;

/// Longest key, as in `actions/cache`.
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

/// Checks all settings. `is_rust`: cargo's layers take part unless `layers` leaves them out.
pub(super) fn check(settings: &Settings, facts: &Facts, is_rust: bool) -> Checked {
    check_layers(settings)?;
    check_keys(settings, is_rust)?;
    check_patterns(settings, facts)?;
    check_places(settings, facts, is_rust)
}

fn check_layers(settings: &Settings) -> Checked {
    let listed = |layer| settings.layers.as_ref().is_some_and(|layers| layers.contains(&layer));
    let left_out = |layer| settings.layers.is_some() && !listed(layer);
    let is_none = settings.preset == Preset::None;
    if is_none && settings.path.is_empty() {
        return refuse("preset", "`none` with no `path` caches nothing", "list what to cache in `path`");
    }
    if let Some(layer) = settings.layers.iter().flatten().find(|layer| is_none && **layer != Layer::Paths) {
        return refuse(
            "layers",
            format!("`{layer}` is not of preset `none`"),
            "use preset `cargo`, or `path`",
        );
    }
    if listed(Layer::Paths) && settings.path.is_empty() {
        return refuse("layers", "`paths` with no `path`", "list what to cache in `path`");
    }
    if listed(Layer::Builds) && settings.builds.is_empty() {
        return refuse("layers", "`builds` with no `builds`", "list the outputs to keep in `builds`");
    }
    if !settings.path.is_empty() && left_out(Layer::Paths) {
        return refuse("path", "is set, and `layers` leaves `paths` out", "add `paths` to `layers`");
    }
    if !settings.builds.is_empty() && left_out(Layer::Builds) {
        return refuse("builds", "is set, and `layers` leaves `builds` out", "add `builds` to `layers`");
    }
    Ok(())
}

fn check_keys(settings: &Settings, is_rust: bool) -> Checked {
    if !is_rust && !settings.path.is_empty() && settings.key.is_none() && settings.key_files.is_empty() {
        return refuse(
            "key",
            "is needed for `path` where there is no Rust workspace",
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
        return refuse(input, "has no part in a `key` of your own", "put it into `key`, or leave `key` out");
    }
    let keys = settings.key.iter().map(|key| ("key", key));
    for (input, key) in keys.chain(settings.restore_keys.iter().map(|key| ("restore-keys", key))) {
        if key.len() > LONGEST_KEY {
            return refuse(input, format!("`{key}` has {} characters", key.len()), "512 are allowed");
        }
        if key.contains(',') {
            return refuse(
                input,
                format!("`{key}` has a comma"),
                "keys have none; list restore keys in lines",
            );
        }
    }
    Ok(())
}

fn check_patterns(settings: &Settings, facts: &Facts) -> Checked {
    for (input, lines) in [("path", &settings.path), ("builds", &settings.builds)] {
        if let Some(line) = lines.iter().find(|line| line.strip_prefix('!').unwrap_or(line).trim().is_empty())
        {
            return refuse(input, format!("`{line}` names nothing"), "remove the line");
        }
        if !lines.is_empty() && lines.iter().all(|line| line.starts_with('!')) {
            return refuse(input, "has only exclusions", "add a line without `!`");
        }
        for root in path_roots(lines, facts) {
            if let Err(error) = Selection::new(&root.include, &root.exclude) {
                return refuse(input, format!("`{}`: {error}", root.name), "see the README on patterns");
            }
        }
    }
    Ok(())
}

/// A restore replaces and deletes, so what it is about must not hold the cache, cargo's home or the sources.
fn check_places(settings: &Settings, facts: &Facts, is_rust: bool) -> Checked {
    let targets = if is_rust { target_roots(settings, facts) } else { Vec::new() };
    let cache = normal(&settings.cache_root);
    let is_whole = |root: &RootPlan| root.shape != Shape::Part;
    let paths = path_roots(&settings.path, facts);
    for root in targets.iter().chain(paths.iter().filter(|root| is_whole(root))) {
        if overlap(&root.path, &cache) {
            let what = format!(
                "{} and {} (`{}`) lie in each other",
                cache.display(),
                root.path.display(),
                root.name
            );
            return refuse("cache-root", what, "choose another folder for the cache");
        }
    }
    for (index, target) in targets.iter().enumerate() {
        let (name, path) = (&target.name, target.path.display());
        if let Some((_, workspace)) =
            facts.workspaces.iter().find(|(_, other)| normal(&other.root).starts_with(&target.path))
        {
            let what = format!(
                "the target folder {path} of `{name}` holds the workspace {}",
                workspace.root.display()
            );
            return refuse("workspaces", what, "a restore would delete the sources: name another folder");
        }
        if facts.cargo_home.as_ref().is_some_and(|home| normal(home.path()).starts_with(&target.path)) {
            return refuse(
                "workspaces",
                format!("the target folder {path} of `{name}` holds CARGO_HOME"),
                "move one of them",
            );
        }
        if let Some(other) = targets[..index].iter().find(|other| overlap(&other.path, &target.path)) {
            let what = format!("the target folders of `{}` and `{name}` lie in each other", other.name);
            return refuse("workspaces", what, "name folders that do not");
        }
    }
    Ok(())
}

fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
