//! What the fuzz targets share. Each target is one file in `fuzz_targets`; its first lines tell what it claims of the
//! program, and a broken claim is a panic. `scripts/fuzz.sh` runs them all.

pub mod job;
pub mod manifest;
pub mod said;
