#!/usr/bin/env bash
# Makes a release in a directory, which stands for the release page; .github/workflows/release.yml calls the same commands.
# Usage: release.sh check VERSION [REMOTE]                  that Cargo.toml and CHANGELOG.md have it, and that it is new
#        release.sh build DIRECTORY [--check-reproducible]   this machine's binary: static, stripped, packed and tried
#        release.sh assemble DIRECTORY [URL_TEMPLATE]        of all binaries there: SBOM, notes, release.json, SHA256SUMS
#        release.sh verify DIRECTORY                         that all of it is there and is what SHA256SUMS tells
#        release.sh draft DIRECTORY                          the draft of the page on GitHub, by `gh`, also again
#        release.sh commit DIRECTORY [REMOTE]                dist/ on the kept branch, and the tag of the version
#        release.sh publish                                  the draft, for good
#        release.sh advance [REMOTE]                         the moving tag, such as v1, on to that version
#        release.sh local DIRECTORY [URL_TEMPLATE]           build, assemble and verify
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$project"

version=$(awk -F'"' '/^version = / { print $2; exit }' Cargo.toml)
major=${version%%.*}
line=v$((major > 0 ? major : 1)) # what `uses:` names; 0.x is on v1
branch=release/$line
fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}
usage() {
  sed -n '3,11s/^# //p' "$project/scripts/release.sh" >&2
  exit 2
}

# What CHANGELOG.md says of a version, by exactly that heading: `## 1.0.0`, `## [1.0.0] - 2026-12-24`.
notes() { # VERSION
  awk -v heading="$1" '/^## / { name = $2; gsub(/^\[|\]$/, "", name); on = name == heading; next } on' CHANGELOG.md
}

check() { # VERSION [REMOTE]
  local there
  [[ $1 == "$version" ]] || fail "Cargo.toml has version $version, not $1"
  [[ $(notes "$1") == *[![:space:]]* ]] || fail "CHANGELOG.md has no section $1"
  there=$(git ls-remote --tags "${2:-origin}" "refs/tags/v$1")
  if [[ -n $there ]]; then
    fail "v$1 is there already; hint: run the failed jobs of the run that made it again, or raise the version"
  fi
}

# The same bytes from one commit, wherever it is checked out: no path of this machine, nothing of its settings.
compile() { # SOURCES TARGET_DIRECTORY
  local flags sysroot
  local toolchain=${RUSTUP_TOOLCHAIN:-}
  # shellcheck source=scripts/unset-settings.sh
  . "$project/scripts/unset-settings.sh"
  # The one setting that the caller has a say in, and release.json tells.
  if [[ -n $toolchain ]]; then export RUSTUP_TOOLCHAIN=$toolchain; fi
  sysroot=$(rustc --print sysroot)
  # Static with glibc, whose allocator and memory functions are the fast ones; it needs nothing of the system but a kernel.
  flags=(-C target-feature=+crt-static)
  # A static program has many relocations; packed they take next to nothing.
  flags+=(-C 'link-arg=-Wl,-z,pack-relative-relocs')
  flags+=("--remap-path-prefix=$sysroot=/rust" "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo")
  flags+=("--remap-path-prefix=$1=/runner-cache" "--remap-path-prefix=$2=/target")
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && printf '%s' "${flags[*]}")
  export CARGO_ENCODED_RUSTFLAGS
  (cd "$1" && cargo build --quiet --release --locked --target "$target" --target-dir "$2")
}

# In a root with this one file, without any library: it starts, and brings back what it saved.
try() { # BINARY
  local root as_root=() said chroot
  [[ $(id -u) == 0 ]] || as_root=(sudo -n)
  chroot=$(PATH=$PATH:/usr/sbin type -P chroot) # also where a user's PATH does not lead
  root=$(mktemp -d "$work/root.XXXXXX")
  mkdir -p "$root/job/data" "$root/tmp"
  cp "$1" "$root/runner-cache"
  printf 'kept\n' >"$root/job/data/file"
  inside() {
    "${as_root[@]}" env -i HOME=/job GITHUB_WORKSPACE=/job "$chroot" "$root" /runner-cache "$@"
  }
  said=$(inside --version)
  [[ $said == "runner-cache $version" ]] || fail "$1 says \"$said\", not runner-cache $version"
  local of_job=(--cache-root=/cache --preset=none --key=tried --path=/job/data)
  inside save "${of_job[@]}" >"$work/log" 2>&1 || fail "save failed in an empty root: $(<"$work/log")"
  "${as_root[@]}" rm -r "$root/job/data"
  inside restore --no-session "${of_job[@]}" >"$work/log" 2>&1 || fail "restore failed in an empty root: $(<"$work/log")"
  [[ -f $root/job/data/file ]] || fail "nothing came back in an empty root: $(<"$work/log")"
  "${as_root[@]}" rm -r "$root"
}

