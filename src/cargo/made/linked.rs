//! Libraries that a build script tells cargo to link.

use std::path::{Path, PathBuf};

/// Where the libraries can be that `told`, the output of a build script, has linked: in each directory that it names.
pub(super) fn libraries(told: &str) -> Vec<PathBuf> {
    let (mut folders, mut names) = (Vec::new(), Vec::new());
    for line in told.lines() {
        let Some(said) = line.strip_prefix("cargo:") else { continue };
        let Some((name, value)) = said.strip_prefix(':').unwrap_or(said).split_once('=') else { continue };
        let value = value.trim();
        match name {
            // `native=/usr/lib`
            "rustc-link-search" => folders.push(value.split_once('=').map_or(value, |(_, path)| path)),
            // `static:+whole-archive=name:other`
            "rustc-link-lib" => {
                let name = value.split_once('=').map_or(value, |(_, name)| name);
                names.push(name.split(':').next().unwrap_or(name));
            }
            // `-L path -l name`
            "rustc-flags" => {
                let words: Vec<_> = value.split_whitespace().collect();
                for (index, word) in words.iter().enumerate() {
                    let (option, rest) = word.split_at_checked(2).unwrap_or((word, ""));
                    let value = if rest.is_empty() { words.get(index + 1).copied() } else { Some(rest) };
                    let value = value.map(|value| value.split_once('=').map_or(value, |(_, value)| value));
                    match option {
                        "-L" => folders.extend(value),
                        "-l" => names.extend(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let in_folder = |folder: &&str| {
        let folder = Path::new(folder);
        let files = names
            .iter()
            .flat_map(|name| [format!("lib{name}.a"), format!("lib{name}.so"), (*name).to_owned()]);
        files.map(|file| folder.join(file)).collect::<Vec<_>>()
    };
    folders.iter().flat_map(in_folder).collect()
}
