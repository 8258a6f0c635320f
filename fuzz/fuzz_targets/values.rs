//! The small languages of the inputs: what is read can be written down and is read again as the same, and what cannot be
//! read is told with the words that are wrong.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use runner_cache::plan::{
    HostPolicy, Unreadable, WorkspaceSpec, parse_age, parse_bytes, parse_keep, parse_layers, parse_lines,
    parse_min_free, parse_tools, parse_words,
};
use runner_cache::store::Layer;
use runner_cache::store::retention::{MinFree, Room};
use runner_cache::sys::Space;

/// The longest time in hours that can be written in hours.
const MOST_HOURS: i64 = 175_307_616;

fuzz_target!(|text: &str| {
    lists(text);
    layers(text);
    keep(text);
    tools(text);
    sizes(text);
    age(text);
    for line in parse_lines(text) {
        workspace(&line);
    }
    workspace(text);
    if let Err(error) = HostPolicy::parse(text) {
        assert!(!error.to_string().is_empty());
    }
});

fn lists(text: &str) {
    let lines = parse_lines(text);
    assert!(lines.iter().all(|line| line.trim() == line && !line.is_empty() && !line.contains('\n')));
    assert_eq!(parse_lines(&lines.join("\n")), lines);
    let words = parse_words(text);
    assert!(words.iter().all(|word| !word.is_empty() && !word.contains([',', ' ', '\t', '\r', '\n'])));
    assert_eq!(parse_words(&words.join(",")), words);
}

fn layers(text: &str) {
    match parse_layers(text) {
        Ok(layers) => {
            assert!(layers.is_sorted_by(|a, b| a < b), "{layers:?}");
            let names: Vec<_> = layers.iter().map(|layer| layer.name()).collect();
            assert_eq!(parse_layers(&names.join(",")), Ok(layers));
        }
        Err(error) => tells_a_word_of(text, &error),
    }
}

fn keep(text: &str) {
    match parse_keep(text) {
        Ok(keep) => {
            let json = serde_json::to_value(&keep).expect("numbers by name");
            let counts: BTreeMap<Layer, usize> = serde_json::from_value(json).expect("numbers by name");
            assert!(counts.values().all(|&count| count >= 1), "{counts:?}");
            let words: Vec<_> = counts.iter().map(|(layer, count)| format!("{layer}={count}")).collect();
            assert_eq!(parse_keep(&words.join(" ")), Ok(keep));
        }
        Err(error) => tells_a_word_of(text, &error),
    }
}

fn tools(text: &str) {
    match parse_tools(text) {
        Ok(tools) => {
            assert!(tools.is_sorted_by(|a, b| a.name < b.name), "{tools:?}");
            let words: Vec<_> = tools.iter().map(ToString::to_string).collect();
            assert_eq!(parse_tools(&words.join(",")), Ok(tools));
        }
        Err(error) => assert!(error.to_string().starts_with('`'), "{error}"),
    }
}

fn tells_a_word_of(text: &str, error: &Unreadable) {
    let told = error.to_string();
    let parts = parse_words(text);
    let is_told = |word: &String| told.contains(&format!("`{}`", word.split('=').next().unwrap_or_default()));
    assert!(parts.iter().any(|word| told.contains(&format!("`{word}`")) || is_told(word)), "{told}");
}

fn sizes(text: &str) {
    if let Ok(bytes) = parse_bytes(text) {
        assert_eq!(parse_bytes(&format!("{bytes}B")), Ok(bytes));
        assert_eq!(parse_min_free(text), Ok(MinFree::Bytes(bytes)));
    }
    let least = match parse_min_free(text) {
        Ok(least) => least,
        Err(error) => return assert!(error.to_string().starts_with(&format!("`{text}`")), "{error}"),
    };
    let space =
        Space { bytes: 1 << 40, free_bytes: 1 << 30, inodes: 1 << 20, free_inodes: 1 << 10, device: 0 };
    let short = least.shortage(space, Room { bytes: 1 << 35, inodes: 1 << 15 });
    match least {
        MinFree::Bytes(bytes) => assert!(short.bytes >= bytes.saturating_sub(space.free_bytes), "{short:?}"),
        MinFree::Percent(percent) => {
            assert!((0.0..=90.0).contains(&percent));
            assert_eq!(parse_min_free(&format!("{percent}%")), Ok(least));
            assert!(short.bytes <= space.bytes + (1 << 35), "{short:?}");
        }
    }
}

fn age(text: &str) {
    match parse_age(text) {
        Ok(age) => {
            assert!(age.is_positive(), "{age:?}");
            if age.as_hours() < MOST_HOURS {
                assert_eq!(parse_age(&format!("{age:#}")), Ok(age), "{age:#}");
            }
        }
        Err(error) => {
            assert!(error.to_string().starts_with(&format!("`{text}` is not a duration")), "{error}");
        }
    }
}

fn workspace(text: &str) {
    match text.parse::<WorkspaceSpec>() {
        Ok(spec) => {
            let written = match &spec.target {
                Some(target) => format!("{} -> {}", spec.path.display(), target.display()),
                None => spec.path.display().to_string(),
            };
            assert!(!spec.path.as_os_str().is_empty(), "a workspace without a path");
            assert_eq!(written.parse(), Ok(spec), "{written}");
        }
        Err(error) => {
            assert!(error.to_string().starts_with(&format!("`{text}` is not")), "{error}");
        }
    }
}
