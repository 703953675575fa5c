/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "client/transfer_internal.h"

/* ---- copying a request ---- */

static size_t request_size(const struct vel_request *request)
{
    size_t size = request->fields.count * sizeof *request->fields.items;
    size += request->method.len + request->scheme.len + request->authority.len;
    size += request->path.len;
    for (size_t i = 0; i < request->fields.count; i++)
        size += request->fields.items[i].name.len + request->fields.items[i].value.len;
    return size;
}

static struct vel_slice keep(struct vel_writer *w, struct vel_slice bytes)
{
    struct vel_slice kept = vel_slice(w->pos, bytes.len);
    vel_write_bytes(w, bytes);
    return kept;
}

/* The array of fields stands first in the copy, where it is aligned; the text follows. */
static void copy_request(struct vel_transfer *transfer, const struct vel_request *from)
{
    struct vel_writer w = vel_writer(transfer->copy, transfer->copy_size);
    struct vel_field *fields =
        (struct vel_field *)(void *)vel_write_space(&w, from->fields.count * sizeof *fields);
    for (size_t i = 0; i < from->fields.count; i++) {
        fields[i].name = keep(&w, from->fields.items[i].name);
        fields[i].value = keep(&w, from->fields.items[i].value);
    }
    transfer->request = (struct vel_request){
        .method = keep(&w, from->method),
        .scheme = keep(&w, from->scheme),
        .authority = keep(&w, from->authority),
        .path = keep(&w, from->path),
        .fields = {.items = fields, .count = from->fields.count},
    };
    VEL_ASSERT(vel_write_ok(&w)); /* measured by request_size */
}

vel_result vel_transfer_new(struct vel_client *client, const struct vel_request *request,
                            const struct vel_body_source *body, const struct vel_sink *sink,
                            struct vel_transfer **transfer)
{
    const struct vel_env *env = client->setup.env;
    struct vel_transfer *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->client = client;
    fresh->copy_size = request_size(request) + 1;
    fresh->copy = vel_alloc(env, fresh->copy_size);
    if (fresh->copy == NULL) {
        vel_release(env, fresh, sizeof *fresh);
        return VEL_ERR_NOMEM;
    }
    copy_request(fresh, request);
    fresh->has_body = body != NULL;
    if (body != NULL)
        fresh->body = *body;
    fresh->sink = *sink;
    fresh->active = client->now;
    fresh->result.content_length = UINT64_MAX;
    fresh->result.times.queued = client->now;
    *transfer = fresh;
    return VEL_OK;
}

void vel_transfer_free(struct vel_transfer *transfer)
{
    const struct vel_env *env = transfer->client->setup.env;
    vel_release(env, transfer->copy, transfer->copy_size);
    vel_release(env, transfer, sizeof *transfer);
}

/* ---- the request body, watched on its way ---- */

static vel_result pull(void *self, size_t want, struct vel_body_piece *piece)
{
    struct vel_transfer *transfer = self;
    REQUIRE(transfer->has_body, VEL_ERR_CLOSED); /* given up; the exchange does not know yet */
    enum vel_err err = transfer->body.pull(transfer->body.self, want, piece);
    transfer->body_failed = err != VEL_OK && err != VEL_ERR_AGAIN;
    if (err != VEL_OK)
        return err;
    transfer->active = transfer->client->now;
    transfer->result.body_sent += piece->bytes.len;
    return VEL_OK;
}

/* The exchange or vel_transfer_finish, whichever ends first. */
static void pulled_all(struct vel_transfer *transfer)
{
    if (!transfer->has_body)
        return;
    transfer->has_body = false;
    if (transfer->body.done != NULL)
        transfer->body.done(transfer->body.self);
}

bool vel_transfer_is_held(const struct vel_transfer *transfer)
{
    return transfer->exchange != NULL || transfer->lent;
}

/* It was told already; only the session held it. */
static void let_go(struct vel_transfer *transfer)
{
    struct vel_transfer **link = &transfer->client->leaving;
    if (!transfer->told || vel_transfer_is_held(transfer))
        return;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    vel_transfer_free(transfer);
}

/* May come before or after the exchange is closed. */
static void given_back(void *self)
{
    struct vel_transfer *transfer = self;
    transfer->lent = false;
    pulled_all(transfer);
    let_go(transfer);
}

vel_result vel_transfer_start(struct vel_transfer *transfer)
{
    struct vel_client *client = transfer->client;
    const struct vel_body_source body = {.pull = pull, .done = given_back, .self = transfer};
    transfer->lent = transfer->has_body;
    enum vel_err err =
        vel_http_request(client->http, &transfer->request, transfer->has_body ? &body : NULL,
                         transfer, &transfer->exchange);
    transfer->lent = transfer->lent && err == VEL_OK;
    TRY(err);
    transfer->state = VEL_TRANSFER_RUNNING;
    transfer->active = client->now;
    transfer->result.times.connected = client->connected;
    transfer->result.times.sent = client->now;
    return VEL_OK;
}

/* ---- the end ---- */

