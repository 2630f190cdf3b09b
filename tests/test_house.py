"""The house: floors, names, words in two languages, and what must never stand in a committed file."""

from __future__ import annotations

import ast
import csv
import re
import string
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import forecast
from forecast.basics import folders
from forecast.basics.catalogue import LANGUAGES, catalogue
from forecast.errors import CannotReadWrite
from forecast.region.tables import TABLES
from studies import ROOT
from studies.house import PACKAGE, floors, ground_plan, imports, own_imports, python_files, room_of

# From the ground up; a room may import from lower lines only.
FLOORS = [
    {"basics"},
    {"errors"},
    {"services"},
    {"region"},
    {"scenario"},
    {"population"},
    {"demand"},
    {"supply"},
    {"blocks", "space", "waves"},
    {"findings"},
    {"plan", "run"},
    {"report"},
    {"backtest", "pipeline"},
    {"app", "cli"},
]
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
LEVEL["__main__"] = len(FLOORS)


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in python_files()} <= set(LEVEL)


def test_a_module_imports_only_from_floors_below() -> None:
    upward = [
        f"{path.relative_to(PACKAGE)}:{line} imports {other}"
        for path in python_files()
        for line, other in own_imports(path)
        if other != room_of(path) and LEVEL[other] >= LEVEL[room_of(path)]
    ]
    assert upward == []


def test_there_are_no_circles() -> None:
    """Also inside a package, where the floors say nothing."""
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in python_files()}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    graph = {
        name: {
            home for _, other in imports(path, at_run_time=True) if (home := home_of(other, modules)) and home != name
        }
        for name, path in modules.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def home_of(name: str, modules: Mapping[str, Path]) -> str | None:
    """The module that is imported: a.b.c itself where it is one, else a.b, which defines c."""
    return name if name in modules else parent if (parent := name.rpartition(".")[0]) in modules else None


# The ground plan.

ROOMS, ARROWS, MOST_FLOORS, MODULES, CHAIN = 16, 60, 10, 14, 220
"""Rooms directly inside the package, arrows between them, floors, modules of a folder, lines of the pipeline: at most."""

LARGE_FOLDERS = {
    "demand/schools",  # every question of a school's planning; its arithmetic is small and one of a kind
    "report/charts",  # a chart is a module
}


def test_the_ground_plan_stays_small() -> None:
    plan = ground_plan()
    level = floors(plan)  # raises CycleError at a circle of rooms
    arrows = sum(map(len, plan.values()))
    figures = f"{len(plan)} rooms, {arrows} arrows, {max(level.values()) + 1} floors"
    shown = "\n".join(f"{level[room]} {room}: {', '.join(sorted(plan[room]))}" for room in sorted(plan, key=level.get))
    assert len(plan) <= ROOMS, f"{figures}\n{shown}"
    assert arrows <= ARROWS, f"{figures}\n{shown}"
    assert max(level.values()) < MOST_FLOORS, f"{figures}\n{shown}"


def test_no_folder_is_crowded() -> None:
    count: dict[str, int] = defaultdict(int)
    for path in python_files():
        count[path.parent.relative_to(PACKAGE).as_posix()] += path.stem != "__init__"
    assert {name: number for name, number in count.items() if number > MODULES and name not in LARGE_FOLDERS} == {}


def test_the_pipeline_is_the_chain_and_nothing_else() -> None:
    assert len((PACKAGE / "pipeline.py").read_text("utf-8").splitlines()) <= CHAIN


ROLES = {"__init__", "read", "kernel", "lanes"}  # what a module is for its room, in any room
COMPONENTS = {"fertility", "mortality", "migration"}  # of change: each room of population has its own question of them
SAID = ("report/chapters/", "report/charts/", "cli/text/")  # how a notion is said is named as the notion is


def test_a_notion_has_one_room() -> None:
    """No module name twice. A domain's name stands on three floors: demand/<domain>/, findings/<domain>, chapters/<domain>."""
    homes: dict[str, list[str]] = defaultdict(list)
    domains = {path.name for path in (PACKAGE / "demand").iterdir() if path.is_dir()}
    for path in python_files():
        name = path.relative_to(PACKAGE).as_posix()
        says = name.startswith(SAID) or (path.parent.name == "findings" and path.stem in domains)
        if path.stem not in ROLES | COMPONENTS and not says:
            homes[path.stem].append(name)
    assert {stem: names for stem, names in homes.items() if len(names) > 1} == {}


def test_tests_stand_where_the_modules_do(root: Path) -> None:
    """tests/<room>/test_<module>.py; a test of a question that no single module answers is named after the question."""
    folders_of: dict[str, set[str]] = defaultdict(set)
    for path in python_files():
        inner = path.stem == "__init__" and path.parent.parent != PACKAGE
        home = path.parent if inner else path  # a room inside a room may be tested as a whole
        folders_of[home.stem].add(home.parent.relative_to(PACKAGE).as_posix())
    rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in python_files()}
    astray = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        room, module = path.parent.relative_to(root / "tests").as_posix(), path.stem.removeprefix("test_")
        if room not in rooms or (room != "." and room not in folders_of.get(module, {room})):
            astray.append(path.relative_to(root).as_posix())
    assert astray == []


