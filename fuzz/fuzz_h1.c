/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "http/session.h"
#include "testing/fuzz.h"

/*
 * HTTP/1.1 from the wire, as server and as client. The first byte chooses the role and how the bytes
 * are cut. Properties:
 *   - the outcome (messages, bodies, statuses, the end) does not depend on the cuts
 *   - nothing is told after a message that broke the rules
 *   - names and values that are told obey the grammar; there are no more of them than allowed
 *   - memory held is bounded, and all of it comes back
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MEMORY_MAX = 1024 * 1024 };

static size_t outstanding;

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

struct run {
    struct vel_http *http;
    uint64_t told; /* digest of all that was, in order; bodies byte by byte */
    uint64_t sent; /* and of what went out */
    bool refused;  /* an error was answered */
};

static uint64_t digest(uint64_t before, struct vel_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        before = (before ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
    return before;
}

static void mix(struct run *run, struct vel_slice bytes)
{
    run->told = digest(run->told, bytes);
}

static void mix_number(struct run *run, uint64_t number)
{
    mix(run, vel_slice(&number, sizeof number));
}

static void check_fields(struct run *run, struct vel_fields fields)
{
    FUZZ_CHECK(fields.count <= VEL_HTTP_MAX_FIELDS);
    for (size_t i = 0; i < fields.count; i++) {
        struct vel_slice name = fields.items[i].name, value = fields.items[i].value;
        FUZZ_CHECK(name.len > 0);
        for (size_t j = 0; j < name.len; j++)
            FUZZ_CHECK(name.ptr[j] > ' ' && name.ptr[j] < 0x7f && name.ptr[j] != ':' &&
                       !(name.ptr[j] >= 'A' && name.ptr[j] <= 'Z'));
        for (size_t j = 0; j < value.len; j++)
            FUZZ_CHECK(value.ptr[j] >= ' ' || value.ptr[j] == '\t');
        mix(run, name);
        mix(run, value);
    }
}

static void on_head(void *self, struct vel_exchange *exchange)
{
    struct run *run = self;
    const struct vel_request *request = vel_exchange_request(exchange);
    const struct vel_response *response = vel_exchange_response(exchange);
    FUZZ_CHECK(!run->refused);
    if (request != NULL) {
        FUZZ_CHECK(request->path.len > 0 && request->method.len > 0);
        mix(run, request->method);
        mix(run, request->authority);
        mix(run, request->path);
        check_fields(run, request->fields);
    } else {
        FUZZ_CHECK(response->status >= 200 && response->status <= 599);
        mix_number(run, response->status);
        check_fields(run, response->fields);
    }
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct run *run = self;
    (void)exchange;
    FUZZ_CHECK(bytes.len <= 64 * 1024 && !run->refused);
    mix(run, bytes);
}

static void on_end(void *self, struct vel_exchange *exchange)
{
    struct run *run = self;
    FUZZ_CHECK(!run->refused);
    mix_number(run, 1);
    if (vel_exchange_request(exchange) == NULL)
        return;
    struct vel_response response = {.status = 200};
    FUZZ_CHECK(vel_exchange_respond(exchange, &response, NULL) == VEL_OK);
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct run *run = self;
    (void)exchange;
    mix_number(run, end->complete);
    mix_number(run, end->body_received);
}

static void drain(struct run *run)
{
    struct vel_slice bytes;
    while ((bytes = vel_http_output(run->http, 0)).len > 0) {
        if (bytes.len > 9 && memcmp(bytes.ptr, "HTTP/1.1 ", 9) == 0 && bytes.ptr[9] >= '4')
            run->refused = true;
        run->sent = digest(run->sent, bytes);
        vel_http_output_taken(run->http, bytes.len, 0);
    }
}

static void request_something(struct run *run)
{
    const struct vel_request request = {.method = vel_slice_text("GET"),
                                        .scheme = vel_slice_text("https"),
                                        .authority = vel_slice_text("h"),
                                        .path = vel_slice_text("/")};
    struct vel_exchange *exchange;
    FUZZ_CHECK(vel_http_request(run->http, &request, NULL, NULL, &exchange) == VEL_OK);
}

static uint64_t outcome_of(struct vel_slice input, bool client, size_t step)
{
    struct run run = {.told = 1, .sent = 2};
    const struct vel_http_stream_setup setup = {
        .env = &env,
        .version = VEL_HTTP_1_1,
        .client = client,
        .secure = true,
        .events = {
            .head = on_head, .body = on_body, .end = on_end, .closed = on_closed, .self = &run}};
    FUZZ_CHECK(vel_http_new_on_stream(&setup, 0, &run.http) == VEL_OK);
    if (client)
        request_something(&run);
    drain(&run);
    for (size_t at = 0; at < input.len && !vel_http_is_over(run.http);) {
        size_t taken = 0, size = input.len - at < step ? input.len - at : step;
        vel_http_receive(run.http, vel_slice(input.ptr + at, size), &taken, 0);
        FUZZ_CHECK(taken <= size);
        at += taken;
        drain(&run);
    }
    if (!vel_http_is_over(run.http))
        vel_http_receive_end(run.http, false, 0);
    drain(&run);
    mix_number(&run, vel_http_is_over(run.http));
    vel_http_free(run.http);
    FUZZ_CHECK(outstanding == 0);
    return run.told ^ (run.sent << 1 | run.sent >> 63);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    bool client = bytes[0] & 1;
    size_t step = 1 + (bytes[0] >> 1) % 16;
    struct vel_slice input = vel_slice(bytes + 1, size - 1);
    FUZZ_CHECK(outcome_of(input, client, SIZE_MAX) == outcome_of(input, client, step));
    return 0;
}
