"""The page around the dashboard: light from the first paint on, and what it says when its kernel is gone."""

import json
import os
import re
import signal
import subprocess
import urllib.request

import pytest

from conftest import PATIENCE, Dashboard

ASKED_EVERY = 5_000  # milliseconds: how often the page asks after its kernel
NOTICED_AFTER = 3_000  # how long the server takes to see that a process has died

# Parts that can be seen and have a dark ground, or dark colours among what the canvas holds.
DARK = """() => {
  const found = new Set();
  const bright = ([r, g, b]) => (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  for (const part of document.querySelectorAll("html, body, body *")) {
    if (!part.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const color = getComputedStyle(part).backgroundColor;
    const unit = color.startsWith("color(") ? 255 : 1; // of a mixture each part is told from 0 to 1
    const ground = color.match(/[\\d.]+/g).map((number, i) => Number(number) * (i < 3 ? unit : 1));
    const { width, height } = part.getBoundingClientRect();
    const filled = (ground[3] ?? 1) > 0.5 && width > 40 && height > 8;
    if (filled && bright(ground) < 0.4) found.add(`${part.tagName}.${part.className}`);
  }
  for (const canvas of document.querySelectorAll("canvas.tk-canvas")) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (const dark of ["0f131c", "1b2130", "262d3d", "26a69a", "ef5350", "151b27"]) {
      const [r, g, b] = [0, 2, 4].map((i) => parseInt(dark.slice(i, i + 2), 16));
      for (let i = 0; i < data.length; i += 4) {
        const same = data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255;
        if (same) found.add(`#${dark}`);
      }
    }
  }
  return [...found];
}"""


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield page
    page.close()


def test_it_is_light_where_the_system_is(voila, page):
    dashboard = Dashboard(page)
    page.goto(voila, wait_until="commit")
    page.locator("#cover").wait_for()
    assert page.evaluate("getComputedStyle(document.querySelector('#cover')).backgroundColor") == (
        "rgb(238, 241, 246)"
    )
    dashboard.until_drawn()
    page.locator("#cover.done").wait_for(state="attached")
    dashboard.until("view.theme === 'light' && !chart.pending")
    look = "getComputedStyle(document.querySelector(argument))"
    assert dashboard.chart(f"{look}.backgroundColor", ".tk-chart") == "rgb(255, 255, 255)"
    assert dashboard.chart(f"{look}.color", ".tk-legend-title") == "rgb(16, 21, 31)"
    assert dashboard.pixels("#0b877b", "price") > 100, "rising candles"
    assert dashboard.pixels("#d6322f", "price") > 100, "falling ones"
    assert dashboard.pixels("#eef1f6", "price") > 100, "the grid"
    page.wait_for_function(
        "document.querySelector('#cover').checkVisibility({ opacityProperty: true }) === false"
    )
    assert page.evaluate(DARK) == []
    assert dashboard.errors == []


def kernel_of(page):
    return json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]


def kill(kernel, voila):
    """As the system does where memory has run out."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=True
    ).stdout
    (process,) = [line.split()[0] for line in listed.splitlines() if f"kernel-{kernel}.json" in line]
    os.kill(int(process), signal.SIGKILL)


def end(kernel, voila):
    """As Voila's page does when it is closed."""
    url = f"{voila}voila/api/shutdown/{kernel}"
    request = urllib.request.Request(url, method="POST", headers={"Origin": voila.rstrip("/")})
    urllib.request.urlopen(request, timeout=60)


@pytest.mark.parametrize(("lose", "told"), [(kill, "has died"), (end, "has ended")])
def test_it_says_that_its_kernel_is_gone_and_a_reload_starts_another(voila, page, lose, told):
    dashboard = Dashboard(page)
    page.goto(voila, timeout=2 * PATIENCE)
    dashboard.until_drawn()
    banner = page.locator("#gone")
    assert not banner.is_visible()
    before = kernel_of(page)
    lose(before, voila)
    banner.wait_for(timeout=NOTICED_AFTER + ASKED_EVERY + 4_000)  # the rest for a loaded machine
    assert re.search(told, banner.inner_text())
    banner.get_by_role("button", name="Reload").click()
    page.wait_for_function(
        "(before) => { const config = document.getElementById('jupyter-config-data');"
        " return config && !config.textContent.includes(before); }",
        arg=before,
    )
    dashboard.errors.clear()  # the browser's own, about the connection, and about the kernel that is gone
    dashboard.until_drawn()
    assert not banner.is_visible()
    assert kernel_of(page) != before
    dashboard.press("1d")
    dashboard.until("chart.feed.length === 400")
    assert dashboard.errors == []
