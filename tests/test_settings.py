"""Where things are kept, and which setting wins."""

from pathlib import Path

import pytest

from toolkit import settings

VARIABLES = ("SOURCE", "HUB_REPOSITORY", "HUB_REVISION", "HUB_ENDPOINT")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.delenv(f"TOOLKIT_{name}", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def write(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(text)


def test_home_is_what_the_environment_says(home):
    assert settings.home() == home
    assert not home.exists(), "asking must not make it"


def test_a_relative_home_is_taken_from_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_HOME", "here/../there")
    assert settings.home() == tmp_path / "there"


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_home_without_environment_is_the_users_cache_folder(monkeypatch, tmp_path, unset):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if unset is None:
        monkeypatch.delenv("TOOLKIT_HOME")
    else:
        monkeypatch.setenv("TOOLKIT_HOME", unset)
    assert settings.home().name == "system-v4"


def test_home_expands_the_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TOOLKIT_HOME", "~/kept")
    assert settings.home() == tmp_path / "kept"


def test_a_file_as_home_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path / "file"))
    with pytest.raises(settings.SettingsError, match=r"TOOLKIT_HOME.*file.*not a folder"):
        settings.home()


def test_folders_are_made_and_only_known_ones(home):
    for name in settings.FOLDERS:
        assert settings.folder(name) == home / name
        assert settings.folder(name).is_dir()
    with pytest.raises(settings.SettingsError, match=r"'../evil'.*hub, candles, sample"):
        settings.folder("../evil")


def test_a_folder_that_cannot_be_made_says_what_to_do(home):
    home.mkdir()
    (home / "hub").write_text("a file is in the way")
    with pytest.raises(settings.SettingsError, match="TOOLKIT_HOME"):
        settings.folder("hub")


def test_argument_then_environment_then_file_then_default(home, monkeypatch):
    assert settings.source() == "auto"
    write(home, 'source = "sample"')
    assert settings.source() == "sample"
    monkeypatch.setenv("TOOLKIT_SOURCE", "hub")
    assert settings.source() == "hub"
    assert settings.source("auto") == "auto"
    monkeypatch.setenv("TOOLKIT_SOURCE", "")
    assert settings.source() == "sample", "an empty variable counts as not set"


def test_names_of_sources_in_any_letter_case(tmp_path):
    assert settings.source("Sample") == "sample"
    assert settings.source("./sample") == str(tmp_path / "sample"), "a path is a path"


def test_relative_sources(home, monkeypatch, tmp_path):
    assert settings.source("candles") == str(tmp_path / "candles")
    assert settings.source(Path("candles")) == str(tmp_path / "candles")
    monkeypatch.setenv("TOOLKIT_SOURCE", "../candles")
    assert settings.source() == str(tmp_path.parent / "candles")
    monkeypatch.delenv("TOOLKIT_SOURCE")
    write(home, 'source = "candles"')
    assert settings.source() == str(home / "candles"), "in the file: beside the file"


@pytest.mark.parametrize("value", ["", "  ", 3, b"hub", object()])
def test_what_is_no_source(value):
    with pytest.raises(settings.SettingsError, match="source"):
        settings.source(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source = 3", "source = 3"),
        ('source = ""', "non-empty"),
        ('sorce = "hub"', "did you mean 'source'"),
        ('zzz = "hub"', "there are: source"),
        ("source = ", "TOML"),
    ],
)
def test_a_bad_settings_file_says_where_and_what(home, text, message):
    write(home, text)
    with pytest.raises(settings.SettingsError, match=message) as caught:
        settings.source()
    assert "settings.toml" in str(caught.value)


def test_hub_settings(monkeypatch):
    assert settings.hub_repository() == "zongowo111/v2-crypto-ohlcv-data"
    assert settings.hub_revision() == "main"
    assert settings.hub_endpoint() == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror/")
    assert settings.hub_endpoint() == "http://mirror"
    monkeypatch.setenv("TOOLKIT_HUB_ENDPOINT", "http://nearer")
    assert settings.hub_endpoint() == "http://nearer"


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (settings.hub_repository, "nameonly"),
        (settings.hub_repository, "a/b/c"),
        (settings.hub_repository, "../.."),
        (settings.hub_revision, "../main"),
        (settings.hub_revision, "two words"),
        (settings.hub_endpoint, "huggingface.co"),
        (settings.hub_endpoint, "ftp://hub"),
        (settings.hub_endpoint, "https://"),
    ],
)
def test_hub_settings_that_cannot_be(ask, value):
    with pytest.raises(settings.SettingsError, match="hub_"):
        ask(value)


def test_offline_is_read_when_asked(monkeypatch):
    assert not settings.hub_offline()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert settings.hub_offline()
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert not settings.hub_offline()


def test_live_is_off_unless_an_exchange_is_named(home, monkeypatch):
    assert settings.live() == "off"
    monkeypatch.setenv("TOOLKIT_LIVE", "Binance-US")
    assert settings.live() == "binance-us"
    monkeypatch.setenv("TOOLKIT_LIVE", "kraken")
    with pytest.raises(
        settings.SettingsError, match=r"live: 'kraken' \(TOOLKIT_LIVE\) is not one of off, binance"
    ):
        settings.live()


def test_addresses_of_an_exchange(home, monkeypatch):
    assert (settings.live_stream(), settings.live_rest()) == ("", "")
    monkeypatch.setenv("TOOLKIT_LIVE_STREAM", "wss://gateway.example:9443/")
    assert settings.live_stream() == "wss://gateway.example:9443"
    monkeypatch.setenv("TOOLKIT_LIVE_STREAM", "https://gateway.example")
    with pytest.raises(settings.SettingsError, match=r"live_stream: .* is not an address such as 'wss://"):
        settings.live_stream()
    with pytest.raises(settings.SettingsError, match="live_rest"):
        settings.live_rest("gateway")
