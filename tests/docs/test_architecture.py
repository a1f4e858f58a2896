"""The page on the architecture says what the package is: its order, its faces, and modules that exist."""

from __future__ import annotations

import ast
import importlib
import re

from test_layers import FACES, OPEN, ORDER, PACKAGE, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PICTURE = PAGE.split("```text\n", 1)[1].split("```", 1)[0]
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, flags=re.MULTILINE))


def packages_of(line):
    """The packages that a line of the picture names, left to right."""
    boxes = re.match(r"^ (?:\d\d|[ \d]\d)?\s*((?:\w+(?: [·│] )?)+)(?:   |$)", line)
    return re.split(r" [·│] ", boxes.group(1)) if boxes else []


def test_the_picture_has_every_package_in_order():
    """Ten boxes, read downwards, hold the packages in an order that imports keep."""
    lines = [line for line in PICTURE.splitlines() if re.search(r"\w", line)]
    boxes = [packages_of(line) for line in lines]

    assert sum(bool(re.match(r"^ +\d+ ", line)) for line in lines) == 10
    assert {name for box in boxes for name in box} == set(ORDER)
    box_of = {name: at for at, box in enumerate(boxes) for name in box}
    order = [box_of[name] for name in ORDER if name not in {"api", "exports", "_util"}]
    assert order == sorted(order)


def test_every_package_has_its_row():
    """No package is left out of the table of faces, and none is in it that is gone."""
    assert list(ROWS) == [name for name in ORDER if name in {*FACES, *OPEN}]


def test_faces_are_those_of_the_code():
    """Names in the table are exported by the package; modules in it exist, and belong to a package without a face."""
    lost = set()
    for package, cell in ROWS.items():
        names = re.findall(r"`(\w+)`", cell)
        assert names, package
        assert cell.startswith("module") == (package in OPEN), package
        if package in OPEN:
            lost |= {f"{package}.{name}" for name in names if not (PACKAGE / package / f"{name}.py").exists()}
        else:
            face = importlib.import_module(f"judgebench.{package}").__all__
            lost |= {f"{package}.{name}" for name in names if name not in face}

    assert lost == set()


def test_the_way_of_an_item_goes_down_the_picture():
    """Each step names a module that exists, and every package of the data's way is in a step."""
    steps = PAGE.split("## The way of one item", 1)[1].split("\n## ", 1)[0]
    paths = re.findall(r"`judgebench/([\w/]+)\.py`", steps)

    assert [path for path in paths if not (PACKAGE / f"{path}.py").exists()] == []
    assert {path.split("/")[0] for path in paths} >= {*ORDER} - {"errors", "_util", "exports"}


def test_no_class_is_named_that_is_gone():
    """Classes in the prose are classes of the package."""
    prose = PAGE.split("## The way of one item", 1)[1]
    classes = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }

    assert set(re.findall(r"`([A-Z][A-Za-z]+)`", prose)) <= classes
