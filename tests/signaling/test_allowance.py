"""Whom a publisher lets receive its tracks."""

import pytest
from livekit.protocol import rtc

from signaling.allowance import permits

ONE = rtc.TrackPermission(participant_identity="a", track_sids=["TR_1"])
ALL = rtc.TrackPermission(participant_sid="PA_b", all_tracks=True)


@pytest.mark.parametrize(
    ("permission", "who", "track", "allowed"),
    [
        (None, "a", "TR_1", True),
        (rtc.SubscriptionPermission(all_participants=True), "x", "TR_1", True),
        (rtc.SubscriptionPermission(), "a", "TR_1", False),
        (rtc.SubscriptionPermission(track_permissions=[ONE, ALL]), "a", "TR_1", True),
        (rtc.SubscriptionPermission(track_permissions=[ONE, ALL]), "a", "TR_2", False),
        (rtc.SubscriptionPermission(track_permissions=[ONE, ALL]), "b", "TR_2", True),
        (rtc.SubscriptionPermission(track_permissions=[ONE, ALL]), "c", "TR_1", False),
    ],
)
def test_permits(permission: rtc.SubscriptionPermission | None, who: str, track: str, allowed: bool) -> None:
    assert permits(permission, who, f"PA_{who}", track) is allowed
