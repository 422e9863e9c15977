"""What can go wrong while load is generated.

LoadError
  ├─ CompilerMissingError ── the C helper cannot be built here
  ├─ ConnectError ──── ICE, DTLS or the server's certificate
  └─ SignallingError ─ the server refused, or did not answer in time
"""


class LoadError(Exception):
    """Base of this package's errors."""


class CompilerMissingError(LoadError):
    """No C compiler or no OpenSSL headers; the message says what to install."""


class ConnectError(LoadError):
    """A transport did not come up in time, or the server showed another certificate than its SDP said."""


class SignallingError(LoadError):
    """The server answered with an error, or not at all."""
