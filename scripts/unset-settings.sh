# shellcheck shell=bash
# To be sourced: unsets what a job or a user set for builds of their own and what would bend ours.
while IFS= read -r name; do
  case $name in
    RUSTFLAGS | RUSTC | RUSTC_* | RUSTUP_TOOLCHAIN | CARGO_ENCODED_RUSTFLAGS | CARGO_INCREMENTAL) unset "$name" ;;
    CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_TARGET_* | CARGO_UNSTABLE_*) unset "$name" ;;
    *) ;;
  esac
done < <(compgen -e)
