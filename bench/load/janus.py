"""Janus's VideoRoom as a crowd meets it: JSON over its Unix socket, one handle to publish and one to subscribe each."""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.load import sdp
from bench.load.crowd import CrowdPlan, Transports, audio_ssrc, video_ssrc
from bench.load.errors import SignallingError

_ANSWER_S = 10.0
_KEEP_ALIVE_S = 15.0
_MESSAGE_BYTES = 1 << 20
_FIRST_ROOM = 1000

Message = dict[str, Any]  # JSON of Janus's API


class JanusCrowd:
    """Clients of a Janus. `close` destroys the Janus session, and all its handles with it."""

    def __init__(self, socket_path: Path, transports: Transports) -> None:
        self._transports = transports
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_ANSWER_S)
        self._socket.connect(str(socket_path))
        self._unread: list[Message] = []
        self._janus_id: int | None = None
        self._keep_alive_due = time.monotonic() + _KEEP_ALIVE_S

    def fill(self, plan: CrowdPlan) -> None:
        """See `Crowd.fill`."""
        self._janus_id = self._ask({"janus": "create"})["data"]["id"]
        for room in range(plan.rooms):
            self._create_room(room)
            members = [room * plan.size + seat for seat in range(plan.size)]
            feeds = {member: self._publish(plan, room, member) for member in members}
            for member in members:
                self._subscribe(plan, room, member, feeds)
            self.tend()

    def tend(self) -> None:
        """See `Crowd.tend`."""
        if time.monotonic() < self._keep_alive_due:
            return
        self._keep_alive_due = time.monotonic() + _KEEP_ALIVE_S
        self._ask({"janus": "keepalive"})
        self._unread.clear()

    def close(self) -> None:
        """See `Crowd.close`."""
        self._socket.close()

    def _create_room(self, room: int) -> None:
        options = {
            "publishers": 16,
            "videocodec": "vp8",
            "audiocodec": "opus",
            "bitrate": 0,
            "fir_freq": 0,
            "audiolevel_ext": True,
            "audiolevel_event": False,
            "transport_wide_cc_ext": False,
            "playoutdelay_ext": False,
            "videoorient_ext": False,
            "notify_joining": False,
        }
        self._plugin(self._handle(), {"request": "create", "room": _FIRST_ROOM + room, **options})

    def _publish(self, plan: CrowdPlan, room: int, member: int) -> int:
        handle = self._handle()
        body: Message = {"request": "join", "ptype": "publisher", "room": _FIRST_ROOM + room}
        joined = self._plugin(handle, body)
        feed = int(joined["plugindata"]["data"]["id"])
        client = self._transports.client(plan)
        audio = sdp.offered("audio", "0", "sendonly", track="microphone", ssrc=audio_ssrc(member))
        ssrc = video_ssrc(member)
        video = sdp.offered("video", "1", "sendonly", track="camera", ssrc=ssrc, rtx_ssrc=ssrc + 1)
        offer = sdp.write(client, self._transports.fingerprint, (audio, video), setup="active")
        body = {"request": "publish", "audiocodec": "opus", "videocodec": "vp8"}
        answer = sdp.read(self._plugin(handle, body, {"type": "offer", "sdp": offer})["jsep"]["sdp"])
        self._transports.connect(
            client,
            answer.remote,
            room=room,
            member=member,
            audio=answer.section("0").stream(audio.ssrc),
            video=answer.section("1").stream(video.ssrc),
        )
        self._wait_up(handle)
        return feed

    def _subscribe(self, plan: CrowdPlan, room: int, member: int, feeds: Mapping[int, int]) -> None:
        handle = self._handle()
        streams = [{"feed": feed} for other, feed in feeds.items() if other != member]
        body: Message = {"request": "join", "ptype": "subscriber", "room": _FIRST_ROOM + room, "streams": streams}
        offer = sdp.read(self._plugin(handle, body)["jsep"]["sdp"])
        client = self._transports.client(plan)
        sections = [
            sdp.Section(
                offered.kind, offered.mid, "recvonly", offered.payload_type, offered.rtx_payload_type, offered.extensions
            )
            for offered in offer.sections
        ]
        answer = sdp.write(client, self._transports.fingerprint, sections, setup="active")
        self._plugin(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        rtx = next((section.rtx_payload_type for section in sections if section.kind == "video"), 0)
        self._transports.connect(client, offer.remote, room=room, member=member, rtx_payload_type=rtx)
        self._wait_up(handle)

    def _handle(self) -> int:
        return int(self._ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})["data"]["id"])

    def _plugin(self, handle: int, body: Message, description: Message | None = None) -> Message:
        request: Message = {"janus": "message", "handle_id": handle, "body": body}
        if description is not None:
            request["jsep"] = description
        return self._ask(request)

    def _ask(self, request: Message) -> Message:
        transaction = secrets.token_hex(8)
        request["transaction"] = transaction
        if self._janus_id is not None:
            request["session_id"] = self._janus_id
        self._socket.send(json.dumps(request).encode())
        keep_alive = request["janus"] == "keepalive"
        answer = self._wait(lambda m: m.get("transaction") == transaction and (keep_alive or m["janus"] != "ack"))
        refused = answer.get("error") or answer.get("plugindata", {}).get("data", {}).get("error")
        if refused:
            raise SignallingError(f"Janus refused {request['janus']}: {refused}")
        return answer

    def _wait_up(self, handle: int) -> None:
        self._wait(lambda m: m["janus"] == "webrtcup" and m.get("sender") == handle)

    def _wait(self, wanted: Callable[[Message], bool]) -> Message:
        for index, message in enumerate(self._unread):
            if wanted(message):
                return self._unread.pop(index)
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            try:
                message = json.loads(self._socket.recv(_MESSAGE_BYTES))
            except TimeoutError:
                break
            if wanted(message):
                return dict(message)
            self._unread.append(message)
        raise SignallingError("Janus did not answer in time")
