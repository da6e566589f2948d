"""`toolkit check`: the reports as a table and as JSON."""

import json

import pandas as pd
import pytest
from market import random_candles

from toolkit import cli
from toolkit.candles import CandleReport


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """BTC in 1h with a gap, a bad row and a repeated one; ETH in 1d, unreadable."""
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
    table = random_candles(400, flat_share=0).drop(columns="quote_volume", errors="ignore").reset_index()
    table.loc[7, "high"] = -1.0
    table = pd.concat([table.drop(index=[50, 51, 52]), table.iloc[[9]]])
    place = tmp_path / "candles" / "klines"
    (place / "BTCUSDT").mkdir(parents=True)
    (place / "ETHUSDT").mkdir()
    table.to_parquet(place / "BTCUSDT" / "BTC_1h.parquet")
    (place / "ETHUSDT" / "ETH_1d.parquet").write_bytes(b"no candles")
    return tmp_path / "candles"


def cells(text):
    heads, row = (line.split("  ") for line in text.splitlines()[:2])
    return dict(
        zip(*([part.strip() for part in parts if part.strip()] for parts in (heads, row)), strict=True)
    )


def test_a_line_says_what_was_found(folder, capsys):
    assert cli.main(["check", "btc", "-t", "1h", "--source", str(folder)]) == 0
    said = capsys.readouterr()
    found = cells(said.out)
    assert {name: found[name] for name in ("pair", "timeframe", "rows", "candles", "gaps", "missing")} == {
        "pair": "BTCUSDT",
        "timeframe": "1h",
        "rows": "398",
        "candles": "396",
        "gaps": "2",
        "missing": "4",
    }
    assert (found["duplicates"], found["quarantined"], found["unclosed"]) == ("1", "1", "-")
    assert (found["first"], found["last"]) == ("2024-01-01 00:00", "2024-01-17 15:00")
    assert (found["no volume"], found["placeholders"]) == ("0.0%", "4")
    assert found["age"].endswith(" d")
    assert said.out.splitlines()[-1] == (
        f"1 of 1 files ({folder}): 396 candles, 2 gaps (4 missing), 1 rows quarantined"
    )
    assert said.err == ""


def test_what_cannot_be_loaded_is_a_failure(folder, capsys):
    assert cli.main(["check", "btc", "eth", "--source", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("1 of 6 files")
    assert "Not loaded: 5 of 6 files" in said.err
    assert "ETH_1d.parquet" in said.err
    assert "ETHUSDT 1d\n" in said.err


def test_a_folder_need_not_hold_everything(folder, capsys):
    (folder / "klines" / "ETHUSDT" / "ETH_1d.parquet").unlink()
    assert cli.main(["check", "--source", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("1 of 114 files")
    assert "Not there: AAVEUSDT 15m 1h 1d, " in said.err
    assert "BTCUSDT 15m 1d, " in said.err


def test_the_sample_says_what_it_is(capsys):
    assert cli.main(["check", "btc", "-t", "1d", "--source", "sample"]) == 0
    assert capsys.readouterr().out.startswith("SYNTHETIC sample candles: made up, no real market\n")
    assert cli.main(["check", "btc", "-t", "1d", "--source", "sample", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    assert report["synthetic"] is True


def test_json_is_the_whole_report(folder, capsys):
    assert cli.main(["check", "btc", "eth", "-t", "1h,1d", "--source", str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (report,) = found["reports"]
    assert report["source"] == str(folder)
    assert report["age_seconds"] > 0
    whole = CandleReport.from_dict(report)
    assert (len(whole.gaps), whole.missing, whole.quarantined[0].row) == (2, 4, 7)
    assert set(found["failed"]) == {"BTCUSDT 1d", "ETHUSDT 1h", "ETHUSDT 1d"}


def test_auto_checks_the_hub_and_puts_no_sample_in_its_place(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    monkeypatch.setenv("TOOLKIT_SOURCE", "auto")
    monkeypatch.setenv("TOOLKIT_HUB_ENDPOINT", "http://127.0.0.1:9")
    assert cli.main(["check", "btc"]) == 1
    said = capsys.readouterr()
    assert said.out == "0 of 3 files (hub): 0 candles, 0 gaps (0 missing), 0 rows quarantined\n"
    assert said.err.count("cannot be reached") == 1
    assert "BTCUSDT 15m 1h 1d" in said.err


def test_a_folder_that_is_not_there_is_said_in_one_line(capsys, tmp_path):
    assert cli.main(["check", "--source", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err == f"toolkit check: source: there is no folder {tmp_path}/nowhere\n"


def test_real_candles(real_candles, capsys):
    assert cli.main(["check", "--source", str(real_candles)]) == 0
    zrx = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("ZRXUSDT   15m"))
    assert "34.1%" in zrx
