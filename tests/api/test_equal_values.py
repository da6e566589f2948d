"""Notebook, REST in its three formats, WebSocket and client: the same values, to the last bit."""

import asyncio
import io

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from market import same_bits
from starlette.testclient import TestClient

from toolkit import IndicatorConfiguration, KLineDataLoader
from toolkit.api import create_app
from toolkit.candles import EXTRA_COLUMNS, PRICE_COLUMNS
from toolkit.client import Client

SERIES = ("BTCUSDT", "1h")
ADDRESS = "/api/klines?symbol=BTCUSDT&timeframe=1h"
LIMIT = 700


@pytest.fixture(scope="module")
def configuration():
    """A pipeline other than the default one."""
    return IndicatorConfiguration.from_dict(
        {
            "MACD": {"params": {"fast_period": 7, "slow_period": 31}},
            "RSI": {"params": {"period": 11}},
            "Bollinger Bands": {"params": {"std_dev": 2.5}},
        }
    )


@pytest.fixture(scope="module")
def notebook(configuration):
    """The frame of a notebook: everything computed, then the last candles."""
    klines = KLineDataLoader.load_klines(*SERIES, source="sample")
    return configuration.pipeline().calculate(klines)


@pytest.fixture(scope="module")
def rest(configuration):
    with TestClient(create_app(configuration, source="sample")) as client:
        yield client


def outputs(configuration):
    pipeline = configuration.pipeline()
    return {label: pipeline.columns(label) for label in pipeline.indicators}


def floats(values):
    return np.array(values, dtype=np.float64)


def begin(rest):
    """Both ends of the history: the warm-up with what is not defined, and the last candles."""
    return [("&end=2021-02-01&limit=5000", slice(0, 744)), (f"&limit={LIMIT}", slice(-LIMIT, None))]


def test_json(rest, notebook, configuration):
    for query, rows in begin(rest):
        expected = notebook.iloc[rows]
        found = rest.get(ADDRESS + query).json()
        times = pd.to_datetime([row["open_time"] for row in found["klines"]])
        assert (times == expected.index).all()
        for name in PRICE_COLUMNS:
            assert same_bits(floats([row[name] for row in found["klines"]]), expected[name])
        for label, columns in outputs(configuration).items():
            for output, column in columns.items():
                assert same_bits(
                    floats([row[output] for row in found["indicators"][label]]), expected[column]
                )
            assert [row["open_time"] for row in found["indicators"][label]] == [
                row["open_time"] for row in found["klines"]
            ]


def test_columns(rest, notebook, configuration):
    for query, rows in begin(rest):
        expected = notebook.iloc[rows]
        found = rest.get(f"{ADDRESS}{query}&format=columns").json()
        assert (pd.to_datetime(found["klines"]["open_time"]) == expected.index).all()
        for name in PRICE_COLUMNS:
            assert same_bits(floats(found["klines"][name]), expected[name])
        for label, columns in outputs(configuration).items():
            for output, column in columns.items():
                assert same_bits(floats(found["indicators"][label][output]), expected[column])


def test_arrow_as_pandas_and_polars_read_it(rest, notebook):
    for query, rows in begin(rest):
        expected = notebook.iloc[rows]
        found = rest.get(f"{ADDRESS}{query}&format=arrow")
        assert found.headers["content-type"] == "application/vnd.apache.arrow.stream"
        frame = pa.ipc.open_stream(found.content).read_pandas()
        assert list(frame.columns) == list(expected.columns)
        assert frame.index.equals(expected.index)
        assert frame.dtypes.equals(expected.dtypes)
        table = polars.read_ipc_stream(io.BytesIO(found.content))
        assert table["open_time"].dtype == polars.Datetime("ms", "UTC")
        numbers = expected.select_dtypes("float64").columns
        for name in numbers:
            assert same_bits(frame[name], expected[name])
            assert table[name].dtype == polars.Float64
            assert table[name].null_count() == expected[name].isna().sum()
            assert same_bits(table[name].to_numpy(), expected[name])
        assert table["synthetic"].all()


