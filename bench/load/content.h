/* What the packets carry: valid VP8 and Opus beginnings, a mark that says who sent it and when, then a pattern that is
 * different for every packet and known to the receiver. */
#ifndef SHUOSHI_BENCH_CONTENT_H
#define SHUOSHI_BENCH_CONTENT_H
#include <stdint.h>

enum { AUDIO, VIDEO, KINDS };

typedef struct {
    uint16_t sender;
    uint8_t kind, measurement;
    uint32_t counter;
    int64_t sent_ns;
} mark;

/* Where a video packet lies: `first` of its frame or not, in a key frame or not, and the frame's picture id. */
typedef struct {
    int first, key;
    uint16_t picture;
} frame_place;

void content_open(void);
/* Writes the payload of `m->kind`; `place` is for video only. Returns its length in bytes. */
int content_write(uint8_t *payload, const mark *m, const frame_place *place);
/* Reads the mark back: 0, or -1 when a single byte differs from what was sent (VP8 descriptors may be rewritten). */
int content_read(const uint8_t *payload, int size, mark *m);
#endif
