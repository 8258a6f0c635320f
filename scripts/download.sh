#!/usr/bin/env bash
# Downloads a URL into a file by curl or wget: several tries, each from where the last one stopped. The caller verifies it.
# Usage: download.sh URL SIZE FILE, with a bearer token in INSTALL_TOKEN. Prints why it failed and exits with 1 where the file is
# out of reach, with 2 where it came and is of no use. RUNNER_CACHE_DOWNLOAD_SECONDS (120) bounds all tries together.
set -euo pipefail

SECONDS=0
url=$1 size=$2 file=$3
shown=${url%%\?*} shown=${shown/\/\/*@/\/\/} # a signature or a password is nobody's to see
token=${INSTALL_TOKEN:-}
bound=${RUNNER_CACHE_DOWNLOAD_SECONDS:-120}
[[ $bound =~ ^[1-9][0-9]{0,4}$ ]] || bound=120
fail() { # EXIT_CODE REASON
  printf '%s\n' "$2"
  exit "$1"
}

# Without TLS from this machine alone: a proxy, or a test.
schemes='=https' direct=()
if [[ $url =~ ^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/ ]]; then schemes='=http,https' direct=(--noproxy '*'); fi
[[ $url == https://* || $schemes != '=https' ]] || fail 1 "$shown is not an https URL"

by_curl() {
  # The token is in no argument, since all processes can read those. --disable: a job can write ~/.curlrc.
  local settings='header = "Accept: application/octet-stream"' got=0
  if [[ -n $token ]]; then settings+=$'\n'"header = \"Authorization: Bearer $token\""; fi
  code=$(curl --disable --config - "${direct[@]}" --globoff --silent --show-error --fail --location --max-redirs 5 --tlsv1.2 --proto "$schemes" \
    --proto-redir "$schemes" --connect-timeout 15 --max-time "$1" --max-filesize "$size" --continue-at - --output "$file" \
    --write-out '%{http_code}' "$url" <<<"$settings" 2>"$file.log") || got=$?
  why="$shown: $(tail -n 1 "$file.log")"
  case $got in
    0) exit 0 ;;
    23) fail 2 "$why (no space in $(dirname "$file")?)" ;;
    22) if [[ $code == 416 ]]; then rm -f "$file" && code=; fi ;; # all of it is there, or of something else
    33) rm -f "$file" ;; # the server cannot resume
    63) fail 2 "$shown is larger than the $size bytes of the release" ;;
    *) ;;
  esac
  # What the server will answer next time, too.
  if [[ $code == 4* && $code != 408 && $code != 429 ]]; then fail 1 "$why"; fi
}
by_wget() {
  # GNU's reads its settings from here and not from ~/.wgetrc; others, such as busybox's, have none.
  printf '%s\n' 'secure_protocol = TLSv1_2' 'tries = 1' 'max_redirect = 5' >"$file.wgetrc"
  if WGETRC=$file.wgetrc timeout "$1" wget -q -c -T 20 -O "$file" "$url" >&2; then exit 0; fi
  why="$shown: wget failed"
}

if type -P curl >/dev/null; then
  tool=curl
  [[ -z $token || $token =~ ^[A-Za-z0-9._~+/=-]+$ ]] || fail 1 'download-token contains invalid characters'
  if [[ -n $token ]]; then
    # Older ones send it to whatever host a redirect names.
    read -r _ version _ < <(curl --version)
    IFS=. read -r major minor _ <<<"$version"
    ((major > 7 || major == 7 && minor >= 58)) || fail 1 "download-token needs curl 7.58 or later, this is $version"
  fi
elif type -P wget >/dev/null; then
  tool=wget
  [[ -z $token ]] || fail 1 'download-token needs curl: wget would send it to any redirect host'
else
  fail 1 'no curl or wget to download it with'
fi

for pause in 1 2 4 none; do
  left=$((bound - SECONDS))
  ((left > 0)) || fail 1 "timed out after $bound s: $shown; hint: set download-url to a nearer copy"
  if [[ $tool == curl ]]; then by_curl "$left"; else by_wget "$left"; fi
  if [[ $pause != none ]]; then
    printf '%s; trying again in %s s\n' "$why" "$pause" >&2
    sleep "$pause"
  fi
done
fail 1 "$why"
