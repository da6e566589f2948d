"""Files as they should not be: whatever is in them, no bad candle reaches an indicator, and all is told.

SYSTEM_V4_MUTATED_FILES says how many files are tried (200 if unset).
"""

import io
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit import MACD, CandleError, KLineDataLoader, SourceError
from toolkit.candles import PRICE_COLUMNS

FILES = int(os.environ.get("SYSTEM_V4_MUTATED_FILES", "200"))
COUNT = 60


def good():
    random = np.random.default_rng(2)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, COUNT))), 2)
    return pd.DataFrame(
        {
            "open_time": pd.date_range("2024-01-01", periods=COUNT, freq="h").astype("int64") // 10**3,
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": 5.0,
            "number_of_trades": 3,
        }
    )


ROW = st.integers(0, COUNT - 1)
COLUMN = st.sampled_from([*good().columns])
ODD = st.sampled_from(
    [
        np.nan,
        np.inf,
        -np.inf,
        0,
        -1,
        1e308,
        5e-324,
        "",
        "x",
        "1,5",
        "NaN",
        "1e5",
        None,
        True,
        10**20,
        "2024-13-45",
    ]
)
MUTATION = st.one_of(
    st.tuples(st.just("cell"), ROW, COLUMN, st.one_of(ODD, st.floats(), st.integers(-(10**6), 10**6))),
    st.tuples(st.just("repeat"), ROW, st.none(), st.none()),
    st.tuples(st.just("drop"), ROW, st.none(), st.none()),
    st.tuples(st.just("swap"), ROW, st.none(), ROW),
    st.tuples(
        st.just("rename"), ROW, COLUMN, st.sampled_from(["OPEN", "x", "Timestamp", "low", "Volume", ""])
    ),
    st.tuples(st.just("remove"), ROW, COLUMN, st.none()),
)
# Bytes are changed after the file was written; None cuts it off there.
BYTES = st.lists(st.tuples(st.integers(0, 10**6), st.one_of(st.none(), st.integers(1, 255))), max_size=3)


def mutated(mutations):
    table = good().astype(object)
    for kind, row, column, value in mutations:
        at = row % max(len(table), 1)
        if kind == "cell" and column in table.columns and table.columns.is_unique and len(table):
            table.iloc[at, table.columns.get_loc(column)] = value
        elif kind == "repeat":
            table = pd.concat([table, table.iloc[at : at + 1]], ignore_index=True)
        elif kind == "drop":
            table = table.drop(index=table.index[at : at + 1]).reset_index(drop=True)
        elif kind == "swap" and len(table) > max(at, value):
            order = np.arange(len(table))
            order[[at, value]] = order[[value, at]]
            table = table.iloc[order].reset_index(drop=True)
        elif kind == "rename":
            table = table.rename(columns={column: value})
        elif kind == "remove" and column in table.columns:
            table = table.drop(columns=column)
    return table


def written(table, kind):
    if kind == "csv":
        return table.to_csv(index=False).encode()
    table = table.infer_objects()
    file = io.BytesIO()
    for name in dict.fromkeys(table.columns):
        if table.columns.is_unique and table[name].dtype == object:
            table[name] = table[name].map(lambda value: None if value is None else str(value))
    (table.to_parquet if kind == "parquet" else table.to_feather)(file)
    return file.getvalue()


@settings(
    max_examples=FILES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(MUTATION, max_size=8), st.sampled_from(["csv", "parquet", "feather"]), BYTES)
def test_no_bad_row_reaches_an_indicator(tmp_path, mutations, kind, changes):
    try:
        content = bytearray(written(mutated(mutations), kind))
    except (ValueError, TypeError, OverflowError):
        return  # two columns of one name and the like: no program writes such a file
    # A changed byte in a file without checksums can make another possible price, but never an impossible one.
    for at, value in changes if kind == "csv" else changes[:0]:
        if value is None:
            del content[at % (len(content) + 1) :]
        elif content:
            content[at % len(content)] ^= value
    folder = tmp_path / "klines" / "BTCUSDT"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / f"BTC_1h.{kind}").write_bytes(content)
    try:
        frame = KLineDataLoader.load_klines("BTCUSDT", "1h", source=tmp_path)
    except (SourceError, CandleError) as error:
        assert len(str(error)) > 20  # noqa: PT017 - a refusal that says why is as right as candles
        return
    assert KLineDataLoader.validate_data(frame) == (True, [])
    values = frame[list(PRICE_COLUMNS)].to_numpy()
    assert np.isfinite(values).all()
    report = frame.attrs["report"]
    assert report.candles == len(frame)
    told = (
        report.candles + report.duplicates + len(report.quarantined) + (report.dropped_unclosed is not None)
    )
    assert report.rows == told
    assert all(bad.reason for bad in report.quarantined)
    again = KLineDataLoader.load_klines("BTCUSDT", "1h", source=tmp_path)
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["report"].to_dict() == report.to_dict()
    macd = MACD().calculate(frame)["macd"]
    assert np.isfinite(macd.iloc[MACD().warmup :]).all() or values.max() > 1e300


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
