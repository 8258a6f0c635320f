//! Keys that are made from facts.
//!
//! A key is a list of factors from the most to the least important, so that cutting it at a `-` leaves a prefix that a
//! restore key can be:
//! ```text
//! target-linux-x86_64-base.<d>-rustc.<release>.<d>-declared.<d>-env.<d>-config.<d>-files.<d>-lock.<d>
//! paths-linux-x86_64-base.<d>-rustc.<release>.<d>-env.<d>-config.<d>-files.<d>-declared.<d>-lock.<d>
//! cargo-linux-base.<d>-lock.<d>
//! builds-linux-x86_64-base.<d>-rustc.<release>.<d>-declared.<d>-env.<d>-config.<d>-files.<d>-lock.<d>-commit.<d>
//! bins-linux-x86_64-base.<d>-tools.<d>
//! ```
//! `<d>` is 64 bits of a SHA-256. The keys of all layers are made of the same parts, so a key that one job hands to
//! another as `key:` is read back and gives the other layers theirs, and all of them keep their restore keys.
//!
//! What the user declares (`key-env`, `key-files`) is what nothing else tells of: a unit that was built with another value is
//! wrong, and no restore key of `target` drops it. To other paths it is a lock file, of which a part serves.

use super::facts::Facts;
use super::job_layer::JobLayer;
use crate::cargo::{Tool, may_change_dependencies};
use crate::store::{Factor, Layer};
use crate::sys::sha256_hex;

/// Part of the key's base: a change of it starts all keys anew.
const KEY_FORMAT: &str = "3";

/// A key and what may serve in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerKey {
    pub(super) text: String,
    pub(super) restore_keys: Vec<String>,
    /// What the versions of one thing have in common.
    pub(super) family: String,
}

/// The parts of keys, each as it stands in the text, such as `env.0123456789abcdef`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    os: String,
    arch: String,
    base: String,
    rustc: String,
    declared: String,
    env: String,
    config: String,
    files: String,
    lock: String,
    commit: String,
    tools: String,
    system: String,
    env_of_units: String,
}

/// What a text that was handed over as `key:` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// A key of ours with all parts.
    Full(Box<Parts>),
    /// A key of the cargo layer: the other layers need more parts.
    Downloads(LayerKey),
    /// The user's own words.
    Free(String),
}

/// Computes parts and, for people, what they were made from.
pub(super) fn parts_of(facts: &Facts, extra: Option<&str>, tools: &[Tool]) -> (Parts, Vec<Factor>) {
    let mut base = vec![("key format".to_owned(), KEY_FORMAT.to_owned())];
    base.extend(extra.map(|extra| ("key-extra".to_owned(), extra.to_owned())));
    base.extend(facts.trigger.clone());
    let mut rustc = Vec::new();
    rustc.extend(facts.toolchain.version.clone().map(|version| ("rustc -vV".to_owned(), version)));
    // The compiler alone makes a difference; only where it is not there yet does the file tell which it will be.
    let file = facts.toolchain.file.as_ref().filter(|_| facts.toolchain.version.is_none());
    rustc.extend(file.map(|(name, contents)| (name.clone(), sha256_hex(contents))));
    let release = facts.toolchain.release().unwrap_or("none");
    // `-` separates parts.
    let rustc_name = format!("rustc.{}", release.replace('-', "_"));

    let env_of_units = facts.variables.iter().filter(|(name, _)| may_change_dependencies(name));
    let system = facts.system.iter().map(|system| ("os-release".to_owned(), system.clone()));

    let mut factors = Vec::new();
    let mut part = |name: &str, shown: &str, items: Vec<(String, String)>| {
        let digest = digest(name, &items);
        factors.push(Factor { name: name.to_owned(), digest: digest.clone(), items });
        format!("{shown}.{digest}")
    };
    let parts = Parts {
        os: facts.os.clone(),
        arch: facts.arch.clone(),
        base: part("base", "base", base),
        rustc: part("rustc", &rustc_name, rustc),
        declared: part("declared", "declared", facts.declared.clone()),
        env: part("env", "env", facts.variables.clone()),
        config: part("config", "config", facts.config.clone()),
        files: part("files", "files", facts.key_files.clone()),
        lock: part("lock", "lock", facts.lock.clone()),
        commit: part("commit", "commit", facts.commits.clone()),
        tools: part("tools", "tools", tools.iter().map(wanted).collect()),
        system: part("system", "system", system.collect()),
        env_of_units: part("env of units", "env", env_of_units.cloned().collect()),
    };
    (parts, factors)
}