def test_the_replayed_stream(rest, notebook, configuration):
    start, count = "2025-12-20", 60
    at = notebook.index.searchsorted(pd.Timestamp(start, tz="UTC"))
    query = f"symbol=BTCUSDT&timeframe=1h&replay=1000&start={start}&limit=100"
    with rest.websocket_connect(f"/ws/chart?{query}") as socket:
        messages = [socket.receive_json() for _ in range(count + 1)]
    history = messages[0]["history"]
    before = notebook.iloc[at - 100 : at]
    for name in PRICE_COLUMNS:
        assert same_bits(floats([row[name] for row in history["klines"]]), before[name])
    for label, columns in outputs(configuration).items():
        for output, column in columns.items():
            assert same_bits(floats([row[output] for row in history["indicators"][label]]), before[column])
            streamed = [message["indicators"][label][output] for message in messages[1:]]
            assert same_bits(floats(streamed), notebook[column].iloc[at : at + count])
    for name in PRICE_COLUMNS:
        streamed = [message["latest_candle"][name] for message in messages[1:]]
        assert same_bits(floats(streamed), notebook[name].iloc[at : at + count])


def test_the_clients_frames_are_the_notebooks(serve, configuration, notebook):
    served = serve(create_app(configuration, source="sample"))
    klines = KLineDataLoader.load_klines(*SERIES, source="sample")
    with Client(served.url) as client:
        for start, end, limit in ((None, None, LIMIT), ("2021-01-01", "2021-02-01", 5000)):
            found = client.klines(*SERIES, start=start, end=end, limit=limit)
            part = KLineDataLoader.load_klines(*SERIES, start=start, end=end, last=limit, source="sample")
            expected = notebook.loc[part.index]
            pd.testing.assert_frame_equal(found, expected, check_exact=True, check_freq=True)
            assert all(same_bits(found[name], expected[name]) for name in found.select_dtypes("float64"))
            assert found.index.dtype == expected.index.dtype
            assert list(found.attrs) == list(part.attrs)
            assert found.attrs == part.attrs
            assert found.attrs["synthetic"] is True
            report = found.attrs["report"]
            assert report.summary() == part.attrs["report"].summary()
        found = client.signals(*SERIES, limit=300)
        wanted = configuration.pipeline().get_all_signals(klines)
        assert list(found) == list(wanted)
        for name, frame in found.items():
            expected = wanted[name][-300:].to_frame()
            pd.testing.assert_frame_equal(frame, expected, check_exact=True)
            assert frame.attrs["synthetic"] is True

        async def streamed():
            stream = client.stream(*SERIES, replay=1000, start="2025-12-20", limit=50)
            updates = []
            async for update in stream:
                updates.append(update)
                if len(updates) == 31:
                    break
            await stream.aclose()
            return updates

        first, *updates = asyncio.run(streamed())
    at = notebook.index.searchsorted(pd.Timestamp("2025-12-20", tz="UTC"))
    own = [name for name in notebook.columns if name not in (*EXTRA_COLUMNS, "synthetic")]
    pd.testing.assert_frame_equal(first.history, notebook.iloc[at - 50 : at][own], check_exact=True)
    assert first.history.attrs["synthetic"] is True
    assert [update.open_time for update in updates] == list(notebook.index[at : at + 30])
    for update, (_, row) in zip(updates, notebook.iloc[at : at + 30].iterrows(), strict=True):
        for name in PRICE_COLUMNS:
            assert same_bits([update.candle[name]], [row[name]])
        for label, columns in outputs(configuration).items():
            for output, column in columns.items():
                assert same_bits([update.indicators[label][output]], [row[column]])
    told = [(name, one) for update in updates for name, found in update.signals.items() for one in found]
    first, last = updates[0].open_time, updates[-1].open_time
    expected = [
        (name, one)
        for name, signals in wanted.items()
        for one in signals[-300:]
        if first <= one.timestamp <= last
    ]
    assert sorted(told, key=repr) == sorted(expected, key=repr)
    assert told


def test_real_candles(real_candles, serve):
    """Through a folder of real candles with gaps and quiet hours, one candle by candle."""
    source = str(real_candles)
    klines = KLineDataLoader.load_klines("ZRXUSDT", "1h", source=source)
    expected = IndicatorConfiguration().pipeline().calculate(klines)
    with Client(serve(create_app(source=source)).url) as client:
        found = client.klines("ZRXUSDT", "1h", limit=5000)
        pd.testing.assert_frame_equal(found, expected.iloc[-5000:], check_exact=True)
        assert found.attrs["synthetic"] is False

        async def streamed():
            return [
                update
                async for update in client.stream(
                    "ZRXUSDT", "1h", replay=1000, start=klines.index[-200], limit=0
                )
            ]

        updates = [update for update in asyncio.run(streamed()) if update.kind == "update"]
    assert len(updates) == 200
    for name, column in (("RSI", "rsi"), ("MACD", "macd_signal"), ("Bollinger Bands", "bb_position")):
        values = [update.indicators[name][column] for update in updates]
        assert same_bits(values, expected[column].iloc[-200:])
