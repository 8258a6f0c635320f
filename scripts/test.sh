#!/usr/bin/env bash
# All tests and checks of the project. Needs rustup, a C and a C++ compiler, python3, git, and tmux and sudo (which root gets by
# apt-get); installs the rest into .tools and target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.tools/venv/bin:$PATH" CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"

# A terminal for the tests of `top`, and what runners of other users may call.
packages=(tmux sudo)
if ! type -P "${packages[@]}" >/dev/null && [[ $(id -u) == 0 ]] && type -P apt-get >/dev/null; then
  apt-get update -qq
  apt-get install --yes -qq --no-install-recommends "${packages[@]}"
fi

missing=()
for program in rustup cargo cc c++ python3 git "${packages[@]}"; do
  type -P "$program" >/dev/null || missing+=("$program")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'error: missing: %s; this needs rustup (with a toolchain), a C and a C++ compiler (such as g++), python3, git, tmux and sudo\n' "${missing[*]}" >&2
  exit 1
fi

# Tests write small files all the time and want them on the disk at once: in memory that takes half as long. What is built
# stays where it always is.
if [[ $(id -u) == 0 && -z ${TESTS_MOUNTED:-} ]]; then TESTS_MOUNTED=1 exec scripts/on-filesystem.sh ext4 scripts/test.sh; fi

space() { # DIRECTORY MB
  local free size
  read -r free size < <(df --output=avail,size -B1M "$1" | tail -n 1)
  if ((free < $2 || free * 20 < size)); then
    printf 'error: the disk of %s has %d MB of %d MB free; this needs %d MB and 5%% of the disk\n' "$1" "$free" "$size" "$2" >&2
    exit 1
  fi
}
# What is built takes about 15 GB. On a disk that is all but full, jobs of the tests warn: `min-free` is 5%.
if [[ -d target ]]; then space . 0; else space . 15000; fi
space "${TMPDIR:-/tmp}" 2000

stage=
summary=()
report() {
  local status=$?
  if [[ $status != 0 ]]; then
    printf '\nerror: %s failed\n' "${stage:-setting up}" >&2
  else
    printf '\n=== All passed\n'
    printf '%s\n' "${summary[@]}"
  fi
}
trap report EXIT

stage() { # NAME COMMAND...
  local start=$SECONDS
  stage=$1
  shift
  printf '\n=== %s\n' "$stage"
  "$@"
  summary+=("$(printf '%5d s  %s' "$((SECONDS - start))" "$stage")")
}

components() {
  local component
  for component in rustfmt clippy; do
    # Only where it is absent: asking rustup to add one that is there would still go to the network.
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
  done
}
python_scripts() {
  ruff check --quiet scripts
  ruff format --quiet --check scripts
  mypy --config-file scripts/pyproject.toml scripts
}
shell_scripts() { shellcheck .ci/run scripts/*.sh tests/judge/prelude.sh; }
dependencies() { cargo-deny --locked check licenses bans sources; }
# What a release is, and what the action makes of it where there is next to nothing.
release() {
  local page=${CARGO_TARGET_DIR:-$PWD/target}/release-page
  rm -rf "$page"
  scripts/release.sh local "$page"
  RELEASE_PAGE=$page cargo test --locked --test action -- --ignored bare::
}
schemas() {
  check-jsonschema --builtin-schema vendor.github-actions action.yml restore/action.yml save/action.yml
  check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
}

stage 'Rust components' components
stage 'Action runner and linters' scripts/setup-tools.sh
stage 'Shell scripts (shellcheck)' shell_scripts
stage 'Python (ruff, mypy)' python_scripts
stage 'Dependencies (cargo-deny)' dependencies
stage 'Workflows (actionlint)' actionlint
stage 'Workflows and actions (zizmor)' zizmor --offline --quiet .
stage 'Workflows and actions (JSON schemas)' schemas
stage 'The performance pages are what their results give' scripts/bench.sh --check docs/performance.md
stage 'The reliability page has what the results beside it give' \
  env PYTHONPATH=scripts python3 -B -m reliability --check docs/reliability.md
stage 'Format' cargo fmt --check
stage 'Clippy' cargo clippy --all-targets --locked -- -D warnings
# --all-targets leaves out tests that do not run by themselves.
stage 'Clippy of tests that are run apart' cargo clippy --test disk --test judge --test page --test thrash --test warm --locked -- -D warnings
# Eight writers of the ledger are killed for a minute.
stage 'Tests' env RUNNER_CACHE_LEDGER_SECONDS=60 cargo test --locked
# Only root can install the browser; elsewhere it has to be there.
if [[ $(id -u) == 0 || -n ${CI:-} ]] || type -P chromium >/dev/null; then
  stage 'The page of a report, in a browser' scripts/page.sh
else
  summary+=('not run  The page of a report: chromium is missing')
fi
stage 'Death between any two steps' cargo test --locked --features crash-points --test crash
stage 'Format of the fuzz targets' cargo fmt --check --manifest-path fuzz/Cargo.toml
stage 'Clippy of the fuzz targets' \
  cargo clippy --manifest-path fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}" --all-targets --locked -- -D warnings
# A fixed number of the same inputs: new ones are for who looks for faults, not for who waits for CI.
stage 'Fuzzing' env FUZZ_RUNS=4000 scripts/fuzz.sh
stage 'Thrash: workers killed at random' cargo test --locked --test thrash
# The same histories each time: new ones are for who looks for faults. `JUDGE_SHAPES` can limit what they are made of.
# Others are for scripts/reliability.sh.
stage 'Judge: random histories against clean builds' cargo test --locked --test judge -- --nocapture
stage 'Workspaces with dependencies, warm: nothing is compiled twice' cargo test --locked --test warm
if [[ $(id -u) == 0 || -n ${CI:-} ]]; then
  stage 'A release: in an empty root, and by the action in one with little but a shell' release
else
  summary+=('not run  A release in an empty root: only root can change it')
fi
# What is said of a file system is tested on it. Mounts need root, which CI has.
if [[ $(id -u) == 0 || -n ${CI:-} ]]; then
  # What is the same on all of them was tested above.
  modules=(
    audit bins closed diagnostics doctor explain fetch hook host host_setup incremental inputs json key_ids kinds lacking
    last_build migrate policy presets registries run scopes self_update stats top
  )
  same=(--skip pool::units_)
  for module in "${modules[@]}"; do same+=(--skip "$module::"); done
  for kind in btrfs xfs tmpfs; do
    stage "Tests on $kind" scripts/on-filesystem.sh "$kind" cargo test --locked --test tree --test cli -- "${same[@]}"
  done
  stage 'Runners of two users' cargo test --locked --test hook -- --ignored users::
  stage 'Full, failing and read-only disks, power cuts' scripts/disk.sh
else
  summary+=('not run  Tests on btrfs, xfs and tmpfs, and with failing disks: only root can mount them'
    'not run  Runners of two users: only root can be another user')
fi
