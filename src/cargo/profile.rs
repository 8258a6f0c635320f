//! What manifests set for profiles: what was built with other settings would lie beside what is built with these.

use std::path::{Path, PathBuf};

use super::manifest::manifest;
use crate::sys::sha256_hex;

/// The profiles whose units go into one directory. Source: the cargo book, "Build cache".
const SHARED: [(&str, [&str; 2]); 2] = [("debug", ["dev", "test"]), ("release", ["release", "bench"])];

/// What cargo takes where a manifest says nothing. Source: the cargo book, "Default profiles".
const DEFAULTS: [(&str, &str); 2] = [
    (
        "dev",
        "opt-level = 0\ndebug = true\nstrip = 'none'\ndebug-assertions = true\noverflow-checks = true\nlto = false\n\
         panic = 'unwind'\nincremental = true\ncodegen-units = 256\nrpath = false\n",
    ),
    (
        "release",
        "opt-level = 3\ndebug = false\nstrip = 'none'\ndebug-assertions = false\noverflow-checks = false\nlto = false\n\
         panic = 'unwind'\nincremental = false\ncodegen-units = 16\nrpath = false\n",
    ),
];

/// A digest of all that the manifests of `workspaces` set for the profiles that are built in the directory `name`, such as
/// `debug`, in hexadecimal digits.
pub fn profile_settings(workspaces: &[PathBuf], name: &str) -> String {
    let of_workspace = |workspace: &PathBuf| settings(workspace, name).unwrap_or_default();
    sha256_hex(workspaces.iter().map(of_workspace).collect::<Vec<_>>().join("\n").as_bytes())
}

/// The settings as TOML; nothing where there are none.
fn settings(workspace: &Path, name: &str) -> Option<String> {
    let manifest = manifest(workspace)?;
    let profiles = manifest.get("profile")?.as_table()?;
    let shared = SHARED.into_iter().find(|(directory, _)| *directory == name);
    let mut pending: Vec<_> = shared.map_or_else(|| vec![name], |(_, names)| names.to_vec());
    let mut found = toml::Table::new();
    while let Some(name) = pending.pop() {
        let Some(profile) = profiles.get(name).filter(|_| !found.contains_key(name)) else { continue };
        pending.extend(profile.get("inherits").and_then(toml::Value::as_str));
        let mut profile = profile.clone();
        if let Some(profile) = profile.as_table_mut() {
            let defaults = defaults(name);
            profile.retain(|setting, value| defaults.get(setting) != Some(value));
        }
        found.insert(name.to_owned(), profile);
    }
    found.retain(|_, profile| profile.as_table().is_none_or(|profile| !profile.is_empty()));
    Some(found.to_string())
}

/// What goes without saying for the profile `name`.
fn defaults(name: &str) -> toml::Table {
    let text = DEFAULTS.into_iter().find(|(profile, _)| *profile == name).map_or("", |(_, text)| text);
    text.parse().expect("the text is sound")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    fn of(manifest: &str, name: &str) -> String {
        let place = tempfile::tempdir().unwrap();
        file::write_new(&place.path().join("Cargo.toml"), manifest.as_bytes()).unwrap();
        profile_settings(&[place.path().to_path_buf()], name)
    }

    #[test]
    fn settings_count_for_the_directory_of_their_profile_and_for_what_inherits_them() {
        let plain = "[package]\nname = 'a'\n[profile.dev]\nopt-level = 2\n";
        for (added, other) in [
            ("[profile.test]\nopt-level = 1", ["debug"].as_slice()),
            ("[profile.dev.package.b]\nopt-level = 1", &["debug"]),
            ("[profile.bench]\ndebug = 1", &["release"]),
            ("[profile.dist]\ninherits = 'release'", &["dist"]),
            ("[features]\nx = []", &[]),
        ] {
            for name in ["debug", "release", "dist"] {
                let is_other = of(plain, name) != of(&format!("{plain}{added}"), name);
                assert_eq!(is_other, other.contains(&name), "{added}: {name}");
            }
        }
        let inherited = "[profile.dist]\ninherits = 'release'\n[profile.release]\nlto = ";
        assert_ne!(of(&format!("{inherited}true"), "dist"), of(&format!("{inherited}false"), "dist"));
    }

    #[test]
    fn what_goes_without_saying_does_not_count() {
        let nothing = of("[package]\nname = 'a'", "debug");
        assert_eq!(nothing, of("[profile.dev]\ndebug-assertions = true", "debug"));
        assert_ne!(nothing, of("[profile.dev]\ndebug-assertions = false", "debug"));
        assert_ne!(nothing, of("[profile.test]\ndebug-assertions = true", "debug"));
    }

    #[test]
    fn order_and_comments_do_not_count() {
        let one = "# a\n[profile.dev]\ndebug = 1\nopt-level = 1";
        assert_eq!(of(one, "debug"), of("[profile.dev]\nopt-level = 1 # b\ndebug = 1\n", "debug"));
    }
}
