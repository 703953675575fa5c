/* SPDX-License-Identifier: MIT */
/*
 * Bytes and events of a hostile peer into an HTTP/3 session, as server or client.
 *
 * Input: a byte that picks the role, slices of one byte, and an application that in each callback
 * does something to some exchange; then steps: an action, a stream, and for bytes a length and the
 * bytes. Properties: each exchange whose head was told is closed exactly once; what was
 * received is never held (memory stays under 2 MiB); bodies are released once; at the end nothing
 * is left.
 */
#include "base/reader.h"
#include "base/units.h"
#include "http/fake.h"
#include "http/h3.h"
#include "testing/fuzz.h"

enum { MEMORY_MAX = 2 * 1024 * 1024, STEPS_MAX = 400 };

static size_t outstanding;
static long open_exchanges;

static void *count_alloc(void *self, size_t size)
{
    outstanding += size;
    FUZZ_CHECK(outstanding <= MEMORY_MAX);
    return fuzz_alloc(self, size);
}

static void count_release(void *self, void *memory, size_t size)
{
    outstanding -= size;
    fuzz_release(self, memory, size);
}

static const struct vel_env env = {.alloc = count_alloc, .release = count_release};

static long pieces;

static void piece_released(void *context, struct vel_slice bytes)
{
    (void)context;
    (void)bytes;
    FUZZ_CHECK(--pieces >= 0);
}

static vel_result pull(void *self, size_t want, struct vel_body_piece *piece)
{
    static const uint8_t zeros[64 * 1024];
    (void)self;
    pieces++;
    *piece = (struct vel_body_piece){
        .bytes = vel_slice(zeros, want < sizeof zeros ? want : sizeof zeros),
        .last = want < sizeof zeros,
        .release = piece_released};
    return VEL_OK;
}

/* ---- an application that does what it may, whenever it may ---- */

enum { KNOWN_MAX = 8 };

static struct vel_exchange *known[KNOWN_MAX]; /* some that are not closed */
static struct vel_http *session;
static vel_time now;
static bool restless;
static uint32_t mood; /* of the input, and of what happened */

static void ask(struct vel_http *http);

static void know(struct vel_exchange *exchange)
{
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (known[i] == NULL) {
            known[i] = exchange;
            return;
        }
}

static void answer(struct vel_exchange *exchange, bool whole)
{
    static const uint8_t page[5000];
    struct vel_response response = {.status = 200};
    struct vel_body_source body = {.pull = pull};
    struct vel_slice bytes = vel_slice(page, mood % sizeof page);
    enum vel_err err = VEL_OK;
    pieces += whole;
    if (whole)
        err = vel_exchange_respond_bytes(exchange, &response, bytes, piece_released, NULL);
    else
        err = vel_exchange_respond(exchange, &response, mood % 2 == 0 ? &body : NULL);
    if (err != VEL_OK)
        pieces -= whole;
}

static void act(void)
{
    enum { PAUSE, RESUME, CANCEL, ANSWER, ANSWER_WHOLE, MORE_BODY, ASK, FINISH, NOTHING };
    if (!restless || session == NULL)
        return;
    mood = mood * 1664525 + 1013904223;
    struct vel_exchange *exchange = known[mood >> 28 & (KNOWN_MAX - 1)];
    unsigned what = mood >> 23 & 15;
    if (what == ASK)
        ask(session);
    if (what == FINISH && (mood >> 20 & 7) == 0)
        vel_http_finish(session);
    if (exchange == NULL)
        return;
    if (what == PAUSE)
        vel_exchange_pause(exchange);
    if (what == RESUME)
        vel_exchange_resume(exchange);
    if (what == CANCEL)
        vel_exchange_cancel(exchange, VEL_H3_REQUEST_CANCELLED);
    if (what == ANSWER || what == ANSWER_WHOLE)
        answer(exchange, what == ANSWER_WHOLE);
    if (what == MORE_BODY)
        vel_exchange_resume_body(exchange);
}

static void on_head(void *self, struct vel_exchange *exchange)
{
    (void)self;
    act();
    const struct vel_request *request = vel_exchange_request(exchange);
    if (request == NULL)
        return; /* a client: counted when it asked */
    open_exchanges++;
    know(exchange);
    if (restless)
        return;
    struct vel_response response = {.status = 200, .fields = request->fields};
    struct vel_body_source body = {.pull = pull};
    size_t kind = request->path.len % 4;
    if (kind == 0)
        vel_exchange_pause(exchange);
    if (kind == 1)
        vel_exchange_cancel(exchange, VEL_H3_INTERNAL_ERROR);
    enum vel_err ignored = vel_exchange_respond(exchange, &response, kind == 2 ? &body : NULL);
    (void)ignored;
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < bytes.len; i++)
        sum = (uint8_t)(sum + bytes.ptr[i]);
    act();
    if (sum == 42)
        vel_exchange_cancel(exchange, VEL_H3_REQUEST_CANCELLED);
}

