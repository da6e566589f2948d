"""The numbered notebooks as they are saved; nbval runs them and compares every output."""

import copy
import re
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile, nocolors

FOLDER = Path(__file__).parent.parent / "notebooks"
NUMBERED = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(params=NUMBERED, ids=[path.stem for path in NUMBERED])
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_as_many_as_are_named():
    assert [path.stem[:2] for path in NUMBERED] == [f"{n:02}" for n in range(1, len(NUMBERED) + 1)]
    assert len(NUMBERED) >= 4


def test_it_begins_with_the_question_and_ends_with_a_table(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    for word in ("**Question.**", "**Data.**", "**You will see**", "synthetic"):
        assert word in first.source
    [table] = code(notebook)[-1].outputs
    assert "<table" in table.data["text/html"]


def test_its_cells_are_short_and_all_were_run_in_order(notebook):
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert max(len(cell.source.splitlines()) for cell in cells) <= 32
    assert not any("NBVAL" in cell.source or cell.metadata for cell in cells), "every output is compared"


def test_it_holds_nothing_of_a_machine_a_day_or_a_widget(notebook):
    saved = nbformat.writes(notebook)
    assert "application/vnd.jupyter.widget" not in saved
    assert not re.search(r"/(home|root|work|tmp|Users)/|<\w+ at 0x|object at 0x", saved)
    assert not any(output.output_type == "error" for cell in code(notebook) for output in cell.outputs)
    for cell in code(notebook):
        assert not re.search(r"\bnow\(|\btoday\(|datetime\.now|time\.time|default_rng\(\)", cell.source)


def test_a_wrong_digit_in_the_last_table_is_noticed(request, notebook):
    """By nbval as it is set up here, which compares what is saved with what a run gives."""
    path = request.node.callspec.params["notebook"]
    cell = list(IPyNbFile.from_parent(request.session, path=path).collect())[-1]
    cell.colors = nocolors
    saved = code(notebook)[-1].outputs
    assert cell.compare_outputs(saved, saved)
    planted = copy.deepcopy(saved)
    text = planted[0].data["text/plain"]
    at = max(place for place, letter in enumerate(text) if letter.isdigit())
    planted[0].data["text/plain"] = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    assert not cell.compare_outputs(saved, planted)
