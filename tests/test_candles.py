"""The candle contract: what is understood, what is refused, and that nothing disappears unmentioned."""

import copy
import dataclasses
import datetime
import decimal
import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.candles import (
    EXTRA_COLUMNS,
    PRICE_COLUMNS,
    SYMBOLS,
    TIMEFRAMES,
    CandleError,
    Gap,
    Quarantined,
    Stretch,
    aggregate,
    check_range,
    find_symbol,
    find_timeframe,
    is_synthetic,
    length_of,
    normalize,
    resample,
    select,
    timeframe_of,
    validate,
)
from toolkit.candles.resample import Bars

NOW = pd.Timestamp("2026-01-01", tz="UTC")
HOUR = pd.Timedelta("1h")


def raw_candles(count=48, *, seed=1, start="2024-01-01", timeframe="1h"):
    """A table such as the dataset's second writer leaves, without its placeholders."""
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, count))), 2)
    open_ = np.r_[100.0, close[:-1]]
    spread = np.round(random.uniform(0, 1, count), 2)
    times = pd.date_range(start, periods=count, freq=TIMEFRAMES[timeframe]).as_unit("ns")
    return pd.DataFrame(
        {
            "open_time": times,
            "open": open_,
            "high": np.maximum(open_, close) + spread,
            "low": np.minimum(open_, close) - spread,
            "close": close,
            "volume": np.round(random.uniform(1, 9, count), 3),
        }
    )


def check(raw, **changes):
    arguments = {"symbol": "BTCUSDT", "timeframe": "1h", "source": "test", "now": NOW} | changes
    return normalize(raw, **arguments)


def values(frame):
    return frame[list(PRICE_COLUMNS)].to_numpy()


def as_writer_a(raw):
    """Closes at .999, `ignore` a text, all columns known; the last row is unclosed."""
    return raw.assign(
        close_time=raw["open_time"] + HOUR - pd.Timedelta("1ms"),
        quote_asset_volume=raw["volume"] * 100,
        number_of_trades=17,
        taker_buy_base_asset_volume=raw["volume"] / 2,
        taker_buy_quote_asset_volume=raw["volume"] * 50,
        ignore="0",
    )


def as_writer_b(raw):
    zeros = dict.fromkeys(("quote_asset_volume", *EXTRA_COLUMNS[2:]), 0.0)
    return raw.assign(close_time=raw["open_time"] + HOUR, number_of_trades=0, ignore=0, **zeros)


# --- the contract ---------------------------------------------------------------------------------------


def test_a_clean_table_keeps_the_contract():
    raw = raw_candles()
    frame = check(raw, revision="abc")
    assert str(frame.index.dtype) == "datetime64[ms, UTC]"
    assert frame.index.name == "open_time"
    assert list(frame.columns) == list(PRICE_COLUMNS)
    assert (frame.dtypes == np.float64).all()
    assert (values(frame) == raw[list(PRICE_COLUMNS)].to_numpy()).all()
    assert frame.attrs["symbol"] == "BTCUSDT"
    assert frame.attrs["timeframe"] == "1h"
    assert frame.attrs["source"] == "test"
    assert frame.attrs["revision"] == "abc"
    assert frame.attrs["synthetic"] is False
    assert validate(frame) == (True, [])
    report = frame.attrs["report"]
    assert (report.rows, report.candles, report.missing, report.duplicates) == (48, 48, 0, 0)
    assert (report.quarantined, report.gaps, report.dropped_unclosed) == ((), (), None)
    assert report.missing_columns == EXTRA_COLUMNS
    assert report.first == frame.index[0]
    assert report.last == frame.index[-1]


def test_the_table_is_not_touched_and_not_shared():
    raw = raw_candles()
    before = raw.copy()
    frame = check(raw)
    frame.loc[:, "open"] = 7.0
    frame["close"].array[0] = 7.0
    pd.testing.assert_frame_equal(raw, before)


def test_timeframes_keep_the_resolution():
    frame = check(raw_candles())
    for length in TIMEFRAMES.values():
        assert (frame.index + length).dtype == frame.index.dtype


def test_the_38_pairs():
    assert len(SYMBOLS) == 38
    assert list(SYMBOLS) == sorted(set(SYMBOLS))


# --- both writers of the dataset ------------------------------------------------------------------------


def test_the_first_writers_last_row_is_dropped_and_reported():
    raw = as_writer_a(raw_candles())
    frame = check(raw)
    report = frame.attrs["report"]
    assert len(frame) == 47
    assert report.dropped_unclosed == pd.Timestamp("2024-01-02 23:00", tz="UTC")
    assert report.missing_columns == ()
    assert list(frame.columns) == [*PRICE_COLUMNS, *EXTRA_COLUMNS]
    assert (frame["number_of_trades"] == 17.0).all()


def test_the_first_writers_last_row_is_the_latest_wherever_it_stands():
    raw = as_writer_a(raw_candles()).iloc[::-1]
    assert check(raw).attrs["report"].dropped_unclosed == pd.Timestamp("2024-01-02 23:00", tz="UTC")


def test_an_archive_that_closes_at_999_lost_nothing():
    raw = as_writer_a(raw_candles()).assign(ignore=0)
    assert len(check(raw)) == 48


def test_the_second_writers_zeros_are_unknown():
    frame = check(as_writer_b(raw_candles()))
    assert len(frame) == 48
    assert frame[list(EXTRA_COLUMNS)].isna().all().all()
    assert frame.attrs["report"].missing_columns == EXTRA_COLUMNS


def test_zeros_of_candles_without_volume_are_known():
    raw = as_writer_a(raw_candles()).assign(ignore=0)
    raw.loc[5, ["volume", *EXTRA_COLUMNS]] = 0.0
    frame = check(raw)
    assert (frame.iloc[5][["volume", *EXTRA_COLUMNS]] == 0).all()
    assert frame.attrs["report"].zero_volume == 1


def test_placeholder_rows_among_known_ones():
    raw = as_writer_a(raw_candles()).assign(ignore=0)
    raw.loc[5, list(EXTRA_COLUMNS)] = 0.0
    frame = check(raw)
    assert frame.iloc[5][list(EXTRA_COLUMNS)].isna().all()
    assert frame.drop(frame.index[5])[list(EXTRA_COLUMNS)].notna().all().all()
    assert frame.attrs["report"].missing_columns == ()


def test_a_candle_that_closes_after_now_is_dropped():
    frame = check(raw_candles(), now=pd.Timestamp("2024-01-01 10:30", tz="UTC"))
    report = frame.attrs["report"]
    assert frame.index[-1] == pd.Timestamp("2024-01-01 09:00", tz="UTC")
    assert report.dropped_unclosed == pd.Timestamp("2024-01-01 10:00", tz="UTC")
    assert {bad.reason for bad in report.quarantined} == {"opens in the future"}
    assert len(report.quarantined) == 37


