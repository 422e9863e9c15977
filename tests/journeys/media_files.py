"""Pictures and sound out of media files, for comparison with their sources."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from tests.journeys.clips import SAMPLE_RATE, Luma, Samples


def decoded_luma(path: Path, most: int = 60) -> list[Luma]:
    """The first pictures of a film."""
    found: list[Luma] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.append(frame.to_ndarray(format="gray8").astype(np.uint8))
            if len(found) == most:
                break
    return found


def decoded_sound(source: Path | BinaryIO) -> Samples:
    """A whole sound, mono, 48 kHz, -1 … 1."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
        parts = [out.to_ndarray().ravel() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float64) / 32768
