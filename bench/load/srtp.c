#include "srtp.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 16, GCM_SALT = 12, CM_SALT = 14, GCM_TAG = 16, SHA1_TAG = 10, MAX_STREAMS = 64 };
/* Labels of the key derivation, RFC 3711 section 4.3.1. */
enum { RTP_KEY, RTP_AUTH, RTP_SALT, RTCP_KEY, RTCP_AUTH, RTCP_SALT };

typedef struct {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* CM only */
    uint8_t salt[CM_SALT];
} keys;

typedef struct {
    uint32_t ssrc, roll_over;
    uint16_t highest;
} stream;

struct srtp_context {
    int gcm, sending, streams;
    uint32_t rtcp_index;
    keys rtp, rtcp;
    stream stream[MAX_STREAMS];
};

/* AES-CM as a pseudo-random function: the key stream at (salt xor label) * 2^16, RFC 3711 section 4.3.3. */
static void derive(const uint8_t *master, int salt_length, int label, uint8_t *out, int length) {
    uint8_t counter[16] = {0}, zeros[32] = {0};
    int written;
    memcpy(counter, master + KEY, salt_length);
    counter[7] ^= (uint8_t)label;
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(aes, EVP_aes_128_ctr(), NULL, master, counter);
    EVP_EncryptUpdate(aes, out, &written, zeros, length);
    EVP_CIPHER_CTX_free(aes);
}

static void open_keys(keys *to, int gcm, int sending, const uint8_t *master, int first_label) {
    uint8_t key[KEY], auth[20];
    int salt = gcm ? GCM_SALT : CM_SALT;
    derive(master, salt, first_label + RTP_KEY, key, KEY);
    derive(master, salt, first_label + RTP_SALT, to->salt, salt);
    to->cipher = EVP_CIPHER_CTX_new();
    EVP_CipherInit_ex(to->cipher, gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL, key, NULL, gcm ? sending : 1);
    if (gcm) return;
    derive(master, salt, first_label + RTP_AUTH, auth, sizeof auth);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    to->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA1", 0), OSSL_PARAM_END};
    EVP_MAC_init(to->mac, auth, sizeof auth, digest);
}

srtp_context *srtp_open(int profile, const uint8_t *master, int sending) {
    if (profile != SRTP_GCM_128 && profile != SRTP_CM_SHA1_80) return NULL;
    srtp_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    context->gcm = profile == SRTP_GCM_128;
    context->sending = sending;
    open_keys(&context->rtp, context->gcm, sending, master, RTP_KEY);
    open_keys(&context->rtcp, context->gcm, sending, master, RTCP_KEY);
    return context;
}

void srtp_close(srtp_context *context) {
    if (!context) return;
    EVP_CIPHER_CTX_free(context->rtp.cipher);
    EVP_CIPHER_CTX_free(context->rtcp.cipher);
    EVP_MAC_CTX_free(context->rtp.mac);
    EVP_MAC_CTX_free(context->rtcp.mac);
    free(context);
}

int rtp_header_length(const uint8_t *packet, int length) {
    if (length < 12) return -1;
    int header = 12 + 4 * (packet[0] & 15);
    if (packet[0] & 16) {
        if (length < header + 4) return -1;
        header += 4 + 4 * load16(packet + header + 2);
    }
    return header <= length ? header : -1;
}

static stream *stream_of(srtp_context *context, uint32_t ssrc) {
    for (int i = 0; i < context->streams; i++)
        if (context->stream[i].ssrc == ssrc) return &context->stream[i];
    if (context->streams == MAX_STREAMS) return NULL;
    stream *fresh = &context->stream[context->streams++];
    *fresh = (stream){.ssrc = ssrc};
    return fresh;
}

uint32_t srtp_highest(const srtp_context *context, uint32_t ssrc) {
    for (int i = 0; i < context->streams; i++)
        if (context->stream[i].ssrc == ssrc) return context->stream[i].roll_over << 16 | context->stream[i].highest;
    return 0;
}

/* The roll-over counter this sequence number belongs to (RFC 3711 appendix A); remembers it when it is the newest. */
static uint32_t roll_over_of(stream *of, uint16_t sequence) {
    int distance = sequence - of->highest;
    if (of->highest == 0 && of->roll_over == 0) { of->highest = sequence; return 0; }
    if (distance < -32768) { of->highest = sequence; return ++of->roll_over; }
    if (distance > 32768) return of->roll_over - 1;
    if (distance > 0) of->highest = sequence;
    return of->roll_over;
}

static int gcm(keys *with, int sending, const uint8_t *iv, const uint8_t *aad, int aad_length, uint8_t *extra, uint8_t *body,
               int length) {
    int done;
    EVP_CipherInit_ex(with->cipher, NULL, NULL, NULL, iv, sending);
    EVP_CipherUpdate(with->cipher, NULL, &done, aad, aad_length);
    if (extra) EVP_CipherUpdate(with->cipher, NULL, &done, extra, 4);
    if (!sending) EVP_CIPHER_CTX_ctrl(with->cipher, EVP_CTRL_GCM_SET_TAG, GCM_TAG, body + length);
    EVP_CipherUpdate(with->cipher, body, &done, body, length);
    if (EVP_CipherFinal_ex(with->cipher, body + done, &done) <= 0) return -1;
    if (sending) EVP_CIPHER_CTX_ctrl(with->cipher, EVP_CTRL_GCM_GET_TAG, GCM_TAG, body + length);
    return 0;
}

