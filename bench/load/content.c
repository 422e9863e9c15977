#include "content.h"

#include <string.h>

#include "srtp.h"

enum { VIDEO_PAYLOAD = 1150, AUDIO_PAYLOAD = 80, DESCRIPTOR = 4, MARK_AT = 16, BODY_AT = 36, OPUS_TOC = 0xfc };
static const uint32_t MAGIC = 0x5348554f;
static uint8_t pattern[256 + VIDEO_PAYLOAD];

void content_open(void) {
    for (unsigned i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)(i * 31 + (i >> 8) + 7);
}

static const uint8_t *pattern_of(const mark *m) { return pattern + ((m->sender * 7u + m->counter) & 255); }

/* VP8 payload descriptor with 15-bit picture id (RFC 7741 section 4.2), then the frame header (RFC 6386 section 9.1). */
static void write_vp8(uint8_t *payload, const frame_place *place) {
    static const uint8_t key[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}, delta[] = {0x11, 0x02, 0x00};
    payload[0] = place->first ? 0x90 : 0x80;
    payload[1] = 0x80;
    store16(payload + 2, 0x8000u | place->picture);
    if (!place->first) return;
    memcpy(payload + DESCRIPTOR, place->key ? key : delta, place->key ? sizeof key : sizeof delta);
}

int content_write(uint8_t *payload, const mark *m, const frame_place *place) {
    int size = m->kind == VIDEO ? VIDEO_PAYLOAD : AUDIO_PAYLOAD;
    memcpy(payload, pattern_of(m), (size_t)size);
    if (m->kind == VIDEO) write_vp8(payload, place);
    else payload[0] = OPUS_TOC;
    uint8_t *at = payload + MARK_AT;
    store32(at, MAGIC);
    store16(at + 4, m->sender);
    at[6] = m->kind;
    at[7] = m->measurement;
    store32(at + 8, m->counter);
    memcpy(at + 12, &m->sent_ns, sizeof m->sent_ns);
    return size;
}

int content_read(const uint8_t *payload, int size, mark *m) {
    const uint8_t *at = payload + MARK_AT;
    if (size < BODY_AT || load32(at) != MAGIC) return -1;
    *m = (mark){.sender = load16(at + 4), .kind = at[6], .measurement = at[7], .counter = load32(at + 8)};
    memcpy(&m->sent_ns, at + 12, sizeof m->sent_ns);
    if (size != (m->kind == VIDEO ? VIDEO_PAYLOAD : AUDIO_PAYLOAD)) return -1;
    return memcmp(payload + BODY_AT, pattern_of(m) + BODY_AT, (size_t)(size - BODY_AT)) ? -1 : 0;
}
