/* SPDX-License-Identifier: MIT */
/*
 * The qlog writer, given what a hostile peer can say: the first byte chooses the kind of packet, the
 * rest are its frames, a close reason, an ALPN name, a text, and a method and settings of HTTP/3.
 * Properties: whatever comes out is records of JSON between a record separator and a line end, without
 * another control character, which an independent parser reads; a text that is UTF-8 comes back as it
 * was; without frames a record stays under its bound; when there is no room nothing is written behind it.
 */
#include <jansson.h>

#include "qlog/record.h"
#include "testing/fuzz.h"

enum { SPACE = 64 * 1024, CANARY = 0xa5 };

static void check_records(struct vel_slice bytes)
{
    while (bytes.len > 0) {
        FUZZ_CHECK(bytes.ptr[0] == 0x1e);
        const uint8_t *end = memchr(bytes.ptr, '\n', bytes.len);
        FUZZ_CHECK(end != NULL);
        size_t length = (size_t)(end - bytes.ptr) - 1;
        for (size_t i = 0; i < length; i++)
            FUZZ_CHECK(bytes.ptr[1 + i] >= 0x20 && bytes.ptr[1 + i] != 0x7f);
        json_t *record = json_loadb((const char *)bytes.ptr + 1, length,
                                    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        FUZZ_CHECK(json_is_object(record));
        json_decref(record);
        bytes = vel_slice(end + 1, bytes.len - length - 2);
    }
}

static void check_text(const uint8_t *data, size_t size)
{
    static uint8_t space[8 * SPACE];
    struct vel_json j = vel_json(space, sizeof space);
    vel_json_text(&j, NULL, vel_slice(data, size));
    if (!vel_write_ok(&j.w))
        return;
    struct vel_slice out = vel_writer_slice(&j.w);
    json_t *text =
        json_loadb((const char *)out.ptr, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(json_is_string(text));
    json_t *same = json_stringn((const char *)data, size);
    if (same != NULL) /* it was UTF-8 */
        FUZZ_CHECK(json_equal(text, same));
    json_decref(same);
    json_decref(text);
}

static size_t tell(struct vel_qlog_memory *m, const struct vel_trace_event *event, size_t room,
                   bool frames)
{
    static uint8_t space[SPACE + 1];
    space[room] = CANARY;
    struct vel_json j = vel_json(space, room);
    vel_qlog_event(m, &j, event, 1, frames);
    FUZZ_CHECK(space[room] == CANARY);
    if (!vel_write_ok(&j.w))
        return SIZE_MAX;
    check_records(vel_writer_slice(&j.w));
    return vel_written(&j.w);
}

static void check_packet(struct vel_qlog_memory *m, uint8_t choice, struct vel_slice payload)
{
    static const struct vel_version *version;
    if (version == NULL)
        version = vel_version_find(VEL_VERSION_QUIC_V1);
    const struct vel_trace_event event = {
        .type = (enum vel_trace_type)(choice / 8 % (VEL_TRACE_PACKET_HELD + 1)),
        .packet = {.type = (enum vel_packet_type)(choice % VEL_PACKET_TYPE_COUNT),
                   .number = choice,
                   .size = payload.len,
                   .scid = vel_slice(payload.ptr, payload.len % (VEL_CID_MAX + 1)),
                   .dcid = vel_slice(payload.ptr, payload.len % (VEL_CID_MAX + 1)),
                   .version = choice % 2 != 0 ? version : NULL,
                   .payload = payload}};
    size_t size = tell(m, &event, SPACE, true);
    if (size < SPACE)
        FUZZ_CHECK(tell(m, &event, size - 1, true) == SIZE_MAX);
    FUZZ_CHECK(tell(m, &event, SPACE, false) <= VEL_QLOG_SMALL_MAX);
}

static void check_words(struct vel_qlog_memory *m, const uint8_t *data, size_t size)
{
    struct vel_handshake_facts facts = {.alpn_len = size % (sizeof facts.alpn + 1)};
    memcpy(facts.alpn, data, facts.alpn_len);
    const struct vel_trace_event handshake = {.type = VEL_TRACE_HANDSHAKE, .facts = &facts};
    FUZZ_CHECK(tell(m, &handshake, SPACE, true) <= VEL_QLOG_SMALL_MAX);

    struct vel_close close = {.origin = VEL_CLOSE_PEER, .code = size};
    size_t length = size % sizeof close.reason;
    memcpy(close.reason, data, length);
    const struct vel_trace_event end = {.type = VEL_TRACE_STATE,
                                        .life = {VEL_TRACE_STATE_DRAINING, &close}};
    FUZZ_CHECK(tell(m, &end, SPACE, true) <= VEL_QLOG_SMALL_MAX);
}

/* What a peer's HTTP/3 says: settings, each as often as it likes, and heads with any method. */
static void check_http(struct vel_qlog_memory *m, const uint8_t *data, size_t size)
{
    static uint8_t space[VEL_QLOG_SMALL_MAX];
    const struct vel_http_trace_event events[] = {
        {.type = VEL_HTTP_TRACE_STREAM, .remote = true, .stream_type = data[0]},
        {.type = VEL_HTTP_TRACE_SETTING, .setting = {.id = data[0] % 64, .value = size}},
        {.type = VEL_HTTP_TRACE_SETTING, .setting = {.id = data[size - 1] % 64, .value = data[0]}},
        {.type = VEL_HTTP_TRACE_FRAME, .remote = true, .frame = {.type = 0x04, .length = size}},
        {.type = VEL_HTTP_TRACE_FRAME, .frame = {.type = 0x01, .method = vel_slice(data, size)}},
        {.type = VEL_HTTP_TRACE_FRAME, .frame = {.type = data[0], .id = size, .status = data[0]}},
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct vel_json j = vel_json(space, sizeof space);
        vel_qlog_http(m, &j, &events[i], 1);
        FUZZ_CHECK(vel_write_ok(&j.w));
        check_records(vel_writer_slice(&j.w));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2000)
        return 0;
    uint8_t space[VEL_QLOG_SMALL_MAX];
    struct vel_json j = vel_json(space, sizeof space);
    const struct vel_trace_start start = {.is_client = data[0] % 2 != 0,
                                          .local.family = VEL_ADDR_IP6,
                                          .remote.family = VEL_ADDR_IP6,
                                          .original_dcid = {.len = VEL_CID_MAX}};
    struct vel_qlog_memory m;
    vel_qlog_begin(&m, &j, &start, 0, 0);
    FUZZ_CHECK(vel_write_ok(&j.w));
    check_records(vel_writer_slice(&j.w));
    check_packet(&m, data[0], vel_slice(data + 1, size - 1));
    check_words(&m, data + 1, size - 1);
    check_text(data + 1, size - 1);
    if (size > 1)
        check_http(&m, data + 1, size - 1);
    return 0;
}
