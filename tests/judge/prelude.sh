# shellcheck shell=bash
# What the steps of a history are made of. RC: the program (`true`: no cache), LAB: a directory that this script may make.
set -u
umask 022
: "${RC:?the program}" "${LAB:?a directory of its own}" "${RUSTUP_HOME:=$HOME/.rustup}"
export RUSTUP_HOME GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_AUTHOR_DATE='2026-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
REPO=$LAB/repo

broken() { # WHY: nothing can be said of the program
  echo "judge: $1" >&2
  exit 2
}

# --- commits

on() { # BRANCH: what follows is about it; a new one begins at main
  mkdir -p "$LAB/home" "$REPO"
  [ -d "$REPO/.git" ] || git init -q -b main "$REPO"
  [ "$(git -C "$REPO" symbolic-ref --short HEAD)" != "$1" ] || return 0
  git -C "$REPO" checkout -q "$1" 2>/dev/null || git -C "$REPO" checkout -q -b "$1" main || broken "no branch $1"
}
put() { # PATH MODE, and the text on the standard input
  mkdir -p "$(dirname "$REPO/$1")"
  rm -f "$REPO/$1"
  sed "s|@LAB|$LAB|g" >"$REPO/$1"
  chmod "$2" "$REPO/$1"
}
link() { # PATH TARGET
  mkdir -p "$(dirname "$REPO/$1")"
  ln -sfn "$2" "$REPO/$1"
}
large() { # PATH SIZE
  mkdir -p "$(dirname "$REPO/$1")"
  truncate -s "$2" "$REPO/$1"
}
gone() { rm "$REPO/$1" && { rmdir -p "$(dirname "$REPO/$1")" 2>/dev/null || :; }; }
commit() { # MESSAGE: of the repository, and of those that it depends on
  local repository workspace
  for repository in "$LAB"/deps/*/; do
    [ -d "$repository" ] || continue
    [ -d "$repository/.git" ] || git init -q -b main "$repository"
    # Where a checkout has it: beside the project.
    ln -sfn "$repository" "$LAB/$(basename "$repository")"
    git -C "$repository" add -A
    git -C "$repository" diff --cached --quiet || git -C "$repository" commit -q -m "$1"
  done
  for workspace in "${WORKSPACES[@]}"; do
    (cd "$REPO/$workspace" && HOME=$LAB/home CARGO_HOME=$LAB/lock-home cargo generate-lockfile -q) || broken 'cargo generate-lockfile fails'
  done
  git -C "$REPO" add -A
  git -C "$REPO" commit -q --allow-empty -m "$1" || broken 'git commit fails'
}
back() { git -C "$REPO" reset -q --hard HEAD~1 && git -C "$REPO" clean -ffdxq; } # a force push

# --- jobs: each sets JOB, RUNNER, PLACE, BRANCH, LANE, FLAGS, VARIABLES, and defines `work`

begin() {
  WORK=$LAB/$PLACE
  W=$WORK/app
  T=$LAB/temp-$RUNNER
  SET=()
  RECORDS=$LAB/jobs/$JOB
  rm -rf "$T"
  mkdir -p "$T" "$RECORDS"
  echo '{"repository":{"default_branch":"main"}}' >"$LAB/event.json"
}
inside() { # COMMAND: as a step of the job
  (cd "$W/${AT:-.}" && exec env -i GITHUB_ACTIONS=true CI=true GITHUB_WORKSPACE="$W" RUNNER_TEMP="$T" RUNNER_NAME="$RUNNER" RUNNER_OS=Linux \
    RUNNER_ARCH=X64 GITHUB_REPOSITORY=o/r GITHUB_REF="refs/heads/$BRANCH" GITHUB_REF_NAME="$BRANCH" GITHUB_EVENT_NAME=push \
    GITHUB_EVENT_PATH="$LAB/event.json" GITHUB_SHA="$(git -C "$W" rev-parse HEAD)" GITHUB_JOB="$LANE" GITHUB_WORKFLOW=ci GITHUB_RUN_ID="$JOB" \
    GITHUB_RUN_ATTEMPT=1 GITHUB_OUTPUT="$T/output" GITHUB_ENV="$T/env" GITHUB_PATH="$T/path" GITHUB_STEP_SUMMARY="$T/summary" \
    HOME="$LAB/home" PATH="$PATH" RUSTUP_HOME="$RUSTUP_HOME" ${RUSTUP_TOOLCHAIN:+RUSTUP_TOOLCHAIN="$RUSTUP_TOOLCHAIN"} CARGO_HOME="$LAB/cargo" CARGO_TERM_COLOR=never \
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null "${VARIABLES[@]}" "${SET[@]}" timeout --foreground 300 "$@")
}
check_out() { # clone, clean (what git ignores goes as well) or keep
  case $1-$([ -d "$W/.git" ] && echo there) in
    clean-there | keep-there)
      local x=
      [ "$1" = keep ] || x=x
      git -C "$W" clean "-ffdq$x" || broken 'git clean fails'
      git -C "$W" fetch -q -f origin '+refs/heads/*:refs/remotes/origin/*' || broken 'git fetch fails'
      git -C "$W" checkout -q -f -B "$BRANCH" "origin/$BRANCH" || broken 'git checkout fails'
      ;;
    *)
      rm -rf "$W"
      git clone -q -b "$BRANCH" "file://$REPO" "$W" || broken 'git clone fails'
      ;;
  esac
  before || broken 'a step before the restore fails'
}
# As tools that lay sources out with times of their own.
old_sources() { find "$W" -name .git -prune -o -type f -exec touch -d '1 hour ago' {} +; }
# As by a clock that was ahead during the build: what the job did not make keeps its time.
from_the_future() { [ ! -d "$W/target" ] || find "$W/target" -newer "$RECORDS/restore.log" -exec touch -h -d '1 hour' {} +; }

restore() {
  local file
  for file in output env path summary; do : >"$T/$file"; done
  inside "$RC" restore --cache-root "$LAB/root" "${FLAGS[@]}" >"$RECORDS/restore.log" 2>&1 || broken "restore ends with $?: $(cat "$RECORDS/restore.log")"
  cp "$T/output" "$RECORDS/outputs"
  mapfile -t SET <"$T/env"
}
save() { # STATUS of the job
  inside "$RC" save --cache-root "$LAB/root" --job-status "$1" "${FLAGS[@]}" >"$RECORDS/save.log" 2>&1 || broken "save ends with $?: $(cat "$RECORDS/save.log")"
}

# --- what counts of a job: exit codes, what programs and tests say

cargo_() { # WORDS
  local said code
  said=$RECORD/$(($(find "$RECORD" -name '*.out' | wc -l) + 1))
  inside cargo "$1" --message-format=json "${@:2}" >"$said.out" 2>"$said.err"
  code=$?
  echo "${AT:+$AT: }cargo $*: exit $code"
  if [ "$1" = test ]; then
    grep '^test ' "$said.out" | sed -E 's/; finished in .*//' | LC_ALL=C sort
  else
    grep -v '^{"reason":' "$said.out"
  fi
  [ $code = 0 ]
}
cargo_at() { # WORKSPACE WORDS
  local AT=$1
  cargo_ "${@:2}"
}
program() { # PATH
  local said
  said=$(inside "$W/$1" 2>&1)
  echo "$1: $said, exit $?"
}
# Two pages name the crate that rustdoc happened to come to last.
pages() { (cd "$W" && find target/doc -name '*.html' ! -path target/doc/help.html ! -path target/doc/settings.html -exec sha256sum {} + | LC_ALL=C sort -k 2); }
killed() { # N COMMAND: killed as soon as cargo told that N units are done
  local pid number=0 VARIABLES=("${VARIABLES[@]}" CARGO_BUILD_JOBS=1)
  mkfifo "$T/messages"
  set -m
  inside "${@:2}" --message-format=json >"$T/messages" 2>>"$RECORD/killed.err" &
  pid=$!
  set +m
  while read -r; do
    number=$((number + 1))
    [ $number -lt "$1" ] || kill -KILL -- -$pid
  done <"$T/messages"
  wait $pid 2>/dev/null
  rm "$T/messages"
}
observe() { # NAME
  RECORD=$RECORDS/$1
  rm -rf "$RECORD"
  mkdir "$RECORD"
  git -C "$W" ls-files -s >"$RECORD/sources"
  printf '000000 %s %s\tHEAD\n' "$(git -C "$W" rev-parse HEAD)" "$BRANCH" >>"$RECORD/sources"
  [ ! -d "$WORK/sibling" ] || git -C "$WORK/sibling" ls-files -s | sed 's|\t|\t../sibling/|' >>"$RECORD/sources"
  (
    steps
    work
  ) >"$RECORD/told" 2>>"$RECORD/steps.log"
}
# The same job in the same place, in a fresh checkout without the cache. What the job itself made waits beside.
judge() {
  local with=("${SET[@]}")
  mv "$WORK" "$WORK.aside"
  SET=()
  check_out clone
  observe clean
  rm -rf "$WORK"
  mv "$WORK.aside" "$WORK"
  SET=("${with[@]}")
  if ! cmp -s "$RECORDS/clean/told" "$RECORDS/cached/told"; then
    echo "job $JOB: STALE, - a clean build, + with the cache"
    diff -U 0 "$RECORDS/clean/told" "$RECORDS/cached/told" | tail -n +3 | tee "$RECORDS/difference"
    if grep -q '^+.*: exit [1-9]' "$RECORDS/difference"; then
      grep -hE -A 5 '^error' "$RECORDS"/cached/*.err | head -n 20 | sed 's/^/| /'
    fi
    exit 1
  fi
}
# How the job ends for the save.
status() { if grep -qE '^[^|]*cargo .*: exit [1-9]' "$RECORDS/cached/told"; then echo failure; else echo success; fi; }
