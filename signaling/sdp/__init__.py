"""Session descriptions (RFC 8866, RFC 8829): a strict parser, the choice of codecs, and a writer. All pure."""

from signaling.sdp.codecs import CODEC_MIME, EXTENSIONS, accepted_codecs, accepted_extensions
from signaling.sdp.grammar import Description, Format, Section, parse
from signaling.sdp.writer import Local, SectionLine, SentStream, render

__all__ = [
    "CODEC_MIME",
    "EXTENSIONS",
    "Description",
    "Format",
    "Local",
    "Section",
    "SectionLine",
    "SentStream",
    "accepted_codecs",
    "accepted_extensions",
    "parse",
    "render",
]