def test_a_candle_that_closes_now_is_kept():
    frame = check(raw_candles(), now=pd.Timestamp("2024-01-01 10:00"))
    assert frame.index[-1] == pd.Timestamp("2024-01-01 09:00", tz="UTC")
    assert frame.attrs["report"].dropped_unclosed == pd.Timestamp("2024-01-01 10:00", tz="UTC")


def test_a_bad_row_does_not_hide_the_unclosed_candle():
    raw = raw_candles()
    raw.loc[20, "open_time"] = pd.Timestamp("2024-01-01 10:07")
    report = check(raw, now=pd.Timestamp("2024-01-01 10:30", tz="UTC")).attrs["report"]
    assert report.dropped_unclosed == pd.Timestamp("2024-01-01 10:00", tz="UTC")
    assert report.last == pd.Timestamp("2024-01-01 09:00", tz="UTC")
    raw = as_writer_a(raw_candles())
    raw.loc[20, "open_time"] = pd.Timestamp("2024-01-03 10:07")
    assert check(raw).attrs["report"].dropped_unclosed == pd.Timestamp("2024-01-02 23:00", tz="UTC")


def test_repeated_rows_of_the_unclosed_candle_are_accounted_for():
    raw = as_writer_a(raw_candles())
    report = check(pd.concat([raw, raw.iloc[[-1]].assign(close=-5.0)])).attrs["report"]
    assert (report.rows, report.candles, report.duplicates, report.quarantined) == (49, 47, 1, ())


# --- every variant --------------------------------------------------------------------------------------

