/* SPDX-License-Identifier: MIT */
#include "transport/streams_app.h"

#include "base/try.h"
#include "base/units.h"
#include "transport/streams_internal.h"

/* Streams of ours that may exist now. */
static uint64_t open_limit(const struct vel_streams *streams, unsigned uni)
{
    return streams->params_known ? streams->local[uni].limit : streams->remote[uni].at_a_time;
}

void vel_streams_announce_available(struct vel_streams *streams, unsigned uni)
{
    struct vel_streams_local *local = &streams->local[uni];
    if (!local->refused || local->opened >= open_limit(streams, uni))
        return;
    local->refused = false;
    streams->available = true;
}

vel_result vel_streams_open(struct vel_streams *streams, bool bidirectional, uint64_t *stream)
{
    unsigned uni = !bidirectional;
    struct vel_streams_local *local = &streams->local[uni];
    if (local->opened >= open_limit(streams, uni)) {
        if (!local->refused && streams->params_known)
            streams->pending |= (uint8_t)(VEL_PENDING_STREAMS_BLOCKED_BIDI << uni);
        local->refused = true;
        return VEL_ERR_AGAIN;
    }
    uint64_t id = local->opened * VEL_STREAM_TYPES + (uni ? VEL_STREAM_UNI : 0) +
                  (streams->is_client ? 0 : VEL_STREAM_SERVER);
    struct vel_stream *s = NULL;
    TRY(vel_streams_add(streams, id, &s));
    local->opened++;
    *stream = id;
    return VEL_OK;
}

static bool has_send(const struct vel_streams *streams, uint64_t id)
{
    return !vel_stream_is_uni(id) || vel_streams_is_local(streams, id);
}

static bool has_recv(const struct vel_streams *streams, uint64_t id)
{
    return !vel_stream_is_uni(id) || !vel_streams_is_local(streams, id);
}

/* A stream may queue what its path has room for. Its limit never shrinks: what is queued stays. */
static void widen(const struct vel_streams *streams, struct vel_stream *s)
{
    s->send.limit = VEL_MAX(s->send.limit, streams->send_limit);
}

/* Credit, and what may be queued ahead of it, less what waits already. */
static uint64_t left(const struct vel_flow_out *flow, uint64_t ahead, uint64_t unsent)
{
    uint64_t most = vel_flow_out_left(flow) + ahead;
    return most > unsent ? most - unsent : 0;
}

/* Queued on streams that are as urgent, or more. */
static uint64_t unsent_before(const struct vel_streams *streams, uint8_t urgency)
{
    uint64_t unsent = 0;
    for (unsigned i = 0; i <= urgency; i++)
        unsent += streams->unsent[i];
    return unsent;
}

uint64_t vel_streams_unsent(const struct vel_streams *streams, unsigned choice)
{
    if (streams->chosen != NULL)
        return streams->chosen->unsent[choice];
    return choice == 0 ? unsent_before(streams, VEL_URGENCY_LAST) : 0;
}

size_t vel_streams_room(const struct vel_streams *streams, const struct vel_stream *s)
{
    uint64_t unsent = s->send.end - s->send.sent;
    uint64_t most = streams->limits->max_send_buffer;
    uint64_t room = VEL_MIN(vel_send_buffer_room(&s->send), most - VEL_MIN(unsent, most));
    if (!streams->params_known)
        return (size_t)room;
    uint64_t always = unsent < VEL_AHEAD_ALWAYS ? VEL_AHEAD_ALWAYS - unsent : 0;
    uint64_t own = left(&s->send_flow, VEL_AHEAD_OF_STREAM, unsent);
    uint64_t all = left(&streams->send_flow, VEL_AHEAD_OF_CONN, unsent_before(streams, s->urgency));
    uint64_t share = left(&streams->send_flow, VEL_AHEAD_OF_CONN, 0) / VEL_MAX(streams->count, 1u);
    all = VEL_MAX(all, share > unsent ? share - unsent : 0);
    return (size_t)VEL_MIN(room, VEL_MAX(always, VEL_MIN(own, all)));
}

/* A stream that can be written. */
static vel_result find_writable(struct vel_streams *streams, uint64_t id,
                                struct vel_stream **stream)
{
    struct vel_stream *s = vel_streams_find(streams, id);
    REQUIRE(s != NULL && has_send(streams, id), VEL_ERR_NOT_FOUND);
    REQUIRE(s->send_state == VEL_SEND_OPEN, VEL_ERR_CLOSED);
    widen(streams, s);
    *stream = s;
    return VEL_OK;
}

