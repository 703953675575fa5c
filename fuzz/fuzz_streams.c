/* SPDX-License-Identifier: MIT */
/*
 * A server's streams under what a client may send: each step is one application call or one frame,
 * as the first byte says. Properties: memory stays under what the limits admit; no stream is beyond
 * its limit; what is read of a stream is in order and never more than its flow-control window; a
 * refused frame names a close code; whatever is written is made of frames that can be read; events
 * name streams that exist.
 */
#include "base/units.h"
#include "testing/fuzz.h"
#include "transport/frame.h"
#include "transport/params.h"
#include "transport/sent.h"
#include "transport/streams_app.h"

enum { WINDOW = 32 * 1024, STREAMS = 8, INPUT_MAX = 4096, PACKET = 1200 };

/* Both windows of the connection's bytes, send buffers, holes, streams and their queues, packets;
 * and for each stream that we open, which a client allows without end, its send buffer and itself. */
enum { MEMORY_MAX = 4 * 1024 * 1024, MEMORY_OPENED = 2 * WINDOW };

static size_t outstanding;
static size_t opened; /* streams, by us */

static void *count_alloc(void *self, size_t size)
{
    outstanding += size;
    FUZZ_CHECK(outstanding <= MEMORY_MAX + opened * MEMORY_OPENED);
    return fuzz_alloc(self, size);
}

static void count_release(void *self, void *memory, size_t size)
{
    outstanding -= size;
    fuzz_release(self, memory, size);
}

static const struct vel_env env = {
    .alloc = count_alloc, .release = count_release, .random = fuzz_random};

struct world {
    struct vel_pool pool;
    struct vel_streams *streams;
    struct vel_sent sent;
};

static void start(struct world *x, bool connected)
{
    static const struct vel_limits limits = {.max_data = 2 * WINDOW,
                                             .max_stream_data = WINDOW,
                                             .max_streams_bidi = STREAMS,
                                             .max_streams_uni = STREAMS,
                                             .max_send_buffer = WINDOW};
    opened = 0;
    *x = (struct world){.pool = {.env = &env}};
    struct vel_streams_setup setup = {.env = &env, .pool = &x->pool, .limits = &limits};
    FUZZ_CHECK(vel_streams_new(&setup, &x->streams) == VEL_OK);
    vel_sent_init(&x->sent, &env);
    struct vel_params params = vel_params_default();
    vel_streams_fill_params(x->streams, &params);
    if (connected)
        vel_streams_set_peer_params(x->streams, &params);
}

static void finish(struct world *x)
{
    vel_streams_free(x->streams);
    vel_sent_clear(&x->sent);
    vel_pool_trim(&x->pool);
    FUZZ_CHECK(outstanding == 0);
}

/* A packet of frames that can be read; its fate is decided later. */
static void write_packet(struct world *x)
{
    uint8_t bytes[PACKET];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    struct vel_slice body = {0};
    FUZZ_CHECK(vel_sent_begin(&x->sent) == VEL_OK);
    FUZZ_CHECK(vel_streams_write_frames(x->streams, &w, &x->sent, &body, VEL_CHOICE_ALL) == VEL_OK);
    FUZZ_CHECK(vel_write_ok(&w));
    FUZZ_CHECK(body.len == 0 || (vel_room(&w) == 0 && body.len < vel_written(&w)));
    if (body.len > 0)
        memcpy(w.pos - body.len, body.ptr, body.len);
    if (vel_written(&w) == 0) {
        FUZZ_CHECK(!vel_streams_want_send(x->streams, VEL_CHOICE_ALL));
        vel_sent_abandon(&x->sent);
        return;
    }
    vel_sent_commit(&x->sent, (struct vel_sent_packet){.state = VEL_SENT_OUTSTANDING, .size = 1});
    struct vel_reader r = vel_reader(vel_writer_slice(&w));
    struct vel_frame frame;
    while (vel_left(&r) > 0)
        FUZZ_CHECK(vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame) == VEL_OK);
}

