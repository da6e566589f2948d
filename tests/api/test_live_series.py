"""An exchange's candles through the service: followed on demand; whoever comes back gets what it missed."""

import asyncio
import contextlib
import json

import pytest
from feeds.exchange_stand_in import START, StandIn, world
from feeds.virtual_time import run
from market import same_bits

from toolkit import settings
from toolkit.api import create_app
from toolkit.api import streams as module
from toolkit.api.connection import Connection
from toolkit.api.hub import Hub, Limits
from toolkit.api.service import Service
from toolkit.client import Client
from toolkit.feeds.exchange import Exchange, Kept

STEP = 900_000


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    folder = settings.folder
    monkeypatch.setattr(settings, "folder", lambda name: tmp_path if name == "live" else folder(name))


class Reader:
    """A connection that keeps what it was sent."""

    def __init__(self):
        self.streams, self.closed, self.messages = {}, False, []

    def offer(self, body, stream="", forming=False):
        self.messages.append(json.loads("{" + body))

    async def room(self):
        """It always has."""

    async def close(self, code, reason):
        self.closed = True

    def of(self, kind):
        return [message for message in self.messages if message["type"] == kind]

    @property
    def closes(self):
        return [
            one["latest_candle"]["open_time"] for one in self.of("update") if one["latest_candle"]["closed"]
        ]


@contextlib.asynccontextmanager
async def hub_of(w, **limits):
    exchange = w.exchange()
    service = Service(source="sample", kept=Kept(exchange.venue.name, "sample"))
    hub = Hub(service, exchange=exchange, limits=Limits(**limits))
    hub.start()
    try:
        yield hub
    finally:
        await hub.close()
        service.close()


async def connected(hub, symbol="BTCUSDT", timeframe="15m", **options):
    reader = Reader()
    hub.connect(reader)
    stream = await hub.subscribe(reader, symbol, timeframe, 5, **options)
    return reader, stream


def test_a_series_is_followed_while_somebody_does_and_a_while_longer():
    async def story():
        async with world() as w, hub_of(w, linger=600.0) as hub:
            reader, stream = await connected(hub)
            await w.until(START + 3 * STEP + 10_000)
            hub.disconnect(reader)
            seen = reader.messages[-1]["sequence"]
            await asyncio.sleep(500)
            follows = hub.exchange.status()["series"]
            back, same = await connected(hub, after=seen)
            await asyncio.sleep(5)
            hub.disconnect(back)
            await asyncio.sleep(700)
            return reader, back, stream is same, follows, hub.exchange.status(), hub.streams

    reader, back, same, follows, status, left = run(story())
    assert (same, follows, status["series"], status["state"], left) == (True, 1, 0, "off", 0)
    # the stored sample is synthetic: it never stands before an exchange's candles
    first = reader.messages[0]
    assert (first["type"], first["origin"], first["synthetic"], first["latest_candle"]) == (
        "snapshot",
        "live",
        False,
        None,
    )
    assert [one["reason"] for one in reader.of("snapshot")] == ["subscribed", "data"]
    assert len(reader.of("snapshot")[1]["history"]["klines"]) == 5
    assert reader.closes == [
        "2024-12-31T23:45:00Z",
        *(f"2025-01-01T00:{m}:00Z" for m in ("00", "15", "30")),
    ]
    sequences = [one["sequence"] for one in reader.messages]
    assert sequences == sorted(set(sequences))
    (resumed,) = [one for one in back.messages if one["type"] == "resumed"]
    assert back.messages[0] == resumed
    assert [one["sequence"] > sequences[-1] for one in resumed["missed"]] == [True] * len(resumed["missed"])


