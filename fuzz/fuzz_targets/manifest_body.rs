//! The manifest reader behind the checksum: any body under a first line that is right for it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner_cache_fuzz::manifest;

fuzz_target!(
    init: {
        // Seeds of an older format would let this target find nothing more, in silence.
        let seeds: [&[u8]; 2] =
            [include_bytes!("../seeds/manifest_body/entry"), include_bytes!("../seeds/manifest_body/packed")];
        for seed in seeds {
            assert!(manifest::read(&manifest::around(seed)).is_some(), "fuzz/seeds/manifest_body is no manifest's body");
        }
    },
    |body: &[u8]| {
        manifest::read(&manifest::around(body));
    }
);
