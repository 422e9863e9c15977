/* SRTP and SRTCP for the load generator: AES-128-GCM (RFC 7714) and AES-CM with HMAC-SHA1-80 (RFC 3711), on libcrypto.
 *
 * One context is one direction of one transport. Everything works in place on a buffer that has room for SRTP_TRAILER
 * more bytes. Functions return the new length in bytes, or -1 when the packet is malformed or not authentic. */
#ifndef SHUOSHI_BENCH_SRTP_H
#define SHUOSHI_BENCH_SRTP_H
#include <stddef.h>
#include <stdint.h>

enum { SRTP_CM_SHA1_80 = 1, SRTP_GCM_128 = 7 }; /* the numbers of RFC 5764 and RFC 7714 */
enum { SRTP_TRAILER = 32 };

typedef struct srtp_context srtp_context;

/* `master` is the 16-byte key followed by the salt (12 bytes for GCM, 14 for CM). NULL for an unknown profile. */
srtp_context *srtp_open(int profile, const uint8_t *master, int sending);
void srtp_close(srtp_context *context);
int srtp_protect(srtp_context *context, uint8_t *packet, int length);
int srtp_unprotect(srtp_context *context, uint8_t *packet, int length);
int srtcp_protect(srtp_context *context, uint8_t *packet, int length);
int srtcp_unprotect(srtp_context *context, uint8_t *packet, int length);
/* Bytes before the payload of an RTP packet (fixed part, CSRCs, extension), or -1. */
int rtp_header_length(const uint8_t *packet, int length);
/* Highest extended sequence number seen of an SSRC (for reception reports); 0 when unknown. */
uint32_t srtp_highest(const srtp_context *context, uint32_t ssrc);

static inline uint16_t load16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t load32(const uint8_t *at) { return (uint32_t)load16(at) << 16 | load16(at + 2); }
static inline void store16(uint8_t *at, uint32_t value) { at[0] = (uint8_t)(value >> 8); at[1] = (uint8_t)value; }
static inline void store32(uint8_t *at, uint32_t value) { store16(at, value >> 16); store16(at + 2, value); }
#endif