TIMES = raw_candles()["open_time"]
UTC = TIMES.dt.tz_localize("UTC")
MILLIS = TIMES.dt.as_unit("ms").astype("int64")
TIME_VARIANTS = {
    "seconds": MILLIS // 1000,
    "milliseconds": MILLIS,
    "microseconds": MILLIS * 1000,
    "nanoseconds": MILLIS * 1_000_000,
    "milliseconds, then microseconds": MILLIS.where(MILLIS.index < 20, MILLIS * 1000),
    "unsigned": MILLIS.astype("uint64"),
    "32 bits": (MILLIS // 1000).astype("int32"),
    "float": MILLIS.astype("float64"),
    "float nanoseconds": (MILLIS * 1_000_000).astype("float64"),
    "nullable": MILLIS.astype("Int64"),
    "arrow": MILLIS.astype("int64[pyarrow]"),
    "objects": MILLIS.astype(object),
    "naive s": TIMES.dt.as_unit("s"),
    "naive ms": TIMES.dt.as_unit("ms"),
    "naive us": TIMES.dt.as_unit("us"),
    "zoned": UTC,
    "zoned elsewhere": UTC.dt.tz_convert("America/New_York"),
    "arrow timestamps": UTC.astype("timestamp[us, tz=UTC][pyarrow]"),
    "timestamps": UTC.astype(object),
    "datetimes": pd.Series([time.to_pydatetime() for time in TIMES], dtype=object),
    "ISO": TIMES.dt.strftime("%Y-%m-%d %H:%M:%S"),
    "ISO T": TIMES.dt.strftime("%Y-%m-%dT%H:%M"),
    "ISO Z": TIMES.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ISO offset": UTC.dt.tz_convert("Asia/Kolkata").map(lambda time: time.isoformat()),
    "ISO mixed": TIMES.dt.strftime("%Y-%m-%dT%H:%M").where(MILLIS.index < 9, UTC.map(str)),
    "texts of milliseconds": MILLIS.astype(str),
    "texts of seconds": (MILLIS // 1000).astype(str),
    "categories": TIMES.dt.strftime("%Y-%m-%d %H:%M:%S").astype("category"),
    "texts with spaces": " " + TIMES.dt.strftime("%Y-%m-%d %H:%M:%S") + " ",
}


@pytest.mark.parametrize("place", ["column", "index"])
@pytest.mark.parametrize("variant", TIME_VARIANTS)
def test_times_in_every_form(variant, place):
    expected = check(raw_candles())
    raw = raw_candles().assign(open_time=TIME_VARIANTS[variant])
    frame = check(raw if place == "column" else raw.set_index("open_time"))
    pd.testing.assert_frame_equal(frame, expected)
    assert frame.attrs["report"] == expected.attrs["report"]


def test_days_as_dates_and_basic_iso():
    raw = raw_candles(timeframe="1d")
    expected = check(raw, timeframe="1d")
    for written in (
        raw["open_time"].dt.date,
        raw["open_time"].dt.strftime("%Y-%m-%d"),
        raw["open_time"].dt.strftime("%Y%m%d"),
    ):
        pd.testing.assert_frame_equal(check(raw.assign(open_time=written), timeframe="1d"), expected)


@pytest.mark.parametrize(
    "rename",
    [
        str.upper,
        str.title,
        lambda name: name.replace("_", " "),
        lambda name: name.replace("_", ""),
        lambda name: {"open_time": "timestamp"}.get(name, name),
        lambda name: {"open_time": "Date"}.get(name, name.capitalize()),
        lambda name: {"open_time": "datetime"}.get(name, name),
        lambda name: {"open_time": "time"}.get(name, name),
        lambda name: {"open_time": "openTime"}.get(name, name),
        lambda name: f" {name} ",
    ],
)
def test_names_in_every_form(rename):
    expected = check(as_writer_a(raw_candles()))
    pd.testing.assert_frame_equal(check(as_writer_a(raw_candles()).rename(columns=rename)), expected)
    indexed = as_writer_a(raw_candles()).rename(columns=rename)
    indexed = indexed.set_index(indexed.columns[0])
    pd.testing.assert_frame_equal(check(indexed), expected)


def test_the_archives_names_of_columns():
    raw = as_writer_a(raw_candles()).assign(ignore=0)
    archive = raw.rename(
        columns={
            "quote_asset_volume": "quote_volume",
            "number_of_trades": "count",
            "taker_buy_base_asset_volume": "taker_buy_volume",
            "taker_buy_quote_asset_volume": "taker_buy_quote_volume",
        }
    )
    pd.testing.assert_frame_equal(check(archive), check(raw))


def test_an_index_without_name():
    raw = raw_candles()
    expected = check(raw)
    for times in (pd.DatetimeIndex(TIMES), pd.Index(MILLIS.to_numpy()), pd.Index(TIMES.astype(str))):
        pd.testing.assert_frame_equal(check(raw.drop(columns="open_time").set_index(times)), expected)


def test_open_time_wins_over_other_times():
    raw = raw_candles().assign(date="2020-01-01", timestamp=5)
    pd.testing.assert_frame_equal(check(raw), check(raw_candles()))


@pytest.mark.parametrize(
    "convert",
    [
        str,
        lambda value: f" {value} ",
        decimal.Decimal,
        lambda value: np.float64(value),
    ],
)
def test_numbers_in_every_form(convert):
    raw = raw_candles()
    expected = check(raw)
    for name in PRICE_COLUMNS:
        raw[name] = pd.Series([convert(value) for value in raw[name].tolist()], dtype=object)
    pd.testing.assert_frame_equal(check(raw), expected)


@pytest.mark.parametrize("dtype", ["Float64", "float64[pyarrow]", "string", "str", "category"])
def test_number_types(dtype):
    raw = raw_candles()
    expected = check(raw)
    if dtype in ("string", "str"):
        raw = raw.astype(dict.fromkeys(PRICE_COLUMNS, str))
    pd.testing.assert_frame_equal(check(raw.astype(dict.fromkeys(PRICE_COLUMNS, dtype))), expected)


# --- what cannot be true --------------------------------------------------------------------------------

IMPOSSIBLE = {
    "open NaN": ({"open": math.nan}, "open is not a finite number"),
    "high infinite": ({"high": math.inf}, "high is not a finite number"),
    "low minus infinite": ({"low": -math.inf}, "low is not a finite number"),
    "close missing": ({"close": None}, "close is not a finite number"),
    "volume NaN": ({"volume": math.nan}, "volume is not a finite number"),
    "volume infinite": ({"volume": math.inf}, "volume is not a finite number"),
    "zero": ({"open": 0.0, "high": 0.0, "low": 0.0, "close": 0.0}, "open is not above zero"),
    "low zero": ({"low": 0.0}, "low is not above zero"),
    "low negative": ({"low": -1.0}, "low is not above zero"),
    "volume negative": ({"volume": -0.001}, "volume is negative"),
    "high below low": ({"high": 50.0, "low": 60.0}, "high is below low"),
    "open above high": ({"open": 1e6}, "open is outside low to high"),
    "close below low": ({"close": 1e-6}, "close is outside low to high"),
    "off the grid": ({"open_time": pd.Timestamp("2024-01-01 07:00:01")}, "open_time is not on the 1h grid"),
    "off by a nanosecond": (
        {"open_time": pd.Timestamp("2024-01-01 07:00:00.000000001")},
        "open_time is not on the 1h grid",
    ),
    "no time": ({"open_time": pd.NaT}, "open_time cannot be read"),
    "far future": ({"open_time": pd.Timestamp("2100-01-01")}, "opens in the future"),
}


@pytest.mark.parametrize("fault", IMPOSSIBLE)
def test_impossible_rows_are_quarantined_with_their_reason(fault):
    changes, reason = IMPOSSIBLE[fault]
    raw = raw_candles()
    for name, value in changes.items():
        raw.loc[7, name] = value
    frame = check(raw)
    report = frame.attrs["report"]
    assert [(bad.row, bad.reason) for bad in report.quarantined] == [(7, reason)]
    assert report.rows == report.candles + 1
    kept = check(raw_candles()).drop(pd.Timestamp("2024-01-01 07:00", tz="UTC"))
    pd.testing.assert_frame_equal(frame, kept, check_freq=False)
    assert [(gap.after.hour, gap.before.hour, gap.missing) for gap in report.gaps] == [(6, 8, 1)]
    assert validate(frame) == (True, [])


@pytest.mark.parametrize("text", ["n/a", "", "1,234.5", "0x10", "--", "１２x", "1e", True])
def test_texts_that_are_no_numbers(text):
    raw = raw_candles().astype({"close": object})
    raw.loc[7, "close"] = text
    if text is True:
        raw["close"] = pd.Series([True] * len(raw))
        with pytest.raises(CandleError, match="close is not a finite number"):
            check(raw)
        return
    assert [bad.row for bad in check(raw).attrs["report"].quarantined] == [7]


@pytest.mark.parametrize("time", ["soon", "2024-13-01", "", "07:00", "1/2/2024 07:00", "7"])
def test_texts_that_are_no_times(time):
    raw = raw_candles().astype({"open_time": str})
    raw.loc[7, "open_time"] = time
    (bad,) = check(raw).attrs["report"].quarantined
    assert (bad.row, bad.reason, bad.open_time) == (7, "open_time cannot be read", None)


def test_other_columns_that_cannot_be_true():
    raw = as_writer_a(raw_candles()).assign(ignore=0)
    raw["number_of_trades"] = raw["number_of_trades"].astype(float)
    raw.loc[3, "quote_asset_volume"] = -1.0
    raw.loc[4, "number_of_trades"] = math.inf
    raw.loc[5, "number_of_trades"] = math.nan
    report = check(raw).attrs["report"]
    assert [(bad.row, bad.reason) for bad in report.quarantined] == [
        (3, "quote_asset_volume is negative or infinite"),
        (4, "number_of_trades is negative or infinite"),
    ]


def test_close_times_that_cannot_be_true():
    raw = as_writer_b(raw_candles())
    raw.loc[3, "close_time"] = raw.loc[3, "open_time"]
    raw.loc[4, "close_time"] += pd.Timedelta("1s")
    raw.loc[5, "close_time"] -= pd.Timedelta("20min")
    assert [(bad.row, bad.reason) for bad in check(raw).attrs["report"].quarantined] == [
        (3, "closes before it opens"),
        (4, "close_time is later than the timeframe allows"),
    ]


def test_duplicates_and_order():
    raw = raw_candles()
    shuffled = pd.concat([raw, raw.iloc[[4, 4, 9]]]).sample(frac=1, random_state=3)
    frame = check(shuffled)
    pd.testing.assert_frame_equal(frame, check(raw))
    report = frame.attrs["report"]
    assert report.duplicates == 3
    assert sorted(time.hour for time in report.duplicated) == [4, 4, 9]
    assert report.unsorted > 0
    assert report.rows == 51


def test_rows_that_contradict_each_other_are_all_left_out():
    raw = raw_candles()
    other = raw.iloc[[4]].assign(volume=123.0)
    report = check(pd.concat([raw, other, raw.iloc[[4]]])).attrs["report"]
    assert report.candles == 47
    assert [bad.row for bad in report.quarantined] == [4, 48, 49]
    assert {bad.reason for bad in report.quarantined} == {"several different rows have this open_time"}
    assert report.duplicates == 0


def test_an_impossible_row_does_not_contradict_a_good_one():
    raw = raw_candles()
    report = check(pd.concat([raw, raw.iloc[[4]].assign(close=math.nan)])).attrs["report"]
    assert (report.candles, len(report.quarantined), report.duplicates) == (48, 1, 0)


def test_gaps_and_their_places():
    report = check(raw_candles().drop(index=[5, 6, 7, 20])).attrs["report"]
    places = [(gap.after.hour, gap.before.hour, gap.missing) for gap in report.gaps]
    assert places == [(4, 8, 3), (19, 21, 1)]
    assert report.missing == 4


# --- tables that cannot be used -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (raw_candles().drop(columns=["low", "volume"]), "no column low, volume; columns are open_time, open"),
        (raw_candles().drop(columns="open_time"), "no open times"),
        (raw_candles().iloc[:0], "no candle at all"),
        (raw_candles().assign(OPEN=1.0), "columns 'open' and 'OPEN' both mean open"),
        (raw_candles().assign(close=math.nan), "none of 48 rows is a usable candle .close is not a finite"),
        (raw_candles().iloc[:1].pipe(as_writer_a), "only the unclosed candle"),
        (raw_candles(timeframe="15m"), "rows are 0 days 00:15:00 apart"),
        (raw_candles(timeframe="1d"), "rows are 1 days 00:00:00 apart"),
        (raw_candles().assign(open_time=range(48)), "open_time cannot be read"),
        (raw_candles(start="2024-01-01 00:30"), "open at times such as 2024-01-01 00:30"),
        (raw_candles().set_index(["open_time", "open"]), "several levels"),
        (raw_candles()["open"], "is a Series, not a DataFrame"),
    ],
)
def test_tables_that_cannot_be_used(raw, message):
    with pytest.raises(CandleError, match=message) as caught:
        check(raw)
    assert "BTCUSDT 1h from test" in str(caught.value)


