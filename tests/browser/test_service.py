"""The service in a real browser: its documentation without network, the README's page of another origin."""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from served import ROOT, in_jupyter, standalone, wait_for

PATIENCE = 60_000
SECTION = re.search(r"^## The service\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]
(SCRIPT,) = re.findall(r"^```js\n(.*?)^```", SECTION, re.M | re.S)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A folder that is served as another origin, and that origin."""
    folder = tmp_path_factory.mktemp("pages")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def services(pages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("services")
    with (
        standalone(folder / "alone", "--origin", pages[1], wait=False) as alone,
        in_jupyter(folder / "base", "/user/x/", wait=False) as base,
    ):
        wait_for(alone)
        wait_for(base)
        yield {"standalone": alone, "base-url": base}


@pytest.fixture
def page(browser):
    """A page that can reach this machine only; what it asks for and complains of is kept."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400}, color_scheme="dark")
    page.set_default_timeout(PATIENCE)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda one: page.complaints.append(one.text) if one.type == "error" else None)

    def local(route):
        here = re.match(r"(https?://(127\.0\.0\.1|localhost)[:/]|data:|blob:)", route.request.url)
        route.continue_() if here else route.abort()

    page.route("**/*", local)
    yield page
    page.close()


def log_in(page, service):
    if "Authorization" in service.headers:
        page.set_extra_http_headers(service.headers)


def foreign(page):
    here = re.compile(r"http://(127\.0\.0\.1|localhost):\d+/|data:|blob:")
    return [url for url in page.asked if not here.match(url)]


@pytest.mark.parametrize("way", ["standalone", "base-url"])
def test_the_documentation_works_without_network(way, services, page, tmp_path):
    service = services[way]
    log_in(page, service)
    page.goto(f"{service.url}/docs")
    page.get_by_text("/api/klines", exact=True).wait_for()
    page.screenshot(path=tmp_path / "docs.png")
    # A request from the page reaches the service, wherever it is.
    page.locator("#operations-market-symbols_api_symbols_get .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="200").first.wait_for()
    assert page.locator(".live-responses-table").get_by_text("AAVEUSDT").first.is_visible()
    assert foreign(page) == []
    assert page.complaints == []


@pytest.mark.parametrize("way", ["standalone", "base-url"])
def test_the_reference_works_without_network(way, services, page, tmp_path):
    service = services[way]
    log_in(page, service)
    page.goto(f"{service.url}/redoc")
    page.get_by_role("heading", name="Klines").first.wait_for()
    assert page.get_by_text("computed on the full history").first.is_visible()
    logo = page.locator('img[alt="redocly logo"]').first
    logo.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert logo.evaluate("image => image.naturalWidth") > 0
    page.screenshot(path=tmp_path / "redoc.png")
    assert foreign(page) == []
    assert page.complaints == []


def run_script(page, pages, service, origin):
    """The README's script in a page, with functions to draw that only count."""
    folder, _ = pages
    script = SCRIPT.replace("http://localhost:8000", service.url)
    (folder / "page.html").write_text(
        "<!doctype html><link rel=icon href=data:,><script>"
        "window.drawn = []; window.shown = [];"
        "function draw(klines, indicators) { drawn.push([klines, indicators]); }"
        "function show(candle, indicators) { shown.push([candle, indicators]); }"
        f"</script><script type=module>\n{script}</script>"
    )
    page.goto(f"{origin}/page.html")


def test_the_readmes_page_is_served_at_a_named_origin(services, pages, page):
    service = services["standalone"]
    run_script(page, pages, service, pages[1])
    page.wait_for_function("shown.length >= 2")  # the snapshot, and the answer to update
    expected = service.http.get("/api/klines?symbol=BTCUSDT&timeframe=1h&limit=100").json()
    assert page.evaluate("drawn[0][0]") == expected["klines"]
    assert page.evaluate("drawn[0][1]") == expected["indicators"]
    candle, indicators = page.evaluate("shown[0]")
    last = expected["klines"][-1]
    assert {name: candle[name] for name in last} == last
    assert indicators["RSI"]["rsi"] == expected["indicators"]["RSI"][-1]["rsi"]
    assert page.complaints == []


def test_and_at_no_other(services, pages, page):
    service = services["standalone"]
    other = pages[1].replace("localhost", "127.0.0.1")
    run_script(page, pages, service, other)
    page.wait_for_function("true")
    refused = page.evaluate(
        """async (service) => {
      const read = await fetch(`${service}/api/symbols`).then(() => "read", () => "refused");
      const socket = new WebSocket(`${service.replace("http", "ws")}/ws/chart`);
      const opened = await new Promise((tell) => {
        socket.onopen = () => tell("opened");
        socket.onclose = () => tell("refused");
      });
      return [read, opened];
    }""",
        service.url,
    )
    assert refused == ["refused", "refused"]
    assert page.evaluate("drawn.length + shown.length") == 0
