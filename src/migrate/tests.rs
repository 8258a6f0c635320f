//! Files of the kinds that people have, and what becomes of them.

mod scripts;

use super::{Migration, migrate};

fn migrated(text: &str) -> Migration {
    let done = migrate(text, &|_| None, false).unwrap();
    let again = migrate(&done.text, &|_| None, false).unwrap();
    assert_eq!(again.text, done.text, "a second time changes nothing");
    done
}

/// A job on the user's own runner with these steps, which begin with `      - `.
fn job(steps: &str) -> String {
    format!("on: push\njobs:\n  test:\n    runs-on: [self-hosted, linux]\n    steps:\n{steps}")
}

/// The steps that `steps` become, and the notes as `line: text`, where 1 is the first line of the steps.
fn steps(steps: &str) -> (String, Vec<String>) {
    let Migration { text, notes, .. } = migrated(&job(steps));
    let text = text.strip_prefix(&job("")).unwrap().to_owned();
    (text, notes.iter().map(|note| format!("{}: {}", note.line - 5, note.text)).collect())
}

/// That `notes` are as many as `expected`, and each contains its own.
fn assert_notes(notes: &[String], expected: &[&str]) {
    let is_it = |(note, expected): (&String, &&str)| {
        expected.split('…').all(|part| note.contains(part))
            && note.split(':').next() == expected.split(':').next()
    };
    assert!(
        notes.len() == expected.len() && notes.iter().zip(expected).all(is_it),
        "{notes:#?}\nare not\n{expected:#?}"
    );
}

const SAVE: &str = "      - uses: btcdecoded/runner-cache/save@v1\n        if: always()\n";

#[test]
fn cargos_directories_become_the_preset_and_all_else_stays() {
    let (text, notes) = steps(
        "      - uses: actions/checkout@v7   # stays\n\n      # About the cache.\n      - name: \"Cache\"\n        uses: 'actions/cache@v4'\n        \
         with:\n          # about the paths\n          path: |\n            ~/.cargo/registry/index/\n            ~/.cargo/git/db/\n            \
         # no more\n            target/\n            !target/tmp\n          key: ${{ hashFiles('**/Cargo.lock') }} # why\n          \
         restore-keys: |\n            a-\n            b-\n\n      - run:   cargo test # last\n",
    );
    let expected = "      - uses: actions/checkout@v7   # stays\n\n      # About the cache.\n      - name: \"Cache\"\n        \
                    uses: 'btcdecoded/runner-cache@v1'\n          # about the paths\n\n      - run:   cargo test # last\n\n";
    assert_eq!(text, format!("{expected}{SAVE}"));
    assert_notes(&notes, &["14: `key` is left out…`key-extra`"]);
}

#[test]
fn parts_of_cargos_directories_are_layers_and_workspaces() {
    let cases = [
        ("~/.cargo/registry", "        with:\n          layers: cargo\n"),
        ("target", "        with:\n          layers: target\n"),
        (
            "|\n            ~/.cargo/registry\n            fuzz/target",
            "        with:\n          workspaces: fuzz\n",
        ),
        (
            "|\n            ~/.cargo/git\n            target\n            ./a/target/",
            "        with:\n          workspaces: |\n            .\n            a\n",
        ),
    ];
    for (path, expected) in cases {
        let (text, _) = steps(&format!(
            "      - uses: actions/cache@v5\n        with:\n          path: {path}\n          key: cargo\n"
        ));
        assert_eq!(text, format!("      - uses: btcdecoded/runner-cache@v1\n{expected}{SAVE}"), "{path}");
    }
}

#[test]
fn other_paths_keep_their_key() {
    let (text, notes) = steps(
        "      - uses: actions/cache@0c45773b623bea8c8e75f6c82b208c3cf94ea4f9 # v4.2.0\n        id: npm\n        with:\n          \
         path: node_modules\n          Key: npm-${{ hashFiles('a', 'b') }}\n          fail-on-cache-miss: false\n          \
         enableCrossOsArchive: true\n          upload-chunk-size: 1\n          save-always: true\n      \
         - if: steps.npm.outputs.cache-hit != 'true'\n        run: npm ci\n      - run: echo ${{ steps.npm.outputs.cache-hit }}\n",
    );
    let expected = "      - uses: btcdecoded/runner-cache@v1\n        id: npm\n        with:\n          preset: none\n          path: node_modules\n          \
                    Key: npm-${{ hashFiles('a', 'b') }}\n          fail-on-cache-miss: false\n      \
                    - if: steps.npm.outputs.cache-hit != 'true'\n        run: npm ci\n      - run: echo ${{ steps.npm.outputs.cache-hit }}\n";
    assert_eq!(text, format!("{expected}{SAVE}"));
    assert_notes(
        &notes,
        &[
            "1: …is a tag in place of a commit (0c45773…)",
            "7: `enableCrossOsArchive` is left out",
            "8: `upload-chunk-size` is left out",
            "9: `save-always` is left out",
            "12: `cache-hit` is `false` after a miss, where it was empty",
        ],
    );
}

