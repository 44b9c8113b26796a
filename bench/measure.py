"""Ratios of interleaved rounds: the machine is shared, so neither side may have the quiet half of it."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratios:
    """Ours against the baseline, round by round."""

    name: str
    unit: str
    ours: list[float]
    baseline: list[float]
    target: str

    @property
    def each(self) -> list[float]:
        return [o / b for o, b in zip(self.ours, self.baseline, strict=True)]

    def __str__(self) -> str:
        return (
            f"{self.name}: {median(self.each):.2f} ({min(self.each):.2f} to {max(self.each):.2f})"
            f"  ours {median(self.ours):,.1f} {self.unit}, baseline {median(self.baseline):,.1f} {self.unit}"
            f"  target {self.target}"
        )


def interleave(
    name: str, unit: str, target: str, rounds: int, ours: Callable[[], float], baseline: Callable[[], float]
) -> Ratios:
    """Run both in turn, the first of them changing each round, and keep the ratio of each round."""
    found: dict[str, list[float]] = {"ours": [], "baseline": []}
    for turn in range(rounds):
        sides = [("ours", ours), ("baseline", baseline)]
        for side, run in sides if turn % 2 == 0 else reversed(sides):
            found[side].append(run())
    return Ratios(name, unit, found["ours"], found["baseline"], target)
