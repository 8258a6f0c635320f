//! Whatever crates come from, a job whose cargo home is empty needs nothing but its restore.

use std::fs;

use test_support::{Job, Said};

use crate::PROGRAM;
use crate::registry::{Registry, Server, commit};

const HOME: &str = "home/.cargo";

/// Lets the project depend on packages, of each a line of `[dependencies]`, and print their numbers.
fn depend(job: &Job, dependencies: &[(&str, &str)]) {
    let lines: Vec<_> = dependencies.iter().map(|(name, from)| format!("{name} = {from}\n")).collect();
    let lines = lines.concat();
    job.write(
        "work/project/Cargo.toml",
        &format!(
            "[package]\nname = \"small\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\n{lines}"
        ),
    );
    let numbers: Vec<_> = dependencies.iter().map(|(name, _)| format!("{name}::NUMBER")).collect();
    job.write(
        "work/project/src/main.rs",
        &format!("fn main() {{ println!(\"{{:?}}\", [{}]) }}\n", numbers.join(", ")),
    );
    fs::remove_file(job.path("work/project/Cargo.lock")).unwrap();
    job.sh("cargo generate-lockfile -q");
}

/// A job that downloads, builds and saves.
fn first_job(job: &Job) -> Said {
    job.ok(&["restore"]);
    job.sh("cargo build -q --locked");
    let said = job.ok(&["save"]);
    assert!(said.log.contains("cargo   saved"), "{}", said.log);
    said
}

/// A job on a host without downloads: with nothing to fetch from it compiles nothing, and could compile all.
fn second_job(job: &Job, printed: &str) {
    job.wipe();
    job.remove(HOME);
    let said = job.ok(&["restore"]);
    assert_eq!(
        (&*said.outputs["target-hit"], &*said.outputs["cargo-hit"]),
        ("exact", "exact"),
        "{}",
        said.log
    );
    let log = job.sh("cargo build --locked --offline");
    assert!(!log.contains("Compiling"), "{log}");
    let log = job.sh("cargo build --locked");
    assert!(!log.contains("Updating") && !log.contains("Downloading"), "{log}");
    job.sh(&format!("rm -r target {0}/registry/src {0}/git/checkouts || true", job.path(HOME).display()));
    let log = job.sh("cargo build --locked --offline; target/debug/small 1>&2");
    assert!(log.contains("Compiling small") && log.ends_with(&format!("{printed}\n")), "{log}");
}

/// Tells cargo of registries, each with the URL of its index.
fn configure(job: &Job, registries: &[(&str, &str)]) {
    let tables = registries.iter().map(|(name, index)| format!("[registries.{name}]\nindex = \"{index}\"\n"));
    job.write("work/project/.cargo/config.toml", &tables.collect::<String>());
}

#[test]
fn restores_crates_of_a_sparse_registry() {
    let job = Job::new(PROGRAM);
    let server = Server::of(job.path("registry"));
    let registry = Registry::new(&job, "registry", &server.url());
    registry.publish(&job, "number", "1.2.3", 7);
    configure(&job, &[("mine", &format!("sparse+{}/index/", server.url()))]);
    depend(&job, &[("number", "{ version = \"1\", registry = \"mine\" }")]);
    first_job(&job);
    drop(server);
    second_job(&job, "[7]");
}

#[test]
fn restores_crates_of_a_git_index_registry() {
    let job = Job::new(PROGRAM);
    let registry = Registry::new(&job, "registry", &format!("file://{}", job.path("registry").display()));
    registry.publish(&job, "number", "1.2.3", 7);
    registry.publish(&job, "unused", "1.0.0", 0);
    configure(&job, &[("mine", &registry.as_git(&job))]);
    depend(&job, &[("number", "{ version = \"1\", registry = \"mine\" }")]);
    first_job(&job);
    job.remove("registry");
    second_job(&job, "[7]");
}