def test_who_comes_back_gets_each_close_once_with_its_signals_and_values():
    """One reader stays; another is cut off and comes back again and again: together it sees the same."""

    async def story():
        async with world() as w, hub_of(w) as hub:
            steady, _ = await connected(hub)
            seen, closes, snapshots = None, {}, 0
            for _ in range(12):
                reader, _ = await connected(hub, after=seen)
                await asyncio.sleep(1_100)
                hub.disconnect(reader)
                for one in reader.messages:
                    snapshots += one["type"] == "snapshot"
                    for update in one.get("missed", [one]):
                        if (
                            update["latest_candle"]
                            and update["latest_candle"]["closed"]
                            and update["type"] == "update"
                        ):
                            opened = update["latest_candle"]["open_time"]
                            assert opened not in closes
                            closes[opened] = update
                        seen = max(seen or 0, update["sequence"])
                await asyncio.sleep(1_700)
            back, _ = await connected(hub, after=seen)
            for update in back.messages[0]["missed"]:
                if update["latest_candle"]["closed"]:
                    closes[update["latest_candle"]["open_time"]] = update
            whole = {
                one["latest_candle"]["open_time"]: one
                for one in steady.of("update")
                if one["latest_candle"]["closed"]
            }
            return closes, whole, snapshots

    closes, whole, snapshots = run(story())
    assert closes == whole
    assert snapshots == 2  # the first connection's; the second when the exchange had told the history
    assert len(whole) > 30
    assert any(one["signals"] for one in whole.values())


def test_what_is_no_longer_kept_is_a_snapshot_that_says_so(monkeypatch):
    monkeypatch.setattr(module, "KEPT_MISSED", 3)

    async def story():
        async with world() as w, hub_of(w) as hub:
            reader, stream = await connected(hub)
            stream._missed = module.deque(maxlen=3)
            await w.until(START + STEP + 10_000)
            seen = reader.messages[-1]["sequence"]
            await w.until(START + 4 * STEP + 10_000)
            known, _ = await connected(hub, after=seen)
            await w.until(START + 5 * STEP + 10_000)
            lost, _ = await connected(hub, after=seen)
            ahead, _ = await connected(hub, after=2**62)
            hub.service.configuration.set_indicator_enabled("RSI", False)
            await asyncio.sleep(1)
            other, _ = await connected(hub, after=reader.messages[-2]["sequence"])
            return known, lost, ahead, other

    known, lost, ahead, other = run(story())
    assert [one["latest_candle"]["closed"] for one in known.messages[0]["missed"]] == [
        True,
        True,
        True,
        False,
    ]
    for reader in (lost, ahead, other):
        assert (reader.messages[0]["type"], reader.messages[0]["reason"]) == ("snapshot", "missed")
    assert "RSI" not in other.messages[0]["indicators"]


def test_streamed_values_are_those_of_a_calculation_over_the_whole():
    async def story():
        async with world() as w, hub_of(w) as hub:
            reader, stream = await connected(hub)
            await w.until(START + 8 * STEP + 10_000)
            frame = await asyncio.to_thread(stream.feed.history)
            return reader, hub.service.pipeline[1].calculate(frame)

    reader, batch = run(story())
    closed = [one for one in reader.of("update") if one["latest_candle"]["closed"]]
    assert len(closed) >= 8
    streamed = [one["indicators"]["MACD"]["macd_signal"] for one in closed]
    assert same_bits(streamed, batch["macd_signal"].iloc[-len(closed) :])


def test_a_slow_client_gets_every_close_and_of_a_forming_candle_the_newest_state():
    class Slow:
        """A socket that takes a message whenever it is let to."""

        def __init__(self):
            self.sent, self.may = [], asyncio.Semaphore(0)

        async def send_text(self, text):
            await self.may.acquire()
            self.sent.append(json.loads(text))

    async def story():
        socket = Slow()
        connection = Connection(socket, 20)
        writing = asyncio.create_task(connection.write())
        for number in range(400):  # far more than the queue holds
            for stream in ("a", "b"):
                close = number % 100 == 99
                connection.offer(
                    f'"stream":"{stream}","n":{number},"closed":{str(close).lower()}}}', stream, not close
                )
            if number % 50 == 0:
                socket.may.release()
                await asyncio.sleep(0.001)
        connection.offer('"type":"pong"}')
        for _ in range(60):
            socket.may.release()
        await connection.drained()
        connection.end()
        await writing
        return socket.sent

    sent = run(story())
    assert [one["number"] for one in sent] == list(range(1, len(sent) + 1))
    assert sent[-1]["type"] == "pong"
    for stream in ("a", "b"):
        mine = [one for one in sent if one.get("stream") == stream]
        assert [one["n"] for one in mine if one["closed"]] == [99, 199, 299, 399]
        assert [one["n"] for one in mine] == sorted({one["n"] for one in mine})
        assert {98, 198, 298, 398} <= {one["n"] for one in mine}
    assert len(sent) < 40


