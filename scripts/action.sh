#!/usr/bin/env bash
# What the three actions run: finds the binary and becomes it, so that a cancel's signals reach it.
# Usage: action.sh restore [--no-session] | save
# In the environment: what the runner sets, the inputs as JSON, and those that are for these scripts (INSTALL_*).
set -euo pipefail

verb=${1:?usage: action.sh VERB [FLAG...]}
scripts=${BASH_SOURCE[0]%/*}

# A cache is optional: without one the job goes on, warned once, and reads a plain miss from the outputs; unless
# `fail-on-error` says that it must be there.
go_on_without() {
  local why=${1//'%'/'%25'}
  why=${why//$'\r'/'%0D'} why=${why//$'\n'/'%0A'}
  if [[ ${INSTALL_OR_FAIL:-${RUNNER_CACHE_FAIL_ON_ERROR:-false}} == true ]]; then
    printf '::error title=runner-cache::no cache in this job, and fail-on-error is set: %s\n' "$why"
    exit 1
  fi
  printf '::warning title=runner-cache::no cache in this job: %s\n' "$why"
  case $verb in
    restore)
      {
        printf '%s=false\n' cache-hit cargo-restored target-restored builds-restored bins-restored
        printf '%s=miss\n' cargo-hit target-hit builds-hit bins-hit
      } >>"${GITHUB_OUTPUT:?is set by the runner}"
      ;;
    *) ;; # no outputs
  esac
  exit 0
}

# The program is not to hand the token on to what it starts, which may outlive the job.
if [[ -n ${INSTALL_TOKEN:-} && -n ${RUNNER_CACHE_INPUTS:-} ]]; then
  RUNNER_CACHE_INPUTS=${RUNNER_CACHE_INPUTS//"$INSTALL_TOKEN"/}
fi
# The host's token is for the host's URL, and no other.
if [[ -z ${INSTALL_URL:-} ]]; then
  INSTALL_URL=${RUNNER_CACHE_DOWNLOAD_URL:-}
  if [[ -n $INSTALL_URL ]]; then INSTALL_TOKEN=${INSTALL_TOKEN:-${RUNNER_CACHE_DOWNLOAD_TOKEN:-}}; fi
fi
unset RUNNER_CACHE_DOWNLOAD_TOKEN
# The job's token is for the hook after the job, and not for what the program starts. The runner removes the file then.
if [[ -n ${JOB_TOKEN:-} ]]; then
  RUNNER_CACHE_INPUTS=${RUNNER_CACHE_INPUTS//"$JOB_TOKEN"/}
  if [[ $verb == restore && -n ${RUNNER_TEMP:-} ]] && file=$(mktemp "$RUNNER_TEMP/runner-cache-token.XXXXXX"); then
    printf '%s' "$JOB_TOKEN" >"$file"
    export RUNNER_CACHE_GITHUB_TOKEN_FILE=$file
  fi
fi
unset JOB_TOKEN
export INSTALL_URL INSTALL_TOKEN=${INSTALL_TOKEN:-}
# On failure install.sh prints the reason where it would have printed the path.
binary=$(bash -p "$scripts/install.sh" "$PPID") || go_on_without "${binary:-scripts/install.sh failed, see its messages above}"
unset INSTALL_URL INSTALL_TOKEN
# Later steps can ask: `runner-cache explain`. Where it lies other jobs can write, and its neighbours are not to be found first.
if [[ $verb == restore && -n ${RUNNER_TEMP:-} && -n ${GITHUB_PATH:-} ]] && ! type -P runner-cache >/dev/null; then
  if directory=$(mktemp -d "$RUNNER_TEMP/runner-cache-path.XXXXXX") && ln -s "$binary" "$directory/runner-cache"; then
    # In a container we are root, and the runner could not remove it.
    if [[ $EUID == 0 ]] && type -P stat chown >/dev/null && owner=$(stat -c '%u:%g' "$RUNNER_TEMP"); then
      chown "$owner" "$directory" || printf 'runner-cache: cannot give %s to %s\n' "$directory" "$owner"
    fi
    printf '%s\n' "$directory" >>"$GITHUB_PATH"
  fi
fi
shopt -s execfail
exec "$binary" "$@" || go_on_without "cannot start $binary"
