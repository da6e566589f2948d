"""What a reference is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Reference:
    """Where an indicator's values can be had from, and how closely they must agree.

    `columns(klines, params)` gives the outputs by name, NaN where they are undefined. `others` are settings
    that are compared besides the defaults. A difference counts relative to the reference's own value, and
    where `beside` names a function of the candles, to that (for what crosses zero: the price).
    `exempt(klines, params)` gives the rows that are not compared, and `why` says why.
    """

    library: str
    columns: Callable[[pd.DataFrame, Mapping[str, Any]], Columns]
    others: tuple[Mapping[str, Any], ...] = ()
    beside: Callable[[pd.DataFrame], np.ndarray] | None = None
    tolerance: float = 1e-9
    exempt: Callable[[pd.DataFrame, Mapping[str, Any]], np.ndarray] | None = None
    why: str = ""


def arrays(klines: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Open, high, low, close and volume as arrays."""
    return tuple(klines[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))


def price(klines: pd.DataFrame) -> np.ndarray:
    """The close, which differences are measured by where an indicator crosses zero."""
    return klines["close"].to_numpy()


def difference(
    reference: Reference, klines: pd.DataFrame, ours: pd.DataFrame, params: Mapping, warmup: int
) -> float:
    """The largest relative difference in any output from the warm-up on; infinite where only one has it."""
    worst = 0.0
    exempt = np.arange(len(klines)) < warmup
    if reference.exempt is not None:
        exempt |= reference.exempt(klines, params)
    for name, theirs in reference.columns(klines, params).items():
        mine = ours[name].to_numpy()
        compared = ~exempt & ~(np.isnan(mine) & np.isnan(theirs))
        if not compared.any():
            continue
        size = np.abs(theirs) if reference.beside is None else np.abs(reference.beside(klines))
        distance = np.abs(mine - theirs)[compared]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(distance == 0.0, 0.0, distance / size[compared])
        worst = max(worst, float(np.where(np.isnan(share), np.inf, share).max()))
    return worst
