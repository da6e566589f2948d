"""What may import what, read from the files themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "toolkit"
# A module imports only from floors below its own, and from its own folder.
FLOORS = [
    {"settings"},
    {"candles", "kernels", "signals"},
    {"rules", "lookahead"},
    {"indicators", "sources"},
    {"loader", "explain"},
    {"pipeline"},
    {"configuration", "screener"},
    {"presets", "feeds"},
    {"alerts"},
    {"chart", "api", "client"},
    {"controls"},
    {"cli"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name != "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """The rooms that a file imports from, whatever the form of the import and wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "toolkit":
                found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
            elif node.module and node.module.startswith("toolkit."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("toolkit.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_imports_go_down(path):
    own = room(path)
    for other in imported(path) - {own}:
        assert other in FLOOR, f"{path.name} imports {other}, which has no floor"
        assert FLOOR[other] < FLOOR[own], f"{own} (floor {FLOOR[own]}) imports {other} (floor {FLOOR[other]})"


def test_every_module_has_a_floor():
    assert {room(path) for path in FILES} == set(FLOOR)


def modules_after(code: str) -> set[str]:
    script = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_toolkit_loads_nothing_heavy():
    loaded = modules_after("import toolkit")
    heavy = {"bqplot", "ipywidgets", "fastapi", "httpx2", "orjson", "numba", "pandas", "numpy", "pyarrow"}
    assert not loaded & heavy


def test_indicators_load_no_widget():
    assert not modules_after("from toolkit import MACD, IndicatorPipeline") & {
        "bqplot",
        "ipywidgets",
        "fastapi",
    }


def test_every_public_name_is_there():
    import toolkit

    for name in toolkit.__all__:
        assert getattr(toolkit, name).__module__.startswith("toolkit.")
    assert set(toolkit.__all__) <= set(dir(toolkit))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = toolkit.nothing