def test_an_unknown_timeframe():
    for timeframe in ("1M", "0h", "h", "", None, 60, "1 h"):
        with pytest.raises(CandleError, match="is not a whole number of minutes, hours, days or weeks"):
            check(raw_candles(), timeframe=timeframe)
    with pytest.raises(CandleError, match="are not candles of this timeframe"):
        check(raw_candles(), timeframe="4h")


def test_other_timeframes_than_the_loaders():
    raw = raw_candles(12).assign(open_time=pd.date_range("2024-01-01", periods=12, freq="4h"))
    frame = check(raw, timeframe="4h")
    assert timeframe_of(frame) == length_of("4h") == pd.Timedelta("4h")
    assert validate(frame) == (True, [])
    weeks = raw.assign(open_time=pd.date_range("2024-01-01", periods=12, freq="7D"))  # Mondays
    assert validate(check(weeks, timeframe="1w")) == (True, [])
    with pytest.raises(CandleError, match="but open at times such as 2024-01-02"):
        check(weeks.assign(open_time=weeks["open_time"] + pd.Timedelta("1D")), timeframe="1w")


def test_a_candle_that_was_forming_when_the_file_was_written():
    raw = raw_candles(12)
    written = raw["open_time"].iloc[-1] + pd.Timedelta("20min")
    frame = check(raw, written=written)
    assert len(frame) == 11
    assert frame.attrs["report"].dropped_unclosed == raw["open_time"].iloc[-1].tz_localize("UTC")
    assert len(check(raw, written=written + pd.Timedelta("40min"))) == 12
    assert len(check(raw, written=pd.Timestamp("1980-01-01"))) == 12, "an unlikely time proves nothing"


# --- mutated tables (hypothesis) ------------------------------------------------------------------------

PRICE = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 5e-324, 1e-9, 99.99, 100.01, 1e308])
CELL = st.tuples(st.just("cell"), st.integers(0, 29), st.sampled_from(PRICE_COLUMNS), PRICE)
SHIFT = st.tuples(st.just("shift"), st.integers(0, 29), st.integers(-7200, 7200), st.none())
REPEAT = st.tuples(st.just("repeat"), st.integers(0, 29), st.none(), st.none())
DROP = st.tuples(st.just("drop"), st.integers(0, 29), st.none(), st.none())
ORDER = st.tuples(st.just("order"), st.integers(0, 9), st.none(), st.none())
LOSE = st.tuples(st.just("lose"), st.integers(0, 29), st.none(), st.none())


def mutate(mutations):
    raw = raw_candles(30)
    for kind, where, what, value in mutations:
        row = where % max(len(raw), 1)
        if not len(raw):
            break
        if kind == "cell":
            raw.iloc[row, raw.columns.get_loc(what)] = value
        elif kind == "shift":
            raw.iloc[row, 0] += pd.Timedelta(what, "s")
        elif kind == "repeat":
            raw = pd.concat([raw, raw.iloc[[row]]], ignore_index=True)
        elif kind == "drop":
            raw = raw.drop(index=raw.index[row]).reset_index(drop=True)
        elif kind == "order":
            raw = raw.sample(frac=1, random_state=where).reset_index(drop=True)
        else:
            raw.iloc[row, 0] = pd.NaT
    return raw


def possible(row):
    """The contract once more, for one row and in the plainest way."""
    prices = [row.open, row.high, row.low, row.close]
    if not all(math.isfinite(value) for value in [*prices, row.volume]) or min(prices) <= 0 or row.volume < 0:
        return False
    if pd.isna(row.open_time) or row.open_time.value % HOUR.value or row.open_time.tz_localize("UTC") > NOW:
        return False
    return row.low <= row.open <= row.high and row.low <= row.close <= row.high


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(CELL, CELL, SHIFT, REPEAT, DROP, ORDER, LOSE), max_size=15))
def test_no_impossible_row_gets_through_and_no_possible_one_is_lost(mutations):
    raw = mutate(mutations)
    good = {}
    for row in raw.itertuples():
        if possible(row):
            good.setdefault(row.open_time.tz_localize("UTC"), set()).add(row[2:])
    expected = {time: candles.pop() for time, candles in good.items() if len(candles) == 1}
    try:
        frame = check(raw)
    except CandleError as error:
        assert not expected or "apart" in str(error)  # noqa: PT017 - both outcomes are right for some tables
        return
    assert validate(frame) == (True, [])
    assert {time: tuple(row) for time, row in zip(frame.index, values(frame), strict=True)} == expected
    report = frame.attrs["report"]
    assert report.rows == len(raw) == report.candles + report.duplicates + len(report.quarantined)
    assert len({bad.row for bad in report.quarantined}) == len(report.quarantined)
    assert report.missing == (frame.index[-1] - frame.index[0]) // HOUR + 1 - len(frame)
    assert json.loads(json.dumps(report)) == report.to_dict()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(CELL, SHIFT, REPEAT, ORDER), max_size=10), st.integers(0, 2**32 - 1))
def test_what_was_normalized_stays_as_it_is(mutations, seed):
    try:
        frame = check(mutate(mutations))
    except CandleError:
        return
    again = check(frame.sample(frac=1, random_state=seed))
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["report"].quarantined == ()


# --- validate -------------------------------------------------------------------------------------------


def broken(change):
    frame = check(raw_candles())
    other = change(frame)
    return other if isinstance(other, pd.DataFrame) else frame


