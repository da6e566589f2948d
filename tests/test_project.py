"""The files around the package agree with each other: dependencies, lock, wheel, README, what make offers."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
ENVIRONMENT = (ROOT / "environment.yml").read_text()
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def split(requirement):
    """`"pandas>=3.0"` as `("pandas", ">=3.0")`."""
    name, bound = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement.strip()).groups()
    return canonical(name), bound


def at_least(version, bound):
    assert bound.startswith(">=")
    return [int(n) for n in re.findall(r"\d+", version)] >= [int(n) for n in re.findall(r"\d+", bound)]


MAIN = dict(map(split, PROJECT["project"]["dependencies"]))
EXTRAS = PROJECT["project"]["optional-dependencies"]
API = dict(map(split, EXTRAS["api"]))
DESKTOP = dict(map(split, EXTRAS["desktop"]))
TEST = dict(split(name) for name in EXTRAS["test"] if name != "system-v4[api]")
TOOLS = dict(map(split, PROJECT["dependency-groups"]["tools"]))
BENCH = dict(map(split, PROJECT["dependency-groups"]["bench"]))


def test_environment_yml_has_the_same_packages_and_bounds():
    conda, pip = ENVIRONMENT.split("dependencies:\n")[1].split("  - pip:\n")
    conda = dict(split(entry.split(" #")[0]) for entry in re.findall(r"^  - (.*)", conda, re.M))
    pip = dict(split(entry.split(" #")[0]) for entry in re.findall(r"^      - (.*)", pip, re.M))
    python = conda.pop("python").removeprefix("=")
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]
    assert conda.pop("pip") is None
    assert conda | pip == MAIN | API | {name: TEST[name] for name in ("nbval", "pytest")}
    assert not set(conda) & set(pip)


def test_the_ten_packages_of_the_card_are_in_environment_yml():
    card = "jupyterlab ipywidgets bqplot pandas numpy huggingface-hub pyarrow voila nbval pytest"
    for name in card.split():
        assert re.search(rf"^  - {name.replace('-', '[-_]')} ", ENVIRONMENT, re.M), name


def test_the_tests_install_the_service_too():
    assert "system-v4[api]" in EXTRAS["test"]


def test_every_dependency_says_what_it_is_for():
    listed = re.findall(r'^    "[\w-]+[<>=].*$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert len(listed) == len(MAIN | API | DESKTOP | TEST) + len(TOOLS) + len(BENCH)
    assert [line for line in listed if " # " not in line] == []


def pinned(text):
    return {canonical(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M)}


def test_the_lock_pins_what_pyproject_asks_for():
    first, second, third = map(pinned, LOCK.split("# ---- "))
    for name, bound in (MAIN | API | TOOLS).items():
        assert at_least(first[name], bound), name
    for name, bound in (DESKTOP | TEST).items():
        assert at_least(second[name], bound), name
    for name, bound in BENCH.items():
        assert at_least(third[name], bound), name
    assert len({*first, *second, *third}) == len(first) + len(second) + len(third)


def test_the_lock_holds_hashed_releases_of_the_public_index_only():
    pin, one_hash = r"[\w.-]+==[\w.]+( ;.*)? \\\n", r" +--hash=sha256:[0-9a-f]{64}( \\)?\n"
    for block in re.findall(r"^[^#\s].*?# via", LOCK, re.M | re.S):
        assert re.fullmatch(rf"{pin}({one_hash})+ +# via", block), block
    assert not re.search(r"://|--index|--extra|--find-links|@ file|^-e", LOCK, re.M)


def test_make_installs_the_three_parts_of_the_lock():
    install = (ROOT / ".ci" / "install").read_text()
    tests, benchmarks = re.findall(r"sed '/(\^# ---- [^/]*)/,\$d'", install)
    assert len(re.findall(tests, LOCK, re.M)) == 2
    assert len(re.findall(benchmarks, LOCK, re.M)) == 1
    assert LOCK.split("# ---- ")[2].startswith(benchmarks.removeprefix("^# ---- "))


def third_party_imports():
    """Name of an imported package → a file that imports it."""
    found = {}
    for path in sorted((ROOT / "toolkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != "toolkit":
                    found.setdefault(top, path.name)
    return found


def test_what_the_package_imports_is_declared():
    """What is imported is a dependency, or something that a dependency itself requires (tornado by voila)."""
    brought = set(MAIN | API)
    for name in MAIN | API:
        for requirement in importlib.metadata.requires(name) or []:
            if "extra ==" not in requirement:
                brought.add(canonical(re.match(r"[\w.-]+", requirement)[0]))
    distributions = importlib.metadata.packages_distributions()
    for name, file in third_party_imports().items():
        assert {canonical(d) for d in distributions[name]} & brought, f"{file} imports {name}"


def test_the_installed_version_is_the_packages():
    import toolkit

    assert importlib.metadata.version("system-v4") == toolkit.__version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("system_v4-*.whl"))


def test_the_wheel_carries_the_whole_package_and_the_dashboard(wheel):
    packed = zipfile.ZipFile(wheel)
    source = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "toolkit").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = set(packed.namelist())
    assert source <= names
    assert "toolkit/cli/template/index.html.j2" in names
    assert "toolkit/py.typed" in names
    dashboard = packed.read("toolkit/notebooks/dashboard.ipynb")
    assert dashboard == (ROOT / "notebooks" / "dashboard.ipynb").read_bytes()
    assert [name for name in names if not name.startswith(("toolkit/", "system_v4-"))] == []


def test_outside_the_checkout_the_wheels_own_dashboard_is_served(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from toolkit.cli.pages import TEMPLATE, notebook; print(notebook(), TEMPLATE)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    # -P: not the working directory; PYTHONPATH goes before the editable install.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    )
    package = tmp_path / "toolkit"
    assert done.stdout.split() == [
        str(package / "notebooks" / "dashboard.ipynb"),
        str(package / "cli" / "template"),
    ]


def test_binder_uses_the_same_environment():
    assert (ROOT / "binder" / "environment.yml").is_symlink()
    assert (ROOT / "binder" / "environment.yml").resolve() == ROOT / "environment.yml"
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)


def test_what_binder_would_build():
    """The Dockerfile that repo2docker makes of the project, without Docker."""
    pytest.importorskip("repo2docker")
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    python = re.search(r"- python =(\S+)", ENVIRONMENT)[1]
    assert f"Building conda environment for python={python}" in done.stderr
    assert "unspecified" not in done.stderr
    dockerfile = done.stdout
    update = 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"'
    assert update in dockerfile
    assert dockerfile.index(update) < dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    assert re.search(r"^RUN \./binder/postBuild$", dockerfile, re.M)
    assert 'CMD ["jupyter", "notebook"' in dockerfile


def test_what_binder_runs_after_it_exists(tmp_path):
    """`pip` and `toolkit` stand in for themselves: what would be run is written down."""
    for name in ("python", "toolkit"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*"\n')
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "binder" / "postBuild"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["python -m pip install --no-deps .", "toolkit cache warm"]


def test_voila_alone_loads_the_same_extensions():
    """Under a Jupyter Server, as on Binder, Voila reads voila.json; `toolkit dashboard` does not need it."""
    from toolkit.cli.pages import EXTENSIONS

    settings = json.loads((ROOT / "voila.json").read_text())["VoilaConfiguration"]
    assert settings["extension_allowlist"] == EXTENSIONS


def test_what_is_skipped_is_said_so_that_ci_notices(tmp_path):
    """`.ci/run` looks for such lines, whichever way the tests are run."""
    pattern = re.search(r"grep '(\^SKIPPED)' \"\$output\"", (ROOT / ".ci" / "run").read_text())[1]
    assert re.search(r"-m pytest -n \$\(JOBS\) ", MAKEFILE)
    assert "-ra" in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
    (tmp_path / "test_it.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('no browser')\n")
    quick = ["-p", "no:schemathesis", "-p", "no:nbval"]  # they take seconds to load, twice
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "1",
        "-ra",
        *quick,
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if re.search(pattern, line)]
    assert line.endswith("no browser")


def test_the_badge_opens_the_dashboard():
    link = re.search(r"\]\((https://mybinder\.org/v2/gh/\S+)\)", README)[1]
    assert link.endswith("?urlpath=voila%2Frender%2Fnotebooks%2Fdashboard.ipynb")
    path = unquote(link.split("?urlpath=voila%2Frender%2F")[1])
    assert (ROOT / path).is_file()


def test_the_readme_names_every_command():
    from toolkit.cli import app

    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    names += [group.name for group in app.registered_groups]
    assert {"dashboard", "download", "check", "cache"} <= set(names)
    for name in names:
        assert f"toolkit {name}" in README, name


def make(*arguments, cwd=ROOT, **environment):
    # What make hands on to its recipes (this may run in one) is not for another make.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [shutil.which("make"), *arguments],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_every_target():
    shown = make()
    assert shown.returncode == 0
    targets = re.search(r"\.PHONY: (.*)", MAKEFILE)[1].split()
    assert {"help", "env", "dashboard", "lab", "test", "bench", "clean"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target} +\w", shown.stdout, re.M), target


@pytest.fixture
def clone(tmp_path):
    """What make needs of a clone that has not been set up."""
    (tmp_path / ".ci").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", ".ci/install"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_without_a_python_that_will_do_make_says_so(clone):
    done = make("env", cwd=clone, PYTHON="/bin/false")
    assert done.returncode != 0
    assert "System V4 needs Python 3.11, 3.12 or 3.13; /bin/false" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (clone / ".venv").exists()


def test_what_is_installed_is_not_installed_again_until_the_lock_changes(clone):
    (clone / ".ci" / "install").write_text("#!/bin/sh\nmkdir -p .venv; echo installing $1\n")
    assert make("env", cwd=clone).stdout == "installing all\n"
    assert "installing" not in make("env", cwd=clone).stdout
    # The dashboard needs less than what is there already.
    assert "installing" not in make("-n", "dashboard", cwd=clone).stdout.replace(".ci/install", "")
    with (clone / "requirements.lock").open("a") as lock:
        lock.write("# another\n")
    assert make("env", cwd=clone).stdout == "installing all\n"


@pytest.mark.parametrize(("place", "kept"), [("", True), ("/another/checkout", False)])
def test_an_environment_that_was_copied_along_is_not_used(clone, place, kept):
    """It would run the code of the checkout it was copied from. No Python is on the path to make another."""
    tools = clone / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "cksum", "cp", "cut", "dirname", "grep", "rm", "sed", "touch"):
        (tools / name).symlink_to(shutil.which(name))
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")  # agrees to everything
    python.chmod(0o755)
    (clone / ".venv" / "place").write_text(f"{place or clone}\n")
    done = make("env", cwd=clone, PATH=str(tools), UV="no", PYTHON="")
    assert (done.returncode == 0) == kept
    assert python.exists() == kept


def test_the_readmes_commands_are_there():
    for target in re.findall(r"\bmake ([a-z]+)", README):
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target


def test_the_readmes_links_lead_somewhere():
    texts = {name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")}
    for name, text in texts.items():
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{name}: {target}"


def test_the_readmes_picture_is_small():
    picture = ROOT / re.search(r"!\[.*?\]\((.*?\.png)\)", README)[1]
    assert picture.stat().st_size < 300_000


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def test_the_readmes_python_runs():
    """Every block in turn, in one namespace, on the sample market (the conftest sees to that)."""
    blocks = python_blocks(README)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


def test_the_readme_names_every_setting():
    from toolkit import settings

    variables = set(re.findall(r"``(TOOLKIT_\w+)``", settings.__doc__))
    assert len(variables) >= 4
    for variable in variables | {"TOOLKIT_HOME"}:
        assert f"`{variable}`" in README, variable


def test_the_example_in_contributing_passes_what_every_indicator_must(tmp_path):
    (block,) = python_blocks((ROOT / "CONTRIBUTING.md").read_text())
    assert len(block.splitlines()) < 40
    (tmp_path / "contributed.py").write_text(block)
    (tmp_path / "plugin.py").write_text(
        "from contributed import DisparityIndex\n"
        "from toolkit import IndicatorRegistry\n"
        "IndicatorRegistry.register(DisparityIndex)\n"
    )
    conformance = ["tests/indicators/test_conformance.py", "-k", "Disparity"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "plugin", *conformance],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 20


def test_the_example_in_contributing_computes_what_it_says():
    from market import random_candles

    (block,) = python_blocks((ROOT / "CONTRIBUTING.md").read_text())
    names = {"__name__": "disparity_index"}
    exec(compile(block, "CONTRIBUTING.md", "exec"), names)
    klines = random_candles(400, flat_share=0)
    close = klines["close"]
    seeded = close.iloc[13:].copy()
    seeded.iloc[0] = close.iloc[:14].mean()
    mean = seeded.ewm(span=14, adjust=False).mean()
    expected = 100 * (close / mean - 1)
    found = names["DisparityIndex"](period=14).calculate(klines)["disparity"]
    assert (found - expected).iloc[13:].abs().max() < 1e-9
    assert found.iloc[:13].isna().all()