/* The oldest packet arrived, or was lost. */
static void settle_packet(struct world *x, bool acked)
{
    struct vel_sent_packet *slot = vel_sent_find(&x->sent, x->sent.base);
    if (slot == NULL)
        return;
    for (unsigned i = 0; i < slot->records; i++) {
        const struct vel_record *record = vel_sent_record(&x->sent, slot, i);
        FUZZ_CHECK((acked ? vel_streams_acked(x->streams, record)
                          : vel_streams_lost(x->streams, record)) == VEL_OK);
    }
    slot->state = acked ? VEL_SENT_ACKED : VEL_SENT_LOST;
    vel_sent_settle(&x->sent);
}

static void take_events(struct world *x)
{
    struct vel_event event;
    while (vel_streams_next_event(x->streams, &event))
        if (event.type != VEL_EVENT_STREAMS_AVAILABLE)
            vel_streams_set_user(x->streams, event.stream, x);
    FUZZ_CHECK(!vel_streams_has_events(x->streams));
    FUZZ_CHECK(vel_streams_count(x->streams) <= 2 * STREAMS + opened);
}

static void read_stream(struct world *x, uint64_t id, size_t most)
{
    struct vel_slice bytes;
    bool fin = false;
    if (vel_streams_read(x->streams, id, &bytes, &fin) != VEL_OK)
        return;
    FUZZ_CHECK(bytes.len <= WINDOW);
    size_t count = VEL_MIN(bytes.len, most);
    FUZZ_CHECK(vel_streams_consume(x->streams, id, count) == VEL_OK);
    FUZZ_CHECK(vel_streams_consume(x->streams, id, SIZE_MAX) != VEL_OK);
}

static void write_stream(struct world *x, uint64_t id, size_t len, bool fin)
{
    static const uint8_t bytes[256 * 64];
    size_t accepted = SIZE_MAX;
    enum vel_err err =
        vel_streams_write(x->streams, id, vel_slice(bytes, len * 64), fin, &accepted);
    FUZZ_CHECK((err == VEL_OK) == (accepted != SIZE_MAX));
    FUZZ_CHECK(err != VEL_OK || accepted <= len * 64);
}

/* One call of the application: which, on which stream, with what size. */
static void call(struct world *x, struct vel_reader *r)
{
    uint64_t what = vel_read_uint(r, 1);
    uint64_t id = vel_read_uint(r, 1) % (4 * STREAMS);
    uint64_t size = vel_read_uint(r, 1);
    uint64_t made;
    switch (what % 8) {
    case 0:
        opened += vel_streams_open(x->streams, size % 2 == 0, &made) == VEL_OK;
        break;
    case 1:
        write_stream(x, id, size, what >= 128);
        break;
    case 2:
        read_stream(x, id, size * 64);
        break;
    case 3:
        (void)!vel_streams_reset(x->streams, id, size);
        break;
    case 4:
        (void)!vel_streams_stop(x->streams, id, size);
        break;
    case 5:
        take_events(x);
        break;
    case 6:
        write_packet(x);
        break;
    default:
        settle_packet(x, size % 4 != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX)
        return 0;
    struct world x;
    struct vel_reader r = vel_reader(vel_slice(data, size));
    start(&x, vel_read_uint(&r, 1) % 8 != 0);
    while (vel_left(&r) > 0) {
        struct vel_frame frame;
        uint64_t wire_code = 0;
        if (vel_read_uint(&r, 1) % 2 == 0) {
            call(&x, &r);
            continue;
        }
        if (vel_frame_read(&r, VEL_PACKET_ONE_RTT, &frame) != VEL_OK)
            break;
        if (vel_streams_on_frame(x.streams, &frame, &wire_code) != VEL_OK) {
            FUZZ_CHECK(wire_code != 0);
            break;
        }
    }
    finish(&x);
    return 0;
}
