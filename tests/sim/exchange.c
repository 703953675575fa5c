/* SPDX-License-Identifier: MIT */
#include "sim/exchange.h"

#include <stdlib.h>

#include "base/units.h"
#include "base/writer.h"
#include "sim/scenario.h"

enum { HEADER = 8, PIECE = 16 * 1024 };

struct exchange_stream {
    struct exchange_stream *next;
    uint64_t id;
    uint64_t out_total, out_sent; /* header included */
    uint64_t in_received;
    uint64_t answer; /* bytes the server shall send */
    bool writes, out_open, in_open, answering, counted;
};

/* Byte `offset` of one direction of a stream. A period that is prime and larger than a packet shows
 * what is misplaced by whole packets. */
static uint8_t pattern(uint64_t id, bool from_client, uint64_t offset)
{
    return (uint8_t)(offset % 3331 * 7 + offset / 3331 * 13 + id * 31 + (from_client ? 101 : 0));
}

static uint8_t byte_out(const struct exchange *x, const struct exchange_stream *s, uint64_t offset)
{
    if (x->is_client && offset < HEADER)
        return (uint8_t)(s->answer >> (8 * (HEADER - 1 - offset)));
    return pattern(s->id, x->is_client, offset);
}

static void count_finish(struct exchange *x, struct exchange_stream *s)
{
    if (s->out_open || s->in_open || s->counted)
        return;
    s->counted = true;
    x->finished++;
    x->last_finish = x->now;
}

/* The connection is ending, or has no memory: the application gives up. A scenario that does not
 * expect that will miss the rest. */
static bool gives_up(struct exchange *x, enum vel_err err)
{
    if (err == VEL_ERR_NOMEM)
        vel_conn_close(x->conn, EXCHANGE_STOP_CODE, vel_err_text(err));
    else
        EXPECT(err == VEL_OK || err == VEL_ERR_CLOSED);
    return err != VEL_OK;
}

static void write_out(struct exchange *x, struct exchange_stream *s)
{
    uint8_t piece[PIECE];
    while (s->writes && s->out_open) {
        size_t size = (size_t)VEL_MIN((uint64_t)PIECE, s->out_total - s->out_sent);
        for (size_t i = 0; i < size; i++)
            piece[i] = byte_out(x, s, s->out_sent + i);
        size_t accepted = 0;
        bool last = s->out_sent + size == s->out_total;
        enum vel_err err =
            vel_stream_write(x->conn, s->id, vel_slice(piece, size), last, &accepted);
        if (gives_up(x, err))
            return;
        s->out_sent += accepted;
        x->sent += accepted;
        if (accepted < size)
            return;
        s->out_open = !last;
    }
    count_finish(x, s);
}

static void check_in(struct exchange *x, struct exchange_stream *s, struct vel_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint64_t offset = s->in_received + i;
        if (!x->is_client && offset < HEADER)
            s->answer = s->answer << 8 | bytes.ptr[i];
        else
            EXPECT(bytes.ptr[i] == pattern(s->id, !x->is_client, offset));
    }
    s->in_received += bytes.len;
    x->received += bytes.len;
}

/* The server knows what to send as soon as it has the header. */
static void answer(struct exchange *x, struct exchange_stream *s)
{
    if (x->is_client || s->answering || s->in_received < HEADER)
        return;
    s->answering = true;
    s->writes = s->out_open;
    s->out_total = s->answer;
    if (s->writes)
        write_out(x, s);
}

static bool is_stalled(const struct exchange *x)
{
    return x->ask.stall_at > 0 && x->received >= x->ask.stall_at;
}

static void end_of_input(struct exchange *x, struct exchange_stream *s)
{
    s->in_open = false;
    if (x->is_client)
        EXPECT_NUMBER(s->in_received, ==, x->ask.down);
    count_finish(x, s);
}

static void stop_reading(struct exchange *x, struct exchange_stream *s)
{
    s->in_open = false;
    EXPECT(vel_stream_stop(x->conn, s->id, EXCHANGE_STOP_CODE) == VEL_OK);
    count_finish(x, s);
}

