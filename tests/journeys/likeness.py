"""How alike a received picture or sound is to its source: structural similarity and correlation of envelopes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.journeys.clips import CELL_HEIGHT, HEIGHT, SAMPLE_RATE, Luma, Samples

ENVELOPE_S = 0.02
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
    """Best correlation (-1 … 1) of the received envelope with any stretch of the endlessly repeated source."""
    heard, said = envelope(received), envelope(looped_source)
    repeated = np.tile(said, len(heard) // len(said) + 2)
    heard = heard - heard.mean()
    scores = []
    for shift in range(len(said)):
        part = repeated[shift : shift + len(heard)]
        part = part - part.mean()
        norm = np.linalg.norm(heard) * np.linalg.norm(part)
        scores.append(float(heard @ part / norm) if norm else 0.0)
    return max(scores)


def _box(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    area = total[WINDOW:, WINDOW:] - total[:-WINDOW, WINDOW:] - total[WINDOW:, :-WINDOW] + total[:-WINDOW, :-WINDOW]
    return np.asarray(area / WINDOW**2)
