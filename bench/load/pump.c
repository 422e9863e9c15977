#define _GNU_SOURCE
#include "pump.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "srtp.h"

enum { MAX_TRANSPORTS = 1024, MAX_HEARD = 31, DATAGRAM = 2048, BATCH = 32, CONTROL_QUEUE = 2048 };
enum { SEEN = 2048, KEY_FRAME_EVERY = 300 };
static const int64_t SECOND = 1000000000, AUDIO_GAP = 20000000, FRAME_GAP = 33333333, PACKET_GAP = 2500000;
static const int64_t LATE = 5000000, SHORTEST_WAIT = 100000, LONGEST_WAIT = 1000000;

typedef struct {
    stream_plan plan;
    uint16_t sequence;
    uint32_t timestamp, counter, packets, octets;
    int64_t due, frame_due;
    int frame, left, key_wanted;
    frame_place place;
} outgoing;

typedef struct {
    uint16_t sender;
    uint8_t kind, counted, foreign;
    uint32_t ssrc;
    uint32_t seen[SEEN];
} heard;

typedef struct {
    transport_plan plan;
    srtp_context *send, *receive;
    outgoing out[KINDS];
    heard *heard[MAX_HEARD];
    int heards;
    int64_t report_due;
} transport;

typedef struct {
    int transport, length;
    uint8_t data[DATAGRAM];
} control;

static transport *all[MAX_TRANSPORTS];
static int transports, poller = -1, started, measurement;
static control *queue;
static int queue_head, queue_tail;
static pump_counters counters;
static uint32_t histogram[HISTOGRAM_US];

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

int pump_open(void) {
    content_open();
    queue = malloc(sizeof *queue * CONTROL_QUEUE);
    poller = epoll_create1(EPOLL_CLOEXEC);
    queue_head = queue_tail = transports = started = measurement = 0;
    return queue && poller >= 0 ? 0 : -1;
}

int pump_add(const transport_plan *plan) {
    if (transports == MAX_TRANSPORTS) return -1;
    transport *t = calloc(1, sizeof *t);
    if (!t) return -1;
    t->plan = *plan;
    t->send = srtp_open(plan->profile, plan->send_master, 1);
    t->receive = srtp_open(plan->profile, plan->receive_master, 0);
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)transports};
    if (!t->send || !t->receive || setsockopt(plan->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) ||
        epoll_ctl(poller, EPOLL_CTL_ADD, plan->fd, &event)) {
        srtp_close(t->send), srtp_close(t->receive), free(t);
        return -1;
    }
    for (int kind = 0; kind < KINDS; kind++) t->out[kind] = (outgoing){.plan = plan->stream[kind], .sequence = 1000, .key_wanted = 1};
    all[transports] = t;
    return transports++;
}

void pump_begin(int number) {
    measurement = number;
    memset(&counters, 0, sizeof counters);
    memset(histogram, 0, sizeof histogram);
    for (int i = 0; i < transports; i++)
        for (int j = 0; j < all[i]->heards; j++) all[i]->heard[j]->counted = 0;
}

void pump_read(pump_counters *into, uint32_t *bins) {
    *into = counters;
    memcpy(bins, histogram, sizeof histogram);
}