#[test]
fn a_compiler_matters_to_what_is_cargos_only() {
    let late = "      - uses: dtolnay/rust-toolchain@stable\n";
    let told = |step: &str| {
        steps(&format!("{step}{late}")).1.iter().any(|note| note.contains("follows the restore"))
    };
    assert!(told("      - uses: Swatinem/rust-cache@v2\n"));
    assert!(!told("      - uses: actions/cache@v4\n        with: {path: x, key: k}\n"));
}

#[test]
fn mixed_paths_become_two_steps() {
    let (text, _) = steps(
        "      - if: \"!cancelled()\"\n        uses: actions/cache@v4\n        with:\n          path: |\n            ~/.cargo/registry\n            \
         node_modules\n          key: k\n          restore-keys: r-\n",
    );
    let expected = "      - uses: btcdecoded/runner-cache@v1\n        if: \"!cancelled()\"\n        with:\n          layers: cargo\n      \
                    - if: \"!cancelled()\"\n        uses: btcdecoded/runner-cache@v1\n        id: cache\n        with:\n          preset: none\n          \
                    path: node_modules\n          key: k\n          restore-keys: r-\n";
    let save = "      - uses: btcdecoded/runner-cache/save@v1\n        if: always() && steps.cache.outcome != 'skipped'\n";
    assert_eq!(text, format!("{expected}{save}"));
}

#[test]
fn tools_stay_where_the_job_installs_them() {
    let cache = "      - uses: actions/cache@v4\n        with:\n          path: |\n            ~/.cargo/bin/\n            ~/.cargo/registry\n          key: k\n";
    let (text, notes) = steps(&format!("{cache}      - run: cargo test\n"));
    assert!(text.contains("layers: cargo\n") && !text.contains("bin"), "{text}");
    assert_notes(&notes, &["3: `~/.cargo/bin` is left out", "6: `key` is left out"]);
    let (text, _) = steps(&format!("{cache}      - run: cargo install a\n"));
    assert!(
        text.contains("layers: cargo\n") && text.contains("path: ~/.cargo/bin/\n          key: k\n"),
        "{text}"
    );
}

#[test]
fn steps_for_one_of_cargos_directories_each_become_one() {
    let step = |path: &str| {
        format!(
            "      - uses: actions/cache@v2\n        with:\n          path: {path}\n          key: cargo\n"
        )
    };
    let three = ["~/.cargo/registry", "~/.cargo/git", "target"].map(step).concat();
    let (text, _) = steps(&format!("{three}      - run: cargo test\n"));
    assert_eq!(text, format!("      - uses: btcdecoded/runner-cache@v1\n      - run: cargo test\n{SAVE}"));
    let apart = [step("~/.cargo/registry"), "      - run: x\n".to_owned(), step("target")].concat();
    let (text, _) = steps(&apart);
    assert_eq!((text.matches("runner-cache@v1").count(), text.matches("/save@v1").count()), (2, 1), "{text}");
}

#[test]
fn a_step_that_is_skipped_by_cargos_cache_leaves_all_as_it_is() {
    for uses in ["actions/cache@v4", "Swatinem/rust-cache@v2"] {
        let given = if uses.starts_with('a') { "        with: {path: target, key: cargo}\n" } else { "" };
        let text = format!(
            "      - uses: {uses}\n        id: c\n{given}      - run: cargo build\n        if: steps.c.outputs.cache-hit != 'true'\n"
        );
        let (unchanged, notes) = steps(&text);
        assert_eq!(unchanged, text);
        assert!(
            notes.len() == 1 && notes[0].contains("left as it is: a step is skipped by `cache-hit`"),
            "{notes:?}"
        );
    }
}

