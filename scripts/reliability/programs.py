"""The programs whose test suites are run, and their sources as crates.io has them."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .results import Unusable

# What a checkout does not have, and what cargo adds to a package.
NOT_IN_CHECKOUT = (".cargo-ok", ".cargo_vcs_info.json", "Cargo.toml.orig")


@dataclass(frozen=True)
class Program:
    name: str
    version: str
    # What its tests reach that a cache can get wrong.
    shows: str


PROGRAMS = (
    Program("sd", "1.0.0", "insta, assert_cmd"),
    Program("ripgrep", "15.2.0", "a build script that reads git, fixtures"),
    Program("fd-find", "10.5.0", "runs its program beside the tests"),
    Program("hyperfine", "1.20.0", "insta, assert_cmd, a build script"),
    Program("just", "1.59.0", "a build script, 2,000 tests"),
    Program("insta", "1.49.0", "insta: snapshots found by path"),
    Program("rust-embed", "8.13.0", "a macro that reads directories, as include_dir does"),
    Program("displaydoc", "0.2.7", "trybuild"),
    Program("pastel", "0.12.0", "assert_cmd, a build script"),
    Program("hexyl", "0.17.0", "assert_cmd, fixtures"),
)

MANIFEST = """[package]
name = "download"
version = "0.0.0"
edition = "2021"

[workspace]

[dependencies]
it = {{ package = "{name}", version = "={version}", default-features = false }}
"""


def lay_out(program: Program, scratch: Path, repository: Path, env: dict[str, str]) -> None:
    """Makes a git repository of the package, with a lock file and all downloads that its tests need."""
    (scratch / "src").mkdir(parents=True)
    (scratch / "src" / "lib.rs").touch()
    (scratch / "Cargo.toml").write_text(MANIFEST.format(name=program.name, version=program.version))
    run(["cargo", "fetch", "--quiet"], scratch, env)
    found = list(Path(env["CARGO_HOME"]).glob(f"registry/src/*/{program.name}-{program.version}"))
    if len(found) != 1:
        raise Unusable(f"{program.name} {program.version}: cargo fetched it {len(found)} times")
    shutil.copytree(found[0], repository, ignore=shutil.ignore_patterns(*NOT_IN_CHECKOUT))
    # A package may name a toolchain for its developers.
    for name in ("rust-toolchain", "rust-toolchain.toml"):
        (repository / name).unlink(missing_ok=True)
    if not (repository / "Cargo.lock").exists():
        run(["cargo", "generate-lockfile", "--quiet"], repository, env)
    run(["cargo", "fetch", "--quiet", "--locked"], repository, env)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    run([*git, "init", "--quiet"], repository, env)
    run([*git, "add", "--all", "--force"], repository, env)
    run([*git, "commit", "--quiet", "--message", f"{program.name} {program.version}"], repository, env)


def run(command: list[str], place: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=place, env=env, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unusable(f"{' '.join(command)} in {place} ended with {done.returncode}: {done.stderr.strip()}")
