"""Fixtures that several test files share."""

import os
import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def real_candles() -> Path:
    """A folder of real candles in the dataset's layout, as `SYSTEM_V4_CANDLES` names it."""
    folder = os.environ.get("SYSTEM_V4_CANDLES")
    if not folder:
        pytest.skip("SYSTEM_V4_CANDLES names no folder of real candles")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that Playwright can drive; `CHROMIUM` names one that is not on the path."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        message = f"no browser: none of {', '.join(BROWSERS)} is on the path, and CHROMIUM is not set"
        if os.environ.get("SYSTEM_V4_REQUIRE_BROWSER"):
            pytest.fail(f"SYSTEM_V4_REQUIRE_BROWSER is set, but there is {message}")
        pytest.skip(message)
    return found