static void on_end(void *self, struct vel_exchange *exchange)
{
    (void)self, (void)exchange;
    act();
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    (void)self, (void)end;
    act(); /* with this one as well */
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (known[i] == exchange)
            known[i] = NULL;
    FUZZ_CHECK(--open_exchanges >= 0);
}

static void ask(struct vel_http *http)
{
    struct vel_body_source body = {.pull = pull};
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("x"),
                                  .path = vel_slice_text("/")};
    struct vel_exchange *exchange;
    if (vel_http_request(http, &request, restless && mood % 2 != 0 ? &body : NULL, NULL,
                         &exchange) != VEL_OK)
        return;
    open_exchanges++;
    know(exchange);
}

static void step(struct fake_pair *pair, int peer, struct vel_http *http, struct vel_reader *r)
{
    enum { WRITE, WRITE_FIN, RESET, STOP, FINISH, DRAIN, ASK, ACTIONS };
    struct vel_bytestreams streams = fake_streams(pair, peer);
    unsigned action = (unsigned)vel_read_uint(r, 1) % ACTIONS;
    uint64_t stream = vel_read_uint(r, 1) % 64;
    enum vel_err ignored = VEL_OK;
    uint8_t scratch[4096];
    switch (action) {
    case WRITE:
    case WRITE_FIN: {
        size_t len = (size_t)vel_read_uint(r, 1);
        struct vel_slice bytes = vel_read_bytes(r, len < vel_left(r) ? len : vel_left(r));
        fake_write(pair, peer, stream, bytes, action == WRITE_FIN);
        break;
    }
    case RESET:
        ignored = streams.ops->reset(streams.self, stream, VEL_H3_REQUEST_CANCELLED);
        break;
    case STOP:
        ignored = streams.ops->stop(streams.self, stream, VEL_H3_REQUEST_CANCELLED);
        break;
    case FINISH:
        vel_http_finish(http);
        break;
    case DRAIN: { /* the peer reads what it was sent, so that more can follow */
        size_t got = fake_peek(pair, peer, stream, scratch, sizeof scratch);
        struct vel_slice bytes;
        bool fin;
        if (got > 0 && streams.ops->read(streams.self, stream, &bytes, &fin) == VEL_OK)
            ignored = streams.ops->consume(streams.self, stream, bytes.len);
        break;
    }
    case ASK:
        ask(http);
        break;
    }
    (void)ignored;
}

/* A session that has just looked at the time has nothing overdue. */
static void pass_time(struct vel_http *http)
{
    if (!restless)
        return;
    now += (vel_time)(mood % 8) * SECOND;
    vel_http_expire(http, now);
    FUZZ_CHECK(vel_http_deadline(http) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake_pair pair;
    struct vel_reader r = vel_reader(vel_slice(data, size));
    unsigned kind = (unsigned)vel_read_uint(&r, 1);
    bool client = kind & 1;
    int us = client ? FAKE_CLIENT : FAKE_SERVER;
    struct vel_http_events events = {
        .head = on_head, .body = on_body, .end = on_end, .closed = on_closed};
    struct vel_http *http;
    fake_init(&pair, 64 * 1024);
    pair.max_bidi = 100;
    pair.max_chunk = kind >> 1 & 1;
    restless = kind >> 2 & 1;
    mood = kind >> 3;
    FUZZ_CHECK(vel_h3_new(&env, fake_streams(&pair, us), client, &events, &http) == VEL_OK);
    session = http;
    now = 1;
    if (client)
        ask(http);
    vel_http_send(http);
    for (int i = 0; i < STEPS_MAX && vel_left(&r) > 0; i++) {
        step(&pair, 1 - us, http, &r);
        mood ^= (uint32_t)vel_left(&r) << 16;
        pass_time(http);
        fake_run(&pair, client ? http : NULL, client ? NULL : http);
        act();
    }
    vel_http_free(http);
    session = NULL;
    fake_clear(&pair);
    FUZZ_CHECK(open_exchanges == 0 && pieces == 0 && outstanding == 0);
    return 0;
}
