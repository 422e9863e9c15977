"""Media between real peers: repair under loss, layers, reports, requests, pausing."""

from __future__ import annotations

import asyncio

import pytest

from media import rtcp
from media.endpoint import DEFAULT_REMB_BPS, Endpoint
from media.ports import ReceiveParameters, SendParameters
from media.rtp import AUDIO_LEVEL_URI, MID_URI
from tests.media.loopback import (
    EXTENSIONS,
    MID_ID,
    OPUS,
    REPAIRED_RID_ID,
    RID_ID,
    VP8,
    Camera,
    Joined,
    arrived,
    candidate,
    joined,
    payloads,
)
from tests.media.lossy_relay import LossyRelay
from tests.media.media_client import rtp_packet, rtp_payload, sequence_of, ssrc_of, until

pytestmark = pytest.mark.anyio


def feedback(peer: Joined, packet_type: int, kind: int) -> list[rtcp.Feedback]:
    return [
        message
        for message in peer.client.feedback()
        if isinstance(message, rtcp.Feedback) and (message.packet_type, message.format) == (packet_type, kind)
    ]


async def test_video_of_one_peer_reaches_two_others_unchanged(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob, joined(endpoint) as carol:
        track = alice.publish()
        sent = [bob.subscribe(track), carol.subscribe(track)]
        camera = Camera(alice, 7, first=65500)
        camera.shoot(key_frame=True, size=1100)
        for size in range(0, 1100, 20):
            camera.shoot(size=size)
        for peer, outgoing in zip((bob, carol), sent, strict=True):
            await arrived(peer, len(camera.payloads))
            assert payloads(peer) == camera.payloads
            assert {ssrc_of(packet) for packet in peer.client.rtp} == {outgoing.ssrc}
            first = sequence_of(peer.client.rtp[0])
            expected = [(first + n) & 0xFFFF for n in range(len(camera.payloads))]
            assert [sequence_of(packet) for packet in peer.client.rtp] == expected
            assert outgoing.stats.packets == len(camera.payloads)
        assert track.stats.packets == len(camera.payloads)
        assert track.codec == VP8


class RepairingSubscriber:
    """Asks for what it misses like a browser, and puts repetitions in their place."""

    def __init__(self, peer: Joined, ssrc: int, rtx_ssrc: int) -> None:
        self._peer = peer
        self._ssrc, self._rtx_ssrc = ssrc, rtx_ssrc
        self.packets: dict[int, bytes] = {}
        self._highest = -1
        peer.client.on_rtp = self._take

    def _take(self, packet: bytes) -> None:
        payload, sequence = rtp_payload(packet), sequence_of(packet)
        if ssrc_of(packet) == self._rtx_ssrc:
            sequence, payload = int.from_bytes(payload[:2], "big"), payload[2:]
        self._highest = sequence if self._highest < 0 else max(self._highest, sequence)
        self.packets[sequence] = payload

    def missing(self) -> list[int]:
        return [n for n in range(min(self.packets, default=0), self._highest) if n not in self.packets]

    def ask(self) -> None:
        missing = self.missing()
        if missing:
            self._peer.client.send_rtcp(rtcp.receiver_report(1, ()) + rtcp.nack(1, self._ssrc, missing[:100]))


async def test_ten_percent_loss_on_every_leg_is_repaired_completely(endpoint: Endpoint) -> None:
    relay = LossyRelay(candidate(endpoint), loss=0.1, seed=7)
    via = await relay.open()
    async with joined(endpoint, via=via) as alice, joined(endpoint, via=via) as bob:
        track = alice.publish()
        sent = bob.subscribe(track)
        assert sent.rtx_ssrc is not None
        subscriber = RepairingSubscriber(bob, sent.ssrc, sent.rtx_ssrc)
        camera, rtx_sequence, answered = Camera(alice, 7), 0, 0

        def repeat() -> None:
            nonlocal rtx_sequence, answered
            messages = feedback(alice, rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)
            for message in messages[answered:]:
                for sequence in rtcp.nack_sequences(message.control):
                    payload = sequence.to_bytes(2, "big") + rtp_payload(camera.packets[sequence])
                    alice.client.send_rtp(
                        rtp_packet(rtx_sequence, sequence * 3000, 8, payload, payload_type=97, extensions={MID_ID: b"0"})
                    )
                    rtx_sequence += 1
            answered = len(messages)

        while not subscriber.packets:
            camera.shoot(key_frame=True)
            await asyncio.sleep(0.005)
        for _ in range(600):
            camera.shoot()
            repeat()
            subscriber.ask()
            await asyncio.sleep(0.002)
        async with asyncio.timeout(20):
            while subscriber.missing() or len(subscriber.packets) < 600:
                camera.shoot()  # that the last packets were lost shows only by later ones
                repeat()
                subscriber.ask()
                await asyncio.sleep(0.03)
        got = [subscriber.packets[sequence] for sequence in sorted(subscriber.packets)]
        begun = camera.payloads.index(got[0])
        assert got == camera.payloads[begun : begun + len(got)]
        assert relay.lost > 100
        assert track.stats.lost == 0
    relay.close()


async def test_reports_reach_publisher_and_subscriber(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        sent = bob.subscribe(alice.publish())
        camera = Camera(alice, 7, first=100)
        camera.shoot(key_frame=True)
        camera.shoot()
        await until(lambda: len(bob.client.rtp) == 2)
        ntp, rtp_time = 0xE1234567_80000000, 306_000
        alice.client.send_rtcp(rtcp.sender_report(rtcp.SenderReport(7, ntp, rtp_time, 2, 1200)))
        await until(lambda: any(isinstance(each, rtcp.SenderReport) for each in bob.client.feedback()))
        (report,) = [each for each in bob.client.feedback() if isinstance(each, rtcp.SenderReport)]
        assert (report.ssrc, report.ntp_timestamp, report.packets) == (sent.ssrc, ntp, 2)
        assert report.rtp_timestamp == rtp_time  # one layer, never switched: the time line is the publisher's

        def blocks() -> list[rtcp.ReportBlock]:
            return [each for each in alice.client.feedback() if isinstance(each, rtcp.ReportBlock) and each.last_sr]

        await until(blocks)
        block = blocks()[0]
        assert (block.ssrc, block.highest_sequence, block.lost) == (7, 101, 0)
        assert block.last_sr == ntp >> 16 & 0xFFFFFFFF
        (estimate, *_) = feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.APPLICATION)
        packed = int.from_bytes(estimate.control[4:8], "big")
        assert (packed & 0x3FFFF) << (packed >> 18 & 0x3F) == pytest.approx(DEFAULT_REMB_BPS, rel=0.001)


async def test_key_frames_are_asked_for_but_not_in_a_storm(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        track = alice.publish()
        camera = Camera(alice, 7)
        camera.shoot()
        sent = bob.subscribe(track)
        await until(lambda: feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI))
        camera.shoot(key_frame=True)
        await until(lambda: bob.client.rtp)
        asked = len(feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI))
        for _ in range(200):
            bob.client.send_rtcp(rtcp.picture_loss(1, sent.ssrc))
            track.request_key_frame()
        await until(lambda: sent.stats.key_frame_requests == 200)
        await until(lambda: len(feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)) > asked)
        assert len(feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)) <= asked + 3
        assert all(message.media_ssrc == 7 for message in feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI))