FAULTY = [
    (lambda f: f.__setitem__("open", f["open"].astype("float32")), "column open is float32"),
    (
        lambda f: f.iloc.__setitem__((3, 1), np.nan),
        "high is not a finite number: 1 candles, the first at 2024",
    ),
    (lambda f: f.iloc.__setitem__((3, 2), -1.0), "low is not above zero"),
    (lambda f: f.iloc.__setitem__((3, 4), -1.0), "volume is negative"),
    (lambda f: f.iloc.__setitem__((3, 3), 1e9), "close is outside low to high"),
    (lambda f: f.pop("volume"), "column missing: volume"),
    (lambda f: setattr(f.index, "name", "time"), "index is named 'time'"),
    (lambda f: setattr(f, "index", f.index.tz_localize(None)), "time zone None"),
    (lambda f: setattr(f, "index", f.index[::-1]), "earlier than the one before"),
    (lambda f: setattr(f, "index", f.index[[0] * len(f)]), "more than once"),
    (lambda f: setattr(f, "index", f.index + pd.Timedelta("1s")), "not on the 1h grid"),
    (lambda f: setattr(f, "index", range(len(f))), "not a UTC DatetimeIndex"),
    (lambda f: f.insert(0, "close", 1.0, allow_duplicates=True), "column more than once: close"),
    (lambda f: f.iloc[:0], "holds no candle"),
]


@pytest.mark.parametrize(("change", "message"), FAULTY, ids=[message for _, message in FAULTY])
def test_validate_names_the_fault(change, message):
    ok, issues = validate(broken(change))
    assert not ok
    assert any(message in issue for issue in issues), issues


@pytest.mark.parametrize("thing", [None, 3, [], pd.DataFrame(), raw_candles(), pd.Series([1.0])])
def test_validate_takes_anything(thing):
    ok, issues = validate(thing)
    assert not ok
    assert issues


# --- report ---------------------------------------------------------------------------------------------


def a_report():
    raw = pd.concat([raw_candles().drop(index=[5]), raw_candles().iloc[[7]]])
    raw.iloc[9, 1] = math.nan
    return check(as_writer_a(raw)).attrs["report"]


def test_a_report_copies_as_itself_and_pickles():
    report = a_report()
    assert copy.copy(report) is report
    assert copy.deepcopy(report) is report
    assert pickle.loads(pickle.dumps(report)) == report
    assert pickle.loads(pickle.dumps(report)).gaps == report.gaps
    frame = check(raw_candles())
    assert frame.iloc[:5].attrs["report"] is frame.attrs["report"]


def test_a_report_cannot_be_changed():
    report = a_report()
    with pytest.raises(AttributeError):
        report.candles = 3
    for change in (
        lambda: report.__setitem__("candles", 3),
        lambda: report.pop("candles"),
        lambda: report.update(candles=3),
        report.clear,
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change()
    report.to_dict()["gaps"].clear()
    assert report["gaps"]


def test_a_report_is_json_and_says_the_same():
    report = a_report()
    said = json.loads(json.dumps(report))
    assert said == report.to_dict()
    assert said["candles"] == report.candles == 45
    assert said["duplicates"] == 1
    assert said["missing"] == report.missing == 2
    assert said["gaps"][0] == ["2024-01-01T04:00:00+00:00", "2024-01-01T06:00:00+00:00", 1]
    assert said["quarantined"] == [["2024-01-01T10:00:00+00:00", "open is not a finite number", 9]]
    assert said["dropped_unclosed"] == "2024-01-02T23:00:00+00:00"


def test_a_report_in_words():
    text = repr(a_report())
    for part in (
        "BTCUSDT 1h",
        "45 candles",
        "2 gaps (2 missing)",
        "1 duplicate",
        "1 row quarantined",
        "unclosed",
    ):
        assert part in text


def a_dirty_report(**changes):
    """Two gaps, a quiet stretch, rows left out, one of them of no time; newest candle 2024-01-02T22:00."""
    return dataclasses.replace(
        a_report(),
        zero_volume=9,
        zero_volume_stretches=(Stretch(utc("2024-01-01T21:00"), utc("2024-01-02T01:00"), 5),),
        quarantined=(
            Quarantined(None, "open_time cannot be read", 3),
            Quarantined(utc("2024-01-01T10:00"), "high is below low", 9),
        ),
        **changes,
    )


def test_a_report_in_short_is_json_and_says_when():
    report = a_dirty_report()
    said = report.summary()
    assert json.loads(json.dumps(said)) == said
    assert said["text"] == str(report) == repr(report)[len("<CandleReport ") : -1]
    assert (said["gaps"], said["missing"], said["quarantined"], said["zero_volume"]) == (2, 2, 2, 9)
    gap = report.gaps[0]
    assert said["found"]["gap"][-1] == [
        (gap.after + pd.Timedelta("1h")).isoformat(),
        gap.before.isoformat(),
        "2024-01-01 05:00 to 06:00: 1 candle missing",
    ]
    assert said["found"]["no_volume"] == [
        [
            "2024-01-01T21:00:00+00:00",
            "2024-01-02T02:00:00+00:00",
            "2024-01-01 21:00 to 2024-01-02 02:00: 5 candles without volume",
        ]
    ]
    assert said["found"]["quarantined"] == [
        [
            "2024-01-01T10:00:00+00:00",
            "2024-01-01T11:00:00+00:00",
            "2024-01-01 10:00 to 11:00: high is below low",
        ],
        [None, None, "row 3: open_time cannot be read"],
    ]
    assert said["found"]["incomplete"] == []


def test_what_a_summary_lists_is_bounded_and_the_newest():
    hours = check(raw_candles(2000)).index
    gaps = tuple(Gap(hours[i], hours[i + 3], 2) for i in range(0, 1990, 4))
    report = dataclasses.replace(a_report(), gaps=gaps)
    said = report.summary()
    assert said["gaps"] == len(gaps) > 400
    assert len(said["found"]["gap"]) == 20
    assert said["found"]["gap"][0][1] == gaps[-1].before.isoformat()
    assert len(report.findings("gap", 3)) == 3
    with pytest.raises(ValueError, match="kind: 'hole' is not allowed"):
        report.findings("hole")


def test_candles_are_stale_a_day_late_where_more_are_to_come():
    closed = a_report().closed
    asked = a_dirty_report(fetched=closed)
    for hours, behind, stale in ((0.9, 0, False), (23.9, 23, False), (24, 24, True), (24 * 50, 1200, True)):
        now = closed + pd.Timedelta(hours=hours)
        assert (asked.behind(now), asked.stale(now)) == (behind, stale)
        assert ("stale by" in asked.text(now)) == stale
        assert asked.summary(now)["stale"] is stale
    assert "stale by 24 hours, " in asked.text(closed + pd.Timedelta("24h"))
    assert "stale by 50 days, " in asked.text(closed + pd.Timedelta("50D"))
    late = closed + pd.Timedelta("50D")
    assert not a_dirty_report().stale(late), "nothing is added to a table of one's own"
    past = a_dirty_report(fetched=closed, end=closed + pd.Timedelta("3h"))
    assert (past.behind(late), past.stale(late)) == (3, False), "no more was asked for"
    days = dataclasses.replace(asked, timeframe="1d")
    assert not days.stale(days.closed + pd.Timedelta("47h"))
    assert days.stale(days.closed + pd.Timedelta("48h"))


def test_a_share_is_never_rounded_to_nothing():
    assert "under 0.1% without volume" in dataclasses.replace(a_report(), candles=9999, zero_volume=1).text()


def test_frames_can_be_saved_with_their_report(tmp_path):
    frame = check(raw_candles())
    frame.to_parquet(tmp_path / "candles.parquet")
    back = pd.read_parquet(tmp_path / "candles.parquet")
    assert back.attrs["report"] == frame.attrs["report"].to_dict()
    pd.testing.assert_frame_equal(check(back), frame, check_freq=False)


# --- synthetic ------------------------------------------------------------------------------------------


def test_the_synthetic_mark_survives():
    real = check(raw_candles())
    made_up = check(raw_candles(start="2024-02-01"), synthetic=True)
    assert not is_synthetic(real)
    assert "synthetic" not in real
    assert made_up["synthetic"].all()
    assert validate(made_up) == (True, [])
    for combined in (
        made_up,
        made_up.iloc[3:9],
        pd.concat([real, made_up]),
        pd.concat([made_up, real]),
        real.join(made_up, suffixes=("", "_other"), how="outer"),
        real.merge(made_up, left_index=True, right_index=True, how="outer", suffixes=("_a", "_b")),
        pd.concat({"A": real, "B": made_up}, axis=1),
        pd.concat({"A": made_up, "B": made_up}, axis=1),
        made_up.merge(made_up, left_index=True, right_index=True),
        check(made_up),
        check(pd.concat([real, made_up])),
        made_up.reset_index().drop(columns="open_time"),
    ):
        assert is_synthetic(combined)
    assert not is_synthetic(pd.concat([real, real.iloc[:0]]))


def test_the_synthetic_mark_survives_a_file(tmp_path):
    check(raw_candles(), synthetic=True).to_parquet(tmp_path / "f.parquet")
    assert is_synthetic(check(pd.read_parquet(tmp_path / "f.parquet")))


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "btcusdt", "btc", "BTC/USDT", "BTC-USDT", "btc_usdt", " BTC ", "BTC:USDT"]
)
def test_symbols_as_people_write_them(text):
    assert find_symbol(text) == "BTCUSDT"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BTCUSD", "'BTCUSD' is not supported; did you mean 'BTCUSDT'"),
        ("etherUSDT", "'etherUSDT' is not supported; did you mean 'ETHUSDT'"),
        ("MATIK", "did you mean 'MATICUSDT'"),
        ("qqqqqqq", "supported are AAVEUSDT, ADAUSDT"),
        ("", "is not supported"),
        ("../etc", "is not supported"),  # a path, and not Ethereum Classic: one separator only
        ("b/t/c", "is not supported"),
        ("BTC//USDT", "is not supported"),
        (None, "None is not a text"),
        (3, "3 is not a text"),
    ],
)
def test_unknown_symbols(text, message):
    with pytest.raises(CandleError, match=message):
        find_symbol(text)


