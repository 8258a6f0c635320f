"""What Swatinem/rust-cache keeps of a target folder, for the comparison."""

from pathlib import Path
from typing import Any

from place import remove

# It sets this for the whole job, since it keeps nothing of incremental compilation.
VARIABLES = {"CARGO_INCREMENTAL": "0"}


def clean(target: Path, dependencies: list[dict[str, Any]]) -> None:
    """Cleans by the peer's rules: dependencies stay, and these are told by their names, whatever their version or hash.

    The rules are those of "Cache Details" in its README, and of `src/cleanup.ts` for which folders of a profile can hold
    dependencies at all (v2). `dependencies` are packages outside of the workspace, as `cargo metadata` describes them.
    """
    packages = {package["name"] for package in dependencies}
    libraries = {name.replace("-", "_") for name in packages | set(map(library, dependencies))}
    kept = {".fingerprint": packages, "build": packages, "deps": libraries | {f"lib{name}" for name in libraries}}
    for top in list(target.iterdir()):
        if top.is_file() and top.name != "CACHEDIR.TAG":
            remove(top)
        for part in list(top.iterdir()) if top.is_dir() else []:
            if part.name not in kept:
                remove(part)
                continue
            # What comes before the hash.
            remove(*(entry for entry in part.iterdir() if entry.name.rpartition("-")[0] not in kept[part.name]))


def library(package: dict[str, Any]) -> str:
    """The name of a package's library, which need not be its own."""
    targets = (target for target in package["targets"] if {"lib", "proc-macro"} & set(target["kind"]))
    return str(next((target["name"] for target in targets), package["name"]))
