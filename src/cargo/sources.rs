//! Where the sources of a workspace are: its directory, the repository around it, and the path dependencies outside.

use std::path::{Path, PathBuf};

use super::linked::is_linked;
use crate::sys::file::{self, normal};

/// What no compiler reads: large directories that other tools fill. What has one of [`OUTPUT_MARKS`] is none of it either.
pub const NO_SOURCES: [&str; 2] = ["**/.git", "**/node_modules"];

/// The file that cargo writes into each target directory: what the compiler told of itself.
pub const RUSTC_INFO: &str = ".rustc_info.json";

/// What a directory holds that can be made again: the tag of caches (<https://bford.info/cachedir/>), or cargo's file. A target
/// directory that was there before cargo, such as a mounted volume, gets no tag (seen with 1.95).
pub const OUTPUT_MARKS: [&str; 2] = ["CACHEDIR.TAG", RUSTC_INFO];

/// The directory whose files may be sources of the workspace in `workspace`: build scripts and `include!` reach beside it,
/// so it is the whole checkout, but nothing above `limit`.
pub fn source_directory(workspace: &Path, limit: &Path) -> PathBuf {
    let is_checkout = |directory: &&Path| file::is_present(&directory.join(".git"));
    let mut within = workspace.ancestors().take_while(|directory| directory.starts_with(limit));
    within.find(is_checkout).unwrap_or(workspace).to_path_buf()
}

/// The same of a package that lies outside of the job's directory, `own`: the checkout around it, but none in which the job's
/// directory lies as well, such as a home that is one.
pub fn sibling_directory(package: &Path, own: &Path) -> PathBuf {
    let is_checkout = |directory: &&Path| file::is_present(&directory.join(".git"));
    let mut around = package.ancestors().take_while(|directory| !own.starts_with(directory));
    around.find(is_checkout).unwrap_or(package).to_path_buf()
}

/// The directories of the packages that a manifest or a configuration file of cargo's, `text`, names by path: dependencies,
/// patches, replacements, overrides. Paths are relative to `directory`. All that is no package is passed over, such as the
/// path of a binary's source, and a text that cannot be read.
pub fn path_packages(text: &str, directory: &Path) -> Vec<PathBuf> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let mut paths = Vec::new();
    collect_paths(&toml::Value::Table(table), &mut paths);
    let packages = paths.into_iter().map(|path| normal(&directory.join(path)));
    packages.filter(|package| file::is_file(&package.join("Cargo.toml"))).collect()
}

/// The files that a configuration file of cargo's, `text`, names in any setting by a path relative to `directory`.
pub fn named_files(text: &str, directory: &Path) -> Vec<PathBuf> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let (mut values, mut files) = (vec![toml::Value::Table(table)], Vec::new());
    while let Some(value) = values.pop() {
        match value {
            toml::Value::Table(table) => values.extend(table.into_iter().map(|(_, value)| value)),
            toml::Value::Array(array) => values.extend(array),
            toml::Value::String(path) if path.contains('/') => {
                let path = normal(&directory.join(path.rsplit('=').next().unwrap_or(&path)));
                // Where libraries are looked for that stand for a build script's.
                let names = file::names(&path).unwrap_or_default().into_iter().filter(|name| is_linked(name));
                files.extend(names.map(|name| path.join(name)));
                files.push(path);
            }
            _ => {}
        }
    }
    files.retain(|path| file::is_file(path));
    files
}

/// The programs that a configuration file of cargo's, `text`, names without a path: a linker, a wrapper of the compiler.
pub fn named_programs(text: &str) -> Vec<String> {
    const SETTINGS: [&str; 5] = ["linker", "rustc", "rustc-wrapper", "rustc-workspace-wrapper", "ar"];
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let (mut tables, mut programs) = (vec![table], Vec::new());
    while let Some(table) = tables.pop() {
        for (name, value) in table {
            match value {
                toml::Value::Table(table) => tables.push(table),
                toml::Value::String(program) if SETTINGS.contains(&&*name) && !program.contains('/') => {
                    programs.push(program);
                }
                _ => {}
            }
        }
    }
    programs
}

fn collect_paths(value: &toml::Value, paths: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match value {
                    toml::Value::String(path) if key == "path" => paths.push(path.clone()),
                    toml::Value::Array(overrides) if key == "paths" => {
                        paths.extend(overrides.iter().filter_map(|path| path.as_str().map(str::to_owned)));
                    }
                    value => collect_paths(value, paths),
                }
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| collect_paths(value, paths)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_found_wherever_a_manifest_can_name_them() {
        let place = tempfile::tempdir().unwrap();
        for package in ["a", "b", "c", "d", "e", "f"] {
            let manifest = place.path().join(package).join("Cargo.toml");
            file::make_dirs(manifest.parent().unwrap()).unwrap();
            file::write_new(&manifest, b"").unwrap();
        }
        let text = "[package]\nname = 'x'\n[[bin]]\nname = 'y'\npath = 'src/y.rs'\n\
            [dependencies]\na = { path = '../a' }\nz = '1'\n[target.'cfg(unix)'.dev-dependencies.b]\npath = '../b/.'\n\
            [workspace.dependencies]\nc = { path = '../c' }\n[patch.crates-io]\nd = { path = '../x/../d' }\n\
            [build-dependencies]\ne = { path = '../e', version = '1' }\ngone = { path = '../gone' }\n\
            [replace]\n'f:1.0.0' = { path = '../f' }\n";
        let mut found = path_packages(text, &place.path().join("x"));
        found.sort();
        assert_eq!(found, ["a", "b", "c", "d", "e", "f"].map(|name| place.path().join(name)));
        let config = "paths = ['a']\n[patch.crates-io]\nb = { path = 'b' }\n";
        let mut found = path_packages(config, place.path());
        found.sort();
        assert_eq!(found, ["a", "b"].map(|name| place.path().join(name)));
        assert!(path_packages("path = ", place.path()).is_empty());
    }

    #[test]
    fn sources_are_those_of_the_checkout_but_nothing_above_the_job() {
        let place = tempfile::tempdir().unwrap();
        let job = place.path().join("job");
        let workspace = job.join("repository/rust");
        for directory in [place.path().join(".git"), job.join("repository/.git"), workspace.clone()] {
            file::make_dirs(&directory).unwrap();
        }
        assert_eq!(source_directory(&workspace, &job), job.join("repository"));
        assert_eq!(source_directory(&job.join("other"), &job), job.join("other"));
        assert_eq!(source_directory(&place.path().join("sibling"), &job), place.path().join("sibling"));
    }
}
