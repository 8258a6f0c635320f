"""A self-hosted host with several runners: jobs of one user, in workspaces at other paths, with one cache."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .results import Unusable

# A job has these and no others: what somebody has in the shell is not to decide.
PASSED_ON = ("PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy")
PREFIXES = ("CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_")

FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class Host:
    """Where all that its jobs share lies, and the program."""

    place: Path
    program: Path

    def env(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(PREFIXES)}
        home = self.place / "home"
        # Where crates come from is said in the user's own configuration.
        cargo_home = home / ".cargo"
        cargo_home.mkdir(parents=True, exist_ok=True)
        own = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        for name in ("config.toml", "config"):
            if (own / name).exists() and not (cargo_home / name).exists():
                shutil.copy(own / name, cargo_home)
        env.setdefault("RUSTUP_HOME", str(Path.home() / ".rustup"))
        return env | {"HOME": str(home), "CARGO_HOME": str(cargo_home), "CI": "true", "USER": "runner"}


@dataclass(frozen=True)
class Step:
    """What a step of a job left for later ones."""

    outputs: dict[str, str]
    env: dict[str, str]


@dataclass(frozen=True)
class Job:
    """A job of one runner, from the checkout on."""

    host: Host
    repository: Path
    workspace: Path
    temp: Path

    @classmethod
    def begin(cls, host: Host, runner: str, repository: Path) -> "Job":
        """The checkout: nothing is left of an earlier job of this runner."""
        name = repository.name
        job = cls(host, repository, host.place / runner / name / name, host.place / f"{runner}-temp")
        for path in (job.workspace, job.temp):
            shutil.rmtree(path, ignore_errors=True)
        job.temp.mkdir(parents=True)
        job.workspace.parent.mkdir(parents=True, exist_ok=True)
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(repository), str(job.workspace)]
        subprocess.run(clone, check=True, env=host.env())
        event = {"repository": {"default_branch": "main"}}
        (job.temp / "event.json").write_text(json.dumps(event))
        return job

    def env(self) -> dict[str, str]:
        return self.host.env() | {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_JOB": "test",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": f"o/{self.repository.name}",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_CACHE_ROOT": str(self.host.place / "root" / self.repository.name),
            "RUNNER_TEMP": str(self.temp),
        }

    def cache(self, command: str) -> Step:
        """Runs the program, which must not warn."""
        files = {name: self.temp / name for name in FILES}
        for path in files.values():
            path.write_text("")
        env = self.env() | {name: str(path) for name, path in files.items()}
        done = subprocess.run(
            [self.host.program, command], cwd=self.workspace, env=env, check=False, capture_output=True, text=True
        )
        if done.returncode != 0 or "::warning" in done.stderr:
            raise Unusable(f"{command} in {self.workspace} ended with {done.returncode}: {done.stderr.strip()}")
        return Step(assignments(files["GITHUB_OUTPUT"]), assignments(files["GITHUB_ENV"]))


def assignments(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