build() { # DIRECTORY [--check-reproducible]
  local machine target built
  machine=$(uname -m)
  target=$machine-unknown-linux-gnu
  built=${CARGO_TARGET_DIR:-$project/target}/released
  mkdir -p "$built" "$1"
  built=$(cd "$built" && pwd -P)
  (compile "$project" "$built")
  local binary=$built/$target/release/runner-cache
  if [[ ${2:-} == --check-reproducible ]]; then
    # Another directory, of another length, with another target directory, and the files of the commit alone.
    mkdir -p "$work/again/at/another/place"
    git archive HEAD | tar -x -C "$work/again/at/another/place"
    (compile "$work/again/at/another/place" "$work/again/target")
    cmp "$binary" "$work/again/target/$target/release/runner-cache" || fail 'two builds of this commit are not the same bytes'
    printf 'reproducible: two builds in two places are the same bytes\n'
  fi
  try "$binary"
  gzip -9 -n <"$binary" >"$1/runner-cache-$machine-linux.gz"
  printf 'built and tried in an empty root: runner-cache %s for %s, %d bytes, %d packed\n' "$version" "$machine" \
    "$(wc -c <"$binary")" "$(wc -c <"$1/runner-cache-$machine-linux.gz")"
}

# Of all targets: what one of them alone has would do no harm in the other's.
sbom() {
  cargo metadata --locked --format-version 1 --filter-platform x86_64-unknown-linux-gnu --filter-platform aarch64-unknown-linux-gnu |
    python3 -B scripts/sbom.py --lock Cargo.lock --commit-time "$(git log -1 --format=%ct)"
}

assemble() { # DIRECTORY [URL_TEMPLATE]
  local url=${2:-https://github.com/btcdecoded/runner-cache/releases/download/v{version\}/{file\}}
  local file machine entries=() of_binary
  for file in "$1"/runner-cache-*-linux.gz; do
    [[ -f $file ]] || fail "there is no binary in $1; hint: release.sh build $1"
    machine=${file##*/runner-cache-}
    of_binary=$(gzip -dc <"$file" | sha256sum)
    entries+=("$(printf '    "%s": { "file": "%s", "size": %d, "sha256": "%s", "binary_sha256": "%s" }' "${machine%.gz}" \
      "${file##*/}" "$(wc -c <"$file")" "$(sha256sum <"$file" | cut -d ' ' -f 1)" "${of_binary%% *}")")
  done
  # One line a target: scripts/install.sh reads it without a reader of JSON.
  {
    printf '{\n  "version": "%s",\n  "source": "%s",\n  "rustc": "%s",\n' "$version" "$(git rev-parse HEAD)" "$(rustc --version)"
    printf '  "url": "%s",\n  "targets": {\n' "$url"
    local separator=''
    for file in "${entries[@]}"; do
      printf '%s%s' "$separator" "$file"
      separator=$',\n'
    done
    printf '\n  }\n}\n'
  } >"$1/release.json"
  # The section of this version; before it has one, what is unreleased.
  notes "$version" >"$1/notes.md"
  [[ -s $1/notes.md ]] || notes Unreleased >"$1/notes.md"
  [[ -s $1/notes.md ]] || fail "CHANGELOG.md has no section $version, and nothing unreleased"
  sbom >"$1/runner-cache.cdx.json"
  (cd "$1" && sha256sum runner-cache-*-linux.gz runner-cache.cdx.json release.json >SHA256SUMS)
}

verify() { # DIRECTORY
  (cd "$1" && sha256sum --quiet --strict --check SHA256SUMS) || fail "$1 is not what was made"
  local file named
  for file in "$1"/runner-cache-*-linux.gz; do
    named=$(gzip -dc <"$file" | sha256sum)
    grep -qF "\"binary_sha256\": \"${named%% *}\"" "$1/release.json" || fail "$file has another binary than release.json tells"
  done
  printf 'verified: %s\n' "$(cut -c 67- "$1/SHA256SUMS" | tr '\n' ' ')"
}

# What the release page of this version is by now: nothing, draft or published.
page_state() {
  TAG=v$version gh api --paginate "repos/$GITHUB_REPOSITORY/releases?per_page=100" \
    --jq '.[] | select(.tag_name == env.TAG) | if .draft then "draft" else "published" end'
}

# A page that an earlier attempt left as a draft is filled anew; a published one has to be what this one would be.
draft() { # DIRECTORY
  local tag=v$version state file
  state=$(page_state)
  case $state in
    '') gh release create "$tag" --draft --title "$tag" --notes-file "$1/notes.md" --target "$(git rev-parse HEAD)" ;;
    draft) gh release edit "$tag" --draft --title "$tag" --notes-file "$1/notes.md" --target "$(git rev-parse HEAD)" ;;
    published) printf '%s is published already: only compared\n' "$tag" ;;
    *) fail "there are several release pages of $tag; hint: delete the drafts" ;;
  esac
  local assets=("$1"/*.gz "$1"/SHA256SUMS "$1"/release.json "$1"/*.cdx.json "$1"/attestation.jsonl)
  if [[ $state != published ]]; then gh release upload "$tag" --clobber "${assets[@]}"; fi
  gh release download "$tag" --dir "$work/uploaded"
  for file in "${assets[@]}"; do
    cmp "$file" "$work/uploaded/${file##*/}" || fail "${file##*/} on the page of $tag is not what was made"
  done
  verify "$work/uploaded"
}

publish() {
  local state
  state=$(page_state)
  case $state in
    draft) gh release edit "v$version" --draft=false --verify-tag ;;
    published) printf 'v%s is published already\n' "$version" ;;
    *) fail "v$version has no draft, or several" ;;
  esac
}

