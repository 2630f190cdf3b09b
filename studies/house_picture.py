"""Writes docs/pictures/house.svg: the rooms of the package on their floors, with arrows to what they import.

python -m studies.house_picture

Everything on it is read from the code: rooms, floors and arrows from the imports, what a room is for from the first
line of its docstring. All stand on `basics`, so arrows to it are left out. An arrow is strong where no longer way
leads there as well.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import altair as alt
import numpy as np
import pandas as pd

from studies import ROOT
from studies.house import PACKAGE, floors, ground_plan

PICTURE = ROOT / "docs" / "pictures" / "house.svg"
GROUND = "basics"
WIDTH, STEP = 1180, 158  # of the picture, and from floor to floor
BOX, TALL, SLAB = 236, 98, 60  # width and height of a room, height of the ground
INK, NOTE, FAINT, LINE = "#26323a", "#6b7a82", "#cfd6da", "#5b7f95"
TINTS = [
    "#e9eef0", "#dbe7f0", "#d9ebee", "#dcefe4", "#e6f1d9", "#f1f1d2", "#f8edd0", "#fae5d3", "#f9dfd8", "#f3dbe1",
]  # fmt: skip
"""Colours of the floors, from the ground up."""


@dataclass(frozen=True)
class Room:
    """A room and the middle of its box."""

    name: str
    floor: int
    x: float
    y: float
    purpose: str
    inside: str


def main() -> None:
    plan = ground_plan()
    alt.data_transformers.disable_max_rows()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture(plan).save(str(PICTURE))


def purpose(room: str) -> str:
    """First sentence of the room's docstring."""
    path = PACKAGE / room / "__init__.py"
    text = ast.get_docstring(ast.parse((path if path.exists() else PACKAGE / f"{room}.py").read_text("utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("`", "").split(". ")[0].rstrip(".")


def inside(room: str) -> str:
    """Rooms inside the room, else how many modules it has."""
    folder = PACKAGE / room
    names = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    count = len([path for path in folder.rglob("*.py") if path.stem != "__init__"])
    if names:
        return f"{count} modules; inside: " + ", ".join(names)
    return f"{count} modules" if count else "1 module"


def strong(plan: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """Arrows that are not implied by a longer way."""
    reach: dict[str, set[str]] = {}
    level = floors(plan)
    for room in sorted(plan, key=lambda room: level[room]):
        reach[room] = plan[room].union(*(reach[other] for other in plan[room]))
    return {(a, b) for a in plan for b in plan[a] if not any(b in reach[other] for other in plan[a] - {b})}


def placed(plan: Mapping[str, set[str]]) -> dict[str, Room]:
    """Every room with its place: floor by floor, that order of rooms, or that side for a room alone, is kept by which
    arrows pass behind the fewest boxes and are short."""
    level = floors(plan)
    rows: dict[int, list[str]] = {}
    for room in sorted(plan):
        rows.setdefault(level[room], []).append(room)
    first = (SLAB + TALL) / 2 + 30  # of the lowest floor above the ground
    rooms = {
        room: Room(room, level[room], WIDTH / 2, first + STEP * (level[room] - 1), purpose(room), inside(room))
        for room in plan
    }
    rooms[GROUND] = replace(rooms[GROUND], y=0.0)
    for row in [row for _ in range(5) for row in (*rows.values(), *reversed(rows.values()))]:
        tried = [
            rooms | {name: replace(rooms[name], x=x) for name, x in zip(row, places, strict=True)}
            for places in options(len(row))
        ]
        rooms = min(tried, key=lambda rooms: untidiness(plan, rooms))
    return rooms


def options(count: int) -> list[tuple[float, ...]]:
    """Middles that the rooms of a floor may have: every order, and for a room alone several sides."""
    if count == 1:
        return [(WIDTH * share,) for share in (0.5, 0.3, 0.4, 0.6, 0.7)]
    return list(permutations(WIDTH * (place + 0.5) / count for place in range(count)))


def untidiness(plan: Mapping[str, set[str]], rooms: Mapping[str, Room]) -> float:
    """Number of times that arrows pass behind boxes that are not theirs, strong ones above all; and their breadth."""
    total = 0.0
    for (a, b), heavy, points in curves(plan, rooms):
        total += abs(points[0, 0] - points[-1, 0]) / WIDTH * (3 if heavy else 0.5)
        for room in rooms.values():
            if room.name not in (a, b, GROUND):
                away = abs(points - (room.x, room.y)) < (BOX / 2 + 8, TALL / 2 + 4)
                total += bool(away.all(axis=1).any()) * (10 if heavy else 1)
    return total


def curves(
    plan: Mapping[str, set[str]], rooms: Mapping[str, Room]
) -> Iterator[tuple[tuple[str, str], bool, np.ndarray]]:
    """Arrow, whether it is strong, and its points (point, x and y) from the bottom of a box to the top of another;
    those of a box start side by side."""
    kept = strong(plan)
    for a, b in sorted((room, other) for room in plan for other in plan[room] if other != GROUND):
        below = sorted((other for other in plan[a] if other != GROUND), key=lambda other: rooms[other].x)
        above = sorted((other for other in plan if b in plan[other]), key=lambda other: rooms[other].x)
        start = np.array([port(rooms[a].x, below.index(b), len(below)), rooms[a].y - TALL / 2])
        end = np.array([port(rooms[b].x, above.index(a), len(above)), rooms[b].y + TALL / 2 + 5])
        reach = np.array([0, 0.5 * (start[1] - end[1])])
        t = np.linspace(0, 1, 40)[:, None]
        bend = (
            (1 - t) ** 3 * start
            + 3 * t * (1 - t) ** 2 * (start - reach)
            + 3 * t**2 * (1 - t) * (end + reach)
            + t**3 * end
        )
        yield (a, b), (a, b) in kept, bend


def port(middle: float, place: int, count: int) -> float:
    return middle + (place + 0.5 - count / 2) * min(26, (BOX - 30) / count)


def picture(plan: Mapping[str, set[str]]) -> alt.LayerChart:
    rooms = placed(plan)
    height = max(room.y for room in rooms.values()) + TALL / 2 + 4
    horizontal = alt.X("x:Q", scale=alt.Scale(domain=[0, WIDTH], nice=False), axis=None)
    vertical = alt.Y("y:Q", scale=alt.Scale(domain=[-SLAB / 2 - 4, height], nice=False), axis=None)
    lines = pd.concat(
        pd.DataFrame(points, columns=["x", "y"]).assign(arrow=" > ".join(pair), strong=heavy, order=range(len(points)))
        for pair, heavy, points in curves(plan, rooms)
    )
    layers: list[alt.Chart] = []
    for kind, colour, width in ((False, FAINT, 1.1), (True, LINE, 1.9)):
        base = alt.Chart(lines[lines["strong"] == kind])
        layers.append(
            base.mark_line(color=colour, strokeWidth=width).encode(
                horizontal, vertical, alt.Detail("arrow:N"), alt.Order("order:Q")
            )
        )
        heads = alt.Chart(lines[(lines["strong"] == kind) & (lines["order"] == 39)])
        layers.append(
            heads.mark_point(shape="triangle-down", filled=True, size=46, color=colour, opacity=1).encode(
                horizontal, vertical
            )
        )
    layers += [layer for room in rooms.values() for layer in drawn(room, horizontal, vertical)]
    count = sum(map(len, plan.values()))
    title = alt.TitleParams(
        "The house of forecast",
        subtitle=f"{len(plan)} rooms, {count} arrows, {max(room.floor for room in rooms.values()) + 1} floors. "
        "A room imports only from floors below it; all stand on basics.",
        anchor="start", color=INK, subtitleColor="#5a6870", fontSize=20, subtitleFontSize=13, offset=14,
    )  # fmt: skip
    chart = alt.layer(*layers).properties(
        width=WIDTH, height=(height + SLAB / 2 + 4), title=title, background="white", padding=18
    )
    return chart.configure(font="Helvetica, Arial, sans-serif", view=alt.ViewConfig(stroke=None))


def drawn(room: Room, horizontal: alt.X, vertical: alt.Y) -> Iterator[alt.Chart]:
    """The box of a room with its name, what it is for and what is inside."""
    wide, tall = (WIDTH - 20, SLAB) if room.name == GROUND else (BOX, TALL)
    left, top = room.x - wide / 2, room.y + tall / 2
    box = pd.DataFrame([{"x": left, "y": room.y - tall / 2, "x2": left + wide, "y2": top}])
    yield alt.Chart(box).mark_rect(cornerRadius=7, fill=TINTS[min(room.floor, len(TINTS) - 1)], stroke="#9fb0b8", strokeWidth=1).encode(
        horizontal, vertical, x2="x2:Q", y2="y2:Q"
    )  # fmt: skip
    columns = int(wide / 5.6)
    lines = textwrap.wrap(room.purpose, columns)[:3]
    notes = textwrap.wrap(room.inside, columns + 4)[: 5 - len(lines)]
    texts = pd.DataFrame(
        [
            (left + 12, top - 16, room.name, 15.0, "bold", INK),
            *((left + 12, top - 32 - 13.5 * n, line, 10.5, "normal", INK) for n, line in enumerate(lines)),
            *((left + 12, top - 32 - 13.5 * n, note, 9.5, "normal", NOTE) for n, note in enumerate(notes, len(lines))),
        ],
        columns=["x", "y", "text", "size", "weight", "colour"],
    )
    for _, alike in texts.groupby(["size", "weight", "colour"], sort=False):
        size, weight, colour = alike[["size", "weight", "colour"]].iloc[0]
        mark = alt.Chart(alike).mark_text(align="left", fontSize=size, fontWeight=weight, color=colour)
        yield mark.encode(horizontal, vertical, text="text:N")


if __name__ == "__main__":
    main()
