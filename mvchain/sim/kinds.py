"""All kinds of faults, by the names that scenarios and the command line use, and how often each is met."""

from typing import Final

from mvchain.sim import byzantine, faults
from mvchain.sim.faults import Kind

_BYZANTINE_SHARE: Final = 0.08

KINDS: Final[dict[str, Kind]] = {
    "twins": Kind(0.08, byzantine.twins),
    "loss": Kind(0.35, faults.lose),
    "repeats": Kind(0.3, faults.repeat),
    "delays": Kind(0.35, faults.delay),
    "replays": Kind(0.15, faults.replay),
    "slow": Kind(0.15, faults.one_is_slow),
    "splits": Kind(0.3, faults.split),
    "crashes": Kind(0.3, faults.crash),
    "power-cuts": Kind(0.12, faults.cut_all),
    "disk-errors": Kind(0.15, faults.fail_disk),
    "damage": Kind(0.1, faults.damage),
    "lost-syncs": Kind(0.08, faults.forget),
    "restores": Kind(0.1, faults.restore),
    "clocks": Kind(0.2, faults.shift_clocks),
    "floods": Kind(0.15, faults.flood),
    "hidden-decisions": Kind(0.05, byzantine.hide_decision),
    **{
        behaviour.__name__.replace("_", "-"): Kind(_BYZANTINE_SHARE, byzantine.corrupt(behaviour))
        for behaviour in byzantine.BEHAVIOURS
    },
}
"""Twins come first: the others act on all who are there."""
SHARES: Final = {name: kind.share for name, kind in KINDS.items()}
