"""What a cache could do that knows each unit by what it is made of, and keeps all that any job made."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pages.command import tell

# As the kinds of `cargo metadata` begin for what comes from a registry.
REGISTRY = "registry+"


class Checkout:
    """The packages of a checkout, as `cargo metadata` tells them."""

    def __init__(self, directory: Path, env: dict[str, str]):
        command = ["cargo", "metadata", "--format-version=1", "--locked", "--offline"]
        told = json.loads(tell(command, cwd=directory, env=env))
        self.directory = directory
        self.directories = {package["id"]: Path(package["manifest_path"]).parent for package in told["packages"]}
        self.needs = {node["id"]: [need["pkg"] for need in node["deps"]] for node in told["resolve"]["nodes"]}
        self.digests: dict[str, str] = {}

    def contents(self, package: str) -> str:
        """A digest of all that a package of the checkout is made of: its files, and what it needs."""
        if package not in self.digests:
            pending, seen = [package], {package}
            while pending:
                found = [need for need in self.needs[pending.pop()] if need not in seen]
                seen.update(found)
                pending += found
            parts = sorted(need if need.startswith(REGISTRY) else files(self.directories[need]) for need in seen)
            self.digests[package] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return self.digests[package]

    def unit(self, message: dict[str, Any]) -> str:
        """All that a unit is made of. `message` is cargo's about its artifact."""
        package = message["package_id"]
        is_registry = package.startswith(REGISTRY)
        # Some names are without the hash.
        names = sorted(Path(name).name for name in message["filenames"])
        parts = [
            package if is_registry else f"{self.directories[package].relative_to(self.directory)} {self.contents(package)}",
            json.dumps([message["target"]["kind"], message["target"]["name"], message["profile"], message["features"], names]),
        ]
        return " ".join(parts)


class Ideal:
    """All units that jobs have made, each with the scopes in which it can be had."""

    def __init__(self) -> None:
        self.made: dict[str, set[str]] = {}

    def count(self, checkout: Checkout, messages: list[dict[str, Any]], repository: str, ref: str) -> tuple[int, int]:
        """How many units of a job cargo compiled, and how many had to be: a job takes what its own ref and the default branch
        made, and of the registry's packages what any repository's default branch made."""
        fresh: dict[str, bool] = {}
        shared = set()
        for message in messages:
            if message["reason"] == "compiler-artifact":
                unit = checkout.unit(message)
                # What one command has compiled is fresh to the next.
                fresh[unit] = fresh.get(unit, True) and message["fresh"]
                if message["package_id"].startswith(REGISTRY):
                    shared.add(unit)
        main = f"{repository} refs/heads/main"
        own = f"{repository} {ref}"
        needed = sum(not self.made.get(unit, set()) & {main, own, "host"} for unit in fresh)
        for unit in fresh:
            scopes = self.made.setdefault(unit, set())
            scopes.add("host" if unit in shared and own == main else own)
        return sum(not is_fresh for is_fresh in fresh.values()), needed


def files(directory: Path) -> str:
    """Of a package: names and contents."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(directory)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in found]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