/// Two registries that have a crate of one name and version: one in place of crates.io, and another.
fn two_registries(job: &Job) -> Server {
    let server = Server::of(job.path("mirror"));
    Registry::new(job, "mirror", &server.url()).publish(job, "number", "1.0.0", 1);
    let registry = Registry::new(job, "other", &format!("file://{}", job.path("other").display()));
    registry.publish(job, "number", "1.0.0", 2);
    configure(job, &[("other", &registry.as_git(job))]);
    let config = job.read("work/project/.cargo/config.toml");
    let replaced = "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\nregistry";
    let config = format!("{config}{replaced} = \"sparse+{}/index/\"\n", server.url());
    job.write("work/project/.cargo/config.toml", &config);
    depend(
        job,
        &[
            ("number", "\"1\""),
            ("another", "{ package = \"number\", version = \"1\", registry = \"other\" }"),
        ],
    );
    server
}

#[test]
fn distinguishes_registries_with_equal_crate_names_and_versions() {
    let job = Job::new(PROGRAM);
    let server = two_registries(&job);
    first_job(&job);
    drop(server);
    job.remove("other");
    second_job(&job, "[1, 2]");
}

#[test]
fn save_skips_a_tampered_crate_but_not_its_namesake() {
    let job = Job::new(PROGRAM);
    let _server = two_registries(&job);
    job.ok(&["restore"]);
    job.sh("cargo build -q --locked");
    let crates = format!("{HOME}/registry/cache");
    let tampered = job.sh(&format!("ls -d {}/-*/number-1.0.0.crate 1>&2", job.path(&crates).display()));
    fs::write(tampered.trim(), "tampered with").unwrap();
    let said = job.run(&["save"]);
    assert_eq!((said.code, said.log.matches("::warning").count()), (0, 1), "{}", said.log);
    let warning = format!("skipped {}: checksum differs from Cargo.lock", tampered.trim());
    assert!(said.log.contains(&warning), "{}", said.log);
    let entry = job.entries("cargo").remove(0);
    let saved = job.sh(&format!("cd {}; find tree -name '*.crate' -o -name .cargo-ok 1>&2", entry.display()));
    let of_crate: Vec<_> = saved.lines().filter(|path| path.contains("/number-1.0.0")).collect();
    assert_eq!(of_crate.len(), 2, "the namesake, packed and extracted: {saved}");
    assert!(of_crate.iter().all(|path| path.contains("/127.0.0.1-")), "{saved}");
}

/// Since cargo 1.94; before, submodules were fetched into each checkout, and these are not cached.
#[test]
fn restores_git_dependencies_with_nested_submodules() {
    let job = Job::new(PROGRAM);
    let lay = |path: &str, text: &str| job.write(&format!("origin/{path}"), text);
    lay("inner/number", "3");
    lay("outer/number", "4");
    lay("unused/number", "5");
    lay("tool/Cargo.toml", "[package]\nname = \"tool\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    lay(
        "tool/src/lib.rs",
        "pub const NUMBER: (&str, &str) = (include_str!(\"../outer/number\"), include_str!(\"../outer/inner/number\"));\n",
    );
    let add = "git -c protocol.file.allow=always submodule --quiet add";
    let origin = job.path("origin");
    commit(&job, &origin.join("unused"));
    commit(&job, &origin.join("inner"));
    // By an absolute URL and by a relative one.
    job.sh(&format!("cd {0}/outer; git init -q; {add} file://{0}/inner inner", origin.display()));
    commit(&job, &origin.join("outer"));
    job.sh(&format!("cd {0}/tool; git init -q; {add} file://{0}/outer outer", origin.display()));
    job.sh(&format!("cd {}/tool; git submodule --quiet set-url outer ../outer", origin.display()));
    commit(&job, &origin.join("tool"));
    let from = |name: &str| format!("{{ git = \"file://{}/{name}\" }}", origin.display());
    depend(&job, &[("tool", &from("tool"))]);
    job.sh(&format!("cd $HOME; git clone -q --bare {}/unused .cargo/git/db/unused-0123", origin.display()));
    first_job(&job);
    let saved = job.sh(&format!("ls {}/tree/*/ 1>&2", job.entries("cargo")[0].display()));
    assert!(!saved.contains("unused-"), "{saved}");
    job.remove("origin");
    second_job(&job, "[(\"4\", \"3\")]");
}

