//! Cargo's configuration files: which of them count for commands that are run in a directory.
//!
//! What they say is read by `cargo_config2`. It does not know of `include` (cargo 1.94), so files that include others
//! leave a doubt, about which cargo is asked.

use std::path::{Path, PathBuf};

use cargo_config2::Walk;

use super::home::CargoHome;
use crate::sys::file;

/// The files that count in `directory`: its own, those of the directories above it and of the `home`, in this order, each
/// followed by those that it includes.
pub fn config_files(directory: &Path, home: Option<&CargoHome>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in found(directory, home) {
        add(path, &mut files);
    }
    files
}

/// Whether a file in `checkout` that counts in `directory` tells where cargo builds, or cannot be read.
pub fn tells_output_directory(directory: &Path, checkout: &Path) -> bool {
    let tells = |path: &PathBuf| {
        let text = file::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let table = text.and_then(|text| text.parse::<toml::Table>().ok());
        let build = |table: toml::Table| table.get("build").and_then(toml::Value::as_table).cloned();
        table.is_none_or(|table| {
            build(table)
                .is_some_and(|build| ["target-dir", "build-dir"].iter().any(|name| build.contains_key(*name)))
        })
    };
    config_files(directory, None).iter().filter(|path| path.starts_with(checkout)).any(tells)
}

/// Whether any of the files that count in `directory` includes another.
pub(super) fn has_includes(directory: &Path, home: Option<&CargoHome>) -> bool {
    found(directory, home).any(|path| !included(&path).is_empty())
}

fn found<'f>(directory: &'f Path, home: Option<&CargoHome>) -> Walk<'f> {
    Walk::with_cargo_home(directory, home.map(|home| home.path().to_path_buf()))
}

fn add(path: PathBuf, files: &mut Vec<PathBuf>) {
    if files.contains(&path) || !file::is_file(&path) {
        return;
    }
    let included = included(&path);
    files.push(path);
    for path in included {
        add(path, files);
    }
}

/// The files that the configuration file at `path` includes, whose paths are relative to its own directory:
/// `include = ["a.toml", { path = "b.toml", optional = true }]`.
fn included(path: &Path) -> Vec<PathBuf> {
    let text = file::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let table = text.and_then(|text| text.parse::<toml::Table>().ok());
    let included = match table.as_ref().and_then(|table| table.get("include")) {
        Some(toml::Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    let name = |value: &toml::Value| value.get("path").unwrap_or(value).as_str().map(str::to_owned);
    let directory = path.parent().unwrap_or(path);
    included.iter().filter_map(name).map(|name| file::normal(&directory.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_that_are_above_a_directory_in_the_home_or_included() {
        let place = tempfile::tempdir().unwrap();
        let lay = |path: &str, text: &str| {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_new(&path, text.as_bytes()).unwrap();
        };
        lay(
            "a/b/.cargo/config.toml",
            "include = ['more.toml', { path = '../../x/gone.toml', optional = true }]",
        );
        lay("a/b/.cargo/more.toml", "include = '../../x/again.toml'");
        lay("a/x/again.toml", "include = ['../b/.cargo/more.toml']");
        lay("a/.cargo/config", "");
        lay("home/config.toml", "");
        lay("elsewhere/.cargo/config.toml", "");
        let home = CargoHome::at(place.path().join("home"));
        let files = config_files(&place.path().join("a/b"), Some(&home));
        let expected = [
            "a/b/.cargo/config.toml",
            "a/b/.cargo/more.toml",
            "a/x/again.toml",
            "a/.cargo/config",
            "home/config.toml",
        ];
        assert_eq!(files, expected.map(|path| place.path().join(path)));
        assert!(
            has_includes(&place.path().join("a/b"), None) && !has_includes(&place.path().join("a"), None)
        );
    }
}
