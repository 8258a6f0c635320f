"""What a program says, and the error of whatever goes without a result."""

import subprocess
from pathlib import Path


class Failed(Exception):
    """Something without which there is no figure. The text is for the user."""


def tell(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a program says."""
    try:
        done = subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"{' '.join(command)}: {error}") from error
    return (done.stdout or done.stderr).strip()
