"""The journeys' own measures can fail: swapped people, wrong frames and foreign voices are noticed."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tests.journeys import clips, likeness


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[clips.Person]:
    folder = tmp_path_factory.mktemp("people")
    return [clips.make_person(folder, number) for number in range(3)]


def through_vp8(luma: list[clips.Luma]) -> list[clips.Luma]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as out:
        stream = out.add_stream("libvpx", rate=clips.FPS, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.bit_rate = clips.WIDTH, clips.HEIGHT, 500_000
        for plane in luma:
            rows = np.concatenate([plane, np.full((clips.HEIGHT // 2, clips.WIDTH), 128, np.uint8)])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rows, format="yuv420p")))
        out.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        return [frame.to_ndarray().astype(np.uint8)[: clips.HEIGHT] for frame in container.decode(video=0)]


def test_numbers_and_pictures_survive_a_codec_and_swapped_ones_do_not() -> None:
    sources = [clips.source_luma(number)[:20] for number in range(3)]
    received = through_vp8(sources[0])
    assert [clips.read_number(plane) for plane in received] == [(0, index) for index in range(20)]
    likenesses = [[likeness.ssim(plane, sources[who][index]) for index, plane in enumerate(received)] for who in range(3)]
    medians = [float(np.median(values)) for values in likenesses]
    assert medians[0] >= 0.85
    assert max(medians[1:]) < 0.6


def test_a_picture_without_a_number_has_none() -> None:
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 255, (200, clips.HEIGHT, clips.WIDTH), np.uint8)
    assert sum(clips.read_number(plane) is not None for plane in noise) < 30


def test_a_voice_is_known_by_its_envelope_and_no_other_is_taken_for_it(people: list[clips.Person]) -> None:
    voices = [clips.source_sound(person) for person in people]
    for who, voice in enumerate(voices):
        start = len(voice) // 3
        heard = np.concatenate([voice[start:], voice[:start]])[: 5 * clips.SAMPLE_RATE] * 0.4
        scores = [likeness.envelope_correlation(heard, other) for other in voices]
        assert scores[who] > 0.85
        assert max(score for other, score in enumerate(scores) if other != who) < 0.6


def test_the_films_are_what_chromium_reads(people: list[clips.Person]) -> None:
    with av.open(str(people[1].film)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (clips.WIDTH, clips.HEIGHT)
        assert stream.average_rate is not None and int(stream.average_rate) == clips.FPS
        first = next(container.decode(video=0)).to_ndarray().astype(np.uint8)[: clips.HEIGHT]
    assert clips.read_number(first) == (1, 0)
