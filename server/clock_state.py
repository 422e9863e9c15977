"""Whether this machine's clock is being kept right, as the kernel knows it: stated in every manifest."""

from __future__ import annotations

import ctypes
import struct

_TIMEX_BYTES = 208
_ERRORS_AT, _STATUS_AT = 24, 40
_UNSYNCHRONISED = 0x0040


def clock_state() -> dict[str, str]:
    """`synchronised` "yes" or "no", the kernel's estimated and maximal error in microseconds (adjtimex(2), 64-bit Linux).
    `synchronised` is "unknown" where the kernel does not say."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.sizeof(ctypes.c_long) != 8 or libc.adjtimex(timex) < 0:
        return {"synchronised": "unknown"}
    largest, estimated = struct.unpack_from("@ll", timex, _ERRORS_AT)
    (status,) = struct.unpack_from("@i", timex, _STATUS_AT)
    return {
        "synchronised": "no" if status & _UNSYNCHRONISED else "yes",
        "estimated_error_us": str(estimated),
        "maximal_error_us": str(largest),
    }
