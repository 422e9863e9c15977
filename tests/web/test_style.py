"""The look as rules: contrast of every pair of tokens that carries text, measures only as tokens, icons that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path("web")
CSS = WEB / "static" / "css"
TOKENS = dict(re.findall(r"--ss-([a-z-]+): (#[0-9A-F]{6});", (CSS / "tokens.css").read_text()))

# ink on ground, as the blocks combine them
GROUNDS = {
    "ink": ("paper", "surface", "jade-soft", "amber-soft", "jujube-soft", "sky-soft", "private-soft"),
    "ink-soft": ("paper", "surface", "jade-soft", "amber-soft", "sky-soft"),
    "jade": ("paper", "surface", "jade-soft", "sky-soft"),
    "jade-deep": ("jade-soft", "surface"),
    "amber": ("amber-soft", "surface", "paper"),
    "jujube": ("jujube-soft", "surface", "paper"),
    "sky": ("sky-soft", "surface", "paper"),
    "private": ("private-soft", "surface"),
    "on-dark": ("jade", "jade-deep", "jujube", "jujube-deep", "private", "private-deep"),
    "on-dark-soft": ("private", "private-deep"),
}
PAIRS = [(ink, ground) for ink, grounds in GROUNDS.items() for ground in grounds]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_itself_is_right() -> None:
    assert round(contrast("#000000", "#FFFFFF"), 1) == 21.0
    assert round(contrast("#777777", "#FFFFFF"), 2) == 4.48


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read(ink: str, ground: str) -> None:
    assert contrast(TOKENS[ink], TOKENS[ground]) >= 4.5


def test_the_edge_of_a_field_can_be_seen() -> None:
    assert contrast(TOKENS["ink-soft"], TOKENS["surface"]) >= 3


def blocks() -> list[Path]:
    return [path for path in sorted(CSS.glob("*.css")) if path.name != "tokens.css"]


@pytest.mark.parametrize("path", blocks(), ids=lambda path: path.stem)
def test_only_the_tokens_name_a_colour_or_a_measure(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/|@media[^{]*", "", path.read_text(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9A-Fa-f]{3,8}\b|\brgba?\(|\b(?!0px)[0-9.]+px\b", text)


@pytest.mark.parametrize("path", blocks(), ids=lambda path: path.stem)
def test_every_token_that_is_used_exists(path: Path) -> None:
    known = set(re.findall(r"--[a-z0-9-]+(?=:)", (CSS / "tokens.css").read_text() + path.read_text()))
    scripts = "".join(script.read_text() for script in (WEB / "static" / "js").rglob("*.js"))
    known |= set(re.findall(r"""setProperty\(["'](--[a-z0-9-]+)""", scripts))
    assert set(re.findall(r"var\((--[a-z0-9-]+)", path.read_text())) <= known


def test_every_icon_is_drawn_and_every_drawing_used() -> None:
    drawn = set(re.findall(r'<symbol id="i-([a-z0-9]+)"', (WEB / "static" / "icons.svg").read_text()))
    sources = [*(WEB / "templates").rglob("*.html"), *(WEB / "static" / "js").rglob("*.js"), *WEB.rglob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    named = set(re.findall(r"""(?:icon\(|icon_name=|"i-|#i-)["']?([a-z0-9]+)["'\s]""", text))
    assert named - drawn == set()
    assert {icon for icon in drawn if not re.search(rf"""["'#-]{icon}["'\s]""", text)} == set()


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    for path in (WEB / "templates").rglob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", text), path
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", text), path
        assert not re.findall(r"<style|\sstyle=|\son[a-z]+=", text), path
