#!/usr/bin/env bash
# Fuzzes the readers of what others wrote: manifests, names, keys, inputs. Each target in fuzz/fuzz_targets runs for a time;
# the figures are in target/fuzz.json, an input that breaks a claim in fuzz/artifacts, and what was found interesting
# in fuzz/corpus, from where the next run goes on.
# Usage: fuzz.sh [SECONDS_PER_TARGET [TARGET...]]
# FUZZ_RUNS=NUMBER stops after so many inputs, the same ones each time as long as fuzz/corpus is the same (absent at first).
# For so few nothing is optimized: building it takes longer than running it.
# FUZZ_SANITIZER=address looks for wrong uses of memory as well, at half the speed. That needs a nightly toolchain; without
# it the project's own one will do, since there is no unsafe code here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.13.2 # of cargo-fuzz
sanitizer=${FUZZ_SANITIZER:-none}
seconds=${1:-20}
targets=("${@:2}")
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo 'error: usage: fuzz.sh [SECONDS_PER_TARGET [TARGET...]]' >&2
  exit 2
fi
if [[ ${#targets[@]} == 0 ]]; then
  for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
for target in "${targets[@]}"; do
  if [[ ! -f fuzz/fuzz_targets/$target.rs ]]; then
    echo "error: there is no target $target in fuzz/fuzz_targets" >&2
    exit 2
  fi
done

missing=()
for program in rustup cargo "${CXX:-c++}" timeout; do
  type -P "$program" >/dev/null || missing+=("$program")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'error: missing: %s; this needs rustup (with a toolchain), a C++ compiler for libFuzzer (g++ or clang) and coreutils\n' \
    "${missing[*]}" >&2
  exit 1
fi

cargo_fuzz=.tools/bin/cargo-fuzz
if ! said=$("$cargo_fuzz" --version 2>/dev/null) || [[ $said != "cargo-fuzz $version" ]]; then
  echo "installing cargo-fuzz $version into .tools"
  cargo install cargo-fuzz --version "$version" --locked --force --quiet --root .tools
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
if [[ $sanitizer != none ]]; then
  rustup run nightly rustc --version >/dev/null 2>&1 || rustup toolchain install nightly --profile minimal
  export RUSTUP_TOOLCHAIN=nightly
fi
if ! cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml; then
  echo 'error: fuzz/Cargo.lock is not up to date; hint: cargo fetch --manifest-path fuzz/Cargo.toml' >&2
  exit 1
fi
profile=(--release)
if [[ -n ${FUZZ_RUNS:-} ]]; then profile=(--dev); fi
# All at once: they share all but their last step.
"$cargo_fuzz" build "${profile[@]}" --sanitizer "$sanitizer"

log=$(mktemp "${TMPDIR:-/tmp}/runner-cache-fuzz.XXXXXX")
trap 'rm -f "$log"' EXIT

until=("-max_total_time=$seconds")
if [[ -n ${FUZZ_RUNS:-} ]]; then until=("-runs=$FUZZ_RUNS" -seed=1); fi
figures=()
failed=()
for target in "${targets[@]}"; do
  corpora=("fuzz/corpus/$target")
  mkdir -p "${corpora[0]}"
  if [[ -d fuzz/seeds/$target ]]; then corpora+=("fuzz/seeds/$target"); fi
  start=$SECONDS
  status=0
  # An input takes milliseconds: 10 seconds or 2 GB for one are a fault. The outer limit is for a fuzzer that hangs.
  timeout --kill-after=10 "$((seconds + 120))" "$cargo_fuzz" run "${profile[@]}" --sanitizer "$sanitizer" "$target" "${corpora[@]}" -- \
    "${until[@]}" -timeout=10 -rss_limit_mb=2048 -max_len=2048 -print_final_stats=1 \
    >"$log" 2>&1 || status=$?
  took=$((SECONDS - start))
  runs=$(awk '/^stat::number_of_executed_units:/ { runs = $2 } END { print runs + 0 }' "$log")
  crashes=0
  if [[ $status != 0 ]]; then crashes=1; fi # it ends with the first
  figures+=("{\"target\": \"$target\", \"seconds\": $took, \"runs\": $runs, \"crashes\": $crashes}")
  if [[ $status == 0 && $runs -gt 0 ]]; then
    printf '%5d s %10d runs  %s\n' "$took" "$runs" "$target"
    continue
  fi
  failed+=("$target")
  # The broken claim, or else the end of what the fuzzer said.
  grep -A 2 'panicked at' "$log" >&2 || tail -n 40 "$log" >&2
  input=$(sed -n 's/.*Test unit written to \(.*\(crash\|timeout\|oom\|leak\)-\)/\1/p' "$log")
  printf 'error: %s: exit code %d after %d s; the input: %s\n' "$target" "$status" "$took" "${input:-none was written}" >&2
done

mkdir -p target
{
  separator='['
  for figure in "${figures[@]}"; do
    printf '%s\n  %s' "$separator" "$figure"
    separator=,
  done
  printf '\n]\n'
} >target/fuzz.json

if [[ ${#failed[@]} -gt 0 ]]; then
  printf 'error: broken: %s; hint: %s fmt --sanitizer %s TARGET INPUT shows an input, tmin makes it smaller, run runs it\n' \
    "${failed[*]}" "$cargo_fuzz" "$sanitizer" >&2
  exit 1
fi
