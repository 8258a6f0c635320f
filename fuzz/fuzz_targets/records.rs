//! Cargo's notes of what it has installed, which others write as well: what is read stays in them when a package is added,
//! and what is written can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner_cache::cargo::{Records, Tool};
use runner_cache::store::Install;

fuzz_target!(|text: &str| {
    let Some((listing, details)) = text.split_once('\0') else { return };
    let Ok(mut records) = Records::parse(listing, details) else { return };
    let before = records.clone();
    let added = Install {
        package: "added 1.0.0 (registry+https://example.com/index)".to_owned(),
        bins: vec!["added".to_owned()],
        details: Some(serde_json::json!({"bins": ["added"]})),
    };
    records.add(&added);
    let (listing, details) = records.texts();
    let read = Records::parse(&listing, &details).expect("what is written can be read");
    let tool = Tool { name: "added".to_owned(), version: None };
    assert!(read.of(&tool).any(|install| *install == added), "{listing}");
    for install in before.installs().iter().filter(|install| install.package != added.package) {
        let is_it = |other: &Install| (&other.package, &other.bins) == (&install.package, &install.bins);
        assert!(read.installs().iter().any(is_it), "{install:?} {listing} {details}");
    }
});
