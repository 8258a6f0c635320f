"""What is measured: for each operation the ways to do it."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pages.command import Failed, tell

from .layer import CARGO, PATHS, PULL_REQUEST, PUSH, TARGET, Cache, Job, Layer, Trigger
from .likeness import check
from .place import Place, remove
from .process import environment, run, wait_for_left_running
from .trees import EPOCH_NS, change, disk_bytes, edit, entries, one_percent
from .way import Way

RESTORE_NEW = "restore into an absent directory"
RESTORE_AGAIN = "restore, nothing to do"
RESTORE_CHANGED = "restore, 1 % changed"
SAVE_NEW = "save a new tree"
SAVE_CHANGED = "save, 1 % changed"
SAVE_AGAIN = "save, nothing changed"
START = "start"
CROWD = "many entries"

TARGET_TREE = "target"
REGISTRY_TREE = "registry"
NO_TREE = "-"

SIZES = (10_000, 100_000)
LARGEST = 1_000_000

MODES = ("auto", "copy")
RSYNC = "rsync -a --delete"
RSYNC_EMPTY = "rsync -a --delete, into an empty directory"
REFLINK = "cp -a --reflink=always"
LINKS = "cp -al"
COPIES = "cp -a of what may be rewritten"
TAR = "tar and zstd -T0"

# Names are arguments of the shell, never part of its text.
SAVE_TAR = ["bash", "-o", "pipefail", "-c", 'tar --posix -cf - -C "$1" . | zstd -q -T0 -o "$2"', "bash"]
RESTORE_TAR = ["bash", "-o", "pipefail", "-c", 'mkdir "$2" && zstd -dc -T0 "$1" | tar -xf - -C "$2"', "bash"]


# As a pull request's job restores what its base branch saved.
ACROSS = "runner-cache auto, across a trust border"

MANY, IDLE = 10_000, 3_000


def tiny_tree(files: int) -> str:
    return f"{files:,} tiny files"


def miss_among(count: int) -> str:
    return f"runner-cache restore, a miss among {count:,} entries"


def cleaning(count: int) -> str:
    return f"runner-cache gc of {count:,} idle entries"


@dataclass
class Bench:
    """One tree at one place."""

    place: Place
    binary: Path
    # Where what outlives the place lies.
    made: Path
    source: Path
    layer: Layer
    # Cargo's words for what target directories are built of.
    packages: tuple[str, ...] = ("--workspace",)

    def __post_init__(self) -> None:
        self.jobs = self.place.directory / "jobs"
        # What was built serves where it was built: jobs of the target layer have one workspace, as those of a runner.
        self.workspace = self.place.directory / "workspace"
        self.copies = self.place.directory / "copies"
        self.seed = 0
        self.clear()

    def clear(self) -> None:
        """Removes all but the source, and the workspace's: files that are newer than what was built may be others."""
        remove(self.jobs, self.copies, self.workspace / "target")
        self.jobs.mkdir()
        self.copies.mkdir()

    def job(self, name: str, layer: Layer | None = None, trigger: Trigger = PUSH) -> Job:
        layer = layer or self.layer
        if layer is TARGET:
            return Job(self.workspace, layer, trigger=trigger, cargo_home=self.made / "cargo-home").prepare()
        return Job(self.jobs / name, layer, trigger=trigger).prepare()

    def live(self, name: str, layer: Layer | None = None) -> Job:
        """A job in which the tree is."""
        job = self.job(name, layer)
        remove(job.tree)
        run(["cp", "-a", str(self.source), str(job.tree)], cwd=job.directory, env=job.env)
        return job

    def last(self, name: str) -> Job:
        """A job that takes the tree itself, which is not needed after it: one copy less of what may fill memory."""
        job = self.job(name)
        self.source.rename(job.tree)
        return job

    def cache(self, name: str) -> Cache:
        return Cache(self.binary, self.copies / name)

    def filled(self, layer: Layer) -> Cache:
        """A cache that holds the tree."""
        cache = self.cache(f"cache-{layer.name}")
        if not cache.root.exists():
            job = self.live(f"first-{layer.name}", layer)
            run(cache.save(job), cwd=job.directory, env=job.env)
            remove(job.tree)
        return cache

    def plain(self, name: str, command: list[str], **more: Any) -> Way:
        """A way that needs no job."""
        return Way(name, command, self.place.directory, environment(self.place.directory), **more)

    def disk(self, directory: Path) -> Callable[[], int]:
        """How the disk that a way takes is told: by the file system where it is ours alone, else by the files."""
        if self.place.is_private:
            return self.place.used
        return partial(disk_bytes, directory)

    def change_one_percent(self, tree: Path) -> None:
        self.seed += 1
        change(one_percent(tree), self.seed)

    def work_on(self, job: Job) -> None:
        """What a job does to about one percent of the tree. Of a target directory only what cargo builds is ever saved."""
        if job.layer is not TARGET:
            self.change_one_percent(job.tree)
            return
        self.seed += 1
        edit(job.directory, self.seed)
        # All that the edit made old, or the rest would not come back: a package that is built alone may be of other units.
        build = ["cargo", "build", "--quiet", "--offline", "--locked", *self.packages, "--all-targets"]
        run(build, cwd=job.directory, env=job.env)
        # Links that it makes each time, which are not kept.
        kept = set(os.listdir(self.source / "debug"))
        remove(*(path for path in (job.tree / "debug").iterdir() if path.name not in kept))


