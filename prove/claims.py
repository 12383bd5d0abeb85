"""What was tried, how often it failed, and what that says at 95 %."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN = 5


@dataclass
class Claim:
    """One line of the table; `failures` says what was wrong, `seen` counts what shows that no trial was idle.

    A trial of a claim is what its module says.
    """

    name: str
    seed: int
    trials: int = 0
    failures: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    chance: bool = True
    """Whether the trials are drawn by chance; where all there is was tried, there is no bound to tell."""
    notes: list[str] = field(default_factory=list)

    def saw(self, what: str, count: int = 1) -> None:
        """Count something."""
        self.seen[what] = self.seen.get(what, 0) + count

    def fail(self, why: str) -> None:
        """Keep a failure."""
        self.failures.append(why)

    @property
    def bound(self) -> str:
        """The rate of failures that is ruled out at 95 %: 3/N, where none was found."""
        if self.failures or not self.trials or not self.chance:
            return "-"
        return f"{3 / self.trials:.1e}"


def table(claims: Sequence[Claim]) -> str:
    """Return all claims as a table in Markdown, with what was seen, and the first failures of each, below."""
    lines = ["| claim | trials | failures | bound at 95 % | seed | seconds |", "|---|--:|--:|--:|--:|--:|"]
    for claim in claims:
        cells = [claim.name, f"{claim.trials:,}", str(len(claim.failures)), claim.bound, str(claim.seed)]
        lines.append(f"| {' | '.join(cells)} | {claim.seconds:.0f} |")
    lines.append("")
    for claim in claims:
        if claim.seen:
            lines.append(f"- {claim.name}: {', '.join(f'{what} {count:,}' for what, count in claim.seen.items())}")
        lines += [f"  - {note}" for note in claim.notes]
        lines += [f"  FAILED: {why[:800]}" for why in claim.failures[:SHOWN]]
    return "\n".join(lines)
