/* SPDX-License-Identifier: MIT */
#include "cli/bench_relay.h"

#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "velocity/system.h"
#include "velocity/udp.h"

enum { MILLION = 1000 * 1000, QUEUE_MIN = 64 * 1024, WAITING_MAX = 1 << 14, DATAGRAM_MAX = 2048 };

/* ---- one direction ---- */

void vel_bench_line_init(struct vel_bench_line *line, const struct vel_bench_impairment *network,
                         unsigned direction)
{
    *line = (struct vel_bench_line){.network = *network,
                                    .state = (uint64_t)network->seed * 2 + direction + 1};
}

/* The finaliser of splitmix64 over a counter. */
static uint64_t draw(struct vel_bench_line *line)
{
    uint64_t z = line->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static vel_time time_on_line(const struct vel_bench_line *line, size_t size)
{
    return (vel_time)((double)size * 8 * (double)SECOND / (double)line->network.rate);
}

bool vel_bench_line_enter(struct vel_bench_line *line, size_t size, vel_time now, vel_time *due)
{
    const struct vel_bench_impairment *network = &line->network;
    if ((int64_t)(draw(line) % MILLION) < network->loss) {
        line->lost++;
        return false;
    }
    if (network->rate > 0) {
        vel_time begin = VEL_MAX(line->free_at, now);
        vel_time longest = VEL_MAX(2 * network->delay, time_on_line(line, QUEUE_MIN));
        if (begin - now > longest) {
            line->full++;
            return false;
        }
        line->free_at = now = begin + time_on_line(line, size);
    }
    *due = now + network->delay;
    return true;
}

/* ---- the process ---- */

struct waiting {
    vel_time due;
    uint16_t size;
    uint8_t ecn;
    uint8_t bytes[DATAGRAM_MAX];
};

/* From one socket to the other, in order. */
struct direction {
    struct relay *relay;
    struct vel_bench_line line;
    struct vel_link *from, *to;
    struct vel_watch *watch;
    struct vel_timer *timer;
    struct waiting *ring; /* WAITING_MAX */
    size_t first, count;
};

struct relay {
    struct vel_bench_node node; /* first: run_relay gets this */
    struct vel_bench_impairment network;
    struct vel_addr server, client; /* the client: who sent last to the front */
    struct direction up, down;
    uint8_t train[VEL_TRAIN_MAX];
};

static void put(struct direction *way, const uint8_t *bytes, size_t size, uint8_t ecn, vel_time now)
{
    struct waiting *slot = &way->ring[(way->first + way->count) % WAITING_MAX];
    if (size > DATAGRAM_MAX || way->count == WAITING_MAX ||
        !vel_bench_line_enter(&way->line, size, now, &slot->due))
        return;
    slot->size = (uint16_t)size;
    slot->ecn = ecn;
    memcpy(slot->bytes, bytes, size);
    way->count++;
}

static void send_due(void *self, vel_time now)
{
    struct direction *way = self;
    struct relay *relay = way->relay;
    while (way->count > 0 && way->ring[way->first].due <= now) {
        struct waiting *slot = &way->ring[way->first];
        struct vel_train train = {.remote = way == &relay->up ? relay->server : relay->client,
                                  .bytes = slot->bytes,
                                  .len = slot->size,
                                  .segment = slot->size,
                                  .ecn = slot->ecn};
        if (train.remote.family == VEL_ADDR_NONE || vel_link_send(way->to, &train) == VEL_ERR_AGAIN)
            break; /* the socket's buffer is full: a moment later */
        way->first = (way->first + 1) % WAITING_MAX;
        way->count--;
    }
    vel_timer_set(way->timer,
                  way->count > 0 ? VEL_MAX(way->ring[way->first].due, now + 20 * US) : VEL_NEVER);
}

static void on_readable(void *self, unsigned ready)
{
    struct direction *way = self;
    struct relay *relay = way->relay;
    vel_time now = vel_clock_now();
    (void)ready;
    for (int budget = 0; budget < VEL_TURN_RECEIVE; budget++) {
        struct vel_train train = {.bytes = relay->train, .capacity = sizeof relay->train};
        if (vel_link_receive(way->from, &train) != VEL_OK)
            break;
        if (way == &relay->up)
            relay->client = train.remote;
        for (size_t at = 0; at < train.len; at += train.segment)
            put(way, train.bytes + at, VEL_MIN(train.segment, train.len - at), train.ecn, now);
    }
    send_due(way, now);
}

/* Nothing is asked of us: the other end is closed when it is over. */
static void on_control(void *self, unsigned ready)
{
    struct relay *relay = self;
    (void)ready;
    vel_loop_stop(relay->node.loop);
}

static void open_direction(struct relay *relay, struct direction *way, unsigned number,
                           struct vel_link *from, struct vel_link *to)
{
    const struct vel_env *env = &relay->node.party->env;
    *way = (struct direction){.relay = relay, .from = from, .to = to};
    vel_bench_line_init(&way->line, &relay->network, number);
    way->ring = vel_alloc(env, WAITING_MAX * sizeof *way->ring);
    BENCH_OK(way->ring != NULL ? VEL_OK : VEL_ERR_NOMEM);
    BENCH_OK(vel_timer_new(relay->node.loop, send_due, way, &way->timer));
    BENCH_OK(vel_watch_new(relay->node.loop, from->fd, on_readable, way, &way->watch));
    vel_watch_set(way->watch, VEL_WATCH_READ);
}

static void close_direction(struct relay *relay, struct direction *way)
{
    vel_watch_free(way->watch);
    vel_timer_free(way->timer);
    vel_release(&relay->node.party->env, way->ring, WAITING_MAX * sizeof *way->ring);
}

static void run_relay(struct vel_bench_node *node)
{
    struct relay *relay = (struct relay *)node;
    const struct vel_env *env = &node->party->env;
    const struct vel_udp_setup udp = {.local = {.family = VEL_ADDR_IP4, .ip = {127, 0, 0, 1}}};
    struct vel_link *front, *back;
    struct vel_watch *watch;
    vel_bench_unpin();
    BENCH_OK(vel_loop_new(env, &node->loop));
    BENCH_OK(vel_udp_link_new(env, &udp, &front));
    BENCH_OK(vel_udp_link_new(env, &udp, &back));
    open_direction(relay, &relay->up, 0, front, back);
    open_direction(relay, &relay->down, 1, back, front);
    BENCH_OK(vel_watch_new(node->loop, node->control, on_control, relay, &watch));
    vel_watch_set(watch, VEL_WATCH_READ);
    vel_bench_tell(node, front->local.port);
    vel_loop_run(node->loop);
    vel_watch_free(watch);
    close_direction(relay, &relay->up);
    close_direction(relay, &relay->down);
    vel_link_free(back);
    vel_link_free(front);
    vel_loop_free(node->loop);
}

void vel_bench_relay_start(struct vel_bench_node *node, const struct vel_bench_impairment *network,
                           const struct vel_addr *server, struct vel_addr *front, int *child)
{
    static struct relay relay; /* of the child: it holds a train */
    relay = (struct relay){.node = *node, .network = *network, .server = *server};
    vel_bench_fork(&relay.node, run_relay, child);
    node->control = relay.node.control;
    *front = *server;
    front->port = (uint16_t)vel_bench_hear(node);
}