static void counter_mode(keys *with, uint32_t ssrc, uint64_t index, uint8_t *body, int length) {
    uint8_t iv[16] = {0};
    int done;
    memcpy(iv, with->salt, CM_SALT);
    for (int i = 0; i < 4; i++) iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++) iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    EVP_CipherInit_ex(with->cipher, NULL, NULL, NULL, iv, 1);
    EVP_CipherUpdate(with->cipher, body, &done, body, length);
}

static void sha1_tag(keys *with, const uint8_t *packet, int length, const uint8_t *suffix, uint8_t *tag) {
    uint8_t full[20];
    size_t size = sizeof full;
    EVP_MAC_init(with->mac, NULL, 0, NULL);
    EVP_MAC_update(with->mac, packet, (size_t)length);
    if (suffix) EVP_MAC_update(with->mac, suffix, 4);
    EVP_MAC_final(with->mac, full, &size, sizeof full);
    memcpy(tag, full, SHA1_TAG);
}

static void gcm_iv(const keys *with, uint32_t ssrc, uint32_t high, uint32_t low, int low_bytes, uint8_t *iv) {
    memset(iv, 0, GCM_SALT);
    store32(iv + 2, ssrc);
    if (low_bytes == 2) { store32(iv + 6, high); store16(iv + 10, low); }
    else store32(iv + 8, low);
    for (int i = 0; i < GCM_SALT; i++) iv[i] ^= with->salt[i];
}

int srtp_protect(srtp_context *context, uint8_t *packet, int length) {
    int header = rtp_header_length(packet, length);
    uint32_t ssrc = load32(packet + 8);
    stream *of = header < 0 ? NULL : stream_of(context, ssrc);
    if (!of) return -1;
    uint16_t sequence = load16(packet + 2);
    uint32_t roll_over = roll_over_of(of, sequence);
    uint8_t iv[16], suffix[4];
    if (context->gcm) {
        gcm_iv(&context->rtp, ssrc, roll_over, sequence, 2, iv);
        gcm(&context->rtp, 1, iv, packet, header, NULL, packet + header, length - header);
        return length + GCM_TAG;
    }
    counter_mode(&context->rtp, ssrc, (uint64_t)roll_over << 16 | sequence, packet + header, length - header);
    store32(suffix, roll_over);
    sha1_tag(&context->rtp, packet, length, suffix, packet + length);
    return length + SHA1_TAG;
}

int srtp_unprotect(srtp_context *context, uint8_t *packet, int length) {
    int tag = context->gcm ? GCM_TAG : SHA1_TAG, header = rtp_header_length(packet, length);
    if (header < 0 || length < header + tag) return -1;
    uint32_t ssrc = load32(packet + 8);
    stream *of = stream_of(context, ssrc);
    if (!of) return -1;
    uint16_t sequence = load16(packet + 2);
    stream before = *of;
    uint32_t roll_over = roll_over_of(of, sequence);
    uint8_t iv[16], suffix[4], expected[SHA1_TAG];
    length -= tag;
    if (context->gcm) {
        gcm_iv(&context->rtp, ssrc, roll_over, sequence, 2, iv);
        if (gcm(&context->rtp, 0, iv, packet, header, NULL, packet + header, length - header) == 0) return length;
        *of = before;
        return -1;
    }
    store32(suffix, roll_over);
    sha1_tag(&context->rtp, packet, length, suffix, expected);
    if (CRYPTO_memcmp(expected, packet + length, SHA1_TAG)) { *of = before; return -1; }
    counter_mode(&context->rtp, ssrc, (uint64_t)roll_over << 16 | sequence, packet + header, length - header);
    return length;
}

int srtcp_protect(srtp_context *context, uint8_t *packet, int length) {
    uint32_t ssrc = load32(packet + 4), index = context->rtcp_index++ & 0x7fffffff;
    uint8_t iv[16], trailer[4];
    store32(trailer, index | 0x80000000u);
    if (context->gcm) {
        gcm_iv(&context->rtcp, ssrc, 0, index, 4, iv);
        gcm(&context->rtcp, 1, iv, packet, 8, trailer, packet + 8, length - 8);
        memcpy(packet + length + GCM_TAG, trailer, 4);
        return length + GCM_TAG + 4;
    }
    counter_mode(&context->rtcp, ssrc, index, packet + 8, length - 8);
    memcpy(packet + length, trailer, 4);
    sha1_tag(&context->rtcp, packet, length + 4, NULL, packet + length + 4);
    return length + 4 + SHA1_TAG;
}

int srtcp_unprotect(srtp_context *context, uint8_t *packet, int length) {
    int tag = context->gcm ? GCM_TAG : SHA1_TAG, clear = length - tag - 4;
    if (clear < 8) return -1;
    uint8_t *trailer = packet + (context->gcm ? length - 4 : clear), iv[16], word[4], expected[SHA1_TAG];
    uint32_t ssrc = load32(packet + 4), index = load32(trailer) & 0x7fffffff;
    if (!(load32(trailer) >> 31)) return -1; /* nobody sends SRTCP unencrypted */
    if (context->gcm) {
        memcpy(word, trailer, 4);
        gcm_iv(&context->rtcp, ssrc, 0, index, 4, iv);
        return gcm(&context->rtcp, 0, iv, packet, 8, word, packet + 8, clear - 8) == 0 ? clear : -1;
    }
    sha1_tag(&context->rtcp, packet, clear + 4, NULL, expected);
    if (CRYPTO_memcmp(expected, packet + length - SHA1_TAG, SHA1_TAG)) return -1;
    counter_mode(&context->rtcp, ssrc, index, packet + 8, clear - 8);
    return clear;
}
