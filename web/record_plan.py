"""From a record's `playback.json` and the sitting's seats to what the player and its page show. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from web import formats, words
from web.language import translations

CAMERA, SCREEN = "camera", "screen_share"
LEAST_GAP_MS = 500  # shorter ones are not worth a word; they are still in the record's own time line


@dataclass(frozen=True)
class Gap:
    """A stretch that was not captured. `seat` is None when it concerns everybody; `kind` "agreed" (somebody wanted it so) or
    "fault"."""

    from_ms: int
    to_ms: int
    seat: str | None
    kind: str
    text: str


@dataclass(frozen=True)
class Marker:
    """A line one can jump to."""

    at_ms: int
    at: datetime
    text: str
    gap: bool


@dataclass(frozen=True)
class Tile:
    """A picture of the page: a seat, or what a seat showed on its screen."""

    id: str
    seat: str
    name: str
    role: str
    parts: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Plan:
    """Everything about one record that pages show."""

    began_at: datetime
    length_ms: int
    tiles: tuple[Tile, ...]
    gaps: tuple[Gap, ...]
    markers: tuple[Marker, ...]

    @property
    def gap_ms(self) -> int:
        """How much was not captured for everybody."""
        return sum(gap.to_ms - gap.from_ms for gap in self.gaps if gap.seat is None)


def plan(index: Mapping[str, Any], names: Mapping[str, tuple[str, str]], language: str, url: Callable[[str], str]) -> Plan:
    """`index` is the content of `playback.json`; `names` give each seat's name and role (a message id); `url` an address for
    a derived file. Seats nobody knows any more keep a plain word for a name."""
    gettext = translations(language).gettext
    began_at = datetime.fromisoformat(index["origin"])
    order = {seat: place for place, seat in enumerate(names)}
    seats = sorted(index["seats"], key=lambda seat: order.get(seat["seat"], len(order)))
    tiles = [tile for seat in seats for tile in _tiles(seat, names, gettext, url)]
    gaps = sorted(_gaps(index, names, language), key=lambda gap: gap.from_ms)
    markers = [Marker(gap.from_ms, began_at + timedelta(milliseconds=gap.from_ms), gap.text, True) for gap in gaps]
    for seat in seats:
        name = _name(seat["seat"], names, gettext)
        for stretch in seat["present"]:
            came = began_at + timedelta(milliseconds=stretch["from_ms"])
            markers.append(Marker(stretch["from_ms"], came, gettext("%(name)s进来") % {"name": name}, False))
    markers.sort(key=lambda marker: marker.at_ms)
    return Plan(began_at, index["length_ms"], tuple(tiles), tuple(gaps), tuple(markers))


def _name(seat: str, names: Mapping[str, tuple[str, str]], gettext: Callable[[str], str]) -> str:
    return names[seat][0] if seat in names else gettext("一个席位")


def _tiles(
    seat: Mapping[str, Any], names: Mapping[str, tuple[str, str]], gettext: Callable[[str], str], url: Callable[[str], str]
) -> list[Tile]:
    name, role = _name(seat["seat"], names, gettext), names.get(seat["seat"], ("", words.SEAT_ROLES["party"]))[1]
    own: list[dict[str, Any]] = []
    screen: list[dict[str, Any]] = []
    for track in seat["tracks"]:
        for file in track["files"]:
            part = {
                "url": url(file["file"]),
                "kind": track["kind"],
                "start_ms": file["start_ms"],
                "end_ms": file["start_ms"] + file["length_ms"],
                "media_start_s": 0,
            }
            (screen if track["source"] == SCREEN else own).append(part)
    tiles = [Tile(seat["seat"], seat["seat"], name, role, tuple(own))]
    if screen:
        tiles.append(Tile(f"{seat['seat']}-screen", seat["seat"], name, words.SCREEN, tuple(screen)))
    return tiles


def _gaps(index: Mapping[str, Any], names: Mapping[str, tuple[str, str]], language: str) -> list[Gap]:
    gettext = translations(language).gettext
    found = []
    for gap in index["gaps"]:
        length_ms = gap["until_ms"] - gap["from_ms"]
        if length_ms < LEAST_GAP_MS:
            continue
        kind, text = words.GAP_CAUSES.get(gap["cause"], words.GAP_UNKNOWN)
        values = {"length": formats.duration(length_ms / 1000, language)}
        said = gettext(text) % values
        if gap["seat"]:
            said = gettext("%(name)s：%(what)s") % {"name": _name(gap["seat"], names, gettext), "what": said}
        found.append(Gap(gap["from_ms"], gap["until_ms"], gap["seat"] or None, kind, said))
    return found