def restore_absent(
    bench: Bench,
    layers: list[Layer],
    modes: tuple[str, ...] = MODES,
    others: tuple[str, ...] = (RSYNC, "cp -a", REFLINK, LINKS, TAR),
) -> list[Way]:
    """Into a directory that is not there. Further layers hold the same tree."""
    ways = []
    for layer in layers:
        cache = bench.filled(layer)
        for mode in modes if layer is layers[0] else ("auto",):
            job = bench.job(f"{layer.name}-{mode}", layer)
            name = cache_way(layer, layers, mode)
            check_it = partial(check, bench.source, job.tree, name)
            command, after = cache.restore(job, mode), partial(remove, job.tree)
            ways.append(Way(name, command, job.directory, job.env, cache.root, check=check_it, after=after))
    if layers[0] in (TARGET, CARGO):
        ways.append(across(bench, layers[0]))
    archive = bench.copies / "tree.tar.zst"
    if TAR in others:
        run([*SAVE_TAR, str(bench.source), str(archive)], cwd=bench.copies, env=environment(bench.copies))
    source, to = str(bench.source), bench.jobs / "plain"
    commands = {
        RSYNC: ["rsync", "-a", "--delete", f"{source}/", f"{to}/"],
        "cp -a": ["cp", "-a", source, str(to)],
        REFLINK: ["cp", "-a", "--reflink=always", source, str(to)],
        LINKS: ["cp", "-al", source, str(to)],
        TAR: [*RESTORE_TAR, str(archive), str(to)],
    }
    for name in possible(others, bench.place):
        check_it = partial(check, bench.source, to, name)
        read = archive if name == TAR else bench.source
        ways.append(bench.plain(name, commands[name], reads=read, check=check_it, after=partial(remove, to)))
    if layers[0] is TARGET and not bench.place.can_reflink:
        ways.append(copies(bench, to))
    return ways


def across(bench: Bench, layer: Layer) -> Way:
    """A pull request's job restores what the default branch saved: no file of it may be one with a file of the entry."""
    cache, job = bench.filled(layer), bench.job(f"{layer.name}-across", layer, PULL_REQUEST)
    command, after = cache.restore(job, "auto"), partial(remove, job.tree)
    check_it = partial(check_across, bench, cache, job)
    return Way(ACROSS, command, job.directory, job.env, cache.root, check=check_it, after=after)


def check_across(bench: Bench, cache: Cache, job: Job) -> None:
    if (hit := job.output(f"{job.layer.name}-hit")) != "exact":
        raise Failed(f"{ACROSS}: the restore of the {job.layer.name} layer was no exact hit, but: {hit}")
    check(bench.source, job.tree, ACROSS)
    _, linked = by_link(cache, job)
    if linked:
        raise Failed(f"{ACROSS}: {len(linked)} files are hard-linked with the entry, such as {linked[0]}")


def by_link(cache: Cache, job: Job) -> tuple[list[str], list[str]]:
    """The files of a job's tree that are its own, and those that are files of the cache as well."""
    kept = {entry.inode() for entry in entries(cache.root)}
    own: list[str] = []
    linked: list[str] = []
    for entry in entries(job.tree):
        if entry.is_file(follow_symlinks=False):
            (linked if entry.inode() in kept else own).append(os.path.relpath(entry.path, job.tree))
    return own, linked


