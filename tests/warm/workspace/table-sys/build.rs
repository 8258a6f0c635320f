//! Compiles the C, and generates a file that is different each time.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

fn main() {
    // A directory: cargo looks at the times of all that is in it.
    println!("cargo:rerun-if-changed=c");
    cc::Build::new().file("c/table.c").compile("table");
    let made_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let generated = Path::new(&env::var_os("OUT_DIR").unwrap()).join("made_at.rs");
    fs::write(generated, format!("/// When the build script ran.\npub const MADE_AT: u128 = {made_at};\n")).unwrap();
}
