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
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from studies import ROOT
from studies.house import PACKAGE, floors, ground_plan

PICTURE = ROOT / "docs" / "pictures" / "house.svg"
GROUND = "basics"
WIDTH, STEP = 1180, 152  # of the picture, and from floor to floor
BOX, TALL, SLAB = 236, 90, 60  # width and height of a room, height of the ground
INK, NOTE, FAINT, LINE = "#26323a", "#6b7a82", "#cfd6da", "#5b7f95"
TINTS = ["#e9eef0", "#dfeaf0", "#e3efe6", "#eef1dc", "#f7eed8", "#f8e6d6"]
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
    for room in sorted(plan, key=floors(plan).__getitem__):
        reach[room] = plan[room].union(*(reach[other] for other in plan[room]))
    return {(a, b) for a in plan for b in plan[a] if not any(b in reach[other] for other in plan[a] - {b})}


def placed(plan: Mapping[str, set[str]]) -> dict[str, Room]:
    """Every room with its place: on a floor, rooms stand in the order of what they are joined to."""
    level = floors(plan)
    rows: dict[int, list[str]] = {}
    for room in sorted(plan):
        rows.setdefault(level[room], []).append(room)
    x = dict.fromkeys(plan, WIDTH / 2)
    joined = {
        room: {b for a, b in strong(plan) if a == room} | {a for a, b in strong(plan) if b == room} for room in plan
    }
    for _ in range(12):
        for row in rows.values():
            row.sort(key=lambda room: (np.mean([x[other] for other in joined[room] - {GROUND}] or [0.0]), room))
            x |= {room: WIDTH * (place + 0.5) / len(row) for place, room in enumerate(row)}
    if len(rows) > 2:  # a room alone on its floor stands beside the middle, so that long arrows can pass
        for floor, row in rows.items():
            if len(row) == 1 and floor > 0:
                x[row[0]] += WIDTH * (0.09 if floor % 2 else -0.09)
    first = (SLAB + TALL) / 2 + 30  # of the lowest floor above the ground
    y = {room: first + STEP * (level[room] - 1) if level[room] else 0.0 for room in plan}
    return {room: Room(room, level[room], x[room], y[room], purpose(room), inside(room)) for room in plan}


def curves(plan: Mapping[str, set[str]], rooms: Mapping[str, Room]) -> Iterator[dict[str, object]]:
    """Points of the arrows, from the bottom of a box to the top of another; those of a box start side by side."""
    kept = strong(plan)
    pairs = sorted((a, b) for a in plan for b in plan[a] if b != GROUND)
    for a, b in pairs:
        below = sorted((other for other in plan[a] if other != GROUND), key=lambda other: rooms[other].x)
        above = sorted((other for other in plan if b in plan[other]), key=lambda other: rooms[other].x)
        start = np.array([port(rooms[a].x, below.index(b), len(below)), rooms[a].y - TALL / 2])
        end = np.array([port(rooms[b].x, above.index(a), len(above)), rooms[b].y + TALL / 2 + 5])
        reach = np.array([0, 0.5 * (start[1] - end[1])])
        for order, t in enumerate(np.linspace(0, 1, 40)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            point = sum(w * p for w, p in zip(weights, (start, start - reach, end + reach, end), strict=True))
            yield {"arrow": f"{a}>{b}", "strong": (a, b) in kept, "order": order, "x": point[0], "y": point[1]}


def port(middle: float, place: int, count: int) -> float:
    return middle + (place + 0.5 - count / 2) * min(26, (BOX - 30) / count)


def picture(plan: Mapping[str, set[str]]) -> alt.LayerChart:
    rooms = placed(plan)
    height = max(room.y for room in rooms.values()) + TALL / 2 + 4
    horizontal = alt.X("x:Q", scale=alt.Scale(domain=[0, WIDTH], nice=False), axis=None)
    vertical = alt.Y("y:Q", scale=alt.Scale(domain=[-SLAB / 2 - 4, height], nice=False), axis=None)
    lines = pd.DataFrame(list(curves(plan, rooms)))
    layers: list[alt.Chart] = []
    for kind, colour, width in ((False, FAINT, 1.1), (True, LINE, 1.9)):
        own = alt.Chart(lines[lines["strong"] == kind])
        layers.append(
            own.mark_line(color=colour, strokeWidth=width).encode(
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
    notes = textwrap.wrap(room.inside, columns + 4)[: 4 - min(len(lines), 3)]
    texts = pd.DataFrame(
        [
            (left + 12, top - 16, room.name, 15.0, "bold", INK),
            *((left + 12, top - 32 - 13.5 * n, line, 10.5, "normal", INK) for n, line in enumerate(lines)),
            *((left + 12, top - 32 - 13.5 * n, note, 9.5, "normal", NOTE) for n, note in enumerate(notes, len(lines))),
        ],
        columns=["x", "y", "text", "size", "weight", "colour"],
    )
    for _, own in texts.groupby(["size", "weight", "colour"], sort=False):
        size, weight, colour = own[["size", "weight", "colour"]].iloc[0]
        mark = alt.Chart(own).mark_text(align="left", fontSize=size, fontWeight=weight, color=colour)
        yield mark.encode(horizontal, vertical, text="text:N")


if __name__ == "__main__":
    main()
