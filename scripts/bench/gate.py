"""Whether a round was what it is called. The figures of one that was not say nothing, so the run fails."""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from pages.command import Failed


class Gate(Enum):
    """What a round has to have been."""

    # Nothing was there that could serve.
    COLD = "cold"
    # Something served.
    WARM = "warm"
    # All that is there was made by another toolchain.
    OTHER_TOOLCHAIN = "another toolchain"
    # Whatever served.
    ANY = "any"


@dataclass(frozen=True)
class Counted:
    """What came of a round."""

    # What cargo built or took: libraries, programs, macros, runs of build scripts.
    units: int
    # Those that no compiler made: fresh to cargo, or brought by a wrapper.
    spared: int


def check(gate: Gate, counted: Counted, *, is_kept: bool, about: str) -> None:
    """Fails where the round was not what it had to be. `is_kept`: whether the way keeps anything."""
    if counted.units == 0:
        raise Failed(f"{about}: cargo built nothing")
    if counted.spared > counted.units:
        raise Failed(f"{about}: {counted.spared} of {counted.units} units were spared: they are not counted right")
    if not is_kept or gate is Gate.COLD or gate is Gate.OTHER_TOOLCHAIN:
        if counted.spared:
            why = {Gate.OTHER_TOOLCHAIN: "what another toolchain made served", Gate.COLD: "it was not cold"}
            told = why.get(gate, "it keeps nothing")
            raise Failed(f"{about}: {told}: {counted.spared} of {counted.units} units")
    elif gate is Gate.WARM and not counted.spared:
        raise Failed(f"{about}: nothing was restored")


# Before there was any round.
NOTHING = Counted(0, 0)

# Rounds that are not what they are called, each with whether its way keeps anything.
INVALID = (
    (Gate.WARM, Counted(9, 0), True),
    (Gate.COLD, Counted(9, 1), True),
    (Gate.OTHER_TOOLCHAIN, Counted(9, 1), True),
    (Gate.ANY, Counted(9, 10), True),
    (Gate.ANY, Counted(0, 0), True),
    (Gate.WARM, Counted(9, 1), False),
)

VALID = (
    (Gate.WARM, Counted(9, 1), True),
    (Gate.COLD, Counted(9, 0), True),
    (Gate.OTHER_TOOLCHAIN, Counted(9, 0), True),
    (Gate.ANY, Counted(9, 0), True),
    (Gate.WARM, Counted(9, 0), False),
)


def refuses(gate: Gate, counted: Counted, *, is_kept: bool) -> bool:
    with suppress(Failed):
        check(gate, counted, is_kept=is_kept, about="")
        return False
    return True


def prove() -> None:
    """Fails unless the gates let through what is valid and nothing else: before each run, since a gate that is always open
    is not noticed."""
    for rounds, is_refused in ((INVALID, True), (VALID, False)):
        for gate, counted, is_kept in rounds:
            if refuses(gate, counted, is_kept=is_kept) is not is_refused:
                raise Failed(f"the gate `{gate.value}` does not hold: {counted}")
