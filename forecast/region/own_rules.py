"""Files in which a region gives standards and rules of its own, at the same path as the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast.basics.issues import nearest
from forecast.region.faults import Faults, hint
from forecast.region.files import Opened
from forecast.region.head import load_toml

RULE_FILES = ("models/schools/standards.toml", "rules/warning.toml", "rules/sharing.toml")


def read_own_rules(folder: Path, faults: Faults) -> Mapping[str, tuple[Opened, dict[str, Any]]]:
    """Text and table of each of `RULE_FILES` that lies in the folder of a region; what the tables say is checked where
    it is used. Other TOML files beside them are warned of."""
    for path in sorted((folder / "rules").glob("*.toml")):
        file = f"rules/{path.name}"
        if file not in RULE_FILES:
            faults.add("W112", file, hint=hint(nearest(file, RULE_FILES)))
    given = {file: load_toml(folder / file, file, faults) for file in RULE_FILES if (folder / file).is_file()}
    return {file: loaded for file, loaded in given.items() if loaded is not None}