#[test]
fn a_key_whose_outputs_are_used_stays() {
    let (text, notes) = steps(
        "      - uses: actions/cache@v4\n        id: c\n        with:\n          path: target\n          key: cargo\n      \
         - run: echo ${{ steps.c.outputs.cache-primary-key }} ${{ steps.c.outputs.size }}\n",
    );
    assert!(text.contains("with:\n          layers: target\n          key: cargo\n"), "{text}");
    assert_notes(&notes, &["5: `key` kept", "6: runner-cache has no output `size`"]);
}

#[test]
fn split_parts_stay_split_and_keep_their_key() {
    let part = |part: &str, path: &str| {
        format!(
            "      - uses: actions/cache/{part}@v4\n        with:\n          path: {path}\n          key: k\n"
        )
    };
    let both =
        |path| [part("restore", path), "      - run: cargo test\n".to_owned(), part("save", path)].concat();
    let (text, notes) = steps(&both("target"));
    let expected = |part: &str| {
        format!(
            "      - uses: btcdecoded/runner-cache/{part}@v1\n        with:\n          layers: target\n          key: k\n"
        )
    };
    assert_eq!(text, [&expected("restore"), "      - run: cargo test\n", &expected("save")].concat());
    assert_notes(&notes, &["4: `key` kept…(also line 14)"]);
    let (text, notes) = steps(&[both("x"), "      - uses: Swatinem/rust-cache@v2\n".to_owned()].concat());
    assert!(text.starts_with(&both("x")) && text.ends_with(SAVE), "{text}");
    assert_notes(&notes, &["1: left as it is…would also save…(also line 11)"]);
}

#[test]
fn rust_caches_inputs_have_counterparts() {
    let cases: [(&str, &str); 16] = [
        ("workspaces: |\n  .\n  fuzz -> out", "workspaces: |\n  .\n  fuzz -> out"),
        ("prefix-key: v1", "key-extra: v1"),
        ("key: ${{ matrix.os }} # per system", "key-extra: ${{ matrix.os }} # per system"),
        ("prefix-key: v1\nkey: \"a b\"", "key-extra: 'v1-a b'"),
        ("shared-key: s\nkey: ignored", ""),
        ("env-vars: A B", "key-env: A B"),
        ("cache-directories: ~/.x", "path: ~/.x"),
        ("cache-directories: |\n  ~/.x\n  ~/.cargo/bin\n  target", "path: ~/.x"),
        ("cache-targets: false", "layers: cargo"),
        ("cache-targets: 'false'\ncache-directories: x", "layers: cargo,paths\npath: x"),
        ("cache-on-failure: true\ncache-bin: true\ncache-provider: github\ncmd-format: '{0}'", ""),
        ("cache-on-failure: false", "save: success"),
        (
            "save-if: ${{ github.ref == 'refs/heads/main' }}",
            "save: ${{ github.ref == 'refs/heads/main' && 'auto' || 'never' }}",
        ),
        (
            "save-if: ${{ inputs.save }}",
            "save: ${{ format('{0}', inputs.save) == 'true' && 'auto' || 'never' }}",
        ),
        ("lookup-only: true", "lookup-only: true"),
        ("cache-all-crates: true\ncache-workspace-crates: true\nadd-job-id-key: false", ""),
    ];
    let step = |uses: &str, inputs: &str| {
        let inputs = inputs.lines().map(|line| format!("          {line}\n")).collect::<Vec<_>>().concat();
        let with = if inputs.is_empty() { "" } else { "        with:\n" };
        format!("      - uses: {uses}\n{with}{inputs}")
    };
    for (inputs, expected) in cases {
        let (text, _) = steps(&step("Swatinem/rust-cache@v2", inputs));
        assert_eq!(text, format!("{}{SAVE}", step("btcdecoded/runner-cache@v1", expected)), "{inputs}");
    }
    let (text, _) = steps(&step("swatinem/rust-cache@v2", "save-if: 'false'"));
    assert_eq!(text, step("btcdecoded/runner-cache/restore@v1", ""));
}

