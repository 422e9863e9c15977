"""Settings, read once at start from the environment (prefix `SHUOSHI_`, and LiveKit's own `LIVEKIT_*`), then frozen.

docs/settings.md documents every one of them; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """What an operator can set. Secrets are masked when printed."""

    model_config = SettingsConfigDict(env_prefix="SHUOSHI_", frozen=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(default=Path("data"), description="Folder of database, keys, captures and records.")
    host: str = Field(default="127.0.0.1", description="Address the application listens on.")
    port: Port = Field(default=8000, description="HTTP port of the application.")
    public_url: str = Field(
        default="", description="Address people open, such as https://shuoshi.example; empty: host and port."
    )
    media_port: Port = Field(default=7880, description="HTTP port of the media node's signalling.")
    media_host: str = Field(default="127.0.0.1", description="Address the node's signalling listens on.")
    media_udp_port: Port = Field(default=7882, description="The one UDP port for everybody's media.")
    media_tcp_port: Port = Field(default=7881, description="The one TCP port for media where UDP is blocked.")
    media_ip: str = Field(default="127.0.0.1", description="Address of the node that browsers are told (ICE candidate).")
    media_bind: str = Field(
        default="", description="Address the media sockets listen on; empty: loopback if media_ip is, else all."
    )
    database_url: str = Field(default="", description="SQLAlchemy address; empty: SQLite in the data folder.")
    webhook_url: str = Field(
        default="", description="Where the node sends its webhooks; empty: the application on this machine."
    )
    organisation_phone: str = Field(default="0000-555 0123", description="Telephone number shown on every public page.")
    tls_certificate: Path | None = Field(default=None, description="Certificate chain (PEM) for HTTPS.")
    tls_key: Path | None = Field(default=None, description="Private key (PEM) for HTTPS.")
    lan_plain_port: Port = Field(
        default=0, description="Plain HTTP port that hands out the LAN's own CA and redirects; 0: none."
    )
    livekit_url: str = Field(
        default="",
        validation_alias=AliasChoices("LIVEKIT_URL", "livekit_url"),
        description="A LiveKit server or cluster; when set, the embedded node is not started.",
    )
    livekit_api_key: str = Field(
        default="",
        validation_alias=AliasChoices("LIVEKIT_API_KEY", "livekit_api_key"),
        description="API key; empty: generated on first start and kept in the data folder.",
    )
    livekit_api_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("LIVEKIT_API_SECRET", "livekit_api_secret"),
        description="API secret; empty: generated on first start and kept in the data folder.",
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if bool(self.livekit_api_key) != bool(self.livekit_api_secret.get_secret_value()):
            raise ValueError("LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be set together")
        if self.livekit_url and not self.livekit_api_key:
            raise ValueError("LIVEKIT_URL needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("SHUOSHI_TLS_CERTIFICATE and SHUOSHI_TLS_KEY must be set together")
        return self

    @property
    def secure(self) -> bool:
        """The application itself speaks HTTPS."""
        return self.tls_certificate is not None

    @property
    def address(self) -> str:
        """Where people open the application, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    @property
    def database(self) -> str:
        """The database's SQLAlchemy address."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve() / 'shuoshi.sqlite3'}"

    @property
    def media_url(self) -> str:
        """The node's own HTTP address, as the application reaches it."""
        return self.livekit_url or f"http://{self.media_host}:{self.media_port}"

    @property
    def webhook(self) -> str:
        """Where the embedded node reports to."""
        if self.webhook_url:
            return self.webhook_url
        scheme = "https" if self.secure else "http"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"{scheme}://{host}:{self.port}/livekit/webhook"

    @property
    def media_listen(self) -> str:
        """The address the media sockets bind."""
        if self.media_bind:
            return self.media_bind
        return "127.0.0.1" if self.media_ip.startswith("127.") else "0.0.0.0"  # noqa: S104
