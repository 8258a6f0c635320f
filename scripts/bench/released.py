"""The program as the action gets it: what it weighs, and what a step takes to find it or to download it."""

import gzip
import hashlib
import json
import platform
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pages.command import Failed, tell
from pages.host import ROOT

from .place import Place, remove
from .process import environment
from .results import Program
from .way import Way

EMPTY = "an empty step"
FOUND = "a step that finds the program in the tool cache"
DOWNLOADED = "a step that downloads the program from this machine"
FETCHED = "curl of the same file, and its SHA-256"

VERSION = "0.0.0"

# As actions/tool-cache names them.
ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


def weigh(binary: Path) -> Program:
    """Its own packages are those that are compiled into it, for the machine that runs this."""
    target = f"{platform.machine()}-unknown-linux-gnu"
    tree = ["cargo", "tree", "--locked", "--edges", "normal", "--target", target, "--prefix", "none", "--format", "{p}"]
    packages = {line.split(" (")[0] for line in tell(tree, cwd=ROOT).splitlines()}
    return Program(binary.stat().st_size, len(packed(binary)), len(packages) - 1)


def packed(binary: Path) -> bytes:
    return gzip.compress(binary.read_bytes(), mtime=0)


@contextmanager
def steps(place: Place, binary: Path) -> Iterator[list[Way]]:
    """Steps as the action has them, of a release that a web server on this machine has."""
    directory = place.directory / "released"
    scripts, page = directory / "action" / "scripts", directory / "page"
    for made in (scripts, page, scripts.parent / "dist"):
        made.mkdir(parents=True)
    for script in ("install.sh", "download.sh"):
        shutil.copy2(ROOT / "scripts" / script, scripts / script)
    file = page / "runner-cache.gz"
    file.write_bytes(packed(binary))
    handler = partial(Silent, directory=str(page))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{file.name}"
        (scripts.parent / "dist" / "release.json").write_text(release(binary, file, url))
        tools = directory / "tools"
        kept = tools / "runner-cache" / VERSION / ARCHITECTURES[platform.machine()] / "runner-cache"
        env = environment(place.directory, RUNNER_TOOL_CACHE=str(tools), RUNNER_TEMP=str(directory))
        install = step(directory, f'exec bash -p "{scripts}/install.sh" >"$RUNNER_TEMP/found" 2>"$RUNNER_TEMP/log"')
        fetch = step(directory, f'curl --silent --fail --output "$RUNNER_TEMP/fetched" {url}; sha256sum "$RUNNER_TEMP/fetched"')
        check = partial(check_found, directory / "found", kept)
        yield [
            Way(EMPTY, step(directory, ""), directory, env),
            Way(FOUND, install, directory, env, before=partial(keep, binary, kept), check=check),
            Way(DOWNLOADED, install, directory, env, before=partial(remove, tools), check=check),
            Way(FETCHED, fetch, directory, env),
        ]
        server.shutdown()
    remove(directory)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: object) -> None:  # noqa: A002
        """Who was asked for what is of no interest."""


def step(directory: Path, script: str) -> list[str]:
    """As the runner calls it."""
    file = directory / f"{hashlib.sha256(script.encode()).hexdigest()[:8]}.sh"
    file.write_text(script)
    drop = [word for name in ("BASH_ENV", "ENV", "CDPATH", "SHELLOPTS", "BASHOPTS") for word in ("-u", name)]
    return ["/usr/bin/env", *drop, "bash", "--noprofile", "--norc", "-p", "-euo", "pipefail", str(file)]


def release(binary: Path, file: Path, url: str) -> str:
    """One line a target, as scripts/release.sh writes it."""
    digest, of_binary = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (file, binary))
    entry = {"file": file.name, "size": file.stat().st_size, "sha256": digest, "binary_sha256": of_binary}
    told = f"{{ {json.dumps(entry)[1:-1]} }}"
    return (
        f'{{\n  "version": "{VERSION}",\n  "url": "{url}",\n  "targets": {{\n    "{platform.machine()}-linux": {told}\n  }}\n}}\n'
    )


def keep(binary: Path, kept: Path) -> None:
    if not kept.exists():
        kept.parent.mkdir(parents=True)
        shutil.copy2(binary, kept)


def check_found(found: Path, kept: Path) -> None:
    if (told := found.read_text().strip()) != str(kept):
        raise Failed(f"install.sh found {told or 'nothing'}, not {kept}")
