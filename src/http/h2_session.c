/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "http/blocks.h"
#include "http/h2_internal.h"

void vel_h2_fail_with(struct vel_h2 *session, int error)
{
    if (error >= 0)
        return;
    uint64_t code = VEL_H3_INTERNAL_ERROR;
    if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        code = VEL_H3_GENERAL_PROTOCOL_ERROR;
    else if (error == NGHTTP2_ERR_FLOODED || error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        code = VEL_H3_EXCESSIVE_LOAD;
    vel_http_fail(&session->common, code, nghttp2_strerror(error));
}

/* ---- start ---- */

OWNED_POINTER(free_options, nghttp2_option, nghttp2_option_del)
OWNED_POINTER(free_callbacks, nghttp2_session_callbacks, nghttp2_session_callbacks_del)

static vel_result open_nghttp2(struct vel_h2 *session)
{
    OWNED(free_callbacks) nghttp2_session_callbacks *callbacks = NULL;
    REQUIRE(nghttp2_session_callbacks_new(&callbacks) == 0, VEL_ERR_NOMEM);
    vel_h2_set_receive_callbacks(callbacks);
    vel_h2_set_send_callbacks(callbacks);
    OWNED(free_options) nghttp2_option *options = NULL;
    REQUIRE(nghttp2_option_new(&options) == 0, VEL_ERR_NOMEM);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_continuations(options, VEL_H2_CONTINUATIONS_MAX);
    nghttp2_option_set_max_outbound_ack(options, VEL_H2_ACKS_MAX);
    nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE);
    int error =
        session->common.client
            ? nghttp2_session_client_new3(&session->h2, callbacks, session, options, &session->mem)
            : nghttp2_session_server_new3(&session->h2, callbacks, session, options, &session->mem);
    REQUIRE(error == 0, VEL_ERR_NOMEM);
    return VEL_OK;
}

static vel_result submit_settings(struct vel_h2 *session)
{
    static const nghttp2_settings_entry server[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, VEL_HTTP_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, VEL_H2_SERVER_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, VEL_HTTP_MAX_FIELD_SECTION},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    static const nghttp2_settings_entry client[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, VEL_H2_CLIENT_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, VEL_HTTP_MAX_FIELD_SECTION},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    bool is_client = session->common.client;
    int error = nghttp2_submit_settings(session->h2, NGHTTP2_FLAG_NONE, is_client ? client : server,
                                        is_client ? VEL_COUNT(client) : VEL_COUNT(server));
    int32_t window = is_client ? VEL_H2_CLIENT_SESSION_WINDOW : VEL_H2_SERVER_SESSION_WINDOW;
    if (error == 0)
        error = nghttp2_session_set_local_window_size(session->h2, NGHTTP2_FLAG_NONE, 0, window);
    REQUIRE(error == 0, VEL_ERR_NOMEM);
    return VEL_OK;
}

static vel_time or_default(vel_time given, vel_time otherwise)
{
    return given == 0 ? otherwise : given;
}

static void set_times(struct vel_h2 *session, const struct vel_http_stream_setup *setup,
                      vel_time now)
{
    session->head_timeout = or_default(setup->head_timeout, VEL_HTTP_HEAD_TIMEOUT);
    session->body_timeout = or_default(setup->body_timeout, VEL_HTTP_BODY_TIMEOUT);
    session->idle_timeout = or_default(setup->idle_timeout, VEL_HTTP_IDLE_TIMEOUT);
    session->now = session->started = session->idle_since = session->output_moved = now;
    session->head_since = session->deadline = VEL_NEVER;
    vel_h2_due(session, now, session->head_timeout);
    vel_h2_due(session, now, session->idle_timeout);
}

static const struct vel_http_ops h2_ops;

static void free_session(struct vel_h2 **session)
{
    if (*session != NULL)
        vel_http_free(&(*session)->common);
}

