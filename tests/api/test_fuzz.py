"""The service under all that schemathesis and hypothesis think of: no 5xx, no traceback, no socket lost.

SYSTEM_V4_SERVICE_CASES says how many requests, and how many WebSocket messages, are tried (300 if unset).
"""

import json
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from served import standalone
from websockets.exceptions import ConnectionClosed

from toolkit.api import create_app

CASES = int(os.environ.get("SYSTEM_V4_SERVICE_CASES", "300"))
MESSAGES = 10

FUZZ = settings(
    deadline=None,
    database=None,
    derandomize=CASES <= 300,  # the same few each time; the many of the long run are others each time
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with standalone(tmp_path_factory.mktemp("fuzz")) as service:
        yield service
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "an unexpected error" not in log


@pytest.fixture(scope="module")
def document(service):
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


@schemathesis.check
def tells_no_traceback(context, response, case):
    # As bytes: an Arrow stream is no text.
    assert b"Traceback" not in response.content
    assert b'File "' not in response.content


@schemathesis.check
def says_what_is_wrong(context, response, case):
    """Every refusal is `{"detail": text}`."""
    if response.status_code >= 400:
        assert isinstance(response.json()["detail"], str)
        assert response.json()["detail"]
        assert set(response.json()) == {"detail"}


CHECKS = [
    checks.not_a_server_error,
    tells_no_traceback,
    says_what_is_wrong,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


DOCUMENT = create_app(source="sample").openapi()["paths"]
OPERATIONS = [(path, method) for path, methods in DOCUMENT.items() for method in methods]
# Where there is something to choose, and so something that can be wrong.
CHOOSING = [
    (path, method)
    for path, method in OPERATIONS
    if {"parameters", "requestBody"} & DOCUMENT[path][method].keys()
]
TRIED = [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS]
TRIED += [(*operation, GenerationMode.NEGATIVE) for operation in CHOOSING]


@pytest.mark.parametrize(("path", "method", "mode"), TRIED)
def test_requests(document, path, method, mode):
    operation = document[path][method]

    @settings(FUZZ, max_examples=-(-CASES // len(CHOOSING) // 2))
    @given(operation.as_strategy(generation_mode=mode))
    def request(case):
        case.validate_response(case.call(timeout=60), checks=CHECKS)

    request()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ACTIONS = st.sampled_from(["ping", "update", "configure", "subscribe", "unsubscribe", "replay"])
SYMBOLS = st.sampled_from(["BTCUSDT", "btc", "ETHUSDT", "BTCUSDX", "../../etc", "BTC\x00USDT", ""])
TIMEFRAMES = st.sampled_from(["1d", "1h", "15m", "1D", "2h", ""])
INFINITY, NAN = float("inf"), float("nan")
NUMBERS = st.sampled_from([0, 1, -1, 5, 100, 5000, 5001, 10**12, 10**400, 0.5, 1e-300, INFINITY, NAN])
PARAMS = st.dictionaries(
    st.sampled_from(["period", "fast_period", "slow_period", "deviations", "oversold", "squeeze_ratio", "x"]),
    NUMBERS | JSON,
    max_size=3,
)
CHANGE = {"enabled": st.booleans() | JSON, "params": PARAMS | JSON, "x": JSON}
CHANGES = st.dictionaries(
    st.sampled_from(["MACD", "RSI", "Bollinger Bands", "rsi", "bollinger_bands", "MACDD", ""]),
    st.fixed_dictionaries({}, optional=CHANGE) | JSON,
    max_size=3,
)
FIELDS = {
    "symbol": SYMBOLS | JSON,
    "timeframe": TIMEFRAMES | JSON,
    "limit": NUMBERS | JSON,
    "config": CHANGES | JSON,
    # Slow enough for the reader of this test.
    "replay": st.sampled_from([0, 1, 5, -1, 1e12, float("nan"), "1", True]),
    "start": st.sampled_from(["2025-11-01", "2025-13-01", "1900", "now", "", 0]) | JSON,
    "end": st.sampled_from(["2025-12-01", "9999-12-31", "NaT"]) | JSON,
    "command": st.sampled_from(["play", "pause", "step", "seek", "stop"]) | JSON,
    "speed": st.sampled_from([0, 1, 5, -1, float("inf"), "fast"]),
    "candles": st.sampled_from([0, 1, 3, -1, 5001, 1.5, True]) | JSON,
    "to": st.sampled_from(["2025-11-05", "0", "later"]) | JSON,
    "id": st.text(max_size=70) | JSON,
    "colour": JSON,
}
STRUCTURED = st.builds(
    lambda action, fields: json.dumps({"action": action, **fields}),
    ACTIONS | JSON,
    st.fixed_dictionaries({}, optional=FIELDS),
)
CUT = st.builds(lambda text, at: text[: at % (len(text) + 1)], STRUCTURED, st.integers(0, 500))
MESSAGE = st.one_of(
    STRUCTURED,
    STRUCTURED,
    CUT,
    JSON.map(json.dumps),
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.binary(max_size=60),
)


@settings(FUZZ, max_examples=-(-CASES // MESSAGES))
@given(st.lists(MESSAGE, min_size=MESSAGES, max_size=MESSAGES))
def test_messages(service, messages):
    with service.socket("") as connection:
        try:
            for message in messages:
                connection.send(message)
            connection.send('{"action": "ping", "id": "the end of the test"}')
            number = answers = 0
            while True:
                text = connection.recv(timeout=60)
                told = json.loads(text, parse_constant=pytest.fail)
                number += 1
                assert told["number"] == number
                assert "the service failed" not in text
                assert "Traceback" not in text
                answers += told["type"] in (
                    *("error", "pong", "configured", "subscribed", "unsubscribed", "replay"),
                    "update",
                )
                if told.get("id") == "the end of the test":
                    break
        except ConnectionClosed as closed:
            # Of all ends only this is one that messages can bring about: more was asked for than was read.
            if closed.rcvd is None or closed.rcvd.code != 1013:
                raise
            return
        assert told["type"] == "pong"
        assert answers > len(messages)  # each was answered


def test_after_all_that_it_serves_as_before(service):
    """In this file's order the last: the service of the tests above."""
    assert service.http.get("/api/health").json()["status"] == "ok"
    with service.socket() as connection:
        assert json.loads(connection.recv(timeout=60))["type"] == "snapshot"
