//! Directory names of keys: one that leads nowhere else for any text, which tells its text or that it was cut; no name but
//! the one of a text is read, and no two texts share one.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use runner_cache::store::name::{decode, encode};
use runner_cache::store::{Layer, Scope, key_directory};

fuzz_target!(|texts: (&str, &str)| {
    let (one, other) = texts;
    let (name, other_name) = (encode(one), encode(other));
    is_a_name(&name);
    match decode(&name) {
        Some(text) => assert_eq!(text, one),
        None => {
            assert_eq!(name.matches('~').count(), 1, "{name} does not tell its text, nor that it was cut");
        }
    }
    assert_eq!(name == other_name, one == other, "{one:?} and {other:?} are {name}");
    // A name on the disk may be anybody's.
    if let Some(text) = decode(one) {
        assert_eq!(encode(&text), one, "{text:?} has two names");
    }
    let scope = Scope { repository: one.into(), reference: other.into() };
    let directory = key_directory(Path::new("/r"), Layer::Paths, &scope, one);
    let below = directory.strip_prefix("/r").expect("it lies below the root");
    assert!(below.components().all(|part| matches!(part, Component::Normal(_))), "{}", below.display());
    assert_eq!(below.components().count(), 4, "{}", below.display());
});

fn is_a_name(name: &str) {
    assert!(!name.is_empty() && name.len() <= 200, "{} bytes", name.len());
    assert!(!name.starts_with('.'), "{name}");
    assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'), "{name:?}");
}