/// A tool's name, and which version of it will do.
fn wanted(tool: &Tool) -> (String, String) {
    let version = tool.version.as_ref().map(ToString::to_string);
    (tool.name.clone(), version.unwrap_or_else(|| "any version".to_owned()))
}

impl Parts {
    /// These parts, with the commit of `other`.
    pub(super) fn with_commit_of(&self, other: &Self) -> Self {
        Self { commit: other.commit.clone(), ..self.clone() }
    }

    /// What the keys of compiled units begin with that fit to a job with these parts.
    pub(super) fn unit_prefix(&self) -> String {
        let Self { os, arch, base, rustc, declared, env_of_units, config, system, .. } = self;
        let parts = [os, arch, base, rustc, declared, env_of_units, config, system].map(String::as_str);
        format!("unit-{}-", short_digest(parts.join("-").as_bytes()))
    }

    /// The key of a layer. `builds` are looked up by their commits and nothing else will do.
    pub(super) fn key(&self, layer: JobLayer) -> LayerKey {
        let name = Layer::from(layer);
        let Self { os, arch, base, rustc, declared, env, config, files, lock, commit, tools, .. } = self;
        match layer {
            JobLayer::Cargo => downloads_key(os, base, lock),
            JobLayer::Target | JobLayer::Paths => {
                let family = format!("{name}-{os}-{arch}-{base}-{rustc}-");
                let (kept, dropped) = if layer == JobLayer::Paths {
                    (String::new(), vec![env, config, files, declared])
                } else {
                    (format!("{declared}-"), vec![env, config, files])
                };
                let mut prefix = format!("{family}{kept}");
                let mut restore_keys = vec![prefix.clone()];
                for part in dropped {
                    prefix = format!("{prefix}{part}-");
                    restore_keys.insert(0, prefix.clone());
                }
                LayerKey { text: format!("{prefix}{lock}"), restore_keys, family }
            }
            JobLayer::Builds => {
                let family = format!("{name}-{os}-{arch}-{base}-{rustc}-");
                let text = format!("{family}{declared}-{env}-{config}-{files}-{lock}-{commit}");
                LayerKey { text, restore_keys: Vec::new(), family }
            }
            JobLayer::Bins => {
                let family = format!("{name}-{os}-{arch}-{base}-");
                LayerKey { text: format!("{family}{tools}"), restore_keys: vec![family.clone()], family }
            }
        }
    }
}

fn downloads_key(os: &str, base: &str, lock: &str) -> LayerKey {
    let family = format!("{}-{os}-{base}-", Layer::Cargo);
    LayerKey { text: format!("{family}{lock}"), restore_keys: vec![family.clone()], family }
}

/// Whether the factor called `name` is part of a layer's key.
pub(super) fn is_part_of(layer: Layer, name: &str) -> bool {
    match layer {
        Layer::Cargo => matches!(name, "base" | "lock"),
        Layer::Units => !matches!(name, "env" | "files" | "lock" | "commit" | "tools"),
        Layer::Target | Layer::Paths => !matches!(name, "commit" | "tools" | "system" | "env of units"),
        Layer::Builds => !matches!(name, "tools" | "system" | "env of units"),
        Layer::Bins => matches!(name, "base" | "tools"),
    }
}

