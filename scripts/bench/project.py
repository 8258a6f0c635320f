"""Workspaces that rivals build: the benchmark's own, and a public one of which crates.io has all members."""

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.command import Failed, tell

from .builds import OLDER, UPDATED
from .place import fresh
from .process import run
from .trees import SMALL, WORKSPACE, network_variables

OWN, PUBLIC = "workspace", "ripgrep"

# The public one: its version, and the members of its repository, which are packages of their own on crates.io.
VERSION = "14.1.1"
PARTS = ("globset", "grep", "grep-cli", "grep-matcher", "grep-printer", "grep-regex", "grep-searcher", "ignore")

# What a commit adds to a source. It is used by nothing, and rustc makes it all the same.
ADDED = "\n/// Of commit {0}.\n#[allow(dead_code)]\npub fn of_commit_{0}() -> u64 {{\n    {0}\n}}\n"


@dataclass(frozen=True)
class Commit:
    """What of a project is other than at first."""

    # The last commits to the leaf and to the core.
    leaf: int = 0
    core: int = 0
    is_bumped: bool = False
    has_feature: bool = False


@dataclass(frozen=True)
class Project:
    name: str
    about: str
    sources: Path
    # Sources of a package that no other one needs, and of one that most others need.
    leaf: str
    core: str
    # Another release of one dependency: its name and the lock file with it.
    bumped: str
    bumped_lock: str
    # A manifest, a dependency in it, and that with another feature.
    feature: tuple[str, str, str]
    # Cargo's words for what is built, and for a little of it.
    packages: tuple[str, ...]
    few_packages: tuple[str, ...]

    def check_out(self, directory: Path, commit: Commit) -> None:
        """Lays a commit out as a checkout does: every file is new."""
        shutil.copytree(self.sources, directory, ignore=shutil.ignore_patterns("target"), copy_function=shutil.copyfile)
        for path, number in ((self.leaf, commit.leaf), (self.core, commit.core)):
            if number:
                source = directory / path
                source.write_text(source.read_text() + ADDED.format(number))
        if commit.is_bumped:
            (directory / "Cargo.lock").write_text(self.bumped_lock)
        if commit.has_feature:
            path, before, after = self.feature
            manifest = directory / path
            if before not in manifest.read_text():
                raise Failed(f"{self.name}: {path} has no {before!r}")
            manifest.write_text(manifest.read_text().replace(before, after))


