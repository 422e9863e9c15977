"""Real VP8, H.264 and Opus made from synthetic pictures and sounds, packetised as a browser would, and a fake track."""

from __future__ import annotations

import fractions
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import av
import numpy as np

from media.ports import Codec, Kind, PacketSink, TrackStats

VP8 = Codec("VP8", 90000, 96)
H264 = Codec("H264", 90000, 102)
OPUS = Codec("opus", 48000, 111, channels=2)
MTU = 1100
SECOND = 1_000_000_000


def picture(number: int, width: int, height: int, *, flash: bool = False) -> np.ndarray:
    """A grey ramp that moves with `number`; a flash is white."""
    if flash:
        return np.full((height, width, 3), 255, np.uint8)
    ramp = (np.arange(width)[None, :] + np.arange(height)[:, None] + 3 * number) % 128
    return np.repeat(ramp[:, :, None].astype(np.uint8), 3, axis=2)


def encode_video(
    codec: Literal["VP8", "H264"], pictures: Iterable[np.ndarray], *, fps: int = 25, key_every: int = 25
) -> list[bytes]:
    """One encoded frame per picture; a key frame every `key_every`."""
    context: av.VideoCodecContext | None = None
    out: list[bytes] = []
    for number, pixels in enumerate(pictures):
        if context is None:
            name = {"VP8": "libvpx", "H264": "libx264"}[codec]
            created = av.CodecContext.create(name, "w")
            assert isinstance(created, av.VideoCodecContext)
            context = created
            context.height, context.width = pixels.shape[:2]
            context.pix_fmt = "yuv420p"
            context.time_base = fractions.Fraction(1, fps)
            context.bit_rate = 600_000
            speed = {"VP8": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}}
            x264 = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
            context.options = speed.get(codec, x264)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, fractions.Fraction(1, fps)
        frame.pict_type = av.video.frame.PictureType.I if number % key_every == 0 else av.video.frame.PictureType.NONE
        out += [bytes(packet) for packet in context.encode(frame)]
    if context is not None:
        out += [bytes(packet) for packet in context.encode(None)]
    return out


def encode_sound(samples: np.ndarray) -> list[bytes]:
    """Opus packets of 20 ms from mono samples in −1 … 1 at 48 kHz."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48000, "stereo", "s16"
    context.bit_rate = 32000
    out: list[bytes] = []
    pcm = np.repeat((samples * 32000).astype(np.int16)[:, None], 2, axis=1)
    for start in range(0, len(pcm) - 959, 960):
        frame = av.AudioFrame.from_ndarray(pcm[start : start + 960].reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, start
        out += [bytes(packet) for packet in context.encode(frame)]
    return out


@lru_cache
def video(
    codec: Literal["VP8", "H264"], seconds: int, width: int = 320, height: int = 180, key_every: int = 25
) -> list[bytes]:
    """A moving ramp at 25 frames a second."""
    return encode_video(codec, (picture(n, width, height) for n in range(25 * seconds)), key_every=key_every)


@lru_cache
def sound(seconds: int) -> list[bytes]:
    """A quiet tone."""
    return encode_sound(0.2 * np.sin(2 * np.pi * 440 * np.arange(48000 * seconds) / 48000))


def vp8_payloads(frame: bytes, picture_id: int = 0) -> list[bytes]:
    """RFC 7741 with a 15-bit picture id, as Chromium sends it."""
    pieces = [frame[at : at + MTU] for at in range(0, len(frame), MTU)]
    extension = struct.pack(">BH", 0x80, 0x8000 | picture_id & 0x7FFF)
    return [bytes([0x90 if n == 0 else 0x80]) + extension + piece for n, piece in enumerate(pieces)]


def nal_units(frame: bytes) -> list[bytes]:
    """The NAL units of an Annex B frame."""
    units = frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [unit for unit in units if unit]


def h264_payloads(frame: bytes) -> list[bytes]:
    """RFC 6184: parameter sets in one STAP-A, long units as FU-A, the others alone."""
    sets = [unit for unit in nal_units(frame) if unit[0] & 31 in (7, 8)]
    out: list[bytes] = []
    if sets:
        out.append(b"\x18" + b"".join(struct.pack(">H", len(unit)) + unit for unit in sets))
    for unit in nal_units(frame):
        if unit[0] & 31 in (7, 8):
            continue
        if len(unit) <= MTU:
            out.append(unit)
            continue
        pieces = [unit[at : at + MTU] for at in range(1, len(unit), MTU)]
        for n, piece in enumerate(pieces):
            flags = (0x80 if n == 0 else 0) | (0x40 if n == len(pieces) - 1 else 0)
            out.append(bytes([unit[0] & 0xE0 | 28, flags | unit[0] & 31]) + piece)
    return out


@dataclass
class RtpStream:
    """Numbers packets: `sequence` and `timestamp` are those of the next frame and wrap as on the wire."""

    codec: Codec
    ssrc: int = 0x1234
    sequence: int = 100
    timestamp: int = 1000

    def frame(self, data: bytes, *, advance: int | None = None) -> list[bytes]:
        """The packets of one frame; time then moves on by `advance` ticks (default: 40 ms of video, 20 ms of sound)."""
        match self.codec.name:
            case "VP8":
                payloads = vp8_payloads(data, self.sequence)
            case "H264":
                payloads = h264_payloads(data)
            case _:
                payloads = [data]
        out = [self.packet(payload, marker=n == len(payloads) - 1) for n, payload in enumerate(payloads)]
        step = (3600 if self.codec.clock_rate == 90000 else 960) if advance is None else advance
        self.timestamp = (self.timestamp + step) & 0xFFFFFFFF
        return out

    def packet(self, payload: bytes, *, marker: bool = False) -> bytes:
        """One packet at the present time stamp."""
        head = struct.pack(">BBHII", 0x80, self.codec.payload_type | marker << 7, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return head + payload


@dataclass
class FakeTrack:
    """A `media.ports.IncomingTrack` whose packets the test hands in."""

    codec_now: Codec
    sinks: list[PacketSink] = field(default_factory=list)
    key_frames_asked: int = 0

    @property
    def kind(self) -> Kind:
        return "audio" if self.codec_now.name == "opus" else "video"

    @property
    def codec(self) -> Codec | None:
        return self.codec_now

    @property
    def audio_level_dbov(self) -> int:
        return 127

    @property
    def stats(self) -> TrackStats:
        return TrackStats()

    def request_key_frame(self) -> None:
        self.key_frames_asked += 1

    def attach(self, sink: PacketSink) -> None:
        if sink in self.sinks:
            raise ValueError("attached twice")
        self.sinks.append(sink)

    def detach(self, sink: PacketSink) -> None:
        if sink in self.sinks:
            self.sinks.remove(sink)

    def deliver(self, packets: Iterable[bytes], arrival_ns: int) -> None:
        """Packets from the network."""
        for packet in packets:
            for sink in list(self.sinks):
                sink.packet(packet, arrival_ns)

    def report(self, ssrc: int, wall_s: float, rtp_timestamp: int, arrival_ns: int) -> None:
        """A sender report: at `wall_s` (Unix time of the sender) the RTP clock stood at `rtp_timestamp`."""
        ntp = int((wall_s + 2208988800) * (1 << 32))
        for sink in list(self.sinks):
            sink.sender_report(ssrc, ntp, rtp_timestamp & 0xFFFFFFFF, arrival_ns)


def cadence(seconds: float, step_ms: int) -> Iterator[int]:
    """Nanoseconds 0, step, 2 step, … below `seconds`."""
    return iter(range(0, int(seconds * SECOND), step_ms * 1_000_000))