def test_rest_has_what_the_exchange_gave():
    """Also of a series that nobody follows any more, and in the same candles that the stream had."""

    async def story():
        async with world() as w, hub_of(w, linger=1.0) as hub:
            hub.service.recheck_seconds = 0.0
            before = await hub.service.series("BTCUSDT", "15m")
            reader, stream = await connected(hub)
            await w.until(START + 3 * STEP + 10_000)
            during = await hub.service.series("BTCUSDT", "15m")
            same = await hub.service.series("BTCUSDT", "15m")
            frame = await asyncio.to_thread(stream.feed.history)
            hub.disconnect(reader)
            await asyncio.sleep(5)
            after = await hub.service.series("BTCUSDT", "15m")
            return before.frame, during, same, frame, after

    before, during, same, frame, after = run(story())
    assert before.attrs["synthetic"]
    assert during is same is after
    assert not during.frame.attrs["synthetic"]
    assert during.frame.attrs["source"] == "stand-in"
    assert same_bits(during.frame[frame.columns], frame)
    assert during.frame.index.equals(frame.index)


def test_without_the_exchange_stored_candles_are_served_and_the_state_says_so():
    async def story():
        async with world() as w:
            await w.stand_in.stop()
            async with hub_of(w) as hub:
                reader, _ = await connected(hub)
                await asyncio.sleep(30)
                computed = await hub.service.series("BTCUSDT", "15m")
                status = hub.exchange.status()
                await w.stand_in.start()
                await asyncio.sleep(120)
                return reader, len(computed.frame), status, hub.exchange.status()

    reader, stored, before, after = run(story())
    assert stored > 1_000
    assert before["state"] in ("waiting", "connecting")
    assert "cannot be reached" in before["error"]
    assert (after["state"], after["error"], after["ready"]) == ("connected", None, 1)
    assert reader.messages[-1]["origin"] == "live"


def test_a_pair_that_the_exchange_does_not_know_stays_as_it_is_stored():
    async def story():
        async with world() as w, hub_of(w) as hub:
            del w.stand_in.pairs["ETHUSDT"]
            reader, stream = await connected(hub, "ETHUSDT")
            await asyncio.sleep(20)
            return reader, stream

    reader, stream = run(story())
    assert "there is no pair 'ETHUSDT'" in reader.of("error")[0]["detail"]
    last = reader.messages[-1]
    assert (last["type"], last["origin"], last["synthetic"]) == ("snapshot", "stored", True)
    assert stream.feed is None


def test_over_a_real_connection_the_client_goes_on_where_it_was(serve):
    """A minute of the exchange takes a tenth of a second; the service drops the client in the middle."""

    async def story():
        loop = asyncio.get_running_loop()
        began = loop.time()
        stand_in = StandIn(now=lambda: START + int((loop.time() - began) * 600_000), every=0.1)
        async with stand_in:
            app = create_app(source="sample", live=Exchange(stand_in.venue, source="sample"))
            served = await asyncio.to_thread(serve, app)
            client = Client(served.url)
            opens, kinds = [], []
            async with contextlib.aclosing(client.stream("BTCUSDT", "15m", limit=3)) as stream:
                async for update in stream:
                    kinds.append((update.kind, update.reason))
                    if update.kind == "update" and update.closed:
                        opens.append(update.open_time.value // 10**6 // STEP)
                        if len(opens) == 2:
                            hub = app.state.hub
                            (connection,) = hub._connections
                            await asyncio.wrap_future(
                                asyncio.run_coroutine_threadsafe(
                                    connection.close(1012, "restart"), served.loop
                                )
                            )
                    if len(opens) == 4:
                        break
            health = await asyncio.to_thread(client.health)
            client.close()
            await asyncio.to_thread(served.stop)
            return opens, kinds, health

    opens, kinds, health = asyncio.run(asyncio.wait_for(story(), 60))
    assert opens == list(range(opens[0], opens[0] + 4))
    assert [reason for kind, reason in kinds if kind == "snapshot"] == ["subscribed", "data"]
    assert health["live"]["venue"] == "stand-in"
    assert health["live"]["state"] == "connected"
    assert health["live"]["error"] is None
