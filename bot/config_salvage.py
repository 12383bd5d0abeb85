"""Settings as far as they are right, so that `deskhand check` can look at the rest as well."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
ROUNDS = 100


def salvaged(model: type[M], values: Mapping[str, Any], stand_ins: Mapping[tuple[str, str], str]) -> M | None:
    """Return the model from the values that are right, dropping round by round those that are not.

    Args:
        values: tables by section.
        stand_ins: what is put in the place of a missing (section, key).
    """
    kept = copy.deepcopy(dict(values))
    for _ in range(ROUNDS):
        # Each round anew, since a value that was wrong is missing from then on.
        for (section, key), value in stand_ins.items():
            if isinstance(kept.get(section), dict):
                kept[section].setdefault(key, value)
        try:
            return model.model_validate(kept)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                _drop(kept, details["loc"])
            kept = {section: {} for section in model.model_fields} | kept
    return None


def _drop(values: Any, path: Sequence[int | str]) -> None:
    """Take away the value at a path; where it is not there, or stands in a list, what holds it."""
    if not isinstance(values, dict):
        return
    inside = values.get(path[0])
    if len(path) > 1 and isinstance(inside, dict) and path[1] in inside:
        _drop(inside, path[1:])
    else:
        values.pop(path[0], None)
