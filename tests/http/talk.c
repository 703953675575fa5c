/* SPDX-License-Identifier: MIT */
#include "http/talk.h"

uint8_t talk_pattern(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7);
}

struct piece_of_talk {
    struct talk *talk;
    size_t size;
    uint8_t bytes[];
};

static void piece_done(void *context, struct vel_slice bytes)
{
    struct piece_of_talk *piece = context;
    if (bytes.ptr != piece->bytes || bytes.len != piece->size)
        fail_msg("released bytes are not those that were given");
    piece->talk->pieces_out--;
    piece->talk->bytes_out -= piece->size;
    vel_release(&piece->talk->env.env, piece, sizeof *piece + piece->size);
}

static vel_result body_pull(void *self, size_t want, struct vel_body_piece *out)
{
    struct talk_body *body = self;
    struct talk *t = body->talk;
    if (body->fail_at != 0 && body->offset >= body->fail_at)
        return VEL_ERR_IO;
    size_t size = body->left < want ? (size_t)body->left : want;
    if (size == 0) {
        *out = (struct vel_body_piece){.last = true};
        return VEL_OK;
    }
    struct piece_of_talk *piece = vel_alloc(&t->env.env, sizeof *piece + size);
    if (piece == NULL)
        return VEL_ERR_NOMEM;
    piece->talk = t;
    piece->size = size;
    for (size_t i = 0; i < size; i++)
        piece->bytes[i] = talk_pattern(body->offset + i);
    body->offset += size;
    body->left -= size;
    t->pieces_out++;
    t->bytes_out += size;
    if (t->pieces_out > t->pieces_out_most)
        t->pieces_out_most = t->pieces_out;
    if (t->bytes_out > t->bytes_out_most)
        t->bytes_out_most = t->bytes_out;
    *out = (struct vel_body_piece){.bytes = vel_slice(piece->bytes, size),
                                   .last = body->left == 0,
                                   .release = piece_done,
                                   .context = piece};
    return VEL_OK;
}

static void body_done(void *self)
{
    struct talk_body *body = self;
    if (body->done)
        fail_msg("done twice");
    body->done = true;
    if (body->heap)
        vel_release(&body->talk->env.env, body, sizeof *body);
}

struct vel_body_source talk_source(struct talk_body *body)
{
    return (struct vel_body_source){.pull = body_pull, .done = body_done, .self = body};
}

/* ---- the server ---- */

static void respond(struct talk *t, struct vel_exchange *exchange, unsigned status, uint64_t size,
                    uint64_t fail_at)
{
    char length[24];
    snprintf(length, sizeof length, "%llu", (unsigned long long)size);
    struct vel_field field = {vel_slice_text("length"), vel_slice_text(length)};
    struct vel_response response = {.status = status, .fields = {.items = &field, .count = 1}};
    if (status != 200 || (size == 0 && fail_at == 0)) {
        enum vel_err ignored = vel_exchange_respond(exchange, &response, NULL);
        (void)ignored; /* memory may fail on purpose */
        return;
    }
    struct talk_body *body = vel_alloc(&t->env.env, sizeof *body);
    if (body == NULL)
        return;
    *body = (struct talk_body){.talk = t, .left = size, .fail_at = fail_at, .heap = true};
    struct vel_body_source source = talk_source(body);
    if (vel_exchange_respond(exchange, &response, &source) != VEL_OK)
        vel_release(&t->env.env, body, sizeof *body);
}

/* 200 with a number in the field "length" and no body. */
static void respond_length(struct vel_exchange *exchange, uint64_t number)
{
    char length[24];
    snprintf(length, sizeof length, "%llu", (unsigned long long)number);
    struct vel_field field = {vel_slice_text("length"), vel_slice_text(length)};
    struct vel_response response = {.status = 200, .fields = {.items = &field, .count = 1}};
    enum vel_err ignored = vel_exchange_respond(exchange, &response, NULL);
    (void)ignored; /* memory may fail on purpose */
}

static void page_released(void *context, struct vel_slice bytes)
{
    struct talk *t = context;
    (void)bytes;
    t->pieces_out--;
}

