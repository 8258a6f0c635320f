#!/usr/bin/env bash
# What the three actions run: finds the binary and becomes it, so that a cancel's signals reach it.
# Usage: action.sh restore [--no-session] | save
set -euo pipefail

verb=${1:?usage: action.sh VERB [FLAG...]}
scripts=$(dirname "${BASH_SOURCE[0]}")

# A cache is optional: without one the job goes on, warned once, and reads a plain miss from the outputs.
go_on_without() {
  local why=${1//'%'/'%25'}
  why=${why//$'\r'/'%0D'}
  printf '::warning title=runner-cache::No cache in this job: %s\n' "${why//$'\n'/'%0A'}"
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

platform="$(uname -s) on $(uname -m)"
case $platform in
  'Linux on x86_64' | 'Linux on aarch64') ;;
  *) go_on_without "$platform is not supported, only Linux on x86_64 and aarch64." ;;
esac

# On failure install.sh prints the reason where it would have printed the path.
binary=$(bash "$scripts/install.sh") || go_on_without "${binary:-scripts/install.sh failed, see its messages above.}"
# Later steps can ask: `runner-cache explain`.
if [[ $verb == restore && ${binary##*/} == runner-cache ]] && ! type -P runner-cache >/dev/null; then
  dirname "$binary" >>"${GITHUB_PATH:-/dev/null}"
fi
exec "$binary" "$@"
