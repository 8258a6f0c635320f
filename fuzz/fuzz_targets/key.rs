//! Texts that are handed over as `key`: the user's own words serve as they are, and a key of ours is read back into
//! itself, with restore keys that are its beginnings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner_cache::plan::{LayerPlan, Plan, Presets, Settings, build, needs_parts};
use runner_cache_fuzz::{job, said};

fuzz_target!(|text: &str| {
    // What is empty is not given.
    if text.is_empty() {
        return;
    }
    let Some(plan) = plan_of(text) else { return };
    let (cargo, target) = keys(&plan);
    // The same words, of which what is declared has another place.
    let is_of_paths = text.starts_with("paths-") && words(text) == words(target);
    let is_whole = target == text || is_of_paths;
    assert!(is_whole || cargo == text, "{text:?} gives {cargo:?} and {target:?}");
    let is_free = cargo == text && target == text;
    assert_eq!(needs_parts(&settings(text)), !is_free);
    plan.layers.iter().for_each(|layer| has_beginnings(layer, is_free));
    if !is_free {
        let next = if is_whole { target } else { cargo };
        let Some(handed_on) = plan_of(next) else {
            // `paths-` became `target-`, and the text was as long as one may be.
            return assert!(next.len() > 512 && text.len() <= 512, "{next:?}");
        };
        assert_eq!(keys(&handed_on), keys(&plan));
        assert_eq!(handed_on.layers, plan.layers);
    }
});

/// The words of a key behind that of its layer, in order.
fn words(key: &str) -> Vec<&str> {
    let mut words: Vec<_> = key.split('-').skip(1).collect();
    words.sort_unstable();
    words
}

fn settings(key: &str) -> Settings {
    let one = vec!["x".to_owned()];
    Settings { presets: Presets::CARGO, key: Some(key.to_owned()), path: one, ..job::defaults() }
}

fn plan_of(key: &str) -> Option<Plan> {
    match build(&settings(key), &job::facts()) {
        Ok(plan) => Some(plan),
        Err(error) => {
            said::names(&error.to_string(), "input `key`");
            assert!(key.len() > 512 || key.contains(','), "{error}");
            None
        }
    }
}

fn keys(plan: &Plan) -> (&str, &str) {
    let key = |key: &'_ Option<String>| key.as_deref().is_some_and(|key| !key.is_empty());
    assert!(key(&plan.cargo_key) && key(&plan.target_key));
    (plan.cargo_key.as_deref().unwrap_or_default(), plan.target_key.as_deref().unwrap_or_default())
}

/// From the most exact one to the family, each is a beginning of the one before. A key in the user's words is its own.
fn has_beginnings(layer: &LayerPlan, is_free: bool) {
    if is_free {
        assert_eq!(layer.restore_keys, std::slice::from_ref(&layer.key), "{layer:?}");
        return;
    }
    assert!(!layer.restore_keys.is_empty(), "{layer:?}");
    let mut key = &layer.key;
    for shorter in &layer.restore_keys {
        assert!(key.starts_with(shorter) && key != shorter && shorter.ends_with('-'), "{layer:?}");
        key = shorter;
    }
    // What a key of `target` declares is dropped by none of them, and its family has all values of it.
    let family = layer.family.strip_suffix(&layer.contents);
    assert!(family.is_some_and(|family| key.starts_with(family)), "{layer:?}");
}
