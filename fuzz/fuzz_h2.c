/* SPDX-License-Identifier: MIT */
/*
 * Bytes, calls and time of a hostile peer against an HTTP/2 session, as server or client.
 *
 * Input: a byte of flags (role, preface given), then steps: an action, a length, and for bytes the
 * bytes. Properties: each exchange whose head was told is closed exactly once; everything received
 * is taken; what is held stays under 8 MiB; a session that is over says nothing more; bodies are
 * released once; at the end nothing is left.
 */
#include "base/reader.h"
#include "testing/fuzz.h"
#include "velocity/http.h"

enum { MEMORY_MAX = 8 * 1024 * 1024, STEPS_MAX = 400, OUTPUTS_MAX = 64 };

static size_t outstanding;
static long open_exchanges;
static long pieces;
static struct vel_exchange *paused;

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

static void on_head(void *self, struct vel_exchange *exchange)
{
    (void)self;
    const struct vel_request *request = vel_exchange_request(exchange);
    if (request == NULL)
        return; /* a client: counted when it asked */
    open_exchanges++;
    struct vel_response response = {.status = 200, .fields = request->fields};
    struct vel_body_source body = {.pull = pull};
    size_t kind = request->path.len % 4;
    if (kind == 0) {
        vel_exchange_pause(exchange);
        paused = exchange;
        return;
    }
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
    if (sum == 42)
        vel_exchange_cancel(exchange, VEL_H3_REQUEST_CANCELLED);
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    (void)self;
    (void)end;
    if (exchange == paused)
        paused = NULL;
    FUZZ_CHECK(--open_exchanges >= 0);
}

static void ask(struct vel_http *http)
{
    struct vel_request request = {.method = vel_slice_text("POST"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("x"),
                                  .path = vel_slice_text("/")};
    struct vel_body_source body = {.pull = pull};
    struct vel_exchange *exchange;
    if (vel_http_request(http, &request, open_exchanges % 2 == 0 ? NULL : &body, NULL, &exchange) ==
        VEL_OK)
        open_exchanges++;
}

static void receive(struct vel_http *http, struct vel_slice bytes, vel_time now)
{
    size_t taken;
    vel_http_receive(http, bytes, &taken, now);
    FUZZ_CHECK(taken == bytes.len);
}

static void take_output(struct vel_http *http, size_t most, vel_time now)
{
    for (int i = 0; i < OUTPUTS_MAX; i++) {
        bool over = vel_http_is_over(http);
        struct vel_slice bytes = vel_http_output(http, now);
        FUZZ_CHECK(!over || bytes.len == 0);
        if (bytes.len == 0)
            return;
        vel_http_output_taken(http, bytes.len < most ? bytes.len : most, now);
    }
}

static void step(struct vel_http *http, struct vel_reader *r, vel_time *now)
{
    enum { RECEIVE, OUTPUT, OUTPUT_SOME, EXPIRE, ASK, RESUME, FINISH, END, ACTIONS };
    unsigned action = (unsigned)vel_read_uint(r, 1) % ACTIONS;
    size_t len = (size_t)vel_read_uint(r, 1);
    switch (action) {
    case RECEIVE:
        receive(http, vel_read_bytes(r, len < vel_left(r) ? len : vel_left(r)), *now);
        break;
    case OUTPUT:
        take_output(http, SIZE_MAX, *now);
        break;
    case OUTPUT_SOME:
        take_output(http, len + 1, *now);
        break;
    case EXPIRE:
        *now += (vel_time)len * 1000000000;
        vel_http_expire(http, *now);
        break;
    case ASK:
        ask(http);
        break;
    case RESUME:
        if (paused != NULL)
            vel_exchange_resume(paused);
        break;
    case FINISH:
        vel_http_finish(http);
        break;
    case END:
        vel_http_receive_end(http, false, *now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char settings[] = "\0\0\0\4\0\0\0\0\0";
    struct vel_reader r = vel_reader(vel_slice(data, size));
    unsigned flags = (unsigned)vel_read_uint(&r, 1);
    vel_time now = 1;
    struct vel_http_stream_setup setup = {
        .env = &env,
        .version = VEL_HTTP_2,
        .client = flags & 1,
        .events = {.head = on_head, .body = on_body, .closed = on_closed}};
    struct vel_http *http;
    FUZZ_CHECK(vel_http_new_on_stream(&setup, now, &http) == VEL_OK);
    if (setup.client)
        ask(http);
    if ((flags & 2) != 0 && !setup.client)
        receive(http, vel_slice(preface, sizeof preface - 1), now);
    if ((flags & 2) != 0)
        receive(http, vel_slice(settings, sizeof settings - 1), now);
    for (int i = 0; i < STEPS_MAX && vel_left(&r) > 0; i++)
        step(http, &r, &now);
    vel_http_free(http);
    FUZZ_CHECK(open_exchanges == 0 && pieces == 0 && outstanding == 0);
    return 0;
}
