"""One indicator on many series at once, a candle of each in one call."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from toolkit.indicators.base import Indicator
from toolkit.indicators.chunk import Inputs, finite
from toolkit.indicators.run import STATE_VERSION, checksum, decode, encode
from toolkit.kernels import Array
from toolkit.kernels.compiling import cache_folder, compiled, unowned

K = TypeVar("K", bound=Hashable)


class Calculates(Protocol):
    """An indicator or a pipeline."""

    def calculate(self, klines: pd.DataFrame) -> pd.DataFrame:
        """The candles plus what is calculated of them."""


def calculate_many(
    subject: Calculates, frames: Mapping[K, pd.DataFrame], *, threads: int | None = None
) -> dict[K, pd.DataFrame]:
    """`subject.calculate` of many frames at once, by their keys: 38 pairs, or pairs and timeframes.

    The kernels run without the GIL on `threads` threads (by default as many as there are processors). Raises
    what the first frame that fails raises, with its key in a note.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"calculate_many: threads={threads} is not allowed: it must be at least 1")

    def one(item: tuple[K, pd.DataFrame]) -> tuple[K, pd.DataFrame]:
        try:
            return item[0], subject.calculate(item[1])
        except Exception as error:
            error.add_note(f"while calculating {item[0]!r}")
            raise

    with ThreadPoolExecutor(threads) as pool:
        return dict(pool.map(one, frames.items()))


