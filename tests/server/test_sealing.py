"""The seal's handler: what may fail beside the seal must not keep the record from its case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recordings.capture import Capture
from recordings.grant import Grant
from recordings.keys import SigningKey
from rooms.evidence import Evidence
from server.capture_client import HttpCapture
from server.keys import ApiKey
from server.sealing import SealHandler
from storage import Database

pytestmark = pytest.mark.anyio

SITTING = "sittingone"


async def test_a_record_is_sealed_although_its_playback_cannot_be_made(tmp_path: Path) -> None:
    key, now = SigningKey.generate(), datetime.now(UTC)
    capture = Capture(tmp_path / "captures", key)
    await capture.grant(Grant(SITTING, "room", frozenset({"seat"}), "v1", now + timedelta(seconds=20), now))
    await capture.finish(SITTING)
    records = tmp_path / "records"
    records.mkdir()
    (records / f".{SITTING}.playback.partial").write_text("in the way of the folder in which playback is made")
    handler = SealHandler(
        database=Database.open(f"sqlite:///{tmp_path / 'unused.sqlite3'}"),
        capture=HttpCapture("http://127.0.0.1:9", ApiKey("key", "secret")),
        key=key,
        captures=tmp_path / "captures",
        records=records,
        now=lambda: now,
    )
    sealed = handler._seal(evidence(now))
    assert sealed is not None and sealed.folder == records / SITTING
    assert (records / SITTING / "manifest.json").exists()
    assert not (records / f"{SITTING}.playback").exists()


def evidence(now: datetime) -> Evidence:
    return Evidence(
        sitting_id=SITTING,
        case_id=None,
        organisation_id=None,
        host_staff_id="host",
        purpose="mediation",
        title="",
        media_rooms=("room",),
        opened_at=now,
        ended_at=now,
        started_at=now,
        seats=(),
        attendees=(),
        texts=(),
        answers=(),
        attendance=(),
        gaps=(),
    )
