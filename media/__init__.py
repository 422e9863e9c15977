"""Packets: ICE-lite, DTLS, SRTP, RTP and RTCP, the forwarding plane.

`media.endpoint.open_endpoint` opens what `media.ports` promises; other packages need nothing else of this one.
"""
