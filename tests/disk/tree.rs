//! A small target directory in two versions that differ in most files, and in what some names are.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use test_support::files;
use test_support::project::CARGOS_TAG;

/// A version of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Old,
    New,
}

/// Libraries, which differ in every version: together with the rest more than one lot of changes (32).
const LIBRARIES: u64 = 40;

/// A file that ends with a hole. Its size and time may reach the disk long before its contents.
pub(crate) const SPARSE: &str = "debug/sparse";

/// Makes the directory `target` in a version, and nothing else in it.
pub(crate) fn plant(target: &Path, version: Version) {
    files::remove(target);
    let number = version as u64;
    for directory in ["debug/deps", "debug/.fingerprint/small-1", "debug/build/small-1/out", "debug/empty"] {
        fs::create_dir_all(target.join(directory)).unwrap();
    }
    let write = |path: &str, contents: &[u8]| fs::write(target.join(path), contents).unwrap();
    write("CACHEDIR.TAG", CARGOS_TAG.as_bytes());
    write("same", b"in both versions");
    for library in 0..LIBRARIES {
        let contents = [u8::try_from(library + number).unwrap(); 3000];
        write(&format!("debug/deps/lib{library}.rlib"), &contents[..usize::try_from(library * 70).unwrap()]);
    }
    write("debug/deps/tool-1", format!("program {number}").as_bytes());
    fs::set_permissions(target.join("debug/deps/tool-1"), Permissions::from_mode(0o755)).unwrap();
    fs::hard_link(target.join("debug/deps/tool-1"), target.join("debug/tool")).unwrap();
    write("debug/.fingerprint/small-1/dep", format!("fingerprint {number}").as_bytes());
    write("debug/build/small-1/out/generated.rs", &vec![b'g'; 200_000]);
    write("debug/locked", b"read only");
    fs::set_permissions(target.join("debug/locked"), Permissions::from_mode(0o444)).unwrap();
    symlink(format!("deps/lib{number}.rlib"), target.join("debug/link")).unwrap();
    let sparse = File::create(target.join(SPARSE)).unwrap();
    sparse.set_len(400_000).unwrap();
    sparse.write_all_at(&[7; 4096], 200_000).unwrap();
    match version {
        Version::Old => {
            write("debug/only-old", b"old");
            fs::create_dir(target.join("debug/kind")).unwrap();
            write("debug/kind/file", b"a directory once");
        }
        Version::New => {
            fs::create_dir(target.join("debug/only-new")).unwrap();
            write("debug/only-new/file", b"new");
            write("debug/kind", b"a file now");
        }
    }
    set_times(target, number);
}

/// Gives all files and directories times that tell the version, in whole and in parts of seconds.
fn set_times(target: &Path, number: u64) {
    for (path, metadata) in files::walk(target) {
        let is_in_both = ["same", "CACHEDIR.TAG"].iter().any(|name| path.ends_with(name));
        if !metadata.is_symlink() {
            let since = Duration::new(1_700_000_000 + if is_in_both { 0 } else { number }, 123_456_000);
            let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + since);
            File::open(target.join(path)).unwrap().set_times(times).unwrap();
        }
    }
}