static void respond_page(struct talk *t, struct vel_exchange *exchange)
{
    static uint8_t page[100];
    for (size_t i = 0; i < sizeof page; i++)
        page[i] = talk_pattern(i);
    struct vel_response response = {.status = 200};
    t->pieces_out++;
    if (vel_exchange_respond_bytes(exchange, &response, vel_slice(page, sizeof page), page_released,
                                   t) != VEL_OK)
        t->pieces_out--;
}

static bool path_is(struct vel_exchange *exchange, const char *path)
{
    struct vel_slice have = vel_exchange_request(exchange)->path;
    return vel_slice_equal(have, vel_slice_text(path));
}

static void server_head(void *self, struct vel_exchange *exchange)
{
    struct vel_slice path = vel_exchange_request(exchange)->path;
    if (path.len > 7 && memcmp(path.ptr, "/bytes/", 7) == 0) {
        uint64_t size = 0;
        for (size_t i = 7; i < path.len; i++)
            size = size * 10 + (uint64_t)(path.ptr[i] - '0');
        respond(self, exchange, 200, size, 0);
    } else if (path_is(exchange, "/early")) {
        respond(self, exchange, 200, 1000, 0);
    } else if (path_is(exchange, "/page")) {
        respond_page(self, exchange);
    } else if (path_is(exchange, "/protocol")) {
        respond_length(exchange, vel_exchange_request(exchange)->protocol.len);
    } else if (path_is(exchange, "/broken")) {
        respond(self, exchange, 200, 1000000, 300000);
    } else if (!path_is(exchange, "/upload") && !path_is(exchange, "/ignored")) {
        respond(self, exchange, 404, 0, 0);
    }
}

static void server_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    uint64_t offset = (uint64_t)(uintptr_t)vel_exchange_user(exchange);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] != talk_pattern(offset + i))
            fail_msg("upload differs");
    vel_exchange_set_user(exchange, (void *)(uintptr_t)(offset + bytes.len));
}

static void server_end(void *self, struct vel_exchange *exchange)
{
    (void)self;
    if (path_is(exchange, "/upload"))
        respond_length(exchange, (uint64_t)(uintptr_t)vel_exchange_user(exchange));
}

static void server_closed(void *self, struct vel_exchange *exchange,
                          const struct vel_exchange_end *end)
{
    struct talk *t = self;
    (void)exchange;
    t->server_closed++;
    t->server_complete += end->complete;
    t->server_end = *end;
}

static void woken(void *self)
{
    struct talk *t = self;
    t->wakes++;
}

/* ---- the client ---- */

static void client_head(void *self, struct vel_exchange *exchange)
{
    (void)self;
    struct talk_fetch *fetch = vel_exchange_user(exchange);
    const struct vel_response *response = vel_exchange_response(exchange);
    fetch->status = response->status;
    const struct vel_slice *length = vel_fields_find(response->fields, "length");
    if (length != NULL)
        snprintf(fetch->length, sizeof fetch->length, "%.*s", (int)length->len,
                 (const char *)length->ptr);
}

static void client_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    struct talk_fetch *fetch = vel_exchange_user(exchange);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] != talk_pattern(fetch->received + i))
            fetch->pattern_ok = false;
    fetch->received += bytes.len;
    if (fetch->pause_after != 0 && fetch->received >= fetch->pause_after)
        vel_exchange_pause(exchange);
}

static void client_end(void *self, struct vel_exchange *exchange)
{
    struct talk *t = self;
    struct talk_fetch *fetch = vel_exchange_user(exchange);
    fetch->ended = true;
    fetch->order = ++t->ended;
}

static void client_closed(void *self, struct vel_exchange *exchange,
                          const struct vel_exchange_end *end)
{
    (void)self;
    struct talk_fetch *fetch = vel_exchange_user(exchange);
    fetch->closed = true;
    fetch->end = *end;
    fetch->exchange = NULL;
}

/* ---- both ---- */

struct vel_http_events talk_server_events(struct talk *t)
{
    return (struct vel_http_events){.head = server_head,
                                    .body = server_body,
                                    .end = server_end,
                                    .closed = server_closed,
                                    .wake = woken,
                                    .self = t};
}

