//! What compilers and build scripts left, and whether it leads to the directory in which it was made: any file has an answer,
//! and one in a format that is not known is never taken for free of what it holds.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use runner_cache::cargo::leads_to;

const PLACE: &str = "/w/t";

/// What the formats begin with that are known: metadata of rustc, archives, object files.
const KNOWN: [&[u8]; 5] = [b"rust\0\0\0", b"!<arch>\n", b"!<thin>\n", b"<bigaf>\n", b"\x7fELF"];

fuzz_target!(|contents: &[u8]| {
    let holds = contents.windows(PLACE.len()).any(|part| part == PLACE.as_bytes());
    let leads = leads_to(contents, &[Path::new(PLACE)], &[]);
    assert!(!leads || holds, "it leads to what is not in it");
    let is_known = KNOWN.iter().any(|beginning| contents.starts_with(beginning));
    assert!(is_known || leads == holds, "what is not understood leads to what it holds");
});
