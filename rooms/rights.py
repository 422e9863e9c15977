"""What each role may do in the media room: one table, from which tokens are made.

Nobody gets the data channel: chat, hands and the board go through the application, where they are kept with the sitting and
work when UDP does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rooms.ports import TokenGrant


class Role(StrEnum):
    """The part somebody plays in a sitting."""

    HOST = "host"
    PARTY = "party"
    HELPER = "helper"
    LAWYER = "lawyer"
    CLERK = "clerk"
    OBSERVER = "observer"


@dataclass(frozen=True)
class Rights:
    """The tracks a role may publish; nothing means: sees and hears, and is seen in the list."""

    sources: tuple[str, ...]


_TALK = ("camera", "microphone")
_SHOW = (*_TALK, "screen_share", "screen_share_audio")

RIGHTS = {
    Role.HOST: Rights(_SHOW),
    Role.PARTY: Rights(_SHOW),
    Role.HELPER: Rights(_TALK),
    Role.LAWYER: Rights(_SHOW),
    Role.CLERK: Rights(_SHOW),
    Role.OBSERVER: Rights(()),
}

INVITABLE = frozenset(set(Role) - {Role.HOST})


def token_grant(role: Role, *, media_room: str, identity: str, display_name: str) -> TokenGrant:
    """The grant of a seat with this role. Nobody is hidden: everybody sees who is in the room."""
    sources = RIGHTS[role].sources
    return TokenGrant(
        media_room=media_room,
        identity=identity,
        display_name=display_name,
        can_publish=bool(sources),
        publish_sources=sources,
        can_subscribe=True,
        can_publish_data=False,
        hidden=False,
    )
