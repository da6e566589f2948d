"""The sample market: five years of synthetic candles for every pair, the same bits on every machine.

A stochastic-volatility model with a factor that all pairs share. The logarithm of volatility is a sum of
three autoregressions (about two hours, a day and three weeks), with jumps, a daily and a weekly rhythm, and
more volatility after falls; log prices drift in trends and return slowly to the pair's level; highs and lows
are drawn from the law of a Brownian bridge's extremes; volume follows volatility. Fat tails and clustered
volatility, the "stylized facts" of Cont (2001, Quantitative Finance 1, 223-236), come out of that.

**The same bits everywhere** is kept by construction: random words come straight from PCG64 (a stream NumPy
promises to keep), and after that only operations that IEEE 754 defines to the last bit are used, one at a
time: add, multiply, divide, square root, round, compare. ``exp``, ``log`` and ``cos`` of a library differ in
their last bits between processors, so :func:`_exp` and :func:`_log` are written out here.
Prices are whole ticks and volumes whole lots until the last division.
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from toolkit.candles import TIMEFRAMES
from toolkit.candles.resample import Bars, aggregate
from toolkit.sources.pairs import PAIRS, Pair

__all__ = ["BEGIN", "END", "VERSION", "generate"]

VERSION = "1"
"""Changes whenever a candle does; part of the seeds and of the cache's file names."""

BEGIN = pd.Timestamp("2021-01-01", tz="UTC")
END = pd.Timestamp("2026-01-01", tz="UTC")
"""The first moment after the last candle."""

_A_DAY = 96
_COUNT = (END - BEGIN).days * _A_DAY
_STEP = 15 * 60 * 1000
_FIRST = int(BEGIN.timestamp()) * 1000

_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Bools = np.ndarray[Any, np.dtype[np.bool_]]


# log volatility by hour of day (UTC): quiet after midnight in Europe, lively when New York opens
_HOURS = (
    0.02, 0.00, -0.08, -0.14, -0.20, -0.22, -0.18, -0.10, -0.02, 0.02, 0.00, -0.02,
    0.06, 0.20, 0.30, 0.28, 0.20, 0.12, 0.06, 0.04, 0.02, 0.00, -0.06, -0.04,
)  # fmt: skip
_WEEKEND = -0.30

# exchange-wide outages: day and candle of the day they begin, candles they last
_OUTAGES = ((114, 17, 18), (224, 8, 16), (511, 32, 3), (812, 46, 9), (1241, 20, 2), (1633, 68, 5))

# autoregressions that make up log volatility: days until a shock has faded to 1/e, share of the variance
_FADING = ((20.0, 0.35), (1.0, 0.35), (0.09, 0.30))
_SPREAD = 0.62
"""Standard deviation of log volatility."""
_COMMON_DAILY = 0.023
_REVERSION_DAYS = 250.0
_TREND_DAYS, _TREND = 15.0, 0.0022


def generate(symbol: str) -> dict[str, pd.DataFrame]:
    """The sample market of one pair: ``{timeframe: frame}`` with columns open_time (UTC), open, high, low,
    close and volume; 1h and 1d are aggregated from the 15m candles, so that all three agree.

    Raises:
        KeyError: the symbol is not one of the supported pairs.
    """
    pair = PAIRS[symbol]
    bars = _quarter_hours(symbol, pair)
    frames = {}
    for timeframe, length in TIMEFRAMES.items():
        step = length // pd.Timedelta(1, "ms")
        longer = bars if step == _STEP else aggregate(bars, step)
        columns: dict[str, Any] = {"open_time": longer.millis.view("datetime64[ms]")}
        for name in ("open", "high", "low", "close"):
            columns[name] = getattr(longer, name) / float(10**pair.price_decimals)
        columns["volume"] = longer.volume / float(10**pair.lot_decimals)
        frame = pd.DataFrame(columns)
        frames[timeframe] = frame.assign(open_time=frame["open_time"].dt.tz_localize("UTC"))
    return frames


class _Factor(NamedTuple):
    """What all pairs share."""

    moves: _Floats
    """Its log return in each candle, scaled to unit beta."""
    calm: _Floats
    """log volatility without the daily rhythm, standard deviation _SPREAD."""
    rhythm: _Floats


