"""A load generator of real WebRTC clients: ICE, DTLS and SDP in Python, the packets in a small C helper.

`Pump` sends and checks packets, `Client` brings one transport up, `JanusClients` and `NodeClients` join rooms of a server
through its own signalling, so that both servers get the very same packets.
"""
