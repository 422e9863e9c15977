"""RTCP read and written; aiortc's classes are the independent opinion."""

from __future__ import annotations

import random

from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from media import rtcp

BLOCK = rtcp.ReportBlock(7, 25, -3, 0x10005, 90, 0x12345678, 65536)


def test_reports_are_as_others_read_them() -> None:
    report = rtcp.SenderReport(9, 0xE000000080000000, 2**32 + 5, 10, 2**32 + 20)
    compound = rtcp.sender_report(report) + rtcp.receiver_report(1, [BLOCK]) + rtcp.source_description(9, "name")
    sender, receiver, description = RtcpPacket.parse(compound)
    assert isinstance(sender, RtcpSrPacket) and isinstance(receiver, RtcpRrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert (sender.ssrc, sender.sender_info.ntp_timestamp) == (9, 0xE000000080000000)
    assert (sender.sender_info.rtp_timestamp, sender.sender_info.packet_count) == (5, 10)
    (block,) = receiver.reports
    assert (block.ssrc, block.fraction_lost, block.packets_lost, block.jitter) == (7, 25, -3, 90)
    assert (block.highest_sequence, block.lsr, block.dlsr) == (0x10005, 0x12345678, 65536)
    assert [(chunk.ssrc, chunk.items) for chunk in description.chunks] == [(9, [(1, b"name")])]


def test_reports_come_back_as_they_were() -> None:
    report = rtcp.SenderReport(9, 2**63 + 1, 5, 10, 20)
    assert list(rtcp.parse(rtcp.sender_report(report) + rtcp.receiver_report(1, [BLOCK]))) == [report, BLOCK]


def test_a_nack_names_every_packet_across_the_wrap() -> None:
    wanted = [65530, 65531, 65535, 3, 11, 12, 40, 57]
    (packet,) = RtcpPacket.parse(rtcp.nack(1, 7, wanted))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.media_ssrc, [lost & 0xFFFF for lost in packet.lost]) == (7, wanted)
    (message,) = rtcp.parse(rtcp.nack(1, 7, wanted))
    assert isinstance(message, rtcp.Feedback)
    assert list(rtcp.nack_sequences(message.control)) == wanted


def test_picture_loss_and_full_intra_requests() -> None:
    (packet,) = RtcpPacket.parse(rtcp.picture_loss(1, 7))
    assert isinstance(packet, RtcpPsfbPacket) and (packet.fmt, packet.media_ssrc) == (1, 7)
    fir = bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=bytes.fromhex("00000009010000000000000a02000000")))
    (message,) = rtcp.parse(fir)
    assert isinstance(message, rtcp.Feedback)
    assert list(rtcp.fir_sources(message.control)) == [9, 10]


def test_the_bandwidth_estimate() -> None:
    for bits in (0, 1_500_000, 2**18 - 1, 2**18, 10**9):
        (packet,) = RtcpPacket.parse(rtcp.bandwidth_estimate(1, bits, [5, 6]))
        assert isinstance(packet, RtcpPsfbPacket)
        told, ssrcs = unpack_remb_fci(packet.fci)
        assert ssrcs == [5, 6]
        assert bits * 0.9999 <= told <= bits


def test_reports_are_cut_at_31_blocks() -> None:
    compound = rtcp.receiver_report(1, [BLOCK] * 40)
    assert len(list(rtcp.parse(compound))) == 31


def test_random_bytes_never_raise_and_lies_are_bounded() -> None:
    rng = random.Random(5)
    good = rtcp.sender_report(rtcp.SenderReport(9, 1, 2, 3, 4)) + rtcp.nack(1, 7, range(0, 600, 3))
    good += rtcp.receiver_report(1, [BLOCK] * 3) + rtcp.bandwidth_estimate(1, 5, [6])
    for _ in range(5000):
        noisy = bytearray(good)
        for _ in range(rng.randrange(1, 10)):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        for message in rtcp.parse(bytes(noisy[: rng.randrange(len(noisy) + 1)])):
            if isinstance(message, rtcp.Feedback):
                assert len(list(rtcp.nack_sequences(message.control))) <= 17 * len(noisy)
                assert len(list(rtcp.fir_sources(message.control))) <= len(noisy)
