"""Loading again, and the last 500 candles, beside pandas and a raw read of the file; importing the toolkit.

    python benchmarks/data.py            sample candles, all of a pair in 15m
    python benchmarks/data.py --quick    fewer rounds

A file in the dataset's layout, all twelve columns, is read by each contender in turn. Ours are checked and
come with their report; the first read, which decodes and checks, has been made before, as in another
process. Ratios tell more than times: above 1 x, the peer is slower than we are.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from measure import report, side_by_side

from toolkit import KLineDataLoader

COLUMNS = ["open_time", "open", "high", "low", "close", "volume"]


def store(folder: Path) -> Path:
    """The sample's candles of a pair as the dataset's first writer leaves them."""
    klines = KLineDataLoader.load_klines("BTCUSDT", "15m", source="sample")
    plain = klines[COLUMNS[1:]].tz_localize(None).reset_index()
    plain["open_time"] = plain["open_time"].dt.as_unit("ns")
    random = np.random.default_rng(1)
    table = plain.assign(
        close_time=plain["open_time"] + pd.Timedelta("15min") - pd.Timedelta("1ms"),
        quote_asset_volume=plain["volume"] * plain["close"],
        number_of_trades=random.integers(1, 5_000, len(plain)),
        taker_buy_base_asset_volume=plain["volume"] * 0.5,
        taker_buy_quote_asset_volume=plain["volume"] * plain["close"] * 0.5,
        ignore="0",
    )
    path = folder / "klines" / "BTCUSDT" / "BTC_15m.parquet"
    path.parent.mkdir(parents=True)
    table.to_parquet(path)
    return path


def fresh_process(code: str) -> float:
    """Seconds that ``code`` takes in a process of its own, by its own clock."""
    script = f"import time; _ = time.perf_counter(); {code}; print(time.perf_counter() - _)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def in_fresh_processes(title: str, codes: dict[str, str], rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            seconds[name].append(fresh_process(code))
    report(title, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds, starts = (15, 3) if parser.parse_args().quick else (61, 15)
    with tempfile.TemporaryDirectory() as scratch:
        path = store(Path(scratch) / "origin")
        folder = path.parents[2]
        os.environ["TOOLKIT_HOME"] = str(Path(scratch) / "home")
        started = time.perf_counter()
        count = len(KLineDataLoader.load_klines("BTCUSDT", "15m", source=folder))
        took = time.perf_counter() - started
        print(f"{count:,} candles, {rounds} rounds; decoded, checked and kept in {took * 1e3:,.0f} ms, once")
        peers = {
            "pandas.read_parquet": lambda: pd.read_parquet(path),
            "pandas.read_parquet, six columns": lambda: pd.read_parquet(path, columns=COLUMNS),
            "reading the file's bytes": path.read_bytes,
        }
        ours = {"toolkit": lambda: KLineDataLoader.load_klines("BTCUSDT", "15m", source=folder)}
        report("Load all of them again, checked", side_by_side(ours | peers, rounds))
        ours = {"toolkit": lambda: KLineDataLoader.load_klines("BTCUSDT", "15m", last=500, source=folder)}
        report("Load the last 500", side_by_side(ours | peers, rounds))
        load = (
            "from toolkit import KLineDataLoader; KLineDataLoader.load_klines('BTCUSDT', '15m', source={!r})"
        )
        in_fresh_processes(
            "Load all of them in a fresh process, imports included",
            {
                "toolkit": load.format(str(folder)),
                "pandas.read_parquet": f"import pandas; pandas.read_parquet({str(path)!r})",
            },
            starts,
        )
    in_fresh_processes(
        "Import in a fresh process", {"toolkit": "import toolkit", "pandas": "import pandas"}, starts
    )


if __name__ == "__main__":
    main()