async def test_the_best_active_layer_is_forwarded(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        sent = bob.subscribe(alice.publish(rids=("q", "f")))
        low, high = Camera(alice, 7, rid="q"), Camera(alice, 8, rid="f", first=5000)
        low.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 1)
        high.shoot()
        await until(lambda: any(m.media_ssrc == 8 for m in feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)))
        low.shoot()
        first = high.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 3)
        low.shoot()
        second = high.shoot()
        await until(lambda: len(bob.client.rtp) == 4)
        assert payloads(bob) == [*low.payloads[:2], first, second]
        assert {ssrc_of(packet) for packet in bob.client.rtp} == {sent.ssrc}

        async def only_low_goes_on() -> None:
            while len(bob.client.rtp) == 4:
                low.shoot(key_frame=True)
                await asyncio.sleep(0.05)

        await asyncio.wait_for(only_low_goes_on(), 10)
        assert payloads(bob)[4] in low.payloads
        numbers = [sequence_of(packet) for packet in bob.client.rtp[:5]]
        assert [(after - numbers[0]) & 0xFFFF for after in numbers] == [0, 1, 2, 3, 4]


async def test_repair_of_a_layer_is_learnt_by_its_rid(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        track = alice.publish(rids=("q", "f"))
        bob.subscribe(track)
        camera = Camera(alice, 8, rid="f")
        camera.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 1)
        camera._next += 1
        camera.shoot()
        extensions = {MID_ID: b"0", REPAIRED_RID_ID: b"f"}
        alice.client.send_rtp(rtp_packet(0, 3000, 9, b"\0\1back", payload_type=97, extensions=extensions))
        await until(lambda: len(bob.client.rtp) == 3)
        assert payloads(bob)[2] == b"back"
        alice.client.send_rtp(rtp_packet(1, 0, 10, b"x", extensions={MID_ID: b"0", RID_ID: b"unheard"}))
        camera.shoot()
        await until(lambda: len(bob.client.rtp) == 4)
        assert set(track.layers) == {8}