vel_result vel_streams_write(struct vel_streams *streams, uint64_t stream, struct vel_slice bytes,
                             bool fin, size_t *accepted)
{
    struct vel_stream *s = NULL;
    TRY(find_writable(streams, stream, &s));
    size_t fits = VEL_MIN(bytes.len, vel_streams_room(streams, s));
    TRY(vel_send_buffer_write(&s->send, vel_slice(bytes.ptr, fits), fin && fits == bytes.len,
                              accepted));
    vel_streams_add_unsent(streams, s, *accepted);
    s->wants_room = *accepted < bytes.len;
    vel_streams_place(streams, s);
    return VEL_OK;
}

vel_result vel_streams_lend(struct vel_streams *streams, uint64_t stream, struct vel_slice bytes,
                            bool fin, vel_release_fn release, void *context)
{
    struct vel_stream *s = NULL;
    TRY(find_writable(streams, stream, &s));
    enum vel_err err = VEL_ERR_AGAIN;
    if (s->send.base == s->send.end || bytes.len <= vel_streams_room(streams, s))
        err = vel_send_buffer_lend(&s->send, bytes, fin, release, context);
    if (err == VEL_ERR_AGAIN)
        s->wants_room = true;
    TRY(err);
    vel_streams_add_unsent(streams, s, bytes.len);
    s->wants_room = false;
    vel_streams_place(streams, s);
    return VEL_OK;
}

size_t vel_streams_writable(const struct vel_streams *streams, uint64_t stream)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    if (s == NULL || s->send_state != VEL_SEND_OPEN || s->send.fin != VEL_FIN_NONE)
        return 0;
    widen(streams, s);
    return vel_streams_room(streams, s);
}

static vel_result find_readable(struct vel_streams *streams, uint64_t id,
                                struct vel_stream **stream)
{
    struct vel_stream *s = vel_streams_find(streams, id);
    REQUIRE(s != NULL && has_recv(streams, id), VEL_ERR_NOT_FOUND);
    REQUIRE(s->recv_state != VEL_RECV_RESET_READ && !s->stopped, VEL_ERR_CLOSED);
    *stream = s;
    return VEL_OK;
}

vel_result vel_streams_read(struct vel_streams *streams, uint64_t stream, struct vel_slice *bytes,
                            bool *fin)
{
    struct vel_stream *s = NULL;
    TRY(find_readable(streams, stream, &s));
    *bytes = vel_recv_buffer_read(&s->recv, fin);
    if (*fin && !s->fin_shown) {
        s->fin_shown = true;
        vel_streams_settle(streams, s);
    }
    return VEL_OK;
}

vel_result vel_streams_consume(struct vel_streams *streams, uint64_t stream, size_t count)
{
    struct vel_stream *s = NULL;
    TRY(find_readable(streams, stream, &s));
    REQUIRE(count <= s->recv.ready - s->recv.consumed, VEL_ERR_ARGUMENT);
    if (count == 0)
        return VEL_OK;
    vel_recv_buffer_consume(&s->recv, count);
    vel_streams_return_credit(streams, s, count);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

vel_result vel_streams_reset(struct vel_streams *streams, uint64_t stream, uint64_t code)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    REQUIRE(s != NULL && has_send(streams, stream), VEL_ERR_NOT_FOUND);
    REQUIRE(s->send_state < VEL_SEND_RESET_SENT, VEL_ERR_CLOSED);
    vel_streams_drop_unsent(streams, s);
    (void)vel_stream_abandon_send(s, code);
    vel_streams_withdraw(s, VEL_EVENT_STREAM_WRITABLE);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

vel_result vel_streams_stop(struct vel_streams *streams, uint64_t stream, uint64_t code)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    REQUIRE(s != NULL && has_recv(streams, stream), VEL_ERR_NOT_FOUND);
    uint64_t unread = s->recv.highest - s->recv.consumed;
    REQUIRE(vel_stream_abandon_recv(s, code), VEL_ERR_CLOSED);
    s->stopped = true;
    vel_streams_withdraw(s, VEL_EVENT_STREAM_READABLE);
    vel_streams_return_credit(streams, s, unread);
    vel_streams_settle(streams, s);
    return VEL_OK;
}

vel_result vel_streams_set_priority(struct vel_streams *streams, uint64_t stream, uint8_t urgency,
                                    bool incremental)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    REQUIRE(s != NULL, VEL_ERR_NOT_FOUND);
    REQUIRE(urgency <= VEL_URGENCY_LAST, VEL_ERR_ARGUMENT);
    vel_streams_drop_unsent(streams, s);
    s->urgency = urgency;
    vel_streams_add_unsent(streams, s, s->send.end - s->send.sent);
    s->keeps_turn = !incremental;
    vel_streams_place(streams, s);
    return VEL_OK;
}

void vel_streams_set_user(struct vel_streams *streams, uint64_t stream, void *user)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    if (s != NULL)
        s->user = user;
}

void *vel_streams_user(const struct vel_streams *streams, uint64_t stream)
{
    const struct vel_stream *s = vel_streams_find(streams, stream);
    return s == NULL ? NULL : s->user;
}
