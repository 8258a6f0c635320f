#!/usr/bin/env bash
# The main job, to watch: a GitHub Actions runner (act) runs the real action on a Rust workspace, cold, then warm, then with hooks. The action
# downloads a release of this checkout from a web server on this machine, verifies and runs it.
# Needs rustup, python3, git and curl, and sudo unless it is run by root: the release is tried in an empty root. All it makes
# outside of .tools and target is in a temporary directory, and removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
for program in cargo cc python3 git curl; do
  type -P "$program" >/dev/null || missing+=("$program")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'error: missing: %s; this needs rustup (with a toolchain and a C linker), python3, git and curl\n' "${missing[*]}" >&2
  exit 1
fi

echo 'Setting up, minutes the first time: the action runner (act, into .tools) and a release of this project (into target) ...'
scripts/setup-tools.sh

host=$(mktemp -d "${TMPDIR:-/tmp}/runner-cache-demo.XXXXXX")
mkdir "$host/public" # with the release page, and nothing else
coproc release_page { exec python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$host/public" 2>"$host/asked"; }
server=$!
clean_up() {
  kill "$server"
  rm -rf "$host"
}
trap clean_up EXIT
read -r said <&"${release_page[0]}" # Serving HTTP on 127.0.0.1 port NUMBER ...
[[ $said =~ port\ ([0-9]+) ]]
scripts/release.sh local "$host/public" "http://127.0.0.1:${BASH_REMATCH[1]}/{file}"

mkdir "$host/action" "$host/action/dist"
cp "$host/public/release.json" "$host/action/dist"
# What a `uses:` gets. The runner copies it for each step, so it is not the project's whole directory.
cp -R action.yml restore save scripts Cargo.toml "$host/action"
cp -R tests/fixtures/sample "$host/sample"
sample_git() { GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -C "$host/sample" "$@"; } # not as the user likes it
sample_git init --quiet --initial-branch=main
sample_git remote add origin https://github.com/btcdecoded/sample.git
sample_git add --all
sample_git -c user.name=Demo -c user.email=demo@example.com commit --quiet --message='Sample'

# The runner is no sandbox: it gets an environment made from nothing, and a home of its own.
environment=(
  PATH="$PATH" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
  HOME="$host/home" CARGO_HOME="$host/home/.cargo" XDG_CACHE_HOME="$host/home/.cache"
  RUNNER_CACHE_ROOT="$host/cache"
)
while IFS= read -r name; do
  case $name in
    LANG | SSL_CERT_DIR | SSL_CERT_FILE | *_proxy | *_PROXY | CARGO_HTTP_* | CARGO_NET_* | CARGO_REGISTRIES_* | CARGO_SOURCE_*)
      environment+=("$name=${!name}")
      ;;
    *) ;;
  esac
done < <(compgen -e)

run_job() {
  rm -rf "${host:?}/home"
  mkdir "$host/home"
  env --ignore-environment "${environment[@]}" .tools/venv/bin/act push --json --rm --no-cache-server \
    --directory "$host/sample" --platform self-hosted=-self-hosted \
    --local-repository "btcdecoded/runner-cache@v1=$host/action" 2>&1 |
    .tools/venv/bin/python scripts/demo_report.py "$host/summary.md"
}

printf '\n1. Cold: nothing in the cache, nothing in cargo'\''s home\n\n'
run_job
printf '\n2. Warm: the workspace and cargo'\''s home are wiped, the project is checked out afresh\n\n'
run_job

# Act runs no hooks: this plays the runner's part in a job whose only step of ours is \`uses: btcdecoded/runner-cache@v1\`.
hooked_job() {
  local work=$host/runner/_work
  rm -rf "$work/sample" "$work/_temp"
  mkdir -p "$work/_temp" "$work/sample"
  cp -R "$host/sample" "$work/sample/sample"
  local job=(
    env --ignore-environment "${environment[@]}" GITHUB_ACTIONS=true GITHUB_REPOSITORY=btcdecoded/sample GITHUB_REF=refs/heads/main
    GITHUB_EVENT_NAME=push GITHUB_JOB=hooked GITHUB_RUN_ID=3 GITHUB_RUN_ATTEMPT=1 RUNNER_NAME=demo
    GITHUB_WORKSPACE="$work/sample/sample" RUNNER_TEMP="$work/_temp" RUNNER_TOOL_CACHE="$work/_tool"
  )
  for file in GITHUB_ENV GITHUB_PATH GITHUB_OUTPUT GITHUB_STEP_SUMMARY; do
    : >"$work/_temp/$file"
    job+=("$file=$work/_temp/$file")
  done
  while IFS= read -r line; do job+=("$line"); done <"$host/runner/.env"
  cd "$work/sample/sample"
  "${job[@]}" bash -e "$host/lib/runner-cache/job-started.sh"
  "${job[@]}" GITHUB_ACTION_PATH="$host/action" RUNNER_CACHE_INPUTS='{}' bash "$host/action/scripts/action.sh" restore
  printf '\n// An edit.\n' >>"$(find crates -name lib.rs | sort | head -n 1)"
  "${job[@]}" cargo build --locked
  "${job[@]}" bash -e "$host/lib/runner-cache/job-completed.sh"
  cd "$OLDPWD"
}

printf '\n3. No save step: the hook that a host installs once saves the job\n\n'
mkdir -p "$host/runner/_work/_tool"
printf '{"agentName": "demo"}' >"$host/runner/.runner"
program=$(env --ignore-environment "${environment[@]}" RUNNER_TOOL_CACHE="$host/runner/_work/_tool" bash "$host/action/scripts/install.sh" "$$")
"$program" hook install --runner-dir "$host/runner" --hook-dir "$host/lib" 2>&1 | sed 's/^/   /'
# A runner folds its groups.
hooked_job 2>&1 | sed -e '/^::endgroup::$/d' -e 's/^::group::/▸ /' -e 's/^/   /'
printf '\nWhat the release page was asked for, once in each run (the tool cache of this runner is in the home that is wiped):\n\n'
sed -n 's/.*"\(GET .*\)" \([0-9]*\) -$/   \1: \2/p' "$host/asked"
printf '\nThe step summary of the warm run, as the runner got it:\n\n'
cat "$host/summary.md"