@functools.cache
def _factor() -> _Factor:
    random = _Random("factor")
    hour = _floats(_HOURS)
    quarter = np.arange(_COUNT) % _A_DAY
    this, later = hour[quarter // 4], hour[(quarter // 4 + 1) % 24]
    weekday = (np.arange(_COUNT) // _A_DAY + BEGIN.weekday()) % 7
    rhythm = this + (later - this) * (quarter % 4 / 4.0) + np.where(weekday >= 5, _WEEKEND, 0.0)
    shocks, jumps = _shocks(random, each_days=14.0)
    calm = _log_volatility(random, jumps, shocks)
    size = _exp(calm)
    moves = shocks * (size * _exp(rhythm) * _scale(_COMMON_DAILY)) + _trend(random) * size
    return _Factor(moves, calm, rhythm)


def _quarter_hours(symbol: str, pair: Pair) -> Bars:
    """15m candles in whole ticks and lots."""
    random = _Random(symbol)
    common = _factor()
    shocks, jumps = _shocks(random, each_days=9.0)
    own = _log_volatility(random, jumps, shocks)
    mood = 0.6 * common.calm + 0.8 * own
    own_size = _exp(mood + common.rhythm) * _scale(pair.own)
    common_size = _exp(common.calm + common.rhythm) * (_scale(_COMMON_DAILY) * pair.beta)
    size = np.sqrt(own_size * own_size + common_size * common_size)
    moves = pair.beta * common.moves + own_size * shocks + 0.7 * _trend(random) * _exp(mood)
    price = pair.level * float(10**pair.price_decimals) * _exp(_fade(moves, _REVERSION_DAYS))

    close = np.maximum(np.rint(price), 1.0)
    before = np.concatenate((close[:1], close[:-1]))
    step = random.uniform()
    open_ = np.maximum(before + (step < 0.12) - (step > 0.88), 1.0)
    high, low = _extremes(random, open_, close, size)
    volume = _volume(random, pair, price, mood + common.rhythm, np.abs(moves) / size)
    quiet = random.uniform() < pair.thin * _exp(-1.5 * (mood + common.rhythm) - 0.7)
    open_, high, low, close, volume = _without_trades(quiet, open_, high, low, close, volume)

    there = np.ones(_COUNT, dtype=bool)
    if pair.days is not None:
        there[pair.days * _A_DAY :] = False
    for begin, count in (*((day * _A_DAY + at, n) for day, at, n in _OUTAGES), *random.own_outages()):
        there[begin : begin + count] = False
    millis = np.arange(_COUNT, dtype=np.int64)[there] * _STEP + _FIRST
    return Bars(millis, open_[there], high[there], low[there], close[there], volume[there])


def _shocks(random: _Random, each_days: float) -> tuple[_Floats, _Bools]:
    """Standard normal shocks, some of them jumps; and which."""
    shocks = random.normal()
    chance = random.uniform()
    jumps = chance < 1.0 / (each_days * _A_DAY)
    return np.where(jumps, shocks * (3.0 + 3.0 * random.uniform()), shocks), jumps


def _log_volatility(random: _Random, jumps: _Bools, shocks: _Floats) -> _Floats:
    """Autoregressions added up; a jump excites the two quicker ones, and so do falls."""
    total = np.zeros(_COUNT)
    earlier = np.concatenate((_floats([0.0]), shocks[:-1]))
    jumped = np.concatenate((_floats([0.0]), jumps[:-1].astype(np.float64)))
    for position, (days, share) in enumerate(_FADING):
        noise = random.normal()
        if position > 0:
            noise = 0.97 * noise - 0.24 * earlier + 4.0 * jumped
        kept = _kept(days)
        total += math.sqrt(share * (1.0 - kept * kept)) * _SPREAD * _fade(noise, days)
    return total


def _trend(random: _Random) -> _Floats:
    kept = _kept(_TREND_DAYS)
    return _fade(random.normal(), _TREND_DAYS) * (math.sqrt(1.0 - kept * kept) * _TREND / _A_DAY)


def _extremes(random: _Random, open_: _Floats, close: _Floats, size: _Floats) -> tuple[_Floats, _Floats]:
    """Highest and lowest price of a Brownian bridge from open to close (relative moves are small)."""
    change = close / open_ - 1.0
    spread = 2.0 * size * size
    reach = []
    for side in (1.0, -1.0):
        away = side * change
        reach.append(0.5 * (away + np.sqrt(away * away - spread * _log(1.0 - random.uniform()))))
    high = np.maximum(np.rint(open_ * (1.0 + reach[0])), np.maximum(open_, close))
    low = np.minimum(np.rint(open_ * (1.0 - np.minimum(reach[1], 0.9))), np.minimum(open_, close))
    return high, np.maximum(low, 1.0)


def _volume(random: _Random, pair: Pair, price: _Floats, mood: _Floats, surprise: _Floats) -> _Floats:
    """Lots traded: more in lively hours and in candles that move far, at least one."""
    kept = _kept(2.0)
    interest = _fade(random.normal(), 2.0) * (0.35 * math.sqrt(1.0 - kept * kept))
    log = 1.1 * mood + 0.45 * np.minimum(surprise, 4.5) + interest + 0.55 * random.normal() - 0.85
    lots = pair.turnover * 1e6 / _A_DAY * float(10 ** (pair.price_decimals + pair.lot_decimals))
    return np.maximum(np.rint(_exp(log) * lots / price), 1.0)


def _without_trades(
    quiet: _Bools, open_: _Floats, high: _Floats, low: _Floats, close: _Floats, volume: _Floats
) -> tuple[_Floats, ...]:
    """Where nothing was traded a candle repeats the last close, as exchanges write it."""
    quiet = quiet.copy()
    quiet[0] = False
    last = np.maximum.accumulate(np.where(quiet, 0, np.arange(_COUNT)))
    close = close[last]
    flat = [np.where(quiet, close, values) for values in (open_, high, low)]
    return flat[0], flat[1], flat[2], close, np.where(quiet, 0.0, volume)


def _scale(daily: float) -> float:
    """Volatility of a quiet candle, so that returns have this daily standard deviation."""
    return daily / math.sqrt(_A_DAY) / 1.5


def _kept(days: float) -> float:
    return 1.0 - 1.0 / (days * _A_DAY)


def _fade(noise: _Floats, days: float) -> _Floats:
    """``y[t] = kept * y[t-1] + noise[t]``, by doubling: each step reaches twice as far back.

    Unlike a loop in compiled code it cannot be contracted into other roundings, and is quick in NumPy.
    """
    total = noise.copy()
    kept, reach = _kept(days), 1
    while reach < len(total) and kept > 1e-12:
        total[reach:] += kept * total[:-reach]
        kept, reach = kept * kept, reach * 2
    return total


def _exp(x: _Floats) -> _Floats:
    """exp, to about 1e-15, by halving the argument's range and a Taylor series."""
    doublings = np.rint(x * 1.4426950408889634)
    rest = (x - doublings * 0.693145751953125) - doublings * 1.4286068203094173e-06
    total = np.full(len(x), 1.0 / math.factorial(11))
    for n in range(10, -1, -1):
        total = total * rest + 1.0 / math.factorial(n)
    scaled: _Floats = np.ldexp(total, doublings.astype(np.int32))
    return scaled


def _log(x: _Floats) -> _Floats:
    """Natural logarithm of numbers above zero, to about 1e-12, by the series of artanh."""
    fraction, doublings = np.frexp(x)
    t = (fraction - 1.0) / (fraction + 1.0)
    square = t * t
    total = np.full(len(x), 1.0 / 23.0)
    for n in range(21, 0, -2):
        total = total * square + 1.0 / n
    result: _Floats = doublings * 0.6931471805599453 + 2.0 * t * total
    return result


def _floats(values: Any) -> _Floats:
    return np.array(values, dtype=np.float64)


class _Random:
    """A stream of numbers for each name, the same for ever."""

    def __init__(self, name: str) -> None:
        seed = hashlib.sha256(f"System V4 sample market {VERSION} {name}".encode()).digest()
        self._words = np.random.PCG64(int.from_bytes(seed[:16], "little"))

    def uniform(self) -> _Floats:
        """One number in [0, 1) a candle, of 53 bits."""
        return (self._words.random_raw(_COUNT) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self) -> _Floats:
        """One number a candle of mean 0, variance 1: twelve uniform ones of 16 bits added up."""
        words = self._words.random_raw(3 * _COUNT).astype("<u8", copy=False).view("<u2")
        total = np.add.reduce(words.reshape(12, _COUNT), axis=0, dtype=np.int64)
        result: _Floats = (total - 12 * 65535 // 2).astype(np.float64) / 65536.0
        return result

    def own_outages(self) -> tuple[tuple[int, int], ...]:
        """Two places where a few candles of this pair alone are missing."""
        words = [int(word) for word in self._words.random_raw(4)]
        return tuple((word % (_COUNT - 200) + 100, 1 + length % 4) for word, length in (words[:2], words[2:]))
