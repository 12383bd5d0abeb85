"""A monitor that only remembers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Attentive:
    """Implements `Monitor`: keeps what it is told, in order."""

    stages: list[tuple[str, str]] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)
    fallbacks: list[tuple[str, str]] = field(default_factory=list)
    depths: list[tuple[str, int]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def stage(self, tier: str, stage: str, seconds: float) -> None:
        """Remember a stage."""
        self.stages.append((tier, stage))

    def action(self, action: str, tier: str) -> None:
        """Remember an action."""
        self.actions.append((action, tier))

    def fallback(self, tier: str, reason: str) -> None:
        """Remember that a tier passed on."""
        self.fallbacks.append((tier, reason))

    def queue(self, name: str, depth: int) -> None:
        """Remember a queue's depth."""
        self.depths.append((name, depth))

    def event(self, name: str) -> None:
        """Remember an event."""
        self.events.append(name)