void pump_close(void) {
    for (int i = 0; i < transports; i++) {
        srtp_close(all[i]->send), srtp_close(all[i]->receive);
        for (int j = 0; j < all[i]->heards; j++) free(all[i]->heard[j]);
        free(all[i]);
    }
    if (poller >= 0) close(poller);
    free(queue);
    queue = NULL;
    transports = 0;
    poller = -1;
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

static uint8_t *element(uint8_t *at, int id, const void *value, int length) {
    if (!id) return at;
    *at++ = (uint8_t)(id << 4 | (length - 1));
    memcpy(at, value, (size_t)length);
    return at + length;
}

/* One-byte header extensions, RFC 8285: what a browser sends with every packet. */
static int write_extensions(const stream_plan *plan, uint8_t *at, int64_t now) {
    uint32_t ast = (uint32_t)((now / SECOND % 64 << 18) + (now % SECOND << 18) / SECOND);
    uint8_t abs_send_time[3] = {(uint8_t)(ast >> 16), (uint8_t)(ast >> 8), (uint8_t)ast}, level = 0x80 | 30;
    uint8_t *end = at + 4;
    end = element(end, plan->mid_id, plan->mid, (int)strlen(plan->mid));
    end = element(end, plan->abs_send_time_id, abs_send_time, 3);
    end = element(end, plan->audio_level_id, &level, 1);
    if (end == at + 4) return 0;
    while ((end - at) % 4) *end++ = 0;
    store16(at, 0xbede);
    store16(at + 2, (uint32_t)(end - at - 4) / 4);
    return (int)(end - at);
}

static void send_packet(transport *from, int kind) {
    outgoing *out = &from->out[kind];
    int marker = kind == VIDEO && out->left == 1;
    uint8_t packet[DATAGRAM];
    int64_t now = now_ns();
    int extensions = write_extensions(&out->plan, packet + 12, now), header = 12 + extensions;
    packet[0] = extensions ? 0x90 : 0x80;
    packet[1] = (uint8_t)(marker << 7 | out->plan.payload_type);
    store16(packet + 2, out->sequence++);
    store32(packet + 4, out->timestamp);
    store32(packet + 8, out->plan.ssrc);
    mark m = {from->plan.member, (uint8_t)kind, (uint8_t)measurement, out->counter++, now};
    int size = content_write(packet + header, &m, &out->place);
    int length = srtp_protect(from->send, packet, header + size);
    if (send(from->plan.fd, packet, (size_t)length, MSG_DONTWAIT) < 0) counters.send_failures++;
    counters.sent++;
    out->packets++;
    out->octets += (uint32_t)size;
}

static void begin_frame(outgoing *out) {
    out->place.key = out->key_wanted || out->frame % KEY_FRAME_EVERY == 0;
    out->key_wanted = 0;
    out->place.first = 1;
    out->left = out->frame % 3 == 2 ? 5 : 4; /* 13 packets in 3 frames at 30 frames/s: 130 packets/s */
}

static void send_due_video(transport *from, int64_t now) {
    outgoing *out = &from->out[VIDEO];
    while (out->due <= now) {
        if (now - out->due > LATE) counters.sent_late++;
        if (!out->left) begin_frame(out);
        send_packet(from, VIDEO);
        out->place.first = 0;
        out->due += PACKET_GAP;
        if (--out->left) continue;
        out->frame++;
        out->place.picture = (out->place.picture + 1) & 0x7fff;
        out->timestamp += 3000;
        out->due = out->frame_due += FRAME_GAP;
    }
}

static void send_due_audio(transport *from, int64_t now) {
    outgoing *out = &from->out[AUDIO];
    while (out->due <= now) {
        if (now - out->due > LATE) counters.sent_late++;
        send_packet(from, AUDIO);
        out->due += AUDIO_GAP;
        out->timestamp += 960;
    }
}

/* ---- RTCP ------------------------------------------------------------------------------------------------------- */

static uint8_t *write_report_blocks(const transport *of, uint8_t *at, int count) {
    for (int i = 0; i < count; i++, at += 24) {
        memset(at, 0, 24);
        store32(at, of->heard[i]->ssrc);
        store32(at + 8, srtp_highest(of->receive, of->heard[i]->ssrc));
    }
    return at;
}

static uint8_t *write_sender_report(const transport *of, const outgoing *out, int64_t now, uint8_t *at, int blocks) {
    uint8_t *end = at + 28;
    at[0] = (uint8_t)(0x80 | blocks), at[1] = 200;
    store32(at + 4, out->plan.ssrc);
    store32(at + 8, (uint32_t)(now / SECOND + 2208988800));
    store32(at + 12, (uint32_t)(((uint64_t)(now % SECOND) << 32) / (uint64_t)SECOND));
    store32(at + 16, out->timestamp);
    store32(at + 20, out->packets);
    store32(at + 24, out->octets);
    end = write_report_blocks(of, end, blocks);
    store16(at + 2, (uint32_t)(end - at) / 4 - 1);
    return end;
}

/* One compound packet (RFC 3550 section 6.1): sender reports of what it sends, reception reports of what it hears. */
static void send_report(transport *of, int64_t now) {
    uint8_t packet[DATAGRAM], *end = packet;
    int blocks = of->heards;
    for (int kind = 0; kind < KINDS; kind++) {
        if (!of->out[kind].plan.ssrc) continue;
        end = write_sender_report(of, &of->out[kind], now, end, end == packet ? blocks : 0);
    }
    if (end == packet) {
        packet[0] = (uint8_t)(0x80 | blocks), packet[1] = 201;
        store32(packet + 4, 1);
        end = write_report_blocks(of, packet + 8, blocks);
        store16(packet + 2, (uint32_t)(end - packet) / 4 - 1);
    }
    const uint8_t cname[] = {0x81, 202, 0, 3, 0, 0, 0, 0, 1, 4, 'l', 'o', 'a', 'd', 0, 0};
    memcpy(end, cname, sizeof cname);
    memcpy(end + 4, packet + 4, 4);
    int length = srtcp_protect(of->send, packet, (int)(end + sizeof cname - packet));
    if (send(of->plan.fd, packet, (size_t)length, MSG_DONTWAIT) > 0) counters.reports_sent++;
}

static void read_rtcp(transport *to, uint8_t *packet, int length) {
    length = srtcp_unprotect(to->receive, packet, length);
    if (length < 0) { counters.unauthentic++; return; }
    counters.rtcp_received++;
    for (int at = 0; at + 4 <= length; at += 4 + 4 * load16(packet + at + 2)) {
        int format = packet[at] & 31, type = packet[at + 1];
        if (type == 205 && format == 1) counters.nacks++;
        if (type != 206 || (format != 1 && format != 4)) continue;
        counters.key_frame_requests++;
        to->out[VIDEO].key_wanted = 1;
    }
}

/* ---- receiving -------------------------------------------------------------------------------------------------- */

static int in_my_room(const transport *me, unsigned member) {
    if (member == me->plan.member) return 0;
    for (int i = 0; i < transports; i++)
        if (all[i]->plan.member == member) return all[i]->plan.room == me->plan.room;
    return 0;
}

static heard *heard_of(transport *to, unsigned sender, int kind, uint32_t ssrc) {
    for (int i = 0; i < to->heards; i++)
        if (to->heard[i]->sender == sender && to->heard[i]->kind == kind) return to->heard[i];
    if (to->heards == MAX_HEARD) return NULL;
    heard *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return NULL;
    fresh->sender = (uint16_t)sender, fresh->kind = (uint8_t)kind, fresh->ssrc = ssrc;
    fresh->foreign = !in_my_room(to, sender);
    memset(fresh->seen, 0xff, sizeof fresh->seen);
    return to->heard[to->heards++] = fresh;
}

static void count(transport *to, const mark *m, uint32_t ssrc, int64_t arrival) {
    heard *from = heard_of(to, m->sender, m->kind, ssrc);
    if (!from || from->foreign) { counters.foreign++; return; }
    if (m->measurement != measurement) return;
    if (from->seen[m->counter % SEEN] == m->counter) { counters.duplicates++; return; }
    from->seen[m->counter % SEEN] = m->counter;
    counters.received++;
    counters.streams_heard += !from->counted;
    from->counted = 1;
    int64_t us = (arrival - m->sent_ns) / 1000;
    histogram[us < 0 ? 0 : us >= HISTOGRAM_US ? HISTOGRAM_US - 1 : us]++;
}

static void read_rtp(transport *to, uint8_t *packet, int length, int64_t arrival) {
    length = srtp_unprotect(to->receive, packet, length);
    if (length < 0) { counters.unauthentic++; return; }
    int header = rtp_header_length(packet, length), type = packet[1] & 127;
    if (packet[0] & 32) length -= packet[length - 1];
    if (length <= header) return; /* a probe of padding only */
    if (type == to->plan.rtx_payload_type && type) { counters.retransmissions++; header += 2; }
    mark m;
    if (content_read(packet + header, length - header, &m)) counters.corrupt++;
    else count(to, &m, load32(packet + 8), arrival);
}

static void keep_control(int transport, const uint8_t *data, int length) {
    int next = (queue_tail + 1) % CONTROL_QUEUE;
    if (next == queue_head) { counters.control_dropped++; return; } /* the peer repeats STUN and DTLS */
    queue[queue_tail].transport = transport;
    queue[queue_tail].length = length;
    memcpy(queue[queue_tail].data, data, (size_t)length);
    queue_tail = next;
}

int pump_take(uint8_t *into, int room, int *transport) {
    if (queue_head == queue_tail) return 0;
    control *oldest = &queue[queue_head];
    int length = oldest->length < room ? oldest->length : room;
    memcpy(into, oldest->data, (size_t)length);
    *transport = oldest->transport;
    queue_head = (queue_head + 1) % CONTROL_QUEUE;
    return length;
}

static int64_t arrival_of(struct msghdr *message) {
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    struct timespec stamp;
    if (!c || c->cmsg_type != SCM_TIMESTAMPNS) return now_ns();
    memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    return stamp.tv_sec * SECOND + stamp.tv_nsec;
}

static void receive_all(int number) {
    static uint8_t data[BATCH][DATAGRAM], ancillary[BATCH][64];
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    transport *to = all[number];
    int got;
    do {
        for (int i = 0; i < BATCH; i++) {
            vectors[i] = (struct iovec){data[i], DATAGRAM};
            messages[i].msg_hdr = (struct msghdr){
                .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = ancillary[i], .msg_controllen = sizeof ancillary[i]};
        }
        got = recvmmsg(to->plan.fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++) {
            uint8_t *packet = data[i];
            int length = (int)messages[i].msg_len;
            if (length < 12 || packet[0] < 128 || packet[0] > 191) keep_control(number, packet, length);
            else if (packet[1] >= 192 && packet[1] <= 223) read_rtcp(to, packet, length);
            else read_rtp(to, packet, length, arrival_of(&messages[i].msg_hdr));
        }
    } while (got == BATCH);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static void spread_starts(int64_t now) {
    unsigned seed = 2026;
    for (int i = 0; i < transports; i++) {
        outgoing *audio = &all[i]->out[AUDIO], *video = &all[i]->out[VIDEO];
        audio->due = now + rand_r(&seed) % AUDIO_GAP;
        video->due = video->frame_due = now + rand_r(&seed) % FRAME_GAP;
        all[i]->report_due = now + rand_r(&seed) % SECOND;
    }
    started = 1;
}

static int64_t send_all_due(int64_t now, int64_t until) {
    int64_t next = until;
    for (int i = 0; i < transports; i++) {
        transport *t = all[i];
        if (t->out[AUDIO].plan.ssrc) {
            send_due_audio(t, now);
            if (t->out[AUDIO].due < next) next = t->out[AUDIO].due;
        }
        if (t->out[VIDEO].plan.ssrc) {
            send_due_video(t, now);
            if (t->out[VIDEO].due < next) next = t->out[VIDEO].due;
        }
        if (t->report_due <= now) send_report(t, now), t->report_due += SECOND;
    }
    return next;
}

/* Sleeps by the clock, never on the sockets: a server would be charged for waking the sleeper with every packet it sends,
 * which no network does. Latencies do not suffer, they come from the kernel's time stamps. */
int pump_run(int milliseconds, int sending) {
    struct epoll_event events[64];
    int64_t now = now_ns(), until = now + milliseconds * (int64_t)1000000;
    if (sending && !started) spread_starts(now);
    for (; now < until; now = now_ns()) {
        int64_t next = sending ? send_all_due(now, until) : until, wait = next - now_ns();
        if (wait < SHORTEST_WAIT) wait = SHORTEST_WAIT;
        if (wait > LONGEST_WAIT) wait = LONGEST_WAIT;
        nanosleep(&(struct timespec){0, wait}, NULL);
        for (int ready = 64; ready == 64;) {
            ready = epoll_wait(poller, events, 64, 0);
            for (int i = 0; i < ready; i++) receive_all((int)events[i].data.u32);
        }
    }
    return (queue_tail - queue_head + CONTROL_QUEUE) % CONTROL_QUEUE;
}
