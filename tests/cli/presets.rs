//! Presets of other tools: what they cache, what their keys are made from, and a repository's own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use test_support::{Job, Said};

use crate::PROGRAM;

const DOWNLOAD: &str = "home/.npm/_cacache/content-v2/a";

/// A job of a project of npm, whose node says `v20`.
fn npm_job() -> Job {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/package-lock.json", "one");
    job.write(DOWNLOAD, "a");
    job.path_first("tools");
    says(&job, "node", "v20");
    job
}

/// Makes a tool that says `version`.
fn says(job: &Job, tool: &str, version: &str) {
    let path = format!("tools/{tool}");
    job.write(&path, &format!("#!/bin/sh\necho {version}\n"));
    fs::set_permissions(job.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
}

fn restore(job: &Job, preset: &str) -> Said {
    job.ok(&["restore", "--preset", preset])
}

fn save(job: &Job, preset: &str) -> String {
    restore(job, preset);
    job.ok(&["save"]).log
}

/// What a job finds of the one before, when its downloads are gone and `change` was made.
fn found_after(job: &Job, change: impl FnOnce(&Job)) -> Said {
    save(job, "npm");
    job.remove("home/.npm");
    change(job);
    restore(job, "npm")
}

#[test]
fn preset_restores_only_the_tools_downloads() {
    let job = npm_job();
    job.write("home/.npm/_logs/log", "1");
    let said = found_after(&job, |_| {});
    assert_eq!((&*said.outputs["cache-hit"], &*said.outputs["restored-files"]), ("true", "1"));
    assert_eq!(job.read(DOWNLOAD), "a");
    assert!(job.ok(&["save"]).log.contains("this key already has an entry"));
    assert!(job.entries("cargo").is_empty() && job.entries("target").is_empty());
}

#[test]
fn changed_lock_file_or_tool_is_an_explained_partial_hit() {
    let is_partial_after = |change: &dyn Fn(&Job), why: &str| {
        let job = npm_job();
        let said = found_after(&job, change);
        assert_eq!((&*said.outputs["cache-hit"], &*said.outputs["restored-files"]), ("false", "1"));
        assert!(said.log.contains(why), "{}", said.log);
        assert!(job.ok(&["save"]).log.contains("paths   saved"));
    };
    let lock_file = "work/project/package-lock.json";
    is_partial_after(&|job| job.write(lock_file, "two"), "differs in files (package-lock.json)");
    is_partial_after(&|job| says(job, "node", "v22"), "differs in env (node --version: v20 → v22)");
}

#[test]
fn missing_lock_file_and_tool_are_no_error() {
    let job = npm_job();
    fs::remove_file(job.path("work/project/package-lock.json")).unwrap();
    says(&job, "node", "; exit 1");
    let log = restore(&job, "npm").log;
    assert!(log.contains("preset npm: ") && log.contains("looked for package-lock.json"), "{log}");
    assert!(job.ok(&["save"]).log.contains("paths   saved"));
}

#[test]
fn preset_restore_adds_to_existing_downloads() {
    let job = npm_job();
    job.write("home/.npm/_cacache/content-v2/b", "b");
    save(&job, "npm");
    job.remove("home/.npm");
    job.write(DOWNLOAD, "of another job");
    job.write("home/.npm/_cacache/content-v2/c", "c");
    restore(&job, "npm");
    for (name, contents) in [("a", "of another job"), ("b", "b"), ("c", "c")] {
        assert_eq!(job.read(&format!("home/.npm/_cacache/content-v2/{name}")), contents);
    }
}

#[test]
fn only_atomically_replaced_files_are_linked_to_the_entry() {
    let job = npm_job();
    job.write("home/.npm/_cacache/index-v5/a", "1");
    save(&job, "npm");
    job.remove("home/.npm");
    job.ok(&["restore", "--preset", "npm", "--link-mode", "hardlink"]);
    let names = |path: &str| fs::metadata(job.path(path)).unwrap().nlink();
    assert_eq!((names(DOWNLOAD), names("home/.npm/_cacache/index-v5/a")), (2, 1));
}

#[test]
fn tools_directory_variable_does_not_change_the_key() {
    let mut job = npm_job();
    save(&job, "npm");
    job.set("npm_config_cache", job.path("elsewhere").display());
    assert_eq!(restore(&job, "npm").outputs["cache-hit"], "true");
    assert_eq!(job.read("elsewhere/_cacache/content-v2/a"), "a");
}

#[test]
fn presets_combine_with_cargo_and_paths() {
    let job = npm_job();
    job.write("work/project/out/x", "x");
    job.write("work/project/own.lock", "1");
    let args = ["--preset", "cargo,npm", "--path", "out\n!~/.npm/_cacache/tmp", "--key-files", "own.lock"];
    job.build(&args);
    job.wipe();
    job.remove("home/.npm");
    job.remove("work/project/out");
    let said = job.ok(&[&["restore"], &args[..]].concat());
    assert_eq!((&*said.outputs["cache-hit"], &*said.outputs["target-hit"]), ("true", "exact"));
    assert_eq!(job.read("work/project/out/x") + &job.read(DOWNLOAD), "xa");
}

#[test]
fn no_preset_saves_credentials() {
    let job = npm_job();
    for file in [
        ".npmrc",
        ".npm/.npmrc",
        ".yarnrc.yml",
        ".config/pip/pip.conf",
        ".config/uv/uv.toml",
        ".netrc",
        ".m2/settings.xml",
        ".m2/settings-security.xml",
        ".gradle/gradle.properties",
        ".gradle/init.d/init.gradle",
        ".gradle/caches/9/cc-keystore/gradle.keystore",
        ".config/sccache/config",
        ".config/go/env",
    ] {
        job.write(&format!("home/{file}"), "a-secret");
    }
    for file in [".gradle/caches/modules-2/x.jar", ".m2/repository/x.jar", ".kani/x", ".cache/pip/x"] {
        job.write(&format!("home/{file}"), "1");
    }
    let all = "npm,pnpm,yarn,pip,uv,go,gradle,maven,sccache,kani";
    assert!(save(&job, all).contains("paths   saved"));
    job.sh("! grep -r a-secret ../../root");
    job.remove("home/.gradle");
    restore(&job, all);
    assert_eq!(job.read("home/.gradle/caches/modules-2/x.jar"), "1");
}

#[test]
fn repository_defines_its_own_presets() {
    let job = npm_job();
    let described = "presets:\n  models:\n    paths: [[$MODELS, ~/models], single]\n    exclude: [\"*.part\"]\n    \
                     key-files: [\"*.lock-of-models\"]\n    version: [node, --version]\n    overwrite: true\n    \
                     settled: false\n";
    job.write("work/project/.github/runner-cache.yml", described);
    job.write("work/project/x.lock-of-models", "1");
    job.write("work/project/single", "1");
    job.write("home/models/m", "one");
    job.write("home/models/n.part", "half");
    save(&job, "models");
    job.remove("home/models");
    job.write("home/models/m", "another");
    let said = restore(&job, "models");
    assert_eq!((&*said.outputs["cache-hit"], &*job.read("home/models/m")), ("true", "one"));
    assert!(!job.path("home/models/n.part").exists());
    // Its key does not settle what is in it.
    job.write("home/models/more", "1");
    assert!(job.ok(&["save"]).log.contains("paths   saved"));
    job.write("work/project/x.lock-of-models", "2");
    assert_eq!(restore(&job, "models").outputs["cache-hit"], "false");
}

#[test]
fn invalid_presets_are_reported_with_allowed_values() {
    let job = npm_job();
    let told = |preset: &str, message: &str| {
        let said = job.run(&["restore", "--preset", preset]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.log.contains(&format!("::error title=runner-cache::{message}")), "{}", said.log);
    };
    let allowed = "auto, none, cargo, npm, pnpm, yarn, pip, uv, go, gradle, maven, sccache, kani, rustup";
    told(
        "crago",
        &format!("input `preset`: `crago` is not a preset; allowed: {allowed}; did you mean `cargo`?"),
    );
    told("npm,none", "input `preset`: `none` cannot be combined with others; ");
    job.write("work/project/.github/runner-cache.yml", "presets: { mine: { paths: [x], pathes: [y] } }");
    told("mine", ".github/runner-cache.yml: presets.mine: unknown field `pathes`, ");
    job.write("work/project/.github/runner-cache.yml", "presets: { mine: { paths: [\"out/[x\"] } }");
    told("mine", "input `preset`: `mine: out/[x`: ");
    job.write("work/project/.github/runner-cache.yml", "presets: { mine: { paths: [$NOT_SET] } }");
    told("mine", "input `preset`: `mine`: `$NOT_SET` is not set, and no other path exists; hint: ");
    job.write(
        "work/project/.github/runner-cache.yml",
        "presets: { mine: { paths: [[$NOT_SET/x, $NOR_THIS]] } }",
    );
    told("mine", "input `preset`: `mine`: `$NOT_SET` is not set, ");
    job.write("work/project/.github/runner-cache.yml", "presets: { mine: { paths: [x, []] } }");
    told("mine", ".github/runner-cache.yml: presets.mine.paths: an empty path; allowed: ");
}

/// The origin of this program is a project of npm, whose workflow makes its key like this.
#[test]
fn first_users_workflow_key_hits_on_the_second_run() {
    let job = Job::new(PROGRAM);
    job.write("work/project/package.json", "{\n  \"7zip-bin\": \"5\",\n  \"app-builder-bin\": \"4\"\n}\n");
    job.write("work/project/node_modules/a/index.js", "1");
    job.sh("mkdir node_modules/.bin; ln -s ../a/index.js node_modules/.bin/a");
    let restore = || {
        job.sh(
            r#"DEPS_KEY=$(sha256sum package-lock.json | cut -d' ' -f1)-$(grep -E '"7zip-bin"|"app-builder-bin"' package.json | sha256sum | cut -d' ' -f1)
            printf %s "$DEPS_KEY" >../../deps-key"#,
        );
        let key = job.read("deps-key");
        let said = job.ok(&["restore", "--preset", "none", "--path", "node_modules", "--key", &key]);
        (said.outputs["cache-hit"].clone(), said.outputs["cache-key"] == key)
    };
    job.write("work/project/package-lock.json", "one");
    assert_eq!(restore(), ("false".to_owned(), true));
    job.ok(&["save"]);
    job.remove("work/project/node_modules");
    assert_eq!(restore(), ("true".to_owned(), true));
    assert_eq!(job.read("work/project/node_modules/.bin/a"), "1");
    job.write("work/project/package-lock.json", "two");
    assert_eq!(restore(), ("false".to_owned(), true));
}

/// A program outside of the checkout that is called `name` and runs `script`.
fn tool(job: &mut Job, name: &str, script: &str) {
    job.write(&format!("tools/{name}"), &format!("#!/bin/sh\n{script}\n"));
    let path = job.path(&format!("tools/{name}"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    job.path_first("tools");
}

#[test]
fn tool_is_asked_for_its_download_directory() {
    let mut job = Job::new(PROGRAM);
    let store = job.path("disk/store/v3");
    tool(
        &mut job,
        "pnpm",
        &format!("test \"$*\" = '--config.ignore-pnpmfile=true store path' && echo {}", store.display()),
    );
    job.write("work/project/pnpm-lock.yaml", "");
    restore(&job, "pnpm");
    job.write("disk/store/v3/files/x", "1");
    assert!(save(&job, "pnpm").contains("saved"));
    job.remove("disk");
    restore(&job, "pnpm");
    assert_eq!(job.read("disk/store/v3/files/x"), "1");
    // A runner that has it at the usual place has the same.
    tool(&mut job, "pnpm", "exit 1");
    restore(&job, "pnpm");
    assert_eq!(job.read("home/.local/share/pnpm/store/v3/files/x"), "1");
}

#[test]
fn yarn_settings_are_read_without_running_yarn() {
    let mut job = Job::new(PROGRAM);
    let trace = job.path("ran");
    tool(&mut job, "yarn", &format!("touch {}", trace.display()));
    job.write("work/project/.yarnrc.yml", "cacheFolder: ./downloads\nyarnPath: .yarn/releases/yarn.cjs\n");
    job.write("work/project/yarn.lock", "");
    restore(&job, "yarn");
    job.write("work/project/downloads/x.zip", "1");
    assert!(save(&job, "yarn").contains("saved"));
    job.remove("work/project/downloads");
    restore(&job, "yarn");
    assert_eq!(job.read("work/project/downloads/x.zip"), "1");
    assert!(!job.path("ran").exists());
}

#[test]
fn toolchain_restores_as_a_whole_or_not_at_all() {
    let mut job = Job::new(PROGRAM);
    job.set("RUSTUP_HOME", job.path("rustup").display());
    // Rustc is rustup's, and that has no toolchain here.
    job.set("RUSTUP_TOOLCHAIN", "");
    job.write("work/project/rust-toolchain.toml", "[toolchain]\nchannel = \"1.2.3\"\n");
    for toolchain in ["1.2.3", "stable"] {
        job.write(&format!("rustup/toolchains/{toolchain}/bin/rustc"), "cached");
        job.write(&format!("rustup/toolchains/{toolchain}/lib/std"), "cached");
    }
    assert!(save(&job, "rustup").contains("saved"));
    job.remove("rustup");
    job.write("rustup/toolchains/stable/bin/rustc", "another version");
    restore(&job, "rustup");
    assert_eq!(job.read("rustup/toolchains/1.2.3/lib/std"), "cached");
    assert_eq!(job.read("rustup/toolchains/stable/bin/rustc"), "another version");
    assert!(!job.path("rustup/toolchains/stable/lib/std").exists(), "half of one and half of another");
}

#[test]
fn values_of_variables_are_no_patterns_and_of_lists_the_first_counts() {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/requirements.txt", "");
    job.write("work/project/go.sum", "");
    for file in ["p*c/own", "pxc/of-others", "first/pkg/mod/cache/download/x", "go-build/y"] {
        job.write(file, "1");
    }
    job.set("PIP_CACHE_DIR", job.path("p*c").display());
    job.set("GOPATH", format!("{}:{}", job.path("first").display(), job.path("second").display()));
    job.set("GOCACHE", job.path("go-build").display());
    let log = save(&job, "pip,go");
    assert!(log.contains("saved    3 files"), "{log}");
    job.set("PIP_CACHE_DIR", job.path("p[c").display());
    assert_eq!(job.run(&["restore", "--preset", "pip"]).code, 0);
}