class Projects:
    """Makes the projects in `made`, with what they need of the registry in the cargo home of `env`."""

    def __init__(self, made: Path, env: dict[str, str], *, small: bool):
        self.made = made
        self.env = env | network_variables()
        self.small = small

    def make(self, name: str) -> Project:
        return {OWN: self.own, PUBLIC: self.public}[name]()

    def own(self) -> Project:
        serde = 'serde = { version = "=1.0.219", features = ["derive"] }'
        few = ("--package", SMALL)
        return Project(
            OWN,
            "the benchmark's own workspace: 22 packages and 376 dependencies; the core is one that 19 others need",
            WORKSPACE,
            leaf=f"parts/{SMALL}/src/lib.rs" if self.small else "server/src/main.rs",
            core="states/src/lib.rs",
            bumped=UPDATED,
            bumped_lock=self.updated(WORKSPACE, UPDATED, OLDER),
            feature=("model/Cargo.toml", serde, serde.replace('"derive"', '"derive", "rc"')),
            packages=self.all_or(few),
            few_packages=few,
        )

    def public(self) -> Project:
        """Its members as one workspace, with the dependencies of its own lock file."""
        stub, whole, laid = (self.made / name for name in ("stub", "package", PUBLIC))
        for directory in (stub, laid):
            fresh(directory)
        (stub / "src").mkdir()
        (stub / "src/lib.rs").touch()
        needs = f'[dependencies]\n{PUBLIC} = "={VERSION}"\n'
        (stub / "Cargo.toml").write_text(f'[package]\nname = "stub"\nversion = "0.1.0"\nedition = "2021"\n{needs}')
        self.fetch(stub)
        fresh(whole)
        shutil.copytree(self.source_of(PUBLIC, VERSION), whole, dirs_exist_ok=True)
        self.fetch(whole, "--locked")
        locked = tomllib.loads((whole / "Cargo.lock").read_text())["package"]
        versions = {package["name"]: package["version"] for package in locked}
        for member in (PUBLIC, *PARTS):
            shutil.copytree(self.source_of(member, versions[member]), laid / member)
        members = ", ".join(f'"{member}"' for member in (PUBLIC, *PARTS))
        patches = "".join(f'{part} = {{ path = "{part}" }}\n' for part in PARTS)
        (laid / "Cargo.toml").write_text(f'[workspace]\nresolver = "2"\nmembers = [{members}]\n\n[patch.crates-io]\n{patches}')
        (laid / "Cargo.lock").write_text(without_source(locked, (PUBLIC, *PARTS)))
        # Cargo writes what is left of it in its own words.
        self.fetch(laid)
        few = ("--package", "grep-matcher")
        return Project(
            PUBLIC,
            f"{PUBLIC} {VERSION}: 9 packages, laid out as a workspace, and their dependencies; the core is `grep-matcher`, "
            "which most others need",
            laid,
            leaf=f"{PUBLIC}/crates/core/main.rs",
            core="grep-matcher/src/lib.rs",
            bumped="memchr",
            bumped_lock=self.updated(laid, "memchr", "2.7.5"),
            feature=(
                "globset/Cargo.toml",
                f'[dependencies.log]\nversion = "{requirement(laid / "globset", "log")}"',
                f'[dependencies.log]\nfeatures = ["std"]\nversion = "{requirement(laid / "globset", "log")}"',
            ),
            packages=self.all_or(few),
            few_packages=few,
        )

    def all_or(self, few: tuple[str, ...]) -> tuple[str, ...]:
        return few if self.small else ("--workspace",)

    def updated(self, sources: Path, package: str, release: str) -> str:
        """The lock file with another release of a package, which is fetched as well."""
        copy = self.made / "updated"
        fresh(copy)
        shutil.copytree(sources, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target"))
        self.fetch(copy)
        before = (copy / "Cargo.lock").read_text()
        run(["cargo", "update", "--quiet", "--package", package, "--precise", release], cwd=copy, env=self.env)
        self.fetch(copy, "--locked")
        after = (copy / "Cargo.lock").read_text()
        if after == before:
            raise Failed(f"{sources}: {package} {release} is what the lock file had")
        return after

    def fetch(self, directory: Path, *more: str) -> None:
        run(["cargo", "fetch", "--quiet", "--target", host(), *more], cwd=directory, env=self.env)

    def source_of(self, name: str, version: str) -> Path:
        """Where cargo has extracted a package."""
        found = list(Path(self.env["CARGO_HOME"]).glob(f"registry/src/*/{name}-{version}"))
        if len(found) != 1:
            raise Failed(f"{name} {version} is not in {self.env['CARGO_HOME']}")
        return found[0]


def host() -> str:
    """The target of this machine: what others need would be most of what each way has in its cargo home."""
    lines = tell(["rustc", "-vV"]).splitlines()
    return next(line.removeprefix("host: ") for line in lines if line.startswith("host: "))


def without_source(locked: list[dict[str, Any]], members: tuple[str, ...]) -> str:
    """A lock file in which these packages are members: such have neither source nor checksum."""
    parts = ["version = 3\n"]
    for package in locked:
        is_member = package["name"] in members
        lines = [f'{key} = "{package[key]}"' for key in ("name", "version")]
        if not is_member:
            lines += [f'{key} = "{package[key]}"' for key in ("source", "checksum")]
        if needs := package.get("dependencies"):
            lines.append("dependencies = [\n" + "".join(f' "{need}",\n' for need in needs) + "]")
        parts.append("[[package]]\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def requirement(package: Path, dependency: str) -> str:
    """What a package asks of a dependency."""
    spec = tomllib.loads((package / "Cargo.toml").read_text())["dependencies"][dependency]
    return str(spec["version"])
