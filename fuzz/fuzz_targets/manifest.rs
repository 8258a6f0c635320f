//! The manifest reader on any file: what it accepts reads back equal and holds trees, and nothing can be added to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runner_cache_fuzz::manifest;

fuzz_target!(|file: &[u8]| {
    if manifest::read(file).is_some() {
        assert!(manifest::read(&[file, b"x"].concat()).is_none(), "the checksum covers less than all");
        assert!(manifest::read(&file[..file.len() - 1]).is_none(), "the checksum covers more than all");
    }
});