def test_timeframes_as_people_write_them():
    assert find_timeframe("1H") == "1h"
    for text in ("4h", "", None, 60, "1m"):
        with pytest.raises(CandleError, match="allowed are '15m', '1h' or '1d'"):
            find_timeframe(text)


def test_the_length_of_a_frames_candles():
    frame = check(raw_candles())
    assert timeframe_of(frame) == HOUR
    frame.attrs = {}
    assert timeframe_of(frame) == HOUR
    assert timeframe_of(frame.iloc[[0, 3, 5]]) == 2 * HOUR
    assert timeframe_of(frame.iloc[:1]) is None
    assert timeframe_of(frame.reset_index()) is None


# --- a part by time -------------------------------------------------------------------------------------


def utc(text):
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.parametrize(
    "start",
    [
        "2024-01-01T06:00",
        "2024-01-01 06:00:00+00:00",
        "2024-01-01T07:00+01:00",
        "2024-01-01T05:00:00.0001",
        datetime.datetime(2024, 1, 1, 6),
        datetime.datetime(2024, 1, 1, 6, tzinfo=datetime.UTC),
        pd.Timestamp("2024-01-01 06:00"),
        pd.Timestamp("2024-01-01 01:00", tz="America/New_York"),
        np.datetime64("2024-01-01T06:00"),
    ],
)
def test_bounds_in_every_form(start):
    part = select(check(raw_candles()), start, "2024-01-01T09:00")
    assert part.index[0] == utc("2024-01-01 06:00"), "the start belongs to it"
    assert part.index[-1] == utc("2024-01-01 08:00"), "the end does not"


def test_dates_and_years_as_bounds():
    frame = check(raw_candles())
    assert len(select(frame, "2024-01-02")) == 24
    assert len(select(frame, datetime.date(2024, 1, 2))) == 24
    assert len(select(frame, "2024", "20240102")) == 24
    assert len(select(frame, None, None)) == 48


@pytest.mark.parametrize(
    "bound", ["soon", "now", "", "12:00", "31-12-2024", "2024-13-01", 5, 1.5, pd.NaT, [], "99999"]
)
def test_bounds_that_are_no_times(bound):
    with pytest.raises(CandleError, match="start"):
        check_range(bound, None)
    with pytest.raises(CandleError, match="end"):
        check_range(None, bound)


@pytest.mark.parametrize("end", ["2024-01-01", "2023-01-01", "2024-01-01T00:00+01:00"])
def test_a_range_must_not_be_empty(end):
    with pytest.raises(CandleError, match=r"start .* is not before end"):
        check_range("2024-01-01", end)


def test_a_range_without_candles_says_what_there_is():
    with pytest.raises(CandleError, match=r"no candle opens.*2024-01-01.*2024-01-02 23:00"):
        select(check(raw_candles()), "2025-01-01")


