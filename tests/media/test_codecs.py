"""Where pictures begin."""

from __future__ import annotations

import random

import pytest

from media.codecs import KEY_FRAME_TESTS, h264_key_frame, key_frame_test, vp8_key_frame, vp8_size

FRAME_TAG = b"\x10\x00\x00"
START_CODE = b"\x9d\x01\x2a"
PICTURE = FRAME_TAG + START_CODE + b"\x80\x02\x68\x01"


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        pytest.param(b"\x10" + PICTURE, True, id="bare descriptor"),
        pytest.param(b"\x90\x80\x05" + PICTURE, True, id="7-bit picture id"),
        pytest.param(b"\x90\x80\x85\x01" + PICTURE, True, id="15-bit picture id"),
        pytest.param(b"\x90\xf0\x85\x01\x07\x20" + PICTURE, True, id="everything"),
        pytest.param(b"\x90\x30\x20" + PICTURE, True, id="layer index only"),
        pytest.param(b"\x10\x11\x00\x00", False, id="delta frame"),
        pytest.param(b"\x00" + PICTURE, False, id="not the start of a partition"),
        pytest.param(b"\x11" + PICTURE, False, id="second partition"),
        pytest.param(b"\x30" + PICTURE, True, id="non-reference"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"\x10", False, id="descriptor alone"),
        pytest.param(b"\x90", False, id="cut before the flags"),
        pytest.param(b"\x90\x80", False, id="cut before the picture id"),
        pytest.param(b"\x90\x80\x85", False, id="cut inside the picture id"),
        pytest.param(b"\x90\xf0\x85\x01\x07\x20", False, id="cut before the payload"),
    ],
)
def test_vp8(payload: bytes, begins: bool) -> None:
    assert vp8_key_frame(b"header" + payload, 6, 6 + len(payload)) is begins


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        pytest.param(b"\x67\x42", True, id="SPS"),
        pytest.param(b"\x68\xce", False, id="PPS"),
        pytest.param(b"\x65\x88", False, id="IDR alone"),
        pytest.param(b"\x41\x9a", False, id="slice"),
        pytest.param(b"\x78\x00\x02\x67\x42\x00\x01\x68", True, id="SPS in a STAP-A"),
        pytest.param(b"\x78\x00\x02\x68\xce\x00\x01\x67", True, id="SPS second in a STAP-A"),
        pytest.param(b"\x78\x00\x02\x68\xce", False, id="STAP-A without SPS"),
        pytest.param(b"\x78\xff\xff\x68", False, id="STAP-A that lies"),
        pytest.param(b"\x78\x00\x00\x00\x00\x00", False, id="STAP-A of nothing"),
        pytest.param(b"\x78", False, id="STAP-A cut"),
        pytest.param(b"\x7c\x87\x42", True, id="fragmented SPS, start"),
        pytest.param(b"\x7c\x07\x42", False, id="fragmented SPS, middle"),
        pytest.param(b"\x7c\x85\x88", False, id="fragmented IDR"),
        pytest.param(b"\x7c", False, id="FU-A cut"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_h264(payload: bytes, begins: bool) -> None:
    assert h264_key_frame(b"header" + payload, 6, 6 + len(payload)) is begins


def test_sound_and_codecs_unread_begin_anywhere() -> None:
    assert key_frame_test("opus")(b"", 0, 0)
    assert key_frame_test("AV1")(b"", 0, 0)
    assert key_frame_test("vp8") is vp8_key_frame


def test_the_size_of_a_vp8_picture() -> None:
    payload = b"\x10" + PICTURE
    assert vp8_size(payload, 0, len(payload)) == (640, 360)
    assert vp8_size(payload, 0, len(payload) - 1) is None
    assert vp8_size(payload.replace(START_CODE, b"\0\0\0"), 0, len(payload)) is None


def test_random_payloads_never_raise() -> None:
    rng = random.Random(4)
    for _ in range(5000):
        payload = rng.randbytes(rng.randrange(14))
        for test in KEY_FRAME_TESTS.values():
            test(payload, 0, len(payload))
        vp8_size(payload, 0, len(payload))
