"""The badge's path on a Jupyter Server as Binder runs one: under a base of its own, with a token."""

import re
import shutil
import sys
from urllib.parse import unquote

from conftest import PATIENCE, ROOT, Dashboard, free_port, serving
from toolkit.cli.pages import EXTENSIONS


def test_the_badge_opens_the_dashboard(compiled, browser, tmp_path):
    link = re.search(
        r"https://mybinder\.org/v2/gh/\S+\?urlpath=([^)\s]+)\)", (ROOT / "README.md").read_text()
    )
    base, token = "user/owner-project-x1y2/", "secret"
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "dashboard.ipynb", tmp_path / "notebooks")
    shutil.copy(ROOT / "voila.json", tmp_path)  # read where the server starts
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--ServerApp.base_url=/{base}", f"--IdentityProvider.token={token}"),
        f"--ServerApp.root_dir={tmp_path}",
    ]
    with serving(command, port, tmp_path, JUPYTER_CONFIG_DIR=str(tmp_path / "config")) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
        # Voila's own page asks for fonts and formulas elsewhere; without a network it must do, too.
        page.route(lambda url: not url.startswith(address), lambda route: route.abort())
        loaded = set()
        page.on(
            "request", lambda request: loaded.update(re.findall(r"labextensions/(.+?)/static", request.url))
        )
        dashboard = Dashboard(page)
        page.goto(f"{address}{base}{unquote(link[1])}?token={token}", timeout=2 * PATIENCE)
        dashboard.until_drawn()
        assert page.get_by_text("SYNTHETIC SAMPLE DATA – not a real market").is_visible()
        assert dashboard.state()["canvas"]
        assert page.locator("body").get_attribute("data-jp-theme-light") == "false"
        assert {"anywidget", "bqplot"} <= loaded <= {*EXTENSIONS, "@jupyterlab/theme-dark-extension"}
        before = dashboard.state()["versions"]["RSI.rsi"]
        handle = dashboard.card("RSI").locator(".noUi-handle").first
        handle.focus()
        handle.press("ArrowRight")
        dashboard.until("chart.inspect().versions['RSI.rsi'] > argument", before)
        assert [error for error in dashboard.errors if "net::ERR_FAILED" not in error] == []
        page.close()