vel_result vel_h2_new(const struct vel_http_stream_setup *setup, vel_time now,
                      struct vel_http **http)
{
    const struct vel_env *env = setup->env;
    OWNED(free_session) struct vel_h2 *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    vel_http_init(&fresh->common, &h2_ops, env, &setup->events, setup->client);
    fresh->output = (struct vel_buf){.env = env, .limit = VEL_H2_OUTPUT_MAX};
    fresh->mem = (nghttp2_mem){.mem_user_data = vel_blocks_user(env),
                               .malloc = vel_block_alloc,
                               .free = vel_block_free,
                               .calloc = vel_block_calloc,
                               .realloc = vel_block_realloc};
    set_times(fresh, setup, now);
    TRY(open_nghttp2(fresh));
    TRY(submit_settings(fresh));
    *http = &GIVE(fresh)->common;
    return VEL_OK;
}

static void h2_free(struct vel_http *http)
{
    struct vel_h2 *session = vel_h2_of(http);
    nghttp2_session_del(session->h2);
    vel_buf_free(&session->output);
    vel_release(http->env, session, sizeof *session);
}

/* ---- bytes in ---- */

/* The end of every call from outside. */
static void settle(struct vel_h2 *session)
{
    struct vel_http *http = &session->common;
    vel_http_settle(http);
    if (http->active > 0) {
        session->idle_since = VEL_NEVER;
    } else if (session->idle_since == VEL_NEVER) {
        session->idle_since = session->now;
        vel_h2_due(session, session->now, session->idle_timeout);
    }
}

/* Frames without end that carry no message (PING, SETTINGS, PRIORITY, empty DATA, unknown types)
 * cost us more than the peer, and so do answers that it never reads. */
static void look_at_limits(struct vel_h2 *session)
{
    uint64_t seconds = (uint64_t)((session->now - session->started) / SECOND);
    uint64_t allowed = VEL_H2_IDLE_FREE + seconds * VEL_H2_IDLE_PER_SECOND + session->idle_allowed;
    if (session->received > allowed)
        vel_http_fail(&session->common, VEL_H3_EXCESSIVE_LOAD, "too many bytes without a message");
    else if (nghttp2_session_get_outbound_queue_size(session->h2) > VEL_H2_QUEUE_MAX)
        vel_http_fail(&session->common, VEL_H3_EXCESSIVE_LOAD, "the peer reads no answers");
}

static bool ignores(const struct vel_h2 *session)
{
    return session->common.failed || session->common.closed || session->dead || session->read_end;
}

static void h2_receive(struct vel_http *http, struct vel_slice bytes, size_t *taken, vel_time now)
{
    struct vel_h2 *session = vel_h2_of(http);
    session->now = now;
    *taken = bytes.len;
    while (bytes.len > 0 && !ignores(session)) {
        size_t size = VEL_MIN(bytes.len, (size_t)VEL_H2_READ_MAX);
        nghttp2_ssize n = nghttp2_session_mem_recv2(session->h2, bytes.ptr, size);
        vel_h2_fail_with(session, n < 0 ? (int)n : 0);
        bytes = vel_slice(bytes.ptr + size, bytes.len - size);
        session->received += size;
        if (!http->failed)
            look_at_limits(session);
        settle(session);
    }
}

static void cut_off(struct vel_exchange *exchange)
{
    bool whole = exchange->received_end || vel_h2_exchange_of(exchange)->held_end;
    if (!whole || exchange->http->client)
        vel_exchange_abort(exchange, VEL_H3_REQUEST_INCOMPLETE, true);
}

/* Frames say where a message ends, so a truncation shows in any case. */
static void h2_receive_end(struct vel_http *http, bool truncated, vel_time now)
{
    (void)truncated;
    struct vel_h2 *session = vel_h2_of(http);
    session->now = now;
    session->read_end = true;
    vel_exchange_each(http, cut_off);
    settle(session);
}

/* ---- bytes out ---- */

static bool has_output(const struct vel_h2 *session)
{
    return session->output_taken < session->output.len;
}

/* Make frames until there are none or enough. */
static void fill(struct vel_h2 *session)
{
    while (session->output.len < VEL_H2_OUTPUT_STOP) {
        size_t before = session->output.len; /* DATA frames append themselves */
        const uint8_t *bytes;
        nghttp2_ssize n = nghttp2_session_mem_send2(session->h2, &bytes);
        if (n < 0 ||
            (n > 0 && vel_buf_append(&session->output, vel_slice(bytes, (size_t)n)) != VEL_OK)) {
            session->common.failed = true;
            session->dead = true;
            return;
        }
        if (n == 0 && session->output.len == before)
            return;
    }
}

