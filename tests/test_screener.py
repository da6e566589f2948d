"""Many pairs at once, against one pair at a time."""

import numpy as np
import pytest
from market import random_candles, same_bits

from toolkit import (
    CandleError,
    Indicator,
    IndicatorPipeline,
    KLineDataLoader,
    LoadError,
    PipelineError,
    SourceError,
    SyntheticDataWarning,
    screen,
)
from toolkit.controls import Progress, ScreenerTable
from toolkit.controls.screener_table import table_content
from toolkit.indicators import Line

PAIRS = {"BTC": (700, 1), "ETH": (400, 2), "SOL": (10, 3)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pairs; the third has fewer candles than any indicator needs."""
    place = tmp_path_factory.mktemp("pairs")
    for base, (count, seed) in PAIRS.items():
        (place / "klines" / f"{base}USDT").mkdir(parents=True)
        frame = random_candles(count, seed=seed).reset_index()
        frame["open_time"] = frame["open_time"].dt.tz_localize(None)
        frame.to_parquet(place / "klines" / f"{base}USDT" / f"{base}_1h.parquet")
    return place


@pytest.fixture(scope="module")
def pipeline():
    return IndicatorPipeline().add("RSI").add("MACD").add("RSI", {"period": 5}, label="quick")


@pytest.fixture(scope="module")
def found(folder, pipeline):
    return screen(pipeline, "1h", source=folder, recent=30)


def test_every_value_is_that_of_the_pair_alone(found, folder, pipeline):
    assert list(found.table.index) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    for symbol, row in found.table.iterrows():
        klines = KLineDataLoader.load_klines(symbol, "1h", source=folder)
        frame = pipeline.calculate(klines)
        names = [name for label in pipeline.indicators for name in pipeline.columns(label).values()]
        assert same_bits(row[names].astype(float), frame[names].iloc[-1])
        assert (row["time"], row["close"]) == (klines.index[-1], klines["close"].iloc[-1])
        np.testing.assert_array_equal(found.closes[symbol], klines["close"].to_numpy()[-31:])
        for label, signals in pipeline.get_all_signals(klines).items():
            recent = signals.position > len(klines) - 1 - 30
            expected = signals.signal_type[-1] if recent.any() else ""
            assert row[f"{label} signal"] == expected
            if expected:
                assert row[f"{label} age"] == len(klines) - 1 - signals.position[-1]
            else:
                assert np.isnan(row[f"{label} age"])


def test_change_is_that_of_the_recent_candles(found, folder):
    close = KLineDataLoader.load_klines("BTCUSDT", "1h", source=folder)["close"]
    assert found.table.loc["BTCUSDT", "change"] == pytest.approx(100 * (close.iloc[-1] / close.iloc[-31] - 1))
    assert np.isnan(found.table.loc["SOLUSDT", "change"])


def test_pairs_that_a_source_lacks_are_named_and_those_asked_for_must_be_there(found, folder, pipeline):
    assert len(found.failures) == 35
    assert "ADA_1h.parquet" in found.failures["ADAUSDT"]
    with pytest.raises(LoadError, match="ADAUSDT"):
        screen(pipeline, "1h", ["BTCUSDT", "ADAUSDT"], source=folder)
    with pytest.raises(LoadError):
        screen(pipeline, "1d", source=folder)
    one = screen(pipeline, "1h", ["eth"], source=folder)
    assert (list(one.table.index), one.failures) == (["ETHUSDT"], {})


@pytest.mark.parametrize("recent", [0, -1, 2.5, True, "24"])
def test_bad_input_is_named(pipeline, folder, recent):
    with pytest.raises(ValueError, match=r"screen: recent=.* is not allowed"):
        screen(pipeline, "1h", source=folder, recent=recent)
    with pytest.raises(CandleError, match="timeframe"):
        screen(pipeline, "2h", source=folder)
    with pytest.raises(CandleError, match="symbols: 'BTCUSDT' is one text"):
        screen(pipeline, "1h", "BTCUSDT", source=folder)


def test_an_indicator_that_fails_is_named(folder):
    class Broken(Indicator):
        """Fails."""

        inputs = ("close",)
        outputs = (Line("broken"),)
        warmup = 0
        state_size = 0

        @staticmethod
        def kernel(state, close, broken):
            raise ArithmeticError("no")

    with pytest.raises(PipelineError, match="mine"):
        screen(IndicatorPipeline().add(Broken(), label="mine"), "1h", ["BTCUSDT"], source=folder)


def test_progress_is_told_pair_by_pair(folder, pipeline):
    told = []
    screen(pipeline, "1h", ["BTCUSDT", "ETHUSDT"], source=folder, progress=lambda *step: told.append(step))
    assert told == [(0, 2, "BTCUSDT"), (1, 2, "ETHUSDT"), (2, 2, "")]


def test_real_and_synthetic_pairs_are_never_mixed(pipeline, folder):
    sample = screen(pipeline, "1d", ["BTCUSDT", "ETHUSDT"], source="sample")
    assert sample.table["synthetic"].all()
    assert table_content(sample)["synthetic"] is True


def test_auto_is_the_sample_for_all_where_one_cannot_be_had(pipeline, folder, monkeypatch):
    asked = []
    load = KLineDataLoader.load_klines

    def without_network(symbol, timeframe, *, source=None, **part):
        asked.append((symbol, source))
        if source == "hub":
            if symbol == "ETHUSDT":
                raise SourceError("hub: down")
            return load(symbol, timeframe, source=folder, **part)
        return load(symbol, timeframe, source=source, **part)

    monkeypatch.setattr(KLineDataLoader, "load_klines", without_network)
    with pytest.warns(SyntheticDataWarning, match="SYNTHETIC sample candles"):
        found = screen(pipeline, "1d", ["BTCUSDT", "ETHUSDT", "SOLUSDT"], source="auto")
    assert found.table["synthetic"].all()
    assert ("SOLUSDT", "hub") not in asked, "no more is fetched than needed to know"
    asked.clear()
    real = screen(pipeline, "1h", ["BTCUSDT", "SOLUSDT"], source="auto")
    assert not real.table["synthetic"].any()
    assert {source for _, source in asked} == {"hub"}


def test_the_real_ones_are_not_called_synthetic(found):
    assert not found.table["synthetic"].any()
    assert table_content(found)["synthetic"] is False


def test_a_picked_table_keeps_its_mark(found):
    picked = found.pick(["rsi", "close", "rsi"])
    assert list(picked.table.columns) == ["rsi", "close", "synthetic"]
    with pytest.raises(KeyError, match="nothing"):
        found.pick(["nothing"])


def test_what_the_table_sends_is_json(found):
    import json

    content = table_content(found)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    names = [column["name"] for column in content["columns"]]
    assert names[:4] == ["symbol", "time", "close", "change"]
    row = dict(zip(names, content["rows"][2], strict=True))
    assert (row["symbol"], row["rsi"], row["change"], row["RSI signal"]) == ("SOLUSDT", None, None, "")
    assert row["time"] == f"{found.table.loc['SOLUSDT', 'time']:%Y-%m-%d %H:%M}"
    assert (content["failed"], len(content["failures"])) == (35, 5)
    assert content["curves"][0] == found.closes["BTCUSDT"].tolist()
    long = found.pick(["close"])
    long.closes["BTCUSDT"] = np.arange(1000.0)
    assert len(table_content(long)["curves"][0]) <= 60
    assert repr(ScreenerTable(found)) == "<ScreenerTable of 3 pairs>"
    assert not any(word in ScreenerTable._esm for word in ("innerHTML", "insertAdjacentHTML"))


def test_the_bar_appears_after_half_a_second_and_goes(monkeypatch):
    from toolkit.controls import progress

    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    bar = Progress()
    bar(0, 10, "BTCUSDT")
    assert bar.layout.display == "none"
    clock[0] = 0.6
    bar(3, 10, "ETHUSDT")
    assert bar.layout.display is None
    assert (bar.children[0].value, bar.children[0].max) == (3, 10)
    assert bar.children[1].value == "3 of 10, ETHUSDT…"
    bar(10, 10)
    assert bar.layout.display == "none"