void vel_transfer_finish(struct vel_transfer *transfer, enum vel_client_failure failure)
{
    if (transfer->state == VEL_TRANSFER_OVER)
        return;
    transfer->state = VEL_TRANSFER_OVER;
    transfer->result.failure = failure;
    if (transfer->result.times.finished == 0)
        transfer->result.times.finished = transfer->client->now;
    vel_client_stir(transfer->client);
    /* An exchange that still sends needs the source, which goes away with us. */
    if (transfer->exchange != NULL && (failure != VEL_CLIENT_OK || transfer->has_body))
        vel_exchange_cancel(transfer->exchange, VEL_H3_REQUEST_CANCELLED);
    pulled_all(transfer);
}

vel_time vel_transfer_deadline(const struct vel_transfer *transfer)
{
    const struct vel_client_setup *setup = &transfer->client->setup;
    vel_time deadline = VEL_NEVER;
    if (transfer->state == VEL_TRANSFER_OVER)
        return VEL_NEVER;
    if (setup->total_timeout > 0)
        deadline = transfer->result.times.queued + setup->total_timeout;
    if (setup->stall_timeout > 0 && transfer->state == VEL_TRANSFER_RUNNING)
        deadline = VEL_MIN(deadline, transfer->active + setup->stall_timeout);
    return deadline;
}

/* ---- what the session tells ---- */

static uint64_t number_of(struct vel_slice text)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 18)
        return UINT64_MAX;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return value;
}

static void on_head(void *self, struct vel_exchange *exchange)
{
    struct vel_client *client = self;
    struct vel_transfer *transfer = vel_exchange_user(exchange);
    if (transfer->state == VEL_TRANSFER_OVER)
        return;
    const struct vel_response *response = vel_exchange_response(exchange);
    const struct vel_slice *length = vel_fields_find(response->fields, "content-length");
    transfer->active = client->now;
    transfer->result.times.first_byte = client->now;
    transfer->result.status = response->status;
    if (length != NULL)
        transfer->result.content_length = number_of(*length);
    if (transfer->sink.head != NULL)
        transfer->sink.head(transfer->sink.self, transfer, response);
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct vel_client *client = self;
    struct vel_transfer *transfer = vel_exchange_user(exchange);
    if (transfer->state == VEL_TRANSFER_OVER)
        return;
    transfer->active = client->now;
    transfer->result.body_received += bytes.len;
    if (transfer->sink.body != NULL &&
        transfer->sink.body(transfer->sink.self, transfer, bytes) != VEL_OK) {
        vel_transfer_finish(transfer, VEL_CLIENT_WRITE);
        return;
    }
    if (transfer->sink.progress != NULL)
        transfer->sink.progress(transfer->sink.self, transfer->result.body_received,
                                transfer->result.content_length);
}

/* The response is whole. A request that is still being sent is waited for: the server asks for the
 * rest to be dropped, or takes it (RFC 9114 4.1). */
static void on_end(void *self, struct vel_exchange *exchange)
{
    struct vel_client *client = self;
    struct vel_transfer *transfer = vel_exchange_user(exchange);
    if (transfer->state == VEL_TRANSFER_OVER)
        return;
    transfer->result.times.finished = client->now;
    if (!transfer->has_body)
        vel_transfer_finish(transfer, VEL_CLIENT_OK);
}

static enum vel_client_failure failure_of(const struct vel_transfer *transfer,
                                          const struct vel_exchange_end *end)
{
    if (end->complete)
        return VEL_CLIENT_OK;
    if (transfer->body_failed)
        return VEL_CLIENT_SEND;
    if (!end->by_peer && end->code != VEL_H3_REQUEST_INCOMPLETE)
        return VEL_CLIENT_PROTOCOL; /* we gave up on what the server sent */
    return transfer->result.status == 0 ? VEL_CLIENT_EMPTY : VEL_CLIENT_PARTIAL;
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct vel_client *client = self;
    struct vel_transfer *transfer = vel_exchange_user(exchange);
    client->start_queued = true;
    vel_client_stir(client);
    transfer->exchange = NULL;
    if (transfer->told) {
        let_go(transfer);
    } else if (transfer->state != VEL_TRANSFER_OVER) {
        transfer->result.code = end->complete ? 0 : end->code;
        vel_transfer_finish(transfer, failure_of(transfer, end));
    }
}

static void on_wake(void *self)
{
    vel_client_stir(self);
}

struct vel_http_events vel_client_http_events(struct vel_client *client)
{
    return (struct vel_http_events){.head = on_head,
                                    .body = on_body,
                                    .end = on_end,
                                    .closed = on_closed,
                                    .wake = on_wake,
                                    .self = client};
}

void vel_transfer_pause(struct vel_transfer *transfer)
{
    if (transfer->exchange != NULL)
        vel_exchange_pause(transfer->exchange);
}

void vel_transfer_resume(struct vel_transfer *transfer)
{
    transfer->active = transfer->client->now;
    vel_client_stir(transfer->client);
    if (transfer->exchange != NULL)
        vel_exchange_resume(transfer->exchange);
}