def copies(bench: Bench, to: Path) -> Way:
    """Only what `auto` must copy, where extents cannot be shared: the least that a restore can take."""
    cache, job, names = bench.filled(TARGET), bench.job("copied", TARGET), bench.copies / "copied"
    run(cache.restore(job, "auto"), cwd=job.directory, env=job.env)
    copied, linked = by_link(cache, job)
    if not linked:
        raise Failed("within one scope nothing is hard-linked: across a trust border there is nothing to compare with")
    names.write_text("".join(f"{name}\0" for name in copied))
    remove(job.tree)
    script = 'mkdir "$2" && cd "$1" && xargs -0 cp -a --parents -t "$2" <"$3"'
    command = ["bash", "-euc", script, "bash", str(bench.source), str(to), str(names)]
    return bench.plain(COPIES, command, after=partial(remove, to))


def possible(names: tuple[str, ...], place: Place) -> list[str]:
    return [name for name in names if name != REFLINK or place.can_reflink]


def cache_way(layer: Layer, layers: list[Layer], mode: str) -> str:
    return f"runner-cache {mode}" if layer is layers[0] else f"runner-cache {mode}, {layer.name} layer"


def restore_existing(bench: Bench, layers: list[Layer], changed: bool) -> list[Way]:
    """Into a directory that holds the tree, as it is or with one percent of the files changed. Further layers hold the same
    tree."""
    found = []
    for layer in layers:
        cache, job = bench.filled(layer), bench.job(f"existing-{layer.name}", layer)
        found.append((Way(cache_way(layer, layers, "auto"), cache.restore(job, "auto"), job.directory, job.env), job.tree))
    copy = bench.copies / "existing"
    found.append((bench.plain(RSYNC, ["rsync", "-a", "--delete", f"{bench.source}/", f"{copy}/"]), copy))
    ways = []
    for way, tree in found:
        if not tree.exists():
            run(way.command, cwd=way.cwd, env=way.env)
        before = partial(bench.change_one_percent, tree) if changed else way.before
        ways.append(replace(way, before=before, check=partial(check, bench.source, tree, way.name)))
    return ways


def save_new(bench: Bench, job: Job, others: tuple[str, ...] = (RSYNC, "cp -a", REFLINK, TAR)) -> list[Way]:
    """A job's tree of which nothing is saved yet."""
    cache = bench.cache("new")
    ours = Way(
        "runner-cache save",
        cache.save(job),
        job.directory,
        job.env,
        job.tree,
        check=partial(check_saved, bench, cache, job),
        after=partial(remove, cache.root),
        disk=bench.disk(cache.root),
    )
    source, to = str(job.tree), bench.copies / "copy"
    commands = {
        RSYNC: ["rsync", "-a", "--delete", f"{source}/", f"{to}/"],
        "cp -a": ["cp", "-a", source, str(to)],
        REFLINK: ["cp", "-a", "--reflink=always", source, str(to)],
        TAR: [*SAVE_TAR, source, str(to)],
    }
    names = possible(others, bench.place)
    after = partial(remove, to)
    return [ours] + [bench.plain(name, commands[name], reads=job.tree, after=after) for name in names]


def save_changed(bench: Bench) -> list[Way]:
    """One percent of the files changed since the last save. Old entries are kept, or one goes with each save."""
    ways = []
    for name, keep in (("runner-cache save", 1000), ("runner-cache save, an old entry removed", 1)):
        job, cache, aside = bench.live(f"keep-{keep}"), bench.cache(f"keep-{keep}"), bench.copies / f"tree-{keep}"
        # The key of a path is said to settle what is in it.
        command = cache.save(job, "--keep", f"paths={keep},target={keep}", "--save", "always")
        run(command, cwd=job.directory, env=job.env)
        job.tree.rename(aside)
        ways.append(
            Way(
                name,
                command,
                job.directory,
                job.env,
                before=partial(enter_changed, bench, aside, job),
                check=partial(check_saved, bench, cache, job),
                after=partial(move, job.tree, aside),
                disk=bench.disk(cache.root) if keep > 1 else None,
            )
        )
    to, again = bench.copies / "copy", bench.copies / "again"
    source = f"{bench.source}/"
    rsync = ["rsync", "-a", "--delete", source]
    run([*rsync, f"{again}/"], cwd=bench.copies, env=environment(bench.copies))
    ways.append(bench.plain(RSYNC_EMPTY, [*rsync, f"{to}/"], after=partial(remove, to)))
    # To rsync it is all the same which side has changed.
    ways.append(bench.plain(RSYNC, [*rsync, f"{again}/"], before=partial(bench.change_one_percent, again)))
    # What a further name of each file takes, and so the least that a second entry with names of its own can take.
    names = bench.copies / "names"
    link = ["cp", "-al", str(bench.source), str(names)]
    ways.append(bench.plain(LINKS, link, after=partial(remove, names), disk=bench.disk(bench.source)))
    return ways