struct vel_http_events talk_client_events(struct talk *t)
{
    return (struct vel_http_events){.head = client_head,
                                    .body = client_body,
                                    .end = client_end,
                                    .closed = client_closed,
                                    .wake = woken,
                                    .self = t};
}

static void start_nothing(struct talk *t, size_t buffer_limit)
{
    *t = (struct talk){0};
    test_env_init(&t->env, 7);
    fake_init(&t->pair, buffer_limit);
}

static void start_side(struct talk *t, int side)
{
    bool client = side == FAKE_CLIENT;
    struct vel_http_events events = client ? talk_client_events(t) : talk_server_events(t);
    ASSERT_OK(vel_h3_new(&t->env.env, fake_streams(&t->pair, side), client, &events,
                         client ? &t->client : &t->server));
}

void talk_start_server(struct talk *t, size_t buffer_limit)
{
    start_nothing(t, buffer_limit);
    start_side(t, FAKE_SERVER);
}

void talk_start_client(struct talk *t, size_t buffer_limit)
{
    start_nothing(t, buffer_limit);
    start_side(t, FAKE_CLIENT);
}

void talk_start(struct talk *t, size_t buffer_limit)
{
    talk_start_server(t, buffer_limit);
    start_side(t, FAKE_CLIENT);
}

struct vel_http_stream_setup talk_setup(struct talk *t, enum vel_http_version version, bool client)
{
    return (struct vel_http_stream_setup){
        .env = &t->env.env,
        .version = version,
        .client = client,
        .secure = true,
        .events = client ? talk_client_events(t) : talk_server_events(t),
    };
}

void talk_start_bytes(struct talk *t, enum vel_http_version version)
{
    *t = (struct talk){.now = 1};
    test_env_init(&t->env, 7);
    fake_init(&t->pair, 0);
    struct vel_http_stream_setup client = talk_setup(t, version, true);
    struct vel_http_stream_setup server = talk_setup(t, version, false);
    ASSERT_OK(vel_http_new_on_stream(&client, t->now, &t->client));
    ASSERT_OK(vel_http_new_on_stream(&server, t->now, &t->server));
}

void talk_end(struct talk *t)
{
    vel_http_free(t->client);
    vel_http_free(t->server);
    fake_clear(&t->pair);
    assert_int_equal(t->pieces_out, 0);
    test_env_done(&t->env);
}

/* One slice from one session to the other; false: there was none. */
static bool move_bytes(struct talk *t, struct vel_http *from, struct vel_http *to, int sender)
{
    struct vel_slice bytes = vel_http_output(from, t->now);
    if (bytes.len == 0)
        return false;
    if (t->max_chunk != 0 && bytes.len > t->max_chunk)
        bytes.len = t->max_chunk;
    size_t taken;
    vel_http_receive(to, bytes, &taken, t->now);
    vel_http_output_taken(from, taken, t->now);
    t->moved[sender] += taken;
    return taken > 0;
}

static void run_bytes(struct talk *t)
{
    bool moved;
    do {
        moved = move_bytes(t, t->client, t->server, FAKE_CLIENT);
        if (!t->client_deaf)
            moved = move_bytes(t, t->server, t->client, FAKE_SERVER) || moved;
    } while (moved);
}

void talk_run(struct talk *t)
{
    if (t->client != NULL && vel_http_version(t->client) != VEL_HTTP_3) {
        run_bytes(t);
        return;
    }
    size_t wakes;
    do {
        wakes = t->wakes;
        fake_run(&t->pair, t->client, t->server);
    } while (wakes != t->wakes);
}

struct vel_request talk_request(const char *method, const char *path)
{
    return (struct vel_request){.method = vel_slice_text(method),
                                .scheme = vel_slice_text("https"),
                                .authority = vel_slice_text("localhost"),
                                .path = vel_slice_text(path)};
}

vel_result talk_get(struct talk *t, const char *path, struct talk_fetch *fetch)
{
    struct vel_request request = talk_request("GET", path);
    fetch->pattern_ok = true;
    return vel_http_request(t->client, &request, NULL, fetch, &fetch->exchange);
}
