"""Timing side by side: every contender runs once a round, so that a busy machine slows them all."""

import random
import statistics
import time
from collections.abc import Callable, Mapping


def side_by_side(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each round for each contender, after one round that is not counted. Every round has an order
    of its own, the same in each run: else one would always find in the cache what the one before it left.

    `clock=time.thread_time` leaves out the time in which others had the processor: for contenders that work
    on one thread.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names, shuffle = list(contenders), random.Random(1).shuffle
    for number in range(rounds + 1):
        shuffle(names)
        for name in names:
            start = clock()
            contenders[name]()
            if number:
                seconds[name].append(clock() - start)
    return seconds


def report(title: str, seconds: Mapping[str, list[float]], per: int = 1, unit: str = "ms") -> None:
    """Median times, and how many times as long as the first contender the others took in the same round.

    The range behind a ratio holds the middle half of the rounds.
    """
    scale = {"ms": 1e3, "µs": 1e6, "ns": 1e9}[unit] / per
    ours, *_ = seconds
    print(f"\n{title}")
    for name, times in seconds.items():
        line = f"  {name:<34}{statistics.median(times) * scale:>12,.3f} {unit}"
        if name != ours:
            middle, low, high = ratio(times, seconds[ours])
            line += f"   {middle:>9,.2f} x   ({low:,.2f} to {high:,.2f})"
        print(line)


def ratio(theirs: list[float], ours: list[float]) -> tuple[float, float, float]:
    """Theirs over ours within a round: the median, and the ends of the middle half."""
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    return statistics.median(ratios), ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