def test_a_parts_report_is_about_the_part():
    raw = pd.concat([raw_candles().drop(index=[5, 6, 7, 30]), raw_candles().iloc[[10, 40]]])
    raw.loc[12, "low"] = -1.0
    raw.loc[13, "volume"] = 0.0
    whole = check(as_writer_a(raw))
    part = select(whole, "2024-01-01T06:00", "2024-01-02T00:00")
    report = part.attrs["report"]
    assert report.start == utc("2024-01-01 06:00")
    assert report.end == utc("2024-01-02")
    assert report.candles == len(part)
    assert (report.first, report.last) == (part.index[0], part.index[-1])
    assert [gap.missing for gap in report.gaps] == [2, 1], "of the first gap two candles lie inside"
    assert report.candles + report.missing == 18
    assert [time.hour for time in report.duplicated] == [10]
    assert [bad.open_time.hour for bad in report.quarantined] == [12]
    assert report.zero_volume == 1
    assert report.dropped_unclosed is None
    assert whole.attrs["report"].start is None
    assert part.attrs["symbol"] == "BTCUSDT"


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(1, 46), max_size=30), st.integers(-90, 2900), st.integers(1, 1500))
def test_gaps_of_a_part_count_what_is_missing_inside(dropped, begin, length):
    frame = check(raw_candles().drop(index=sorted(dropped)))
    start = utc("2024-01-01") + pd.Timedelta(begin, "min")
    end = start + pd.Timedelta(length, "min")
    hours = pd.date_range("2024-01-01", periods=48, freq="h", tz="UTC")
    asked = (hours >= start) & (hours < end)
    missing = asked & np.isin(np.arange(48), sorted(dropped))
    try:
        report = select(frame, start, end).attrs["report"]
    except CandleError:
        assert (asked == missing).all()
        return
    assert report.missing == missing.sum()
    assert report.candles == asked.sum() - missing.sum()


def test_a_part_shares_nothing_with_the_whole():
    whole = check(raw_candles())
    before = whole.copy()
    for part in (select(whole), select(whole, "2024-01-01T06:00")):
        part.iloc[0, 0] = 7.0
        part["close"].array[:] = 7.0
        part["high"] += 1
        part.index.array._ndarray[:] = np.datetime64(0, "ms")
        part.attrs["symbol"] = "other"
        del part["volume"]
    pd.testing.assert_frame_equal(whole, before)
    assert whole.attrs["symbol"] == "BTCUSDT"


# --- longer candles -------------------------------------------------------------------------------------

QUARTER = 15 * 60 * 1000


def bars(rows):
    """Bars from (quarter of the day, open, high, low, close, volume)."""
    columns = np.array(rows, dtype=np.float64).T
    return Bars((columns[0] * QUARTER).astype(np.int64), *columns[1:])


def test_longer_candles():
    hours = aggregate(
        bars(
            [
                (0, 5, 5, 5, 5, 0),  # repeats an older close: no price of its own
                (1, 7, 9, 6, 8, 1),
                (3, 8, 8.5, 4, 8.2, 2),
                (4, 8, 8, 8, 8, 0),
                (5, 8, 8, 8, 8, 0),  # an hour without trades is flat
                (13, 3, 4, 2, 3, 5),  # after an hour of which nothing is there
            ]
        ),
        4 * QUARTER,
    )
    assert (hours.millis // (4 * QUARTER)).tolist() == [0, 1, 3]
    assert hours.open.tolist() == [7, 8, 3]
    assert hours.high.tolist() == [9, 8, 4]
    assert hours.low.tolist() == [4, 8, 2]
    assert hours.close.tolist() == [8.2, 8, 3]
    assert hours.volume.tolist() == [3, 0, 5]


def a_day_of_quarters(**changes):
    raw = raw_candles(96, timeframe="15m")
    return normalize(raw, symbol="BTCUSDT", timeframe="15m", source="test", now=NOW, **changes)


def test_resample():
    quarters = a_day_of_quarters(revision="abc")
    before = quarters.copy()
    hours = resample(quarters, "1h")
    assert validate(hours) == (True, [])
    pd.testing.assert_frame_equal(quarters, before)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = quarters.resample("1h").agg(how)
    pd.testing.assert_frame_equal(hours, expected, check_freq=False, rtol=1e-14)
    assert {
        name: hours.attrs[name] for name in ("symbol", "timeframe", "source", "revision", "synthetic")
    } == {
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "source": "test",
        "revision": "abc",
        "synthetic": False,
    }
    report = hours.attrs["report"]
    assert (report.rows, report.candles, report.resampled_from) == (96, 24, "15m")
    assert report.partial == report.incomplete == report.gaps == ()
    pd.testing.assert_frame_equal(resample(hours, "4h"), resample(quarters, "4h"), rtol=1e-14)
    assert (
        repr(report)
        == "<CandleReport BTCUSDT 1h: 24 candles, 2024-01-01 00:00 to 2024-01-01 23:00 UTC, made of 15m>"
    )


def test_resample_drops_partial_ends_and_says_which_are_incomplete():
    quarters = a_day_of_quarters()
    cut = select(quarters, "2024-01-01T00:30", "2024-01-01T23:45")
    cut = cut.drop(cut.index[[4, 5, *range(20, 30)]])
    cut.attrs = quarters.attrs
    report = resample(cut, "1h").attrs["report"]
    assert report.partial == (utc("2024-01-01"), utc("2024-01-01T23:00"))
    assert report.first == utc("2024-01-01T01:00")
    assert [(one.open_time.hour, one.missing) for one in report.incomplete] == [(1, 2), (5, 2)]
    assert [(gap.after.hour, gap.before.hour, gap.missing) for gap in report.gaps] == [(5, 8, 2)]
    assert report.candles == 20
    assert "2 partial candles dropped, 2 incomplete" in str(report)
    assert type(report).from_dict(json.loads(json.dumps(report))) == report


def test_resample_to_weeks_that_begin_on_monday():
    days = check(raw_candles(40).assign(open_time=pd.date_range("2024-01-01", periods=40)), timeframe="1d")
    weeks = resample(days, "1w")
    assert {time.day_name() for time in weeks.index} == {"Monday"}
    assert len(weeks) == 5
    assert weeks["volume"].iloc[0] == pytest.approx(days["volume"].iloc[:7].sum())


def test_resample_keeps_what_is_known_of_other_columns():
    quarters = a_day_of_quarters()
    quarters["number_of_trades"] = 2.0
    quarters["quote_asset_volume"] = np.nan
    quarters["synthetic"] = True
    hours = resample(quarters, "1h")
    assert (hours["number_of_trades"] == 8).all()
    assert hours["quote_asset_volume"].isna().all()
    assert hours.attrs["report"].missing_columns == tuple(n for n in EXTRA_COLUMNS if n != "number_of_trades")
    assert is_synthetic(hours)
    assert hours.attrs["synthetic"] is True
    assert hours["synthetic"].all()


def test_resample_takes_a_frame_without_attrs():
    quarters = a_day_of_quarters()
    quarters.attrs = {}
    assert len(resample(quarters, "1d")) == 1


@pytest.mark.parametrize(
    ("change", "timeframe", "message"),
    [
        (lambda f: f, "15m", "no multiple of the candles' own"),
        (lambda f: f, "5m", "no multiple of the candles' own"),
        (lambda f: f, "20m", "no multiple of the candles' own"),
        (lambda f: f, "1M", "'1M' is not a whole number of minutes"),
        (lambda f: f, "2d", "hold no whole candle of 2d"),
        (lambda f: f.iloc[::-1], "1h", "no checked candles .open_time is earlier"),
        (lambda f: f.drop(columns="low"), "1h", "column missing: low"),
        (lambda f: f.iloc[:1].set_axis(f.index[:1]), "1h", "hold no whole candle"),
    ],
)
def test_resample_refuses(change, timeframe, message):
    with pytest.raises(CandleError, match=message):
        resample(change(a_day_of_quarters()), timeframe)


def test_a_single_candle_does_not_say_how_long_it_is():
    one = a_day_of_quarters().iloc[:1]
    one.attrs = {}
    with pytest.raises(CandleError, match="does not say how long it is"):
        resample(one, "1h")


def test_stretches_without_volume():
    raw = raw_candles(30)
    raw.loc[[2, 5, 6, 7, 8, 9, 20, 21], "volume"] = 0.0
    frame = check(raw.drop(index=7))
    hours = raw["open_time"].dt.tz_localize("UTC")
    assert frame.attrs["report"].zero_volume_stretches == (
        (hours[5], hours[6], 2),
        (hours[8], hours[9], 2),
        (hours[20], hours[21], 2),
    )
    part = select(frame, hours[6], hours[21])
    assert part.attrs["report"].zero_volume_stretches == ((hours[8], hours[9], 2),)


def test_only_the_longest_stretches_are_listed():
    volume = np.ones(1_000)
    for i in range(60):
        volume[10 * i : 10 * i + 2 + i % 6] = 0
    raw = raw_candles(1_000).assign(volume=volume)
    stretches = check(raw).attrs["report"].zero_volume_stretches
    assert len(stretches) == 20
    assert {stretch.candles for stretch in stretches} == {6, 7}
    assert list(stretches) == sorted(stretches)


def test_the_age_of_candles():
    report = check(raw_candles(24)).attrs["report"]
    assert report.closed == utc("2024-01-02")
    assert report.age(utc("2024-01-02T06:00")) == pd.Timedelta("6h")
    assert report.age() > pd.Timedelta("300D")


def test_longer_candles_of_nothing():
    assert (
        all(len(column) == 0 for column in aggregate(bars([(0, 1, 1, 1, 1, 1)]), QUARTER)._replace()) is False
    )
    empty = Bars(np.zeros(0, np.int64), *(np.zeros(0) for _ in range(5)))
    assert all(len(column) == 0 for column in aggregate(empty, QUARTER))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([0.0, 0.3, 0.9, 1.0]))