# A source leads somewhere.

ELSEWHERE = re.compile(r"\b(?:SPECS|DESIGN|PEERS|ANCHORS|HOUSE|STYLE)\b")  # pages that no reader has
LEADS = re.compile(
    r"[\w-]+\.(?:com|cn|org|net|gov|int|us|io|shop|edu)\b|doi|https?:"  # a host
    r"|《|〔|(?:18|19|20)\d\d|\bGB\b|\bSL \d|义务教育法|公报|统计口径|规划|R package"  # a published work, or its year
    r"|assum|假定|invented|made up"
    r"|^all residents|are counted;"  # by definition: who is counted needs no source
)
IN_THE_CHECKOUT = re.compile(r"\b(?:forecast|studies|docs|models|data|rules|scenarios)/[\w./-]*\w")


def sources_of_files(root: Path) -> Iterator[tuple[str, str]]:
    """File, and source with locator of every number that a file of the checkout gives."""

    def walk(table: object) -> Iterator[str]:
        if isinstance(table, dict):
            if isinstance(table.get("source"), str):
                yield f"{table['source']}; {table.get('locator', '')}"
            for value in table.values():
                yield from walk(value)
        elif isinstance(table, list):
            for value in table:
                yield from walk(value)

    for folder in ("models", "rules", "data", "scenarios"):
        for path in sorted((root / folder).rglob("*.toml")):
            yield from (
                (path.relative_to(root).as_posix(), said) for said in walk(tomllib.loads(path.read_text("utf-8")))
            )
    for path in sorted((root / "data").rglob("sources.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield path.relative_to(root).as_posix(), f"{row['source']}; {row['locator']}; {row['basis']}"


def test_a_source_leads_somewhere(root: Path) -> None:
    """To an address, a published document, a file of the checkout that is there; or it says that it is assumed."""
    lost = []
    for file, said in sources_of_files(root):
        inside = [] if "github.com" in said else IN_THE_CHECKOUT.findall(said)
        absent = [name for name in inside if not (root / name).exists()]
        if absent or ELSEWHERE.search(said) or not (inside or LEADS.search(said)):
            lost.append(f"{file}: {said}")
    assert lost == []


def test_no_sentence_sends_a_reader_to_pages_that_are_not_here(root: Path) -> None:
    folders_ = ("forecast", "models", "rules", "data", "scenarios", "docs", "studies", "benchmarks", "README", "tests")
    sent = [
        f"{name}: {match[0]}"
        for name, text in committed_texts(root)
        if name.startswith(folders_) and name != "tests/test_house.py"
        for match in ELSEWHERE.finditer(text)
    ]
    assert sent == []


# Files are read at the door.

READERS = {
    "read",
    "store",
    "folders",
    "toml_files",
    "catalogue",
    "variables",
}  # the last two read the ground's own words
DOORS = {
    "region/files.py": "the region's own door",
    "services.py": "a service is a file, and who needs its words needs them before any model is read",
    "supply/claims.py": "what may be said of a supply by its kind is the same for all; no region can loosen it",
    "demand/schools/stages.py": "which grades make a stage is, like the services, the same for all and asked by name",
    "report/html/page.py": "the page's own style and script",
    "report/measured.py": "figures of accuracy that are shown beside a run; no number of it depends on them",
    "population/fit/abroad.py": "fertility of other countries is evidence for all, whatever a region brings",
    "population/past/history.py": "a researcher's own history needs no region: the shipped pattern stands in",
}
OPENS = {"open", "read_text", "read_bytes", "read_csv", "load_dataset", "open_dataset", "read_toml", "tomllib.load"}


def opened(path: Path) -> Iterator[str]:
    """Calls in a module that open a file; the operating system's own `os.open` is for no file of ours."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in OPENS or (called.rpartition(".")[2] in OPENS and called != "os.open"):
                yield f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno} {called}"


def test_no_file_is_opened_below_the_door() -> None:
    below = [
        call
        for path in python_files()
        if path.stem not in READERS and path.relative_to(PACKAGE).as_posix() not in DOORS
        for call in opened(path)
    ]
    assert below == []
    assert [name for name in DOORS if not list(opened(PACKAGE / name))] == []  # a door that nobody uses is walled up


def test_what_is_imported_is_declared() -> None:
    declared = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[^\w-]", text)[0].replace("-", "_") for text in declared}
    modules = {"vl_convert" if name == "vl_convert_python" else name for name in names}
    modules |= {"markupsafe", "pydantic_core"}  # the other halves of jinja2 and pydantic
    used = {name.partition(".")[0] for path in python_files() for _, name in imports(path)}
    assert used - set(sys.stdlib_module_names) - {"forecast"} - modules == set()


def test_the_public_names_are_there_and_load_late() -> None:
    for name in forecast.__all__:
        assert callable(getattr(forecast, name)), name
    with pytest.raises(AttributeError, match="nothing"):
        forecast.nothing  # noqa: B018
    program = "import forecast.backtest.school_rolls; from forecast import backtest; assert callable(backtest)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    program = "import sys, forecast; assert not {'numpy', 'pandas', 'xarray', 'numba', 'click'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def placeholders(sentence: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_sentence_is_there_in_both_languages(key: str) -> None:
    entry = catalogue()[key]
    assert set(entry) == set(LANGUAGES)
    assert all(text.strip() for text in entry.values())
    # Prose may do without a word in one language (5 个 in Chinese where English says 5 places); the report is drawn
    # in both, and a value that lacks raises there. A fault says the same in both.
    if not key.startswith("report."):
        assert placeholders(entry["zh"]) == placeholders(entry["en"])


def test_every_code_that_is_raised_has_its_sentence_and_the_other_way_round() -> None:
    source = "\n".join(path.read_text("utf-8") for path in python_files())
    raised = set(re.findall(r"""["']([EW]\d{3})["']""", source))
    for number in re.findall(r"""["']\{\w+\}(\d{3})["']""", source):  # f"{letter}100": an error or a warning
        raised |= {f"E{number}", f"W{number}"}
    known = {key for key in catalogue() if re.fullmatch(r"[EW]\d{3}", key)}
    assert raised - known == set()
    assert known - raised == set()


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every string of a Python file that is no docstring or other sentence standing alone."""
    tree = ast.parse(path.read_text("utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def test_a_services_id_stands_in_no_file_of_the_package() -> None:
    """What a service is stands in its file models/<id>.toml; whoever needs it looks it up."""
    ids = {file.stem for file in folders.folder("models").glob("*.toml")}
    word = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(ids))})(?!\w)")
    found = [f"{path.name}:{line} {text}" for path in python_files() for line, text in strings(path) if text in ids]
    long = [name for name in ids if "_" in name]  # no word of prose: it must not stand inside a longer string either
    for path in python_files():
        found += [f"{path.name}:{line} {name}" for line, text in strings(path) for name in long if name in text]
    for path in (*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.j2")):
        found += [f"{path.name} {match[0]}" for match in word.finditer(path.read_text("utf-8"))]
    assert found == []


TEXT = {".py", ".toml", ".md", ".txt", ".csv", ".j2", ".html", ".css", ".js", ".json", ".yml", ".cfg", ""}
BUILT = {"__pycache__", "build", "dist", "node_modules", "runs"}


def committed_texts(root: Path) -> Iterator[tuple[str, str]]:
    """Every text file of the checkout, whether or not git is there to list them; what tools leave is passed by."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        hidden = [part for part in inside.parts if part.startswith(".") and part != ".ci"]
        if hidden or BUILT & set(inside.parts) or path.suffix not in TEXT or not path.is_file():
            continue
        if inside.parts[:2] != ("tests", "faults"):  # files in other encodings, on purpose
            yield inside.as_posix(), path.read_text("utf-8")


def test_no_file_names_a_machine(root: Path) -> None:
    private = re.compile(
        r"(?<![\w.\-])/(?:work|root|home|opt|Users)/\w|\b(?:pypi|files\.pythonhosted)\.org\b|\bC:\\Users"
    )
    found = [f"{name}: {match[0]}" for name, text in committed_texts(root) for match in private.finditer(text)]
    assert [line for line in found if not line.startswith("tests/test_house.py")] == []


def test_the_pins_name_no_host_and_cover_what_is_asked_for(root: Path) -> None:
    pins = (root / "pins.txt").read_text("utf-8")
    assert not re.search(r"://|--|@", pins)
    pinned = {line.partition("==")[0] for line in pins.splitlines()}
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    assert {re.split(r"[^\w.-]", text)[0].rstrip(">=").lower() for text in wanted} <= pinned


def test_shipped_folders_are_found_and_a_lacking_one_is_told() -> None:
    for name in ("models", "scenarios", "data", "rules"):
        assert any(folders.folder(name).rglob("*.toml"))
    with pytest.raises(CannotReadWrite) as caught:
        folders.folder("nothing")
    assert caught.value.issues[0].code == "E501"


def test_shipped_copies_never_stand_in_a_checkout(root: Path) -> None:
    assert not (root / "forecast" / "shipped").exists()


# Pages name only what is there.

NAMED = re.compile(
    r"(?<![\w./])((?:forecast|tests|studies|docs|models|data|scenarios|benchmarks)/[\w./-]*\w)(?:: (\w+))?`"
)


def defined_in(path: Path) -> set[str]:
    """Names that a module defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize(
    "page", ["README.md", "README.zh-CN.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_a_page_names_only_what_is_there(page: str, root: Path) -> None:
    """`forecast/x.py` is a file or folder, `forecast/x.py: name` a name in it."""
    lost = [
        f"{file}: {name}" if name else file
        for file, name in NAMED.findall((root / page).read_text("utf-8"))
        if not (root / file).exists() or (name and name not in defined_in(root / file))
    ]
    assert lost == []


def test_the_picture_of_the_house_is_of_this_house(root: Path) -> None:
    """Drawn anew by `python -m studies.house_picture`."""
    drawn = (root / "docs" / "pictures" / "house.svg").read_text("utf-8")
    plan = ground_plan()
    assert [room for room in plan if f">{room}<" not in drawn] == []
    assert f"{len(plan)} rooms, {sum(map(len, plan.values()))} arrows" in drawn


# run.py: it must tell the user of an old Python what is needed, so an old Python must be able to read it.


def load_run(root: Path) -> dict[str, object]:
    names: dict[str, object] = {"__name__": "run", "__file__": str(root / "run.py")}
    exec(compile((root / "run.py").read_text("utf-8"), "run.py", "exec"), names)  # noqa: S102  our own file
    return names


def test_run_parses_on_old_pythons(root: Path) -> None:
    source = (root / "run.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 4))
    assert "coding: utf-8" in source.splitlines()[1]  # Python 2 reads it only with this
    assert not re.search(r"""\b[frb]+["']\w*\{""", source)


def test_run_refuses_an_old_python_in_both_languages(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    main = load_run(root)["main"]
    with pytest.raises(SystemExit) as caught:
        main(["demo"])  # type: ignore[operator]
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert "Python 3.11 or later is needed" in said
    assert "需要 Python 3.11 或更高版本" in said


def test_run_explains_a_python_without_ensurepip(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        load_run(root)["make_venv"]()  # type: ignore[operator]
    said = capsys.readouterr().err
    assert "-venv" in said
    assert "缺少 ensurepip" in said


def test_run_sets_up_once_and_again_when_the_pins_change(root: Path, tmp_path: Path) -> None:
    """With the making and the installing replaced, the book-keeping is what is left."""
    for name in ("run.py", "pins.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    names = load_run(tmp_path)
    done: list[str] = []

    def make_venv() -> None:
        done.append("made")
        python = Path(str(names["PYTHON"]))
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        Path(str(names["STAMP"])).unlink(missing_ok=True)

    def install(extras: tuple[str, ...]) -> None:
        done.append("installed " + ",".join(extras))
        if "broken" in done:
            raise KeyboardInterrupt

    names.update(make_venv=make_venv, install=install)

    def steps(*extras: str) -> list[str]:
        done.clear()
        names["set_up"](*extras)  # type: ignore[operator]
        return done.copy()

    assert steps() == ["made", "installed "]
    assert steps() == []
    assert steps("test") == ["installed test"]
    assert steps("test") == []
    assert steps() == []
    with (tmp_path / "pins.txt").open("a") as pins:
        pins.write("# changed\n")
    done.append("broken")
    with pytest.raises(SystemExit):  # interrupted: nothing is believed to stand
        names["set_up"]()  # type: ignore[operator]
    assert steps() == ["made", "installed "]
    assert steps("test") == ["installed test"]


# What is asked for by nobody is gone, or says that it is asked alone.

ALONE = "Asked alone"
STARTS = ("__main__", "backtest", "cli", "errors", "pipeline")


def modules() -> dict[str, Path]:
    """Dotted name -> file; of a room, its face."""
    named = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in python_files()}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def faces() -> dict[str, str]:
    """Name in the face of a room -> the name that it hands on."""
    found = {}
    for path in PACKAGE.glob("*/**/__init__.py"):
        room = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
        found |= {
            f"{room}.{name.rpartition('.')[2]}": name for _, name in imports(path) if name.startswith("forecast.")
        }
    return {shown: home for shown, home in found.items() if shown != home}


def asked_for() -> dict[str, set[str]]:
    """Module -> dotted names of ours that it asks for, at their homes; of modules imported whole, what it takes of them."""
    handed_on, known, found = faces(), modules(), {}
    for module, path in known.items():
        names = set()
        for name in {name for _, name in imports(path) if name.startswith("forecast.")}:
            while name in handed_on:
                name = handed_on[name]
            last = name.rpartition(".")[2]
            if name in known:
                taken = re.findall(rf"\b{last}\.(\w+)", path.read_text("utf-8"))
                names |= {name, *(f"{name}.{attribute}" for attribute in taken)}
            names.add(name)
        found[module] = names
    return found


def says_alone(node: ast.Module | ast.FunctionDef) -> bool:
    return ALONE in (ast.get_docstring(node) or "").partition("\n\n")[0]


def test_every_module_is_reached_or_says_that_it_is_asked_alone() -> None:
    """From the commands, the pipeline, the backtest and the public names, through faces to the home of each name."""
    asked, known = asked_for(), modules()
    public = [f"{getattr(forecast, name).__module__}.{name}" for name in forecast.__all__]
    waiting = [name for name in known if name.split(".")[1] in STARTS]
    waiting += [home for name in public if (home := home_of(name, known))]
    reached: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += [home for name in asked[module] if (home := home_of(name, known))]
    trees = {name: ast.parse(path.read_text("utf-8")) for name, path in known.items()}
    silent = [name for name, path in known.items() if name not in reached and path.name != "__init__.py"]
    silent = [name for name in silent if not says_alone(trees[name])]
    assert sorted(silent) == []


def test_every_function_is_asked_for_or_says_that_it_is_asked_alone() -> None:
    """By another module, by its own, or by the face of its room."""
    asked = set(faces().values()).union(*asked_for().values())
    silent = []
    for module, path in modules().items():
        tree = ast.parse(path.read_text("utf-8"))
        inside = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
        for node in [] if says_alone(tree) or path.name == "__init__.py" else functions:
            name = f"{module}.{node.name}"
            if not (name in asked or node.name in inside or says_alone(node)):
                silent.append(name)
    assert sorted(silent) == []


# A table that is read by nothing says so.

REGIONS = {"region", "tables", "self", "view.run.region", "run.region", "region.tables", "task.region"}


def asked_tables() -> dict[str, set[str]]:
    """Table -> rooms that ask a region for it by its name, as `region.table("x")`, `region.has("x")` or the like."""
    found: dict[str, set[str]] = {"counties": {"region"}}  # a field of every region
    for path in python_files():
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "region" and path.stem not in ("region", "sources"):
            continue  # what is checked is not read yet
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            asks = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in REGIONS
            asks |= bool(node.args) and ast.unparse(node.args[0]) == "region"
            for word in words if asks else []:
                if word in TABLES:
                    found.setdefault(word, set()).add(room)
    return found


def test_a_table_says_which_rooms_read_it() -> None:
    asked = asked_tables()
    assert {name: set(table.read_by) for name, table in TABLES.items()} == {
        one: asked.get(one, set()) for one in TABLES
    }
