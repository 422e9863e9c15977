"""How alike a received picture or sound is to its source: structural similarity and correlation of envelopes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.journeys.clips import CELL_HEIGHT, HEIGHT, SAMPLE_RATE, Luma, Samples

ENVELOPE_S, STRETCH_S = 0.02, 3.0
WINDOW = 7


def ssim(received: Luma, source: Luma) -> float:
    """Mean structural similarity (Wang et al. 2004, uniform 7×7 window, L = 255) of two luma planes of the same shape,
    without the numbered bar."""
    top = received.shape[0] * CELL_HEIGHT // HEIGHT
    a, b = received[top:].astype(np.float64), source[top:].astype(np.float64)
    mean_a, mean_b = _box(a), _box(b)
    var_a, var_b = _box(a * a) - mean_a**2, _box(b * b) - mean_b**2
    covariance = _box(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * (2 * covariance + c2) / (var_a + var_b + c2)).mean())


def envelope(samples: Samples) -> npt.NDArray[np.float64]:
    """Root mean square of each 20 ms."""
    size = int(SAMPLE_RATE * ENVELOPE_S)
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(np.sqrt((whole**2).mean(axis=1)))


def envelope_correlation(received: Samples, looped_source: Samples) -> float:
    """How well the received envelope follows the endlessly repeated source (-1 … 1): the median over stretches of 3 s of the
    best correlation with any stretch of the source. A receiver's jitter buffer may stretch sound a little between them."""
    said = envelope(looped_source)
    stretch = int(STRETCH_S / ENVELOPE_S)
    heard = envelope(received)
    parts = [heard[start : start + stretch] for start in range(0, max(len(heard) - stretch, 0) + 1, stretch)]
    repeated = np.tile(said, stretch // len(said) + 2)
    return float(np.median([_best_correlation(part, repeated, len(said)) for part in parts]))


def _best_correlation(heard: npt.NDArray[np.float64], repeated: npt.NDArray[np.float64], shifts: int) -> float:
    centred = heard - heard.mean()
    scores = []
    for shift in range(shifts):
        part = repeated[shift : shift + len(heard)]
        part = part - part.mean()
        norm = np.linalg.norm(centred) * np.linalg.norm(part)
        scores.append(float(centred @ part / norm) if norm else 0.0)
    return max(scores)


def _box(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    area = total[WINDOW:, WINDOW:] - total[:-WINDOW, WINDOW:] - total[WINDOW:, :-WINDOW] + total[:-WINDOW, :-WINDOW]
    return np.asarray(area / WINDOW**2)