# Each commit of the branch is a release: the sources' tree and dist/, on top of the release before. It only grows, so that
# what was locked to one of its commits stays on a branch.
commit() { # DIRECTORY [REMOTE]
  local remote=${2:-origin} parent tree commit there index=$work/index
  if git fetch --quiet "$remote" "refs/heads/$branch" 2>/dev/null; then parent=$(git rev-parse FETCH_HEAD); else parent=$(git rev-parse HEAD); fi
  export GIT_INDEX_FILE=$index
  git read-tree HEAD
  local file
  for file in release.json attestation.jsonl; do
    [[ -f $1/$file ]] || continue
    git update-index --add --cacheinfo "100644,$(git hash-object -w "$1/$file"),dist/$file"
  done
  tree=$(git write-tree)
  unset GIT_INDEX_FILE
  there=$(git ls-remote --tags "$remote" "refs/tags/v$version")
  if [[ -n $there ]]; then
    # Of an attempt that came this far: it is the same release, or none.
    git fetch --quiet --no-tags "$remote" "refs/tags/v$version"
    [[ $(git rev-parse 'FETCH_HEAD^{tree}') == "$tree" ]] || fail "v$version is there already with other files, and never moves"
    printf 'v%s is there already, with these files\n' "$version"
    return
  fi
  commit=$(git commit-tree "$tree" -p "$parent" -m "Release $version" -m "Source: $(git rev-parse HEAD)")
  git push --quiet --atomic "$remote" "$commit:refs/heads/$branch" "$commit:refs/tags/v$version"
  printf 'v%s is %s, on %s\n' "$version" "$commit" "$branch"
}

# Forward only: whoever is on the moving tag gets what comes after what they had.
advance() { # [REMOTE]
  local remote=${1:-origin} now next
  git fetch --quiet --no-tags "$remote" "+refs/tags/v$version:refs/released/v$version"
  next=$(git rev-parse "refs/released/v$version^{commit}")
  now=$(git ls-remote --tags "$remote" "refs/tags/$line" | cut -f 1)
  if [[ -n $now ]]; then
    git fetch --quiet --no-tags "$remote" "+refs/tags/$line:refs/released/$line"
    git merge-base --is-ancestor "refs/released/$line^{commit}" "$next" || fail "$line is not an ancestor of v$version and cannot go forward to it"
  fi
  git push --quiet --force-with-lease="refs/tags/$line:$now" "$remote" "+$next:refs/tags/$line"
  printf '%s is v%s\n' "$line" "$version"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/runner-cache-release.XXXXXX")
trap 'rm -rf "$work"' EXIT
verb=${1:-} directory=${2:-}
case $verb in
  advance | publish)
    "$verb" "${@:2}"
    exit
    ;;
esac
[[ -n $directory ]] || usage
if [[ $verb == check ]]; then
  check "${@:2}"
  exit
fi
if [[ $verb == build || $verb == local ]]; then mkdir -p "$directory"; fi
directory=$(cd "$directory" && pwd -P)
case $verb in
  build | assemble | verify | draft | commit) "$verb" "$directory" "${@:3}" ;;
  local)
    build "$directory"
    assemble "$directory" "${@:3}"
    verify "$directory"
    ;;
  *) usage ;;
esac
