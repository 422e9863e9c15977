/* The packet pump of the load generator: one thread, one UDP socket per transport, real SRTP in both directions.
 *
 * A *transport* is the client's end of one peer connection after ICE and DTLS, which the caller has done. It sends at most
 * one audio and one video stream, and checks every packet it receives: authenticity, who sent it, that the sender sits in
 * the same room, and each byte of the payload. Nothing is sampled. See pump.py for the caller. */
#ifndef SHUOSHI_BENCH_PUMP_H
#define SHUOSHI_BENCH_PUMP_H
#include <stdint.h>

#include "content.h"

enum { HISTOGRAM_US = 100000 }; /* the last bin holds everything slower */

/* One stream to send; `ssrc` 0 means none. Extension ids of 0 mean "not negotiated" (RFC 8285). */
typedef struct {
    uint32_t ssrc;
    uint8_t payload_type, mid_id, abs_send_time_id, audio_level_id;
    char mid[4];
} stream_plan;

typedef struct {
    int32_t fd, profile;
    uint16_t room, member;
    uint8_t rtx_payload_type; /* of what this transport receives; 0: none */
    uint8_t send_master[32], receive_master[32]; /* key, then salt */
    stream_plan stream[KINDS];
} transport_plan;

/* Everything since the last pump_begin. A late packet of an earlier measurement counts nowhere. */
typedef struct {
    uint64_t sent, send_failures, received, duplicates, retransmissions;
    uint64_t unauthentic, corrupt, foreign; /* a run with any of these is void */
    uint64_t reports_sent, rtcp_received, key_frame_requests, nacks;
    uint64_t streams_heard;                 /* (receiver, sender, kind) combinations with at least one packet */
    uint64_t sent_late, control_dropped;    /* sent_late: more than 5 ms after its time, the generator was too slow */
} pump_counters;

int pump_open(void);                             /* 0, or -1 without memory or descriptors */
int pump_add(const transport_plan *plan);        /* its number, or -1 */
void pump_begin(int measurement);                /* 1 … 255; clears counters and histogram */
int pump_run(int milliseconds, int sending);     /* returns how many control datagrams wait */
int pump_take(uint8_t *into, int room, int *transport); /* one control datagram (STUN, DTLS); 0: none */
void pump_read(pump_counters *counters, uint32_t *histogram);
void pump_close(void);
#endif