async def test_a_paused_track_is_not_sent_and_resumes_with_a_key_frame(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        track = alice.publish()
        sent = bob.subscribe(track)
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 1)
        sent.pause(True)
        camera.shoot(key_frame=True)
        await until(lambda: track.stats.packets == 2)
        asked = len(feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI))
        sent.pause(False)
        await until(lambda: len(feedback(alice, rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)) > asked)
        camera.shoot(key_frame=True)
        await until(lambda: len(bob.client.rtp) == 2)
        assert payloads(bob) == [camera.payloads[0], camera.payloads[2]]


async def test_sound_has_a_level_and_announced_sources_need_no_mid(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        track = alice.transport.receive(ReceiveParameters("a", "audio", (OPUS,), {AUDIO_LEVEL_URI: 1}, ssrcs=(5,)))
        bob.transport.send(track, SendParameters("b", OPUS, {MID_URI: 2, AUDIO_LEVEL_URI: 3}))
        assert track.audio_level_dbov == 127
        async with asyncio.timeout(10):
            sequence = 0
            while track.audio_level_dbov != 0x14:  # the level is that of the last moments only: keep speaking
                sound = rtp_packet(sequence, 0, 5, b"sound", payload_type=111, extensions={1: b"\x94"})
                alice.client.send_rtp(sound)
                sequence += 1
                await asyncio.sleep(0.02)
        await until(lambda: bob.client.rtp)
        assert bob.client.rtp[0][12:20] == b"\xbe\xde\x00\x01\x20b\x30\x94"
        await until(lambda: track.audio_level_dbov == 127)


class Recorder:
    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.reports: list[tuple[int, int, int]] = []
        self.has_ended = 0

    def packet(self, packet: bytes, arrival_ns: int) -> None:
        self.packets.append(packet)

    def sender_report(self, ssrc: int, ntp_timestamp: int, rtp_timestamp: int, arrival_ns: int) -> None:
        self.reports.append((ssrc, ntp_timestamp, rtp_timestamp))

    def ended(self) -> None:
        self.has_ended += 1


async def test_a_sink_hears_everything_until_it_is_detached(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice:
        track, early, late = alice.publish(), Recorder(), Recorder()
        track.attach(early)
        with pytest.raises(ValueError, match="already attached"):
            track.attach(early)
        camera = Camera(alice, 7)
        camera.shoot()
        await until(lambda: early.packets)
        track.attach(late)
        alice.client.send_rtcp(rtcp.sender_report(rtcp.SenderReport(7, 5, 6, 1, 1)))
        await until(lambda: early.reports and late.reports)
        assert early.reports == [(7, 5, 6)]
        track.detach(early)
        track.detach(early)
        camera.shoot()
        await until(lambda: late.packets)
        assert (early.packets, late.packets) == ([camera.packets[0]], [camera.packets[1]])
        alice.transport.stop_receiving(track)
        alice.transport.stop_receiving(track)
        assert (early.has_ended, late.has_ended) == (0, 1)


async def test_renegotiation_lets_streams_go_on(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        track = alice.publish()
        bob.subscribe(track)
        camera = Camera(alice, 7)
        camera.shoot(key_frame=True)
        await until(lambda: bob.client.rtp)
        with pytest.raises(ValueError, match="in use"):
            alice.publish()
        alice.transport.update_receive(track, ReceiveParameters("0", "video", (VP8,), EXTENSIONS, ssrcs=(7, 70)))
        camera.shoot()
        await until(lambda: payloads(bob) == camera.payloads)
        assert set(track.layers) == {7, 70}
        with pytest.raises(ValueError, match="does not hold"):
            alice.transport.update_receive(track, ReceiveParameters("9", "video", (VP8,)))


async def test_a_new_source_in_the_section_takes_over(endpoint: Endpoint) -> None:
    async with joined(endpoint) as alice, joined(endpoint) as bob:
        bob.subscribe(alice.publish())
        sent: list[bytes] = []
        for ssrc in range(20, 32):
            camera = Camera(alice, ssrc)
            camera.shoot(key_frame=True)
            camera.shoot()
            sent += camera.payloads
        await until(lambda: payloads(bob) == sent)
        numbers = [sequence_of(packet) for packet in bob.client.rtp]
        assert [(number - numbers[0]) & 0xFFFF for number in numbers] == list(range(len(sent)))
