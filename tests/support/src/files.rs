//! Files and directories by the standard library. Each failure names its path.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reads a text.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file, and makes the directories above it.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) {
    let above = path.parent().expect("a file is in a directory");
    fs::create_dir_all(above).unwrap_or_else(|error| panic!("{}: {error}", above.display()));
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Writes a file that can be run.
pub fn write_executable(path: &Path, text: &str) {
    write(path, text);
    fs::set_permissions(path, Permissions::from_mode(0o755))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Removes what is at `path`, if anything.
pub fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
    removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Makes `path` an empty directory, whatever it was.
pub fn empty(path: &Path) {
    remove(path);
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// What is in a directory, in order; nothing where there is none.
pub fn inside(directory: &Path) -> Vec<PathBuf> {
    // Others may remove what is listed meanwhile.
    let mut paths: Vec<_> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// All of a tree, the root included as the empty path, a directory before what is in it, names in order.
pub fn walk(root: &Path) -> Vec<(PathBuf, Metadata)> {
    let mut found = Vec::new();
    add(root, Path::new(""), &mut found);
    found
}

fn add(root: &Path, path: &Path, found: &mut Vec<(PathBuf, Metadata)>) {
    let full = root.join(path);
    let metadata = fs::symlink_metadata(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()));
    let is_directory = metadata.is_dir();
    found.push((path.to_path_buf(), metadata));
    if is_directory {
        for below in inside(&full) {
            add(root, &path.join(below.file_name().expect("it was listed")), found);
        }
    }
}

/// Copies a program that is to be run. Not by this process: what other tests start meanwhile would have the file open for writing
/// until it runs something of its own, and the copy could not be run (`ETXTBSY`).
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "copy {}", from.display());
}

/// Copies a file or a tree as a checkout lays it out: nothing keeps its time, and there are no build outputs.
pub fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("copy {}: {error}", from.display()));
        return;
    }
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    for path in inside(from) {
        let name = path.file_name().expect("it was listed");
        if name != "target" {
            copy(&path, &to.join(name));
        }
    }
}
