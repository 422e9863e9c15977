"""Who is speaking, from audio levels, with hysteresis so that the mark does not flicker. Pure.

Levels are RFC 6464's: 0 dBov is the loudest, 127 silence. A participant begins to speak when the smoothed level is louder
than `START_DBOV` and stops once it was softer than `STOP_DBOV` for `HOLD_S`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livekit.protocol import models

from signaling.ids import ParticipantSid

START_DBOV = 40.0
STOP_DBOV = 48.0
HOLD_S = 0.8
_SMOOTHING = 0.6
_LEVEL_STEP = 0.1
_REPORT_INTERVAL_S = 0.5
_SILENCE = 127.0


@dataclass
class _Voice:
    smoothed: float = _SILENCE
    speaking: bool = False
    loud_at: float = 0.0
    reported: float = 0.0
    reported_speaking: bool = False


class SpeakerMeter:
    """The speakers of one room. Feed it often; it reports changes at most twice a second."""

    def __init__(self) -> None:
        self._voices: dict[ParticipantSid, _Voice] = {}
        self._reported_at = float("-inf")

    def observe(self, levels: Mapping[ParticipantSid, int], now: float) -> list[models.SpeakerInfo]:
        """Take the current level of everybody present (dBov; 127 if muted) and return what changed since the last report."""
        for sid in self._voices.keys() - levels.keys():
            del self._voices[sid]
        for sid, level in levels.items():
            _follow(self._voices.setdefault(sid, _Voice()), level, now)
        if now - self._reported_at < _REPORT_INTERVAL_S:
            return []
        changes = [info for sid, voice in self._voices.items() if (info := _report(sid, voice)) is not None]
        if changes:
            self._reported_at = now
        return changes


def _follow(voice: _Voice, level: int, now: float) -> None:
    voice.smoothed = _SMOOTHING * level + (1 - _SMOOTHING) * voice.smoothed
    if voice.smoothed <= STOP_DBOV:
        voice.loud_at = now
    if voice.smoothed <= START_DBOV:
        voice.speaking = True
    elif voice.speaking and now - voice.loud_at > HOLD_S:
        voice.speaking = False


def _report(sid: ParticipantSid, voice: _Voice) -> models.SpeakerInfo | None:
    loudness = 10 ** (-voice.smoothed / 20) if voice.speaking else 0.0
    turned = voice.speaking != voice.reported_speaking
    if not turned and not (voice.speaking and abs(loudness - voice.reported) > _LEVEL_STEP):
        return None
    voice.reported, voice.reported_speaking = loudness, voice.speaking
    return models.SpeakerInfo(sid=sid, level=loudness, active=voice.speaking)