impl Given {
    /// Reads a text that was handed over.
    pub(super) fn read(text: &str) -> Self {
        let words: Vec<_> = text.split('-').collect();
        match words.as_slice() {
            ["target", os, arch, base, rustc, declared, env, config, files, lock]
            | ["paths", os, arch, base, rustc, env, config, files, declared, lock]
                if [
                    ("base", base),
                    ("declared", declared),
                    ("env", env),
                    ("config", config),
                    ("files", files),
                    ("lock", lock),
                ]
                .iter()
                .all(|(name, word)| is_part(word, name))
                    && rustc
                        .strip_prefix("rustc.")
                        .is_some_and(|rest| rest.rsplit('.').next().is_some_and(is_digest)) =>
            {
                let [os, arch, base, rustc, declared, env, config, files, lock] =
                    [os, arch, base, rustc, declared, env, config, files, lock].map(ToString::to_string);
                let parts =
                    Parts { os, arch, base, rustc, declared, env, config, files, lock, ..Parts::default() };
                Self::Full(parts.into())
            }
            ["cargo", os, base, lock] if is_part(base, "base") && is_part(lock, "lock") => {
                Self::Downloads(downloads_key(os, base, lock))
            }
            _ => Self::Free(text.to_owned()),
        }
    }
}

fn is_part(word: &str, name: &str) -> bool {
    word.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).is_some_and(is_digest)
}