#[test]
fn what_rust_cache_has_alone_is_told() {
    let (_, notes) = steps(
        "      - uses: Swatinem/rust-cache@v2\n        with:\n          shared-key: s\n          key: k\n          env-vars: A\n          \
         cache-all-crates: true\n          cache-provider: warpbuild\n          cmd-format: nix develop -c {0}\n          \
         add-rust-environment-hash-key: false\n      - run: cargo install x\n",
    );
    let expected = [
        "3: `shared-key`…`lane`",
        "4: `key` is left out: beside `shared-key` it has no effect",
        "5: `key-env` takes whole names",
        "6: `cache-all-crates`",
        "7: `cache-provider`",
        "8: `cmd-format`",
        "9: `add-rust-environment-hash-key`",
        "10: installed tools…`cargo-bins`",
    ];
    assert_notes(&notes, &expected);
}

#[test]
fn what_is_not_understood_is_left_and_named() {
    let cases = [
        ("      - uses: actions/cache@v4\n", "1: left as it is: `path` is missing"),
        (
            "      - uses: actions/cache@v4\n        with:\n          path: a\n",
            "1: left as it is: `key` is missing",
        ),
        (
            "      - uses: actions/cache@v4\n        with: {path: a, key: b, cool: c}\n",
            "2: left as it is: `actions/cache` has no input `cool`",
        ),
        (
            "      - uses: actions/cache@v4\n        with: {path: [a], key: b}\n",
            "2: left as it is: `path` is not text",
        ),
        (
            "      - uses: actions/cache@v4\n        with: {path: '**/target', key: cargo}\n",
            "2: left as it is: `**/target` names no workspace",
        ),
        (
            "      - uses: actions/cache@v4\n        with: \"{{a}}\"\n",
            "2: left as it is: `with` is not a mapping",
        ),
        (
            "      - uses: Swatinem/rust-cache@v2\n        with: {cache-targets: \"${{ a }}\"}\n",
            "2: left as it is: `cache-targets` is an expression",
        ),
        (
            "      - uses: Swatinem/rust-cache@v2\n        with: {save-if: perhaps}\n",
            "2: left as it is: `save-if` is neither",
        ),
        (
            "      - &a\n        uses: Swatinem/rust-cache@v2\n      - *a\n",
            "2: left as it is: the step has an anchor",
        ),
        (
            "      - uses: Swatinem/rust-cache@v2\n        with:\n          cache-bin: &w true\n          key: *w\n",
            "3: left as it is: an alias names",
        ),
        (
            "      - with:\n          cache-bin: true\n        uses: Swatinem/rust-cache@v2\n",
            "1: left as it is: `with` stands before",
        ),
        (
            "      - uses: some/cache-action@v1\n",
            "1: left as it is: `migrate` does not rewrite `some/cache-action`",
        ),
    ];
    for (text, note) in cases {
        let (unchanged, notes) = steps(text);
        assert_eq!(unchanged, text);
        assert!(notes[0].contains(note), "{text}{notes:?}");
    }
}

#[test]
fn braces_stay_braces() {
    let (text, _) = steps(
        "      - { uses: actions/cache@v4, with: { path: a, key: k, save-always: true } } # one\n      \
         - { name: b, uses: Swatinem/rust-cache@v2, with: {cache-bin: true} }\n      - { uses: Swatinem/rust-cache@v2, with: {key: 'x'}, if: a }\n",
    );
    let expected = "      - { uses: btcdecoded/runner-cache@v1, with: { preset: none, path: a, key: k } } # one\n      \
                    - { name: b, uses: btcdecoded/runner-cache@v1 }\n      - { uses: btcdecoded/runner-cache@v1, with: { key-extra: 'x' }, if: a }\n";
    assert_eq!(text, format!("{expected}{SAVE}"));
}

#[test]
fn a_save_follows_only_a_restore_that_ran() {
    let cache = |condition: &str| format!("      - uses: Swatinem/rust-cache@v2\n        if: {condition}\n");
    let (text, _) = steps(&[cache("a"), cache("b")].concat());
    assert!(
        text.ends_with(
            "if: always() && (steps.cache.outcome != 'skipped' || steps.cache-2.outcome != 'skipped')\n"
        ),
        "{text}"
    );
    let (text, _) = steps(&format!("{}      - uses: Swatinem/rust-cache@v2\n", cache("a")));
    assert!(text.ends_with(SAVE) && !text.contains("id:"), "{text}");
    let own = format!("      - uses: Swatinem/rust-cache@v2\n{SAVE}      - run: a\n");
    assert_eq!(steps(&own).0, own.replace("Swatinem/rust-cache@v2", "btcdecoded/runner-cache@v1"));
}