def test_longer_candles_as_the_plain_loop_has_them(seed, count, quiet):
    random = np.random.default_rng(seed)
    at = np.sort(random.choice(200, count, replace=False)).astype(np.int64)
    prices = random.integers(1, 50, (count, 4)).astype(float)
    volume = np.where(random.random(count) < quiet, 0.0, random.integers(1, 9, count))
    given_bars = Bars(at * QUARTER, *prices.T, volume)
    hours = aggregate(given_bars, 4 * QUARTER)
    groups = {}
    for i, quarter in enumerate(at.tolist()):
        groups.setdefault(quarter // 4, []).append(i)
    assert hours.millis.tolist() == [hour * 4 * QUARTER for hour in groups]
    for position, rows in enumerate(groups.values()):
        traded = [i for i in rows if volume[i] > 0]
        got = [column[position] for column in hours[1:]]
        if traded:
            expected = [
                prices[traded[0], 0],
                max(prices[traded, 1]),
                min(prices[traded, 2]),
                prices[traded[-1], 3],
                volume[traded].sum(),
            ]
        else:
            expected = [prices[rows[-1], 3]] * 4 + [0.0]
        assert got == expected


# --- real candles ---------------------------------------------------------------------------------------


def real(folder, symbol, timeframe):
    path = folder / "klines" / symbol / f"{symbol.removesuffix('USDT')}_{timeframe}.parquet"
    return check(pd.read_parquet(path), symbol=symbol, timeframe=timeframe)


def test_every_real_file_keeps_the_contract(real_candles):
    paths = sorted(real_candles.glob("klines/*/*.parquet"))
    assert paths
    for path in paths:
        frame = real(real_candles, path.parent.name, path.stem.split("_")[1])
        assert validate(frame) == (True, []), path
        assert frame.attrs["report"].quarantined == ()


def test_what_is_known_about_the_real_files(real_candles):
    report = real(real_candles, "BTCUSDT", "15m").attrs["report"]
    assert (len(report.gaps), report.missing, report.zero_volume) == (7, 164, 1302)
    assert report.missing_columns == EXTRA_COLUMNS
    report = real(real_candles, "BTCUSDT", "1h").attrs["report"]
    assert (report.rows, report.candles, report.missing_columns) == (17_280, 17_279, ())
    assert report.dropped_unclosed == utc("2025-12-20 23:00")
    assert 0.34 < real(real_candles, "ZRXUSDT", "15m").attrs["report"].zero_volume_share < 0.342


# BTC's and ETH's 1h are of another market (futures) than their 15m and 1d (spot): nothing to compare.
@pytest.mark.parametrize(
    ("symbol", "short", "long"),
    [
        ("ETHUSDT", "15m", "1d"),
        *(
            (symbol, *steps)
            for symbol in ("SOLUSDT", "LINKUSDT", "AVAXUSDT")
            for steps in (("15m", "1h"), ("15m", "1d"), ("1h", "1d"))
        ),
        ("ZRXUSDT", "15m", "1h"),
    ],
)
def test_longer_candles_equal_the_exchanges_own(real_candles, symbol, short, long):
    given_frame, own = real(real_candles, symbol, short), real(real_candles, symbol, long)
    made = resample(given_frame, long)
    # Where both sides have all of it.
    incomplete = [one.open_time for one in made.attrs["report"].incomplete]
    whole = made.index.difference(incomplete).intersection(own.index)
    compared, expected = made.loc[whole], own.loc[whole]
    by_way = resample(resample(given_frame, "1h"), long) if (short, long) == ("15m", "1d") else made
    pd.testing.assert_frame_equal(by_way.loc[whole], compared, rtol=1e-12)
    assert len(whole) > 200
    for name in PRICE_COLUMNS[:4]:
        different = (compared[name] != expected[name]).sum()
        assert different == 0, f"{different} of {len(whole)} {name}"
    np.testing.assert_allclose(compared["volume"], expected["volume"], rtol=1e-12, atol=0)