class ManyRuns:
    """One indicator, streaming on many series: `update` takes the next closed candle of every one of them.

        runs = ManyRuns(RSI(), ["BTCUSDT", "ETHUSDT"])
        rsi = runs.update({"close": closes})["rsi"]  # a value a series, in that order

    The values are the same bits as those of a `Run` for each, at a small part of its time a candle; there are
    no signals. `state` is JSON-able and given to another process goes on there.
    """

    def __init__(
        self, indicator: Indicator, series: Sequence[str], state: Mapping[str, Any] | None = None
    ) -> None:
        self.indicator = indicator
        self.series = tuple(series)
        self._who = f"ManyRuns of {type(indicator).__name__}"
        if len(set(self.series)) != len(self.series) or not self.series:
            raise ValueError(f"{self._who}: series must be named, each once; got {list(series)!r}")
        count = len(self.series)
        self._inputs = Inputs(self._who, indicator.inputs, indicator.params)
        self._memory = np.zeros((count, indicator.state_size))
        # What the loop reads and writes, bound once: the next candles are copied there.
        columns = (*indicator.columns, *(("open_time",) if "open_time" in indicator.inputs else ()))
        block = np.zeros((len(columns), count))
        self._bits = block.ravel().view(np.int64)
        self._read = dict(zip(columns, block, strict=True))
        self._means = {name: np.empty(count) for name in self._inputs.means}
        self._outputs = [output.name for output in indicator.outputs]
        left_out = indicator.internals if indicator.internals_optional else ()  # only rules read them
        self._names = [*self._outputs, *(name for name in indicator.internals if name not in left_out)]
        self._left_out = dict.fromkeys(left_out, np.empty(0))
        self._written = np.empty((len(self._names), count))
        available = {
            "state": self._memory,
            **self._inputs.part_of(self._read, slice(None), self._means),
            **dict(zip(self._names, self._written, strict=True)),
            **self._left_out,
            **indicator.kernel_parameters,
        }
        self._arguments = [available[name] for name in indicator.kernel_arguments]
        self._loop = _loop_of(type(indicator))
        if state is not None:
            self._restore(state)

    def update(self, candles: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs for the next candle of every series: new arrays in the order of `series`.

        `candles` maps column names to float64 arrays with a value a series. Raises `ValueError`, and feeds
        none, where a value is missing or not finite.
        """
        self._take(candles)
        self._loop(*self._arguments)
        return dict(zip(self._outputs, self._written.copy(), strict=False))  # internals come after them

    def peek(self, candles: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs if these candles closed now; nothing is committed."""
        before = self._memory.copy()
        try:
            return self.update(candles)
        finally:
            self._memory[:] = before

    def _take(self, candles: Mapping[str, Array]) -> None:
        """Copy the candles to where the loop reads them, if they are fit for it."""
        for name, place in self._read.items():
            values = candles.get(name)
            if type(values) is not np.ndarray or values.dtype != np.float64 or values.shape != place.shape:
                _, length = self._inputs.columns_of(candles)  # says what is wrong, unless it is the length
                raise ValueError(f"{self._who}: {length} candles for {len(self.series)} series")
            place[:] = values
        if not finite(self._bits):
            self._inputs.columns_of(candles)
        if self._means:
            self._inputs.part_of(self._read, slice(None), self._means)

    def feed(self, series: str, candles: Mapping[str, Array]) -> dict[str, Array]:
        """Feed the history of one series; its outputs. Columns as in `Indicator.compute`."""
        if series not in self.series:
            raise KeyError(f"{self._who}: no series is named {series!r}")
        inputs, length = self._inputs.of_arrays(candles)
        columns = {name: np.empty(length) for name in self._names} | self._left_out | inputs
        if length:
            memory = self._memory[self.series.index(series)]
            available = {"state": memory, **columns, **self.indicator.kernel_parameters}
            self.indicator.kernel(*(available[name] for name in self.indicator.kernel_arguments))
        return {output.name: columns[output.name] for output in self.indicator.outputs}

    @property
    def state(self) -> dict[str, Any]:
        """All that the runs remember, JSON-able, under a checksum."""
        state = {
            "version": STATE_VERSION,
            "indicator": self.indicator.name,
            "params": self.indicator.params,
            "series": list(self.series),
            "memory": encode(self._memory.ravel()),
        }
        return {**state, "checksum": checksum(state)}

    def _restore(self, state: Mapping[str, Any]) -> None:
        try:
            given = dict(state)
            if given.pop("checksum") != checksum(given):
                raise ValueError("it was changed since it was saved (its checksum differs)")
            own = self.state
            for key in ("version", "indicator", "params", "series"):
                if given[key] != own[key]:
                    raise ValueError(f"it is of {key} {given[key]!r}, not {own[key]!r}")
            self._memory[:] = decode(given["memory"]).reshape(self._memory.shape)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{self._who}: this state can't be used: {error}") from error


_loops: dict[type[Indicator], Callable[..., None]] = {}


def _loop_of(cls: type[Indicator]) -> Callable[..., None]:
    """The indicator's kernel in a loop over series, compiled where the kernel is."""
    if cls not in _loops:
        _loops[cls] = _made(cls)
    return _loops[cls]


def _made(cls: type[Indicator]) -> Callable[..., None]:
    """Numba keeps no loop that takes its kernel as an argument, nor one made by `exec`: so the loop is
    written down as a module of its own, beside what else was compiled of these sources.
    """
    internals = () if cls.internals_optional else cls.internals
    arrays = {*cls.inputs, *(output.name for output in cls.outputs), *internals}
    held = [name for name in cls.kernel_arguments if name == "state" or name in arrays]
    passed = (
        "state[s]" if name == "state" else f"{name}[s : s + 1]" if name in arrays else name
        for name in cls.kernel_arguments
    )
    body = f"def loop({', '.join(cls.kernel_arguments)}):\n"
    if is_compiled := hasattr(cls.kernel, "py_func"):
        body += f"    {', '.join(held)} = {', '.join(f'unowned({name})' for name in held)}\n"
    body += f"    for s in range(len(state)):\n        kernel({', '.join(passed)})\n"
    own = cls.__module__.startswith("toolkit.indicators.")
    folder = cache_folder() if own else None
    if folder is None or not is_compiled:
        namespace: dict[str, Any] = {"kernel": cls.kernel, "unowned": unowned}
        exec(body, namespace)
        loop: Callable[..., None] = namespace["loop"]
        return compiled(loop) if is_compiled else loop
    source = (
        f"from {cls.__module__} import {cls.__name__}\n"
        "from toolkit.kernels.compiling import compiled, unowned\n\n"
        f"kernel = {cls.__name__}.kernel\n\n\n@compiled\n{body}"
    )
    name = f"loop_{cls.__name__.lower()}_{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    return _imported(name, folder, source)


def _imported(name: str, folder: Path, source: str) -> Callable[..., None]:
    path = folder / f"{name}.py"
    if not path.exists():
        temporary = path.with_suffix(f".{id(source):x}.part")
        temporary.write_text(source, encoding="utf-8")
        temporary.replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # it is a file that ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    loop: Callable[..., None] = module.loop
    return loop
