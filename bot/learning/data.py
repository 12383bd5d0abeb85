"""Where the phrases and the project's test set lie: in the package when it is installed, else in the checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parents[1]


def phrases_folder() -> Path:
    """Return the folder of `<language>.toml`; it may be missing from an odd installation."""
    return _found(_HERE / "data" / "phrases", _CHECKOUT / "training" / "phrases")


def test_folder() -> Path:
    """Return the folder of the test set's `<language>.jsonl`; it may be missing from an odd installation."""
    return _found(_HERE / "data" / "understanding", _CHECKOUT / "tests" / "data" / "understanding")


def _found(installed: Path, checkout: Path) -> Path:
    return installed if installed.is_dir() else checkout
