"""A real sealed record on a case: two seats, six seconds, a break in the middle."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cases import progress, records
from recordings import playback, seal
from recordings.capture import Capture
from recordings.keys import SigningKey, fingerprint
from rooms import invitations, sittings
from tests.recordings.conftest import FakeClock
from tests.recordings.synthetic_media import OPUS, VP8, FakeTrack, RtpStream, sound, video
from tests.web.staff_stand import StaffStand
from web import application

SECONDS = 4  # before the break, and again after it


@dataclass
class Seat:
    """One captured seat and its streams."""

    id: str
    camera: FakeTrack
    microphone: FakeTrack
    pictures: RtpStream
    tones: RtpStream


@dataclass(frozen=True)
class Recorded:
    """Where it hangs."""

    stand: StaffStand
    case_id: str
    sitting_id: str
    record_id: str


async def recorded(stand: StaffStand) -> Recorded:
    """Hold a sitting of the mediator with one party, seal it, hang it on the case; the stand then knows the sealing key."""
    case_id = await stand.case()
    sitting_id, seat_ids = await _hold(stand, case_id)
    key, time = SigningKey.generate(), FakeClock()
    await _capture(stand, key, time, sitting_id, seat_ids)
    evidence = seal.Evidence(sitting=sitting_id, case=case_id, names={}, software="test 1")
    record = stand.services.records / sitting_id
    stand.services.records.mkdir(parents=True, exist_ok=True)
    sealed = seal.seal(stand.folder / "spool" / sitting_id, evidence, key, now=time.utc(), destination=record)
    playback.make(record, stand.services.records / f"{sitting_id}.playback")
    async with stand.database.writing() as db:
        hung = await records.attach(
            db,
            case_id=case_id,
            sitting_id=sitting_id,
            folder=sitting_id,
            manifest_hash=sealed.manifest_sha256,
            duration_ms=sealed.length_ms,
            sealed_at=time.utc(),
            present=[stand.county.staff["mediator"]],
            now=stand.clock(),
        )
    services = replace(stand.services, fingerprint=fingerprint(key.public))
    return Recorded(replace(stand, app=application(services), services=services), case_id, sitting_id, hung.id)


async def _hold(stand: StaffStand, case_id: str) -> tuple[str, list[str]]:
    mediator, now = stand.county.staff["mediator"], stand.clock()
    async with stand.database.writing() as db:
        sitting_id = await sittings.open_sitting(
            db, case_id=case_id, purpose="mediation", title="枣树", host_staff_id=mediator, organisation_id=None, now=now
        )
        await progress.sitting_opened(db, case_id=case_id, sitting_id=sitting_id, staff_id=mediator, now=now)
        issued = [
            await invitations.issue(db, stand.services.secrets, sitting_id, role="party", name=name, by=mediator, now=now)
            for name in ("枣大山", "枣小满")
        ]
        await sittings.close_sitting(db, sitting_id, now, by=mediator)
    return sitting_id, [one.seat_id for one in issued]


async def _capture(stand: StaffStand, key: SigningKey, time: FakeClock, sitting_id: str, seat_ids: list[str]) -> None:
    capture = Capture(stand.folder / "spool", key, software="test 1", clock=time.clock())
    try:
        seats = [_seat(number, seat_id) for number, seat_id in enumerate(seat_ids)]
        for seat in seats:
            capture.participant_joining("room", seat.id, True)
            capture.track_published("room", seat.id, f"TR_v{seat.id}", "camera", seat.camera)
            capture.track_published("room", seat.id, f"TR_a{seat.id}", "microphone", seat.microphone)
        await capture.grant(time.grant(*seat_ids, sitting=sitting_id, room="room"))
        _talk(seats, time)
        capture.revoke(sitting_id, "break")
        time.advance(3)
        await capture.grant(time.grant(*seat_ids, sitting=sitting_id, room="room"))
        _talk(seats, time)
        await capture.finish(sitting_id)
    finally:
        await capture.close()


def _seat(number: int, seat_id: str) -> Seat:
    base = 0x1000 * (number + 1)
    return Seat(seat_id, FakeTrack(VP8), FakeTrack(OPUS), RtpStream(VP8, ssrc=base + 1), RtpStream(OPUS, ssrc=base + 2))


def _talk(seats: list[Seat], time: FakeClock) -> None:
    tones = sound(SECONDS)
    for number, frame in enumerate(video("VP8", SECONDS)):
        at_ns = time.advance(0.02)
        for seat in seats:
            seat.camera.deliver(seat.pictures.frame(frame), at_ns)
        for packet in tones[2 * number : 2 * number + 2]:
            at_ns = time.advance(0.01)
            for seat in seats:
                seat.microphone.deliver(seat.tones.frame(packet), at_ns)
