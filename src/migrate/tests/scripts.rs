//! The bash scripts around rsync that the first users have.

use super::{SAVE, assert_notes, job, migrate, migrated, steps};

/// What the first users have.
const SCRIPTS: &str = r#"      - name: Setup local cache system
        id: setup-cache
        if: ${{ inputs.use_cache }}
        run: |
          CACHE_ROOT="/tmp/runner-cache"
          DEPS_KEY=$(sha256sum Cargo.lock | cut -d' ' -f1)
          echo "CARGO_CACHE_DIR=$CACHE_ROOT/cargo/$DEPS_KEY" >> $GITHUB_ENV
          echo "TARGET_CACHE_DIR=$CACHE_ROOT/target/$DEPS_KEY" >> $GITHUB_ENV
          echo "cache-key=$DEPS_KEY" >> $GITHUB_OUTPUT
          mkdir -p "$CACHE_ROOT/cargo/$DEPS_KEY"

      - name: Restore Cargo cache
        if: ${{ inputs.use_cache }}
        run: |
          if [ -d "$CARGO_CACHE_DIR/registry" ]; then
            rsync -a --delete "$CARGO_CACHE_DIR/registry/" "$HOME/.cargo/registry/" || true
            echo "CARGO_REGISTRY_RESTORED=true" >> $GITHUB_ENV
          fi
          if [ -d "$TARGET_CACHE_DIR" ]; then
            rsync -a --delete "$TARGET_CACHE_DIR/" ./target/
          fi

      # The build.
      - run: cargo build --locked # key ${{ steps.setup-cache.outputs.cache-key }}

      - name: Cache target directory
        if: ${{ inputs.use_cache && env.CARGO_REGISTRY_RESTORED != 'true' }}
        run: rsync -a --delete ./target/ "$TARGET_CACHE_DIR/"

      - run: echo done

      - name: Cache cleanup
        if: always()
        run: find /tmp/runner-cache/target -maxdepth 1 -mtime +1 | head -n -3 | xargs rm -rf
"#;

#[test]
fn rsync_scripts_become_one_restore_and_one_save() {
    let (text, notes) = steps(SCRIPTS);
    let expected = "      - name: Setup local cache system\n        id: setup-cache\n        if: ${{ inputs.use_cache }}\n        \
                    uses: btcdecoded/runner-cache@v1\n\n      # The build.\n      \
                    - run: cargo build --locked # key ${{ steps.setup-cache.outputs.cache-key }}\n\n      - run: echo done\n\n      \
                    - uses: btcdecoded/runner-cache/save@v1\n        if: always() && steps.setup-cache.outcome != 'skipped'\n";
    assert_eq!(text, expected);
    assert_notes(&notes, &["1: runner-cache refuses a directory with other files"]);
}

#[test]
fn one_script_that_is_unclear_leaves_all_as_they_are() {
    let cases = [
        (
            SCRIPTS.replace("./target/ \"$T", "./node_modules/ \"$T"),
            "28: left as it is: `./node_modules/` is not cargo's",
        ),
        (
            SCRIPTS.replace("          mkdir", "          npm ci\n          mkdir"),
            "10: left as it is: `npm ci` does something else",
        ),
        (
            SCRIPTS.replace(
                "      - run: echo done",
                "      - if: env.CARGO_REGISTRY_RESTORED != 'true'\n        run: a",
            ),
            "30: left as it is: a step is skipped by `CARGO_REGISTRY_RESTORED`",
        ),
        (
            SCRIPTS.replacen("if: ${{ inputs.use_cache }}", "if: other", 1),
            "12: left as it is: preparing and restoring the cache",
        ),
    ];
    for (text, expected) in cases {
        let (unchanged, notes) = steps(&text);
        assert_eq!(unchanged, text);
        assert_notes(&notes, &[expected]);
    }
}

#[test]
fn what_scripts_gave_to_later_steps_is_told() {
    let text = SCRIPTS.replace("TARGET_CACHE_DIR", "CARGO_TARGET_DIR").replace("cache-key", "key");
    let text = text
        .replace("REGISTRY_RESTORED", "THINGS_RESTORED")
        .replace("echo done", "echo $CARGO_THINGS_RESTORED");
    let (_, notes) = steps(&text);
    let expected = [
        "1: `CARGO_TARGET_DIR` is no longer set",
        "1: runner-cache refuses",
        "24: runner-cache has no output `key`",
        "30: runner-cache sets no variable `CARGO_THINGS_RESTORED`",
    ];
    assert_notes(&notes, &expected);
}

#[test]
fn local_actions_of_scripts_are_replaced_where_they_are_used() {
    let files = |path: &str| {
        let script = match path {
            "./.github/actions/restore" => "rsync -a /tmp/runner-cache/r/ ~/.cargo/registry/",
            "./.github/actions/save" => "rsync -a ~/.cargo/registry/ /tmp/runner-cache/r/",
            _ => return None,
        };
        Some(format!("runs:\n  using: composite\n  steps:\n    - run: {script}\n      shell: bash\n"))
    };
    let uses = |name: &str| format!("      - uses: ./.github/actions/{name}\n");
    let text = job(&[uses("restore"), uses("other"), uses("save"), "      - run: a\n".to_owned()].concat());
    let done = migrate(&text, &files, false).unwrap();
    let expected = "      - uses: btcdecoded/runner-cache@v1\n        with:\n          layers: cargo\n";
    assert_eq!(done.text, job(&format!("{expected}{}      - run: a\n{SAVE}", uses("other"))));

    for (path, part) in [("./.github/actions/restore", ""), ("./.github/actions/save", "/save")] {
        let text = files(path).unwrap();
        let expected =
            format!("uses: btcdecoded/runner-cache{part}@v1\n      with:\n        layers: cargo\n");
        assert!(migrated(&text).text.ends_with(&expected), "{}", migrated(&text).text);
    }
}
