/* SPDX-License-Identifier: MIT */
/*
 * Datagrams from anybody into a server endpoint: raw ones, alone or in trains, and a genuine first
 * flight with bytes changed, from a few addresses, while time passes; every other input finds a server
 * where first packets wait in a backlog, or that wants every address proved. Properties: connections,
 * half-open ones and memory stay within their bounds; no more than three times what came is sent;
 * nothing is pending once everybody has been silent for long; and a good client gets in afterwards.
 */
#include "base/reader.h"
#include "endpoint/endpoint_internal.h"
#include "endpoint/talk.h"
#include "testing/fuzz.h"
#include "transport/packet.h"

enum {
    MAX_CONNECTIONS = 12,
    MAX_HALF_OPEN = 8,
    FLIGHT = 3,
    DATAGRAM = 1452,
    BACKLOG = 16 * 1024,
    /* Far more than a connection takes before its peer is known. */
    MEMORY_MAX = MAX_CONNECTIONS * 128 * 1024 + 256 * 1024,
    /* Whole handshakes are slow; an input in so many ends with one. */
    HANDSHAKE_EVERY = 16
};

/* An env that counts what is outstanding and starts the same for every input. */
static struct {
    size_t outstanding;
    uint64_t state;
} counted;

static void *counted_alloc(void *self, size_t size)
{
    (void)self;
    counted.outstanding += size;
    return calloc(1, size);
}

static void counted_release(void *self, void *memory, size_t size)
{
    (void)self;
    counted.outstanding -= size;
    free(memory);
}

static void counted_random(void *self, uint8_t *bytes, size_t size)
{
    (void)self;
    for (size_t i = 0; i < size; i++) {
        counted.state = counted.state * UINT64_C(6364136223846793005) + 1442695040888963407;
        bytes[i] = (uint8_t)(counted.state >> 56);
    }
}

static const struct vel_env counted_env = {
    .alloc = counted_alloc, .release = counted_release, .random = counted_random};

static struct talk talk;
static struct {
    uint8_t bytes[DATAGRAM];
    size_t size;
} flight[FLIGHT];

/* Once: a certificate, and the first flight of a client that is never heard of again. */
static void prepare(void)
{
    if (talk.crypto != NULL)
        return;
    counted.state = 1;
    talk_prepare(&talk, &counted_env);
    talk_open(&talk, 0, 0);
    talk_connect(&talk, talk_addr(1, 1));
    for (size_t i = 0; i < FLIGHT; i++) {
        struct vel_train train = {.bytes = flight[i].bytes, .capacity = DATAGRAM + 48};
        uint8_t space[DATAGRAM + 48];
        train.bytes = space;
        FUZZ_CHECK(vel_endpoint_send(talk.clients, &train, talk.now) == VEL_OK);
        FUZZ_CHECK(train.len <= DATAGRAM);
        memcpy(flight[i].bytes, space, train.len);
        flight[i].size = train.len;
    }
    talk_close(&talk);
}

/* Bytes that reached the server, and that it sent. */
struct traffic {
    uint64_t in, out;
};

static void hand_over(struct traffic *traffic, uint8_t from, uint8_t *bytes, size_t size,
                      size_t segment)
{
    struct vel_train train = {.local = talk.server_addr,
                              .remote = talk_addr(from & 7, (uint16_t)(from >> 3)),
                              .bytes = bytes,
                              .len = size,
                              .segment = segment};
    traffic->in += size;
    vel_endpoint_receive(talk.server, &train, talk.now);
}

/* As one, or cut into a train. */
static void raw_datagrams(struct vel_reader *r, struct traffic *traffic)
{
    uint8_t bytes[VEL_INITIAL_DATAGRAM_MIN] = {0};
    uint8_t from = (uint8_t)vel_read_uint(r, 1);
    uint64_t shape = vel_read_uint(r, 1);
    bool padded = shape % 2 == 0;
    struct vel_slice content = vel_read_vector(r, 1);
    if (content.len > 0)
        memcpy(bytes, content.ptr, content.len);
    size_t size = padded ? sizeof bytes : content.len;
    hand_over(traffic, from, bytes, size, shape % 4 < 2 ? size : 1 + shape / 4);
}