#[test]
fn line_ends_marks_and_documents_stay() {
    let text = job(
        "      - uses: Swatinem/rust-cache@v2\n        with:\n          cache-targets: false\n      - run: é",
    );
    let text = format!("\u{feff}{text}\n---\n{text}").replace('\n', "\r\n");
    let done = migrated(&text);
    let expected = "\r\n      - uses: btcdecoded/runner-cache@v1\r\n        with:\r\n          layers: cargo\r\n      - run: é\r\n      \
                    - uses: btcdecoded/runner-cache/save@v1\r\n        if: always()";
    assert_eq!(done.text.matches(expected).count(), 2, "{:?}", done.text);
    assert!(done.text.starts_with("\u{feff}on:") && done.text.ends_with("always()"), "{:?}", done.text);
    assert_eq!(done.text.matches('\n').count(), done.text.matches("\r\n").count());
}

#[test]
fn jobs_elsewhere_stay_unless_they_are_meant() {
    let text = job("      - uses: Swatinem/rust-cache@v2\n");
    for (runs_on, hosted) in [
        ("ubuntu-latest", true),
        ("${{ a && 'self-hosted' || 'ubuntu-24.04' }}", true),
        ("windows-latest", false),
    ] {
        let text = text.replace("[self-hosted, linux]", runs_on);
        let done = migrated(&text);
        assert_eq!(done.text, text);
        assert!(
            done.notes[0].line == 4 && done.notes[0].text.contains("left as it is: job `test`"),
            "{:?}",
            done.notes
        );
        assert_eq!(migrate(&text, &|_| None, true).unwrap().text != text, hosted, "{runs_on}");
    }
}

#[test]
fn what_other_jobs_are_aliases_of_stays() {
    let text = job("      - uses: Swatinem/rust-cache@v2\n").replace("steps:", "steps: &s");
    let text = format!("{text}  other:\n    runs-on: ubuntu-latest\n    steps: *s\n");
    let done = migrated(&text);
    assert_eq!(done.text, text);
    assert!(
        done.notes.len() == 1 && done.notes[0].text.contains("other jobs are aliases"),
        "{:?}",
        done.notes
    );
}

#[test]
fn a_job_is_told_of_local_actions_that_restore() {
    let action = "runs:\n  using: composite\n  steps:\n    - uses: Swatinem/rust-cache@v2\n";
    let text = job("      - uses: ./a\n        working-directory: b\n");
    let notes = |text: &str| migrate(text, &|_| Some(action.to_owned()), false).unwrap().notes;
    assert!(
        notes(&text).len() == 1 && notes(&text)[0].text.contains("`./a` has cache steps"),
        "{:?}",
        notes(&text)
    );
    assert_eq!(notes(&format!("{text}{SAVE}")), []);
    assert_eq!(notes(&text.replace("[self-hosted, linux]", "ubuntu-latest")), []);
}

#[test]
fn containers_and_late_steps_are_told() {
    let text = job(
        "      - uses: Swatinem/rust-cache@v2\n      - uses: actions/checkout@v7\n      - uses: actions/checkout@v7\n        with: {path: other}\n      - run: rustup default nightly\n        working-directory: a\n",
    );
    let text = text.replace("    steps:", "    container: rust:1\n    steps:");
    let text = text.replace("[self-hosted, linux]", "${{ inputs.where }}");
    let notes: Vec<_> =
        migrated(&text).notes.iter().map(|note| format!("{}: {}", note.line, note.text)).collect();
    let expected = [
        "4: job `test` has an expression in `runs-on`",
        "5: job `test` runs in a container…mount a volume",
        "7: line 11 follows the restore and chooses the compiler",
        "7: line 8 follows the restore and deletes",
        "12: steps run in other directories",
    ];
    assert_notes(&notes, &expected);
}

#[test]
fn a_composite_action_leaves_its_save_to_the_jobs() {
    let text = "name: x\nruns:\n  using: composite\n  steps:\n    - uses: Swatinem/rust-cache@v2\n      if: inputs.cache\n    - run: a\n      shell: bash\n";
    let done = migrated(text);
    assert_eq!(done.text, text.replace("Swatinem/rust-cache@v2", "btcdecoded/runner-cache@v1"));
    assert!(done.notes.iter().any(|note| note.text.contains("this only restores")), "{:?}", done.notes);
}
