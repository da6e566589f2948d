"""`toolkit cache`: what is kept on disk, and clearing it."""

import io

import pytest

from toolkit import IndicatorRegistry, cli, loader, settings
from toolkit.cli.cache import HOLDS


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    for name in ("hub", "candles", "presets"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_bytes(b"x" * 1_500)
    (tmp_path / "hub" / "link").symlink_to(tmp_path / "hub" / "deep" / "file")
    (tmp_path / "settings.toml").write_text('source = "sample"\n')
    return tmp_path


def left(home):
    return {path.relative_to(home).parts[0] for path in home.rglob("*") if path.is_file()}


def test_every_folder_is_explained():
    assert set(HOLDS) == set(settings.FOLDERS)


def test_it_shows_what_is_there(home, capsys):
    assert cli.main(["cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(home)
    rows = {line.split()[0]: line.split()[1:4] for line in lines[2:-1]}
    assert rows["hub"] == ["1", "1.5", "kB"], "what a link leads to is counted once"
    assert rows["sample"] == ["0", "0", "B"]
    assert set(rows) == set(settings.FOLDERS)
    assert lines[-1].startswith("4.5 kB in all")


def test_nothing_is_made_by_looking(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "none"))
    assert cli.main(["cache"]) == 0
    assert cli.main(["cache", "clear"]) == 0
    assert "nothing to clear" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_clearing_leaves_what_does_not_come_back(home, capsys):
    assert cli.main(["cache", "clear", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("3.0 kB cleared\n")
    assert left(home) == {"presets", "settings.toml"}


def test_clearing_what_is_named(home):
    assert cli.main(["cache", "clear", "presets", "-y"]) == 0
    assert left(home) == {"hub", "candles", "settings.toml"}


@pytest.mark.parametrize(
    ("answer", "code", "cleared"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)]
)
def test_it_asks_first(home, monkeypatch, capsys, answer, code, cleared):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert cli.main(["cache", "clear", "hub"]) == code
    assert f"Remove this from {home}?" in capsys.readouterr().out
    assert ("hub" not in left(home)) == cleared


def test_where_nobody_can_be_asked_it_says_so(home, capsys):
    assert cli.main(["cache", "clear"]) == 2
    assert "--yes clears without asking" in capsys.readouterr().err
    assert "hub" in left(home)


def test_a_folder_that_is_none_is_refused(home, capsys):
    assert cli.main(["cache", "clear", "settings.toml", "--yes"]) == 2
    assert "'settings.toml' is not one of hub, candles, " in capsys.readouterr().err
    assert "settings.toml" in left(home)


def test_a_linked_folder_is_emptied_and_stays_a_link(home, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "compiled").write_bytes(b"x")
    (home / "kernels").symlink_to(elsewhere)
    assert cli.main(["cache", "clear", "kernels", "--yes"]) == 0
    assert list(elsewhere.iterdir()) == []
    assert (home / "kernels").is_symlink()


def test_warming_makes_the_sample_and_compiles_every_indicator(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    loader._kept.clear()  # what other tests have loaded
    assert cli.main(["cache", "warm"]) == 0
    said = capsys.readouterr()
    names = IndicatorRegistry.names()
    assert f"{len(names)} indicators are ready in {tmp_path}" in said.out
    assert [line.split(None, 1)[1] for line in said.err.splitlines()[-len(names) :]] == names
    assert len(list(tmp_path.glob("sample/*/klines/BTCUSDT/*.parquet"))) == 3
