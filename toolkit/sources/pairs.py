"""The pairs of the sample market: plausible levels, ticks and turnovers, nobody's history."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PAIRS", "Pair"]


class Pair(NamedTuple):
    """What makes a pair's market its own."""

    level: float
    """The price it returns to, in USDT."""
    price_decimals: int
    lot_decimals: int
    beta: float
    """How strongly it follows the common factor."""
    own: float
    """Standard deviation of its own daily moves."""
    turnover: float
    """USDT traded on a usual day, in millions."""
    thin: float = 0.0003
    """About the share of candles without a trade."""
    days: int | None = None
    """Days after which it stops trading; None: never."""


PAIRS: dict[str, Pair] = {
    f"{base}USDT": pair
    for base, pair in {
        "AAVE": Pair(140.0, 2, 3, 1.30, 0.030, 60.0),
        "ADA": Pair(0.62, 4, 1, 1.20, 0.026, 160.0),
        "ALGO": Pair(0.31, 4, 0, 1.20, 0.028, 28.0),
        "ARB": Pair(0.92, 4, 1, 1.35, 0.031, 75.0),
        "ATOM": Pair(10.6, 3, 2, 1.15, 0.028, 40.0),
        "AVAX": Pair(31.0, 2, 2, 1.35, 0.031, 120.0),
        "BAL": Pair(6.9, 3, 3, 1.10, 0.033, 2.5, 0.02),
        "BAT": Pair(0.31, 4, 1, 1.10, 0.028, 5.0, 0.008),
        "BCH": Pair(345.0, 1, 3, 1.15, 0.027, 50.0),
        "BNB": Pair(410.0, 1, 3, 0.95, 0.019, 210.0),
        "BTC": Pair(43_000.0, 2, 5, 1.00, 0.012, 1500.0),
        "COMP": Pair(72.0, 2, 3, 1.20, 0.032, 9.0, 0.002),
        "CRV": Pair(0.95, 3, 1, 1.30, 0.036, 45.0),
        "DOGE": Pair(0.125, 5, 0, 1.15, 0.034, 380.0),
        "DOT": Pair(8.6, 3, 2, 1.20, 0.025, 70.0),
        "ENJ": Pair(0.54, 4, 1, 1.25, 0.033, 4.0, 0.012),
        "ENS": Pair(18.5, 2, 2, 1.25, 0.035, 12.0, 0.001),
        "ETC": Pair(26.5, 2, 2, 1.20, 0.028, 45.0),
        "ETH": Pair(2_450.0, 2, 4, 1.15, 0.019, 900.0),
        "FIL": Pair(7.4, 3, 2, 1.25, 0.031, 55.0),
        "GALA": Pair(0.034, 5, 0, 1.40, 0.040, 60.0),
        "GRT": Pair(0.19, 4, 0, 1.30, 0.034, 18.0, 0.001),
        "IMX": Pair(1.35, 4, 2, 1.30, 0.034, 14.0, 0.001),
        "KAVA": Pair(1.15, 4, 1, 1.10, 0.031, 4.5, 0.010),
        "LINK": Pair(13.8, 3, 2, 1.20, 0.026, 110.0),
        "LTC": Pair(95.0, 2, 3, 1.05, 0.023, 90.0),
        "MANA": Pair(0.62, 4, 0, 1.25, 0.034, 20.0, 0.001),
        "MATIC": Pair(0.94, 4, 1, 1.25, 0.030, 95.0, 0.0003, 1348),
        "MKR": Pair(1_750.0, 0, 4, 1.05, 0.028, 14.0, 0.002),
        "NEAR": Pair(4.6, 3, 1, 1.35, 0.034, 75.0),
        "OP": Pair(1.85, 3, 2, 1.40, 0.035, 65.0),
        "SAND": Pair(0.72, 4, 0, 1.25, 0.034, 35.0),
        "SNX": Pair(3.1, 3, 1, 1.20, 0.035, 8.0, 0.004),
        "SOL": Pair(88.0, 2, 3, 1.35, 0.030, 480.0),
        "SPELL": Pair(0.0012, 7, 0, 1.30, 0.034, 7.0, 0.006),
        "UNI": Pair(8.8, 3, 2, 1.20, 0.029, 45.0),
        "XRP": Pair(0.68, 4, 0, 1.05, 0.028, 420.0),
        "ZRX": Pair(0.42, 4, 0, 1.15, 0.031, 2.0, 0.06),
    }.items()
}
"""The market's pairs: plausible levels, ticks and turnovers, nobody's history."""
