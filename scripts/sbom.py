"""Writes the CycloneDX SBOM of the released program, from what `cargo metadata` prints on stdin and from Cargo.lock.

Only what gets into the binary of some target, or runs while it is built. The same input gives the same bytes: there is no
serial number, and no time but that of the commit.
"""

import argparse
import json
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def reached(root: str, nodes: dict[str, Any]) -> dict[str, list[str]]:
    """What each package depends on, for all that the root does; what only tests need is left out."""
    found: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        of_build = [d["pkg"] for d in nodes[package]["deps"] if any(kind["kind"] != "dev" for kind in d["dep_kinds"])]
        found[package] = sorted(of_build)
        waiting += of_build
    return found


def component(package: dict[str, Any], checksums: dict[tuple[str, str], str]) -> dict[str, Any]:
    name, version = package["name"], package["version"]
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
    }
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if checksum := checksums.get((name, version)):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lock", type=Path, required=True, help="Cargo.lock")
    arguments.add_argument("--commit-time", type=int, required=True, help="seconds since 1970")
    given = arguments.parse_args()

    metadata = json.load(sys.stdin)
    locked = tomllib.loads(given.lock.read_text(encoding="utf-8"))["package"]
    checksums = {(p["name"], p["version"]): p["checksum"] for p in locked if "checksum" in p}
    packages = {package["id"]: package for package in metadata["packages"]}
    root = metadata["resolve"]["root"]
    graph = reached(root, {node["id"]: node for node in metadata["resolve"]["nodes"]})

    components = {package: component(packages[package], checksums) for package in sorted(graph)}
    program = components.pop(root) | {"type": "application"}
    refs = {package: f"pkg:cargo/{packages[package]['name']}@{packages[package]['version']}" for package in graph}
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(given.commit_time, UTC).isoformat(),
            "component": program,
        },
        "components": sorted(components.values(), key=lambda made: str(made["bom-ref"])),
        "dependencies": [
            {"ref": refs[package], "dependsOn": sorted(refs[other] for other in graph[package])}
            for package in sorted(graph, key=refs.__getitem__)
        ],
    }
    json.dump(sbom, sys.stdout, indent=2)
    print()


main()
