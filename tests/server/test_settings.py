"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server.keys import api_key, application_secret
from server.settings import Settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHUOSHI_{name.upper()}", raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_stay_on_this_machine() -> None:
    settings = Settings()
    assert settings.address == "http://127.0.0.1:8000"
    assert settings.webhook == "http://127.0.0.1:8000/livekit/webhook"
    assert settings.media_url == "http://127.0.0.1:7880"
    assert settings.media_listen == "127.0.0.1"


def test_an_outside_media_address_opens_the_media_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUOSHI_MEDIA_IP", "10.1.2.3")
    assert Settings().media_listen == "0.0.0.0"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"LIVEKIT_API_KEY": "k"}, "LIVEKIT_API_SECRET"),
        ({"LIVEKIT_API_SECRET": "s"}, "LIVEKIT_API_KEY"),
        ({"LIVEKIT_URL": "wss://cluster.example"}, "LIVEKIT_API_KEY"),
        ({"SHUOSHI_TLS_KEY": "key.pem"}, "SHUOSHI_TLS_CERTIFICATE"),
        ({"SHUOSHI_PORT": "80000"}, "65535"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], complaint: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=complaint):
        Settings()


def test_secrets_are_masked_when_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "deep-secret")
    monkeypatch.setenv("SHUOSHI_DATA_DIR", str(tmp_path))
    settings = Settings()
    assert "deep-secret" not in repr(settings) + repr(api_key(settings))
    assert api_key(settings).secret == "deep-secret"


def test_keys_are_made_once_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHUOSHI_DATA_DIR", str(tmp_path))
    settings = Settings()
    first = api_key(settings), application_secret(settings)
    assert (api_key(settings), application_secret(settings)) == first
    assert len(first[0].secret) >= 32
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "keys").iterdir()} == {"0o600"}


def test_two_data_folders_have_different_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        monkeypatch.setenv("SHUOSHI_DATA_DIR", str(tmp_path / name))
        secrets.add(api_key(Settings()).secret)
    assert len(secrets) == 2