#[test]
fn vendored_crates_compile_once() {
    let job = Job::new(PROGRAM);
    let lay_out = || {
        job.write(
            "work/project/vendor/number/Cargo.toml",
            "[package]\nname = \"number\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
        );
        job.write("work/project/vendor/number/src/lib.rs", "pub const NUMBER: u32 = 9;\n");
        job.write("work/project/vendor/number/.cargo-checksum.json", "{\"files\":{},\"package\":null}");
    };
    lay_out();
    let vendored =
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n";
    job.write("work/project/.cargo/config.toml", vendored);
    depend(&job, &[("number", "\"1\"")]);
    job.ok(&["restore"]);
    job.sh("cargo build -q --locked");
    job.ok(&["save"]);
    job.wipe();
    job.remove("work/project/vendor");
    lay_out();
    assert_eq!(job.ok(&["restore"]).outputs["target-hit"], "exact");
    let log = job.sh("cargo build --locked; target/debug/small 1>&2");
    assert!(!log.contains("Compiling") && log.ends_with("[9]\n"), "{log}");
}

#[test]
fn registry_tokens_are_never_saved() {
    let mut job = Job::new(PROGRAM);
    let server = Server::of(job.path("registry"));
    let registry = Registry::new(&job, "registry", &server.url());
    registry.publish(&job, "number", "1.2.3", 7);
    configure(&job, &[("mine", &format!("sparse+{}/index/", server.url()))]);
    let credentials = "[registries.mine]\ntoken = \"a-secret\"\n";
    for file in ["credentials.toml", "credentials", "config.toml"] {
        job.write(&format!("{HOME}/{file}"), credentials);
    }
    let config = job.read("work/project/.cargo/config.toml");
    job.write("work/project/.cargo/config.toml", &format!("{config}token = \"a-secret\"\n"));
    job.set("CARGO_REGISTRIES_MINE_TOKEN", "a-secret");
    depend(&job, &[("number", "{ version = \"1\", registry = \"mine\" }")]);
    first_job(&job);
    job.sh("! grep -r a-secret $RUNNER_CACHE_ROOT");
}

#[test]
fn restore_coexists_with_concurrent_downloads() {
    let job = Job::new(PROGRAM);
    let server = Server::of(job.path("registry"));
    let registry = Registry::new(&job, "registry", &server.url());
    for number in 0..4 {
        registry.publish(&job, &format!("number-{number}"), "1.0.0", number);
    }
    configure(&job, &[("mine", &format!("sparse+{}/index/", server.url()))]);
    let dependencies: Vec<_> = (0..4).map(|number| format!("number-{number}")).collect();
    let from = "{ version = \"1\", registry = \"mine\" }";
    depend(&job, &dependencies.iter().map(|name| (&**name, from)).collect::<Vec<_>>());
    job.write("work/project/src/main.rs", "fn main() { println!(\"{}\", number_3::NUMBER) }\n");
    job.sh("cp -r . ../sibling");
    first_job(&job);
    for _ in 0..8 {
        job.wipe();
        job.remove(HOME);
        let log = job.sh(&format!(
            "cargo fetch -q --locked & first=$!; (cd ../sibling; cargo fetch -q --locked) & second=$!; \
             {PROGRAM} restore --no-session; wait $first; wait $second"
        ));
        assert!(log.contains("cargo   exact"), "{log}");
        for number in 0..4 {
            let file = format!("number-{number}-1.0.0.crate");
            let directory = job.sh(&format!("cd {}/registry; echo cache/* 1>&2", job.path(HOME).display()));
            let file = format!("{HOME}/registry/{}/{file}", directory.trim());
            let published = job.path(&format!("registry/crates/number-{number}-1.0.0.crate"));
            assert_eq!(fs::read(job.path(&file)).unwrap(), fs::read(published).unwrap());
        }
        for directory in [".", "../sibling"] {
            let log = job.sh(&format!("cd {directory}; cargo run -q --locked --offline 1>&2"));
            assert_eq!(log, "3\n");
        }
    }
}
