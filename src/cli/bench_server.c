/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/bench.h"
#include "cli/bench_stream.h"
#include "velocity/system.h"

/* What is to be done for a stream. */
struct answer {
    struct vel_conn *conn;
    uint64_t stream;
    uint64_t left, datagrams;
    uint64_t gone;       /* datagrams that have left the connection when the last of these has */
    bool asked, heard;   /* the header has come; all has come */
    struct answer *next; /* of those with datagrams to send */
    struct answer *before, *after; /* of all */
};

struct server {
    struct vel_bench_node *node;
    struct answer *sending; /* datagrams */
    struct answer *all;
};

enum { URGENCY = 3 };
static const uint8_t datagram[BENCH_DATAGRAM];

static void finish(struct answer *answer)
{
    size_t accepted = 0;
    BENCH_OK(vel_stream_write(answer->conn, answer->stream, vel_slice(NULL, 0), true, &accepted));
}

static void send_bytes(struct answer *answer)
{
    if (answer->heard && answer->datagrams == 0)
        vel_bench_stream_fill(answer->conn, answer->stream, &answer->left);
}

/* False: the queue is full. */
static bool send_datagrams(struct answer *answer)
{
    size_t size = VEL_MIN(vel_conn_max_datagram(answer->conn), (size_t)BENCH_DATAGRAM);
    while (answer->datagrams > 0) {
        enum vel_err err = vel_conn_send_datagram(answer->conn, vel_slice(datagram, size), URGENCY,
                                                  VEL_NEVER, NULL);
        if (err == VEL_ERR_AGAIN)
            return false;
        BENCH_OK(err);
        answer->datagrams--;
    }
    return true;
}

static uint64_t gone(const struct vel_conn *conn)
{
    struct vel_conn_stats stats;
    vel_conn_get_stats(conn, &stats);
    return stats.datagram_frames.sent + stats.datagram_frames.expired +
           stats.datagram_frames.too_long;
}

static void begin_answer(struct server *self, struct answer *answer)
{
    answer->heard = true;
    if (answer->datagrams > 0) {
        answer->gone = gone(answer->conn) + answer->datagrams;
        answer->next = self->sending;
        self->sending = answer;
    } else if (answer->left == 0) {
        finish(answer);
    } else {
        send_bytes(answer);
    }
}

static void read_header(struct answer *answer, struct vel_slice bytes)
{
    struct vel_bench_request request = vel_bench_stream_request(bytes);
    answer->left = request.size;
    answer->datagrams = request.datagrams;
    answer->asked = true;
}

static struct answer *answer_of(struct server *self, struct vel_conn *conn, uint64_t stream)
{
    struct answer *answer = vel_stream_user(conn, stream);
    if (answer != NULL)
        return answer;
    answer = vel_alloc(&self->node->party->env, sizeof *answer);
    BENCH_OK(answer != NULL ? VEL_OK : VEL_ERR_NOMEM);
    answer->conn = conn;
    answer->stream = stream;
    answer->after = self->all;
    if (self->all != NULL)
        self->all->before = answer;
    self->all = answer;
    vel_stream_set_user(conn, stream, answer);
    return answer;
}

static void read_request(struct server *self, struct vel_conn *conn, uint64_t stream)
{
    struct answer *answer = answer_of(self, conn, stream);
    struct vel_slice bytes;
    bool fin = false;
    while (vel_stream_read(conn, stream, &bytes, &fin) == VEL_OK && (bytes.len > 0 || fin)) {
        if (!answer->asked && bytes.len < BENCH_HEADER)
            return; /* the client writes it whole: it comes */
        if (!answer->asked)
            read_header(answer, bytes);
        BENCH_OK(vel_stream_consume(conn, stream, bytes.len));
        if (fin && !answer->heard)
            begin_answer(self, answer);
        if (fin)
            return;
    }
}

static void drop_answer(struct server *self, struct answer *answer)
{
    if (answer == NULL)
        return;
    if (answer->before != NULL)
        answer->before->after = answer->after;
    else
        self->all = answer->after;
    if (answer->after != NULL)
        answer->after->before = answer->before;
    vel_release(&self->node->party->env, answer, sizeof *answer);
}

static void on_events(void *context, struct vel_conn *conn, vel_time now)
{
    struct server *self = context;
    struct vel_event event;
    (void)now;
    while (vel_conn_next_event(conn, &event)) {
        if (event.type == VEL_EVENT_STREAM_READABLE)
            read_request(self, conn, event.stream);
        else if (event.type == VEL_EVENT_STREAM_WRITABLE)
            send_bytes(answer_of(self, conn, event.stream));
        else if (event.type == VEL_EVENT_STREAM_CLOSED)
            drop_answer(self, vel_stream_user(conn, event.stream));
    }
}

/* Datagrams have no event that says there is room: each turn may have made some. The answer tells the
 * client that all of them were sent. */
static void on_flush(void *context, vel_time now)
{
    struct server *self = context;
    struct answer *answer = self->sending;
    (void)now;
    if (answer == NULL || !send_datagrams(answer) || gone(answer->conn) < answer->gone)
        return;
    self->sending = answer->next;
    if (answer->left == 0)
        finish(answer);
    else
        send_bytes(answer);
}

void vel_bench_server(struct vel_bench_node *node)
{
    struct server self = {.node = node};
    const struct vel_runtime_hooks hooks = {.events = on_events, .flush = on_flush, .self = &self};
    vel_bench_node_open(node, true, BENCH_CONNECTIONS_MAX, &hooks);
    vel_bench_node_serve(node);
    while (self.all != NULL)
        drop_answer(&self, self.all);
    vel_bench_node_close(node);
}