static void changed_flight(struct vel_reader *r, struct traffic *traffic)
{
    uint8_t bytes[DATAGRAM];
    uint8_t from = (uint8_t)vel_read_uint(r, 1);
    size_t which = vel_read_uint(r, 1) % FLIGHT;
    size_t changes = vel_read_uint(r, 1) % 8;
    size_t size = flight[which].size;
    memcpy(bytes, flight[which].bytes, size);
    for (size_t i = 0; i < changes; i++) {
        size_t at = vel_read_uint(r, 2) % size;
        bytes[at] ^= (uint8_t)vel_read_uint(r, 1);
    }
    hand_over(traffic, from, bytes, size, size);
}

static void pass_time(struct vel_reader *r)
{
    uint64_t step = vel_read_uint(r, 1);
    talk.now += (vel_time)(step * step) * MS;
    vel_endpoint_expire(talk.server, talk.now);
}

static void send_all(struct traffic *traffic)
{
    static uint8_t space[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    while (vel_endpoint_send(talk.server, &train, talk.now) == VEL_OK) {
        FUZZ_CHECK(train.len > 0 && train.segment > 0 && train.segment <= train.len);
        traffic->out += train.len;
    }
}

static void check_bounds(size_t before, const struct traffic *traffic)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    FUZZ_CHECK(stats.connections <= MAX_CONNECTIONS);
    FUZZ_CHECK(stats.half_open <= MAX_HALF_OPEN && stats.half_open <= stats.connections);
    FUZZ_CHECK(stats.completed == 0);
    FUZZ_CHECK(counted.outstanding - before <= MEMORY_MAX);
    FUZZ_CHECK(traffic->out <= 3 * traffic->in);
    bool busy = stats.connections > 0 || talk.server->backlog.first != NULL;
    FUZZ_CHECK(busy == (vel_endpoint_deadline(talk.server) != VEL_NEVER));
}

static void let_a_client_in(void)
{
    struct vel_conn *conn = NULL;
    talk_connect(&talk, talk_addr(200, 200));
    for (int i = 0; i < 8; i++)
        talk_exchange(&talk);
    FUZZ_CHECK(talk_connected(talk.server, &conn) == 1);
}

/* Silence until every time-out has passed. */
static void outlive_everybody(struct traffic *traffic)
{
    for (int i = 0; i < 100 && vel_endpoint_deadline(talk.server) != VEL_NEVER; i++) {
        talk.now = VEL_MAX(talk.now + SECOND, vel_endpoint_deadline(talk.server));
        vel_endpoint_expire(talk.server, talk.now);
        send_all(traffic);
    }
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(talk.server, &stats);
    FUZZ_CHECK(stats.connections == 0 && stats.half_open == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    size_t at_first = counted.outstanding;
    counted.state = 2;
    talk.now = SECOND;
    talk_open(&talk, MAX_CONNECTIONS, MAX_HALF_OPEN);
    talk.server->backlog.limit = size % 2 == 0 ? 0 : BACKLOG;
    talk.server->always_retry = size % 8 == 3;
    size_t before = counted.outstanding;
    struct traffic traffic = {0};
    struct vel_reader r = vel_reader(vel_slice(data, size));
    for (int steps = 0; steps < 64 && vel_left(&r) > 0; steps++) {
        uint64_t kind = vel_read_uint(&r, 1) % 4;
        if (kind == 0)
            pass_time(&r);
        else if (kind == 1)
            raw_datagrams(&r, &traffic);
        else
            changed_flight(&r, &traffic);
        if (kind != 3)
            send_all(&traffic);
        check_bounds(before, &traffic);
    }
    if (size % HANDSHAKE_EVERY == 0)
        let_a_client_in();
    else
        outlive_everybody(&traffic);
    talk_close(&talk);
    FUZZ_CHECK(counted.outstanding == at_first);
    return 0;
}