static void read_in(struct exchange *x, struct exchange_stream *s)
{
    while (s->in_open && !is_stalled(x)) {
        struct vel_slice bytes;
        bool fin = false;
        if (gives_up(x, vel_stream_read(x->conn, s->id, &bytes, &fin)))
            return;
        check_in(x, s, bytes);
        if (bytes.len > 0 && gives_up(x, vel_stream_consume(x->conn, s->id, bytes.len)))
            return;
        answer(x, s);
        if (bytes.len == 0 && fin)
            end_of_input(x, s);
        else if (x->is_client && x->ask.stop_at > 0 && s->in_received >= x->ask.stop_at)
            stop_reading(x, s);
        else if (bytes.len == 0)
            return;
    }
}

static struct exchange_stream *add(struct exchange *x, uint64_t id)
{
    struct exchange_stream *s = calloc(1, sizeof *s);
    EXPECT(s != NULL);
    s->id = id;
    s->next = x->streams;
    x->streams = s;
    vel_stream_set_user(x->conn, id, s);
    return s;
}

static void choose_paths(const struct exchange *x, const struct exchange_stream *s)
{
    bool last = x->opened == x->ask.streams && x->ask.paths_of_last != NULL;
    const struct vel_path_choice *paths = last ? x->ask.paths_of_last : x->ask.paths;
    if (paths != NULL)
        EXPECT(vel_stream_set_paths(x->conn, s->id, paths) == VEL_OK);
}

static void open_streams(struct exchange *x)
{
    while (x->opened < x->ask.streams) {
        uint64_t id;
        enum vel_err err = vel_stream_open(x->conn, !x->ask.unidirectional, &id);
        if (err == VEL_ERR_AGAIN || gives_up(x, err))
            return;
        struct exchange_stream *s = add(x, id);
        x->opened++;
        s->answer = x->ask.down;
        s->out_total = HEADER + x->ask.up;
        s->writes = s->out_open = true;
        s->in_open = !x->ask.unidirectional;
        if (x->opened == x->ask.streams && x->ask.urgency_of_last > 0)
            EXPECT(vel_stream_set_priority(x->conn, id, x->ask.urgency_of_last, true) == VEL_OK);
        choose_paths(x, s);
        write_out(x, s);
    }
}

void exchange_start(struct exchange *x, struct vel_conn *conn, const struct ask *ask, vel_time now)
{
    *x = (struct exchange){.conn = conn, .is_client = ask != NULL, .now = now};
    if (ask == NULL)
        return;
    x->ask = *ask;
    open_streams(x);
}

void exchange_more(struct exchange *x, const struct ask *ask, vel_time now)
{
    x->now = now;
    x->ask = *ask;
    x->opened = x->finished = 0;
    open_streams(x);
}

/* The server meets a stream of the client; ids ending in binary 10 have one direction. */
static void meet(struct exchange *x, uint64_t id)
{
    EXPECT(!x->is_client);
    struct exchange_stream *s = add(x, id);
    s->in_open = true;
    s->out_open = (id & 2) == 0;
}

void exchange_on_event(struct exchange *x, const struct vel_event *event, vel_time now)
{
    x->now = now;
    struct exchange_stream *s = NULL;
    if (event->type == VEL_EVENT_STREAM_OPENED)
        meet(x, event->stream);
    if (event->type == VEL_EVENT_STREAM_READABLE || event->type == VEL_EVENT_STREAM_WRITABLE ||
        event->type == VEL_EVENT_STREAM_STOPPED)
        s = vel_stream_user(x->conn, event->stream);
    if (s != NULL && event->type == VEL_EVENT_STREAM_READABLE)
        read_in(x, s);
    if (s != NULL && event->type == VEL_EVENT_STREAM_WRITABLE)
        write_out(x, s);
    if (s != NULL && event->type == VEL_EVENT_STREAM_STOPPED) {
        EXPECT_NUMBER(event->code, ==, EXCHANGE_STOP_CODE);
        x->stopped++;
        s->writes = s->out_open = false;
        count_finish(x, s);
    }
    if (event->type == VEL_EVENT_STREAM_CLOSED)
        x->closed++;
    if (event->type == VEL_EVENT_STREAMS_AVAILABLE)
        open_streams(x);
}

void exchange_resume(struct exchange *x, vel_time now)
{
    x->now = now;
    x->ask.stall_at = 0;
    for (struct exchange_stream *s = x->streams; s != NULL; s = s->next)
        read_in(x, s);
}

bool exchange_is_done(const struct exchange *x)
{
    return x->finished == x->ask.streams;
}

void exchange_free(struct exchange *x)
{
    struct exchange_stream *next;
    for (struct exchange_stream *s = x->streams; s != NULL; s = next) {
        next = s->next;
        free(s);
    }
    x->streams = NULL;
}
