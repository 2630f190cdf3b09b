"""The ground plan of the package, read from its imports: rooms, arrows between them, and the floor each stands on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from studies import ROOT

PACKAGE = ROOT / "forecast"


def python_files() -> list[Path]:
    """Every module of the package but `forecast/__init__.py`, which only says where the public names live."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    """The module or package directly inside `forecast` to which a file belongs."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, at_run_time: bool = False) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, at its top or inside a function.

    `at_run_time`: without what only the type checker reads.
    """
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if at_run_time else ():
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def own_imports(path: Path, at_run_time: bool = False) -> Iterator[tuple[int, str]]:
    """As `imports`, but only ours, and the room imported: `forecast.region.read` counts as region."""
    for line, name in imports(path, at_run_time):
        first, _, rest = name.partition(".")
        if first == "forecast" and rest and not rest.startswith("__"):
            yield line, rest.partition(".")[0]


def ground_plan() -> dict[str, set[str]]:
    """Room -> the other rooms that it imports at run time; the way in (`__main__`) is no room."""
    plan: dict[str, set[str]] = {room_of(path): set() for path in python_files() if path.stem != "__main__"}
    for path in python_files():
        if path.stem != "__main__":
            plan[room_of(path)] |= {other for _, other in own_imports(path, True) if other != room_of(path)}
    return plan


def floors(plan: Mapping[str, set[str]]) -> dict[str, int]:
    """Room -> length of the longest chain of arrows from it to the ground; 0 imports nothing of ours.

    Raises graphlib.CycleError, which names the circle.
    """
    level: dict[str, int] = {}
    for room in TopologicalSorter(plan).static_order():
        level[room] = max((level[other] + 1 for other in plan[room]), default=0)
    return level