/* Nothing more is to be said, or to be heard. */
static bool is_done(const struct vel_h2 *session)
{
    if (session->common.failed)
        return true;
    if (session->common.active > 0)
        return false;
    bool finished = session->common.finishing && (session->common.client || session->farewell);
    return finished || session->read_end ||
           (nghttp2_session_want_read(session->h2) == 0 &&
            nghttp2_session_want_write(session->h2) == 0);
}

static void filled(struct vel_h2 *session)
{
    if (has_output(session)) {
        vel_h2_due(session, session->now, session->body_timeout);
        return;
    }
    session->dead = is_done(session);
    if (session->common.active == 0 && session->output.capacity > VEL_H2_OUTPUT_KEEP)
        vel_buf_free(&session->output);
}

static struct vel_slice h2_output(struct vel_http *http, vel_time now)
{
    struct vel_h2 *session = vel_h2_of(http);
    session->now = now;
    if (session->dead)
        return vel_slice(NULL, 0);
    if (!has_output(session)) {
        session->output.len = session->output_taken = 0;
        session->output_moved = now;
        do {
            if (http->attention && !http->failed)
                vel_http_attend(http);
            settle(session);
            fill(session);
            settle(session);
        } while (http->attention && !http->failed && !has_output(session));
        filled(session);
    }
    if (!has_output(session))
        return vel_slice(NULL, 0);
    return vel_slice(session->output.ptr + session->output_taken,
                     session->output.len - session->output_taken);
}

static void h2_output_taken(struct vel_http *http, size_t count, vel_time now)
{
    struct vel_h2 *session = vel_h2_of(http);
    session->now = session->output_moved = now;
    session->output_taken += VEL_MIN(count, session->output.len - session->output_taken);
}

static bool h2_is_over(const struct vel_http *http)
{
    return ((const struct vel_h2 *)http)->dead;
}

/* ---- ends ---- */

static void h2_release(struct vel_exchange *exchange)
{
    struct vel_h2 *session = vel_h2_of(exchange->http);
    vel_h2_forget_held(exchange);
    if (session->common.failed || session->common.closed || vel_h2_exchange_of(exchange)->gone)
        return;
    int error = nghttp2_submit_rst_stream(session->h2, NGHTTP2_FLAG_NONE, (int32_t)exchange->stream,
                                          vel_h2_code_out(exchange->code));
    vel_h2_fail_with(session, error);
}

/* RFC 9113 6.8: a server first warns, and tells the last stream when the warning has come back. */
static void h2_finish(struct vel_http *http)
{
    struct vel_h2 *session = vel_h2_of(http);
    int error;
    if (http->client) {
        error = nghttp2_submit_goaway(session->h2, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    } else {
        error = nghttp2_submit_shutdown_notice(session->h2);
        if (error == 0)
            error = nghttp2_submit_ping(session->h2, NGHTTP2_FLAG_NONE, NULL);
    }
    vel_h2_fail_with(session, error);
}

static void h2_failed(struct vel_http *http, uint64_t code, const char *reason)
{
    (void)reason;
    struct vel_h2 *session = vel_h2_of(http);
    if (nghttp2_session_terminate_session(session->h2, vel_h2_code_out(code)) != 0)
        session->dead = true;
}

static const struct vel_http_ops h2_ops = {
    .version = VEL_HTTP_2,
    .exchange_size = sizeof(struct vel_h2_exchange),
    .free = h2_free,
    .request = vel_h2_request,
    .respond = vel_h2_respond,
    .read_on = vel_h2_read_on,
    .resume_body = vel_h2_resume_body,
    .release = h2_release,
    .finish = h2_finish,
    .failed = h2_failed,
    .receive = h2_receive,
    .receive_end = h2_receive_end,
    .output = h2_output,
    .output_taken = h2_output_taken,
    .is_over = h2_is_over,
    .deadline = vel_h2_deadline,
    .expire = vel_h2_expire,
};
