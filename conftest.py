"""What holds for every test, doctest and notebook: a folder of their own, sample candles, no network.

It stands here rather than in tests/ because doctests and notebooks lie outside it.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

collect_ignore_glob = ["*conftest.py"]  # no tests in them, and several of one name


def pytest_configure(config: pytest.Config) -> None:
    # Neither the settings nor the downloads of whoever runs the tests are read or touched.
    home = tempfile.mkdtemp(prefix="system-v4-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # xdist's processes end without unconfiguring
    for name in [name for name in os.environ if name.startswith("TOOLKIT_")]:
        del os.environ[name]
    os.environ["TOOLKIT_HOME"] = home
    os.environ["TOOLKIT_SOURCE"] = "sample"
    os.environ["TOOLKIT_HUB_ENDPOINT"] = "http://127.0.0.1:9"  # refused at once
    # The hub's client tells its log what it tries, from threads that may outlive their test.
    os.environ["HF_HUB_VERBOSITY"] = "critical"
    # Except for compiled kernels: they are named by a hash of their source, and take seconds to make.
    cache = getattr(config, "cache", None)  # absent with `-p no:cacheprovider`
    if cache:
        Path(home, "kernels").symlink_to(cache.mkdir("kernels"))

    # Real candles are there or they are not: a path that leads nowhere must not pass for the latter.
    candles = os.environ.get("SYSTEM_V4_CANDLES", "")
    if candles:
        folder = Path(config.invocation_params.dir, candles).resolve()
        if not (folder / "klines").is_dir():
            raise pytest.UsageError(f"SYSTEM_V4_CANDLES: {folder} has no folder klines/")
        os.environ["SYSTEM_V4_CANDLES"] = str(folder)

    # With several processes each kernel is compiled once, by one of so many, before all of them want it.
    processes = getattr(config.option, "numprocesses", None)
    if processes and not hasattr(config, "workerinput"):
        warm = [sys.executable, "-m", "toolkit.indicators.warm"]
        shares = [
            subprocess.Popen(
                [*warm, str(share), str(processes)], cwd=config.rootpath, stdout=subprocess.DEVNULL
            )
            for share in range(int(processes))
        ]
        for compiling in shares:
            compiling.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright, once started, occupies its thread's event loop.
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist need not be there
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A file stays together, for it shares what takes long to set up; a notebook's cells need each other. The
    longest one shares nothing, and goes test by test.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # comes without types
        def _split_scope(self, nodeid: str) -> str:
            apart = "test_conformance.py" in nodeid
            return nodeid.split("[")[0] if apart else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # in the order of collection: the browser's are last
    return Scheduling(config, log)