fn is_digest(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Hashes a factor so that no two lists of items look alike: each text is preceded by its length.
fn digest(name: &str, items: &[(String, String)]) -> String {
    let mut bytes = Vec::new();
    let texts = items.iter().flat_map(|(label, value)| [label, value]);
    for text in std::iter::once(name).chain(texts.map(String::as_str)) {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    short_digest(&bytes)
}

/// The part of a SHA-256 that keys hold: 64 bits.
fn short_digest(bytes: &[u8]) -> String {
    let mut digest = sha256_hex(bytes);
    digest.truncate(16);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> Facts {
        Facts {
            os: "linux".into(),
            arch: "x86_64".into(),
            lock: vec![("Cargo.lock".into(), "1".into())],
            ..Facts::default()
        }
    }

    fn key(facts: &Facts, layer: JobLayer) -> LayerKey {
        parts_of(facts, None, &[]).0.key(layer)
    }

    #[test]
    fn another_lock_file_leaves_the_first_restore_key_matching() {
        let changed = Facts { lock: vec![("Cargo.lock".into(), "2".into())], ..facts() };
        for layer in [JobLayer::Target, JobLayer::Cargo, JobLayer::Paths] {
            let (old, new) = (key(&facts(), layer), key(&changed, layer));
            assert_ne!(old.text, new.text);
            assert!(old.text.starts_with(&new.restore_keys[0]), "{} / {:?}", old.text, new.restore_keys);
            assert_eq!(old.family, new.family);
        }
    }

    #[test]
    fn no_restore_key_of_target_drops_what_the_user_declared() {
        let changed = Facts { declared: vec![("key-env A".into(), "1".into())], ..facts() };
        let is_near = |layer| key(&facts(), layer).text.starts_with(&*key(&changed, layer).restore_keys[0]);
        let is_far = |layer| {
            let old = key(&facts(), layer).text;
            !key(&changed, layer).restore_keys.iter().any(|prefix| old.starts_with(prefix.as_str()))
        };
        assert!(is_far(JobLayer::Target) && !is_near(JobLayer::Paths) && !is_far(JobLayer::Paths));
        let prefix = |facts: &Facts| parts_of(facts, None, &[]).0.unit_prefix();
        assert_ne!(prefix(&facts()), prefix(&changed));
        assert_eq!(key(&facts(), JobLayer::Cargo), key(&changed, JobLayer::Cargo));
    }

    #[test]
    fn another_trigger_or_compiler_leaves_no_restore_key_matching() {
        let trigger = Facts { trigger: Some(("t".into(), "1".into())), ..facts() };
        let mut compiler = facts();
        compiler.toolchain.version = Some("release: 1.2.3-nightly\n".into());
        for changed in [&trigger, &compiler] {
            let (old, new) = (key(&facts(), JobLayer::Target), key(changed, JobLayer::Target));
            assert!(new.restore_keys.iter().all(|prefix| !old.text.starts_with(prefix.as_str())));
        }
        assert_eq!(
            key(&facts(), JobLayer::Cargo),
            key(&compiler, JobLayer::Cargo),
            "downloads do not depend on the compiler"
        );
    }

    #[test]
    fn what_one_system_compiled_of_dependencies_is_nothing_to_another() {
        let of = |system: Option<&str>| Facts { system: system.map(str::to_owned), ..facts() };
        let prefix = |system| parts_of(&of(system), None, &[]).0.unit_prefix();
        let [old, new, untold] = [Some("debian 12"), Some("debian 13"), None];
        assert!(prefix(old) != prefix(new) && prefix(old) != prefix(untold));
        for layer in JobLayer::ALL {
            assert_eq!(key(&of(old), layer), key(&of(new), layer), "{layer:?}");
        }
    }

    #[test]
    fn variables_that_are_in_cargos_own_hash_split_no_pool() {
        let of = |name: &str| Facts { variables: vec![(name.to_owned(), "1".to_owned())], ..facts() };
        let prefix = |facts: &Facts| parts_of(facts, None, &[]).0.unit_prefix();
        for name in ["CARGO_INCREMENTAL", "CARGO_PROFILE_DEV_DEBUG", "RUSTDOCFLAGS"] {
            assert_eq!(prefix(&of(name)), prefix(&facts()), "{name}");
            assert_ne!(key(&of(name), JobLayer::Target), key(&facts(), JobLayer::Target), "{name}");
        }
        for name in ["RUSTFLAGS", "CFLAGS", "RUSTC_WRAPPER"] {
            assert_ne!(prefix(&of(name)), prefix(&facts()), "{name}");
        }
    }

    #[test]
    fn builds_are_taken_by_commit_only() {
        let commits = |commits: &[(&str, &str)]| {
            let commits = commits.iter().map(|(name, commit)| ((*name).to_owned(), (*commit).to_owned()));
            key(&Facts { commits: commits.collect(), ..facts() }, JobLayer::Builds)
        };
        let one = commits(&[(".", "abc")]);
        assert!(one.text.contains("-commit.") && one.restore_keys.is_empty());
        assert_ne!(one, commits(&[(".", "abd")]));
        assert_ne!(one, commits(&[(".", "abc"), ("../sibling", "abc")]));
    }

    #[test]
    fn a_key_that_is_handed_over_gives_every_layer_its_own() {
        let mut facts = facts();
        facts.toolchain.version = Some("release: 1.97.0-nightly\n".into());
        let (parts, _) = parts_of(&facts, None, &[]);
        let Given::Full(read) = Given::read(&key(&facts, JobLayer::Target).text) else {
            panic!("it is a key of ours")
        };
        // These are no parts of such a key.
        let Parts { tools, system, env_of_units, .. } = parts.clone();
        let own = Parts { tools, system, env_of_units, ..*read };
        assert_eq!(own.with_commit_of(&parts), parts);
        let downloads = key(&facts, JobLayer::Cargo);
        assert_eq!(Given::read(&downloads.text.clone()), Given::Downloads(downloads));
        assert_eq!(Given::read("npm-linux-x"), Given::Free("npm-linux-x".into()));
    }

    #[test]
    fn a_key_fits_into_the_length_that_actions_cache_allows() {
        assert!(key(&facts(), JobLayer::Target).text.len() < 512);
    }

    proptest! {
        #[test]
        fn factors_that_differ_have_different_digests(
            a in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..3),
            b in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..3),
        ) {
            prop_assert_eq!(a == b, digest("n", &a) == digest("n", &b));
        }
    }
}
