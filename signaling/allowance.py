"""Who may receive a publisher's tracks, as the publisher itself decided (SubscriptionPermission). Pure."""

from __future__ import annotations

from livekit.protocol import rtc


def permits(permission: rtc.SubscriptionPermission | None, identity: str, sid: str, track_sid: str) -> bool:
    """Without a decision, or with `all_participants`, everybody may; otherwise only who is named, and only its tracks."""
    if permission is None or permission.all_participants:
        return True
    for entry in permission.track_permissions:
        named = entry.participant_identity == identity if entry.participant_identity else entry.participant_sid == sid
        if named:
            return entry.all_tracks or track_sid in entry.track_sids
    return False