def enter_changed(bench: Bench, aside: Path, job: Job) -> None:
    """Another job's tree may have been in its place meanwhile."""
    move(aside, job.tree)
    bench.work_on(job)


def move(path: Path, to: Path) -> None:
    path.rename(to)


def save_again(bench: Bench) -> list[Way]:
    """Nothing changed since the last save."""
    job, cache, copy = bench.live("live"), bench.cache("again"), bench.copies / "copy"
    ways = [
        Way("runner-cache save", cache.save(job), job.directory, job.env),
        bench.plain(RSYNC, ["rsync", "-a", "--delete", f"{bench.source}/", f"{copy}/"]),
    ]
    for way in ways:
        run(way.command, cwd=way.cwd, env=way.env)
    return ways


def start(bench: Bench) -> list[Way]:
    """Until there is work to do, and the whole of a miss. The root is there, as on any host after the first job."""
    cache = bench.cache("empty")
    ways = [bench.plain("runner-cache --version", [str(bench.binary), "--version"])]
    for name, layer in (("a miss, one path", PATHS), ("a miss, target layer", TARGET), ("a miss, cargo layer", CARGO)):
        job = bench.job(f"start-{layer.name}", layer)
        way = Way(f"runner-cache restore, {name}", cache.restore(job, "auto"), job.directory, job.env)
        run(way.command, cwd=way.cwd, env=way.env)
        ways.append(way)
    return ways


def crowded(bench: Bench, many: int, idle: int) -> list[Way]:
    """What entries cost: a miss among many, and to let them go when all have lain idle for long."""
    job = bench.job("crowd", PATHS)
    job.tree.mkdir()
    (job.tree / "file").write_text("1\n")
    searched, cleaned = crowd(bench, job, many), crowd(bench, job, idle)
    full = cleaned.with_name("full")
    cleaned.rename(full)
    # Beginnings of keys are compared with all keys that there are.
    keys = ["--key", "another", "--restore-keys", "none-of-"]
    miss = [str(bench.binary), "restore", *PATHS.arguments, *keys, "--no-session", "--cache-root", str(searched)]
    clean = [str(bench.binary), "gc", "--max-age", "1d", "--cache-root", str(cleaned)]
    check_miss, check_clean = partial(check_missed, bench, job, searched, many), partial(check_cleaned, cleaned)
    return [
        Way(miss_among(many), miss, job.directory, job.env, check=check_miss),
        Way(cleaning(idle), clean, job.directory, job.env, before=partial(copy_root, full, cleaned), check=check_clean),
    ]


def check_missed(bench: Bench, job: Job, root: Path, count: int) -> None:
    """It was a miss, and among so many entries that the program takes for such."""
    if (hit := job.output("cache-hit")) != "false":
        raise Failed(f"{miss_among(count)}: cache-hit={hit}")
    command = [str(bench.binary), "list", "--json", "--cache-root", str(root)]
    if (listed := len(json.loads(tell(command, cwd=job.directory, env=job.env))["result"])) != count:
        raise Failed(f"{miss_among(count)}: there are {listed}")


def check_cleaned(root: Path) -> None:
    """Whatever the program does not take for an entry would stay."""
    if left := len(list(root.glob("paths/*/*/*/*/manifest"))):
        raise Failed(f"gc: {left} entries are left")


def crowd(bench: Bench, job: Job, count: int) -> Path:
    """A root with so many entries, each with a key of its own and a time of long ago."""
    cache = bench.cache(f"crowd-{count}")
    run(cache.save(job), cwd=job.directory, env=job.env)
    wait_for_left_running()
    (entry,) = (path.parent for path in cache.root.glob("paths/*/*/*/*/manifest"))
    os.utime(entry, ns=(EPOCH_NS, EPOCH_NS))
    for number in range(1, count):
        shutil.copytree(entry.parent, entry.parent.with_name(f"{entry.parent.name}-{number}"))
    return cache.root


def copy_root(full: Path, root: Path) -> None:
    remove(root)
    shutil.copytree(full, root)


def check_saved(bench: Bench, cache: Cache, job: Job) -> None:
    """What was saved comes back as it was."""
    saved = bench.copies / "saved"
    job.tree.rename(saved)
    run(cache.restore(job, "copy"), cwd=job.directory, env=job.env)
    check(saved, job.tree, "save and restore")
    remove(job.tree)
    saved.rename(job.tree)
