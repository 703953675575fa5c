/* SPDX-License-Identifier: MIT */
#include "client/version_query.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "transport/packet.h"
#include "velocity/udp.h"

#define REPEAT_AFTER (200 * MS)

struct vel_version_query {
    struct vel_version_query_setup setup;
    struct vel_query_ids ids;
    struct vel_link *link; /* to the address at hand; NULL: none */
    struct vel_watch *watch;
    struct vel_timer *timer;
    size_t next; /* address to ask */
    size_t deaf; /* addresses in a row where nobody listens */
    bool is_done;
    uint32_t versions[VEL_QUERY_VERSIONS];
    size_t count;
    uint8_t incoming[VEL_TRAIN_MAX];
};

/* ---- the packets ---- */

/* 0x?a?a?a?a, RFC 9000 15. */
static uint32_t reserved_version(uint32_t random)
{
    return (random & 0xf0f0f0f0U) | 0x0a0a0a0aU;
}

void vel_version_query_write(const struct vel_query_ids *ids, uint32_t random,
                             uint8_t bytes[VEL_QUERY_SIZE])
{
    struct vel_writer w = vel_writer(bytes, VEL_QUERY_SIZE);
    vel_write_uint(&w, VEL_BIT_LONG | VEL_BIT_FIXED, 1);
    vel_write_uint(&w, reserved_version(random), 4);
    vel_write_uint(&w, VEL_QUERY_CID, 1);
    vel_write_bytes(&w, vel_slice(ids->dcid, VEL_QUERY_CID));
    vel_write_uint(&w, VEL_QUERY_CID, 1);
    vel_write_bytes(&w, vel_slice(ids->scid, VEL_QUERY_CID));
    vel_write_fill(&w, 0, vel_room(&w));
    VEL_ASSERT(vel_write_ok(&w));
}

vel_result vel_version_query_read(const struct vel_query_ids *ids, struct vel_slice datagram,
                                  uint32_t versions[VEL_QUERY_VERSIONS], size_t *count)
{
    struct vel_packet_header header;
    REQUIRE(vel_packet_parse(datagram, &header) == VEL_OK, VEL_ERR_MALFORMED);
    REQUIRE(header.type == VEL_PACKET_VERSION_NEGOTIATION, VEL_ERR_MALFORMED);
    /* The server swaps the ids (RFC 9000 17.2.1). */
    REQUIRE(vel_slice_equal(header.dcid, vel_slice(ids->scid, VEL_QUERY_CID)), VEL_ERR_MALFORMED);
    REQUIRE(vel_slice_equal(header.scid, vel_slice(ids->dcid, VEL_QUERY_CID)), VEL_ERR_MALFORMED);
    struct vel_reader r = vel_reader(header.versions);
    for (*count = 0; *count < VEL_QUERY_VERSIONS && vel_left(&r) > 0; ++*count)
        versions[*count] = (uint32_t)vel_read_uint(&r, 4);
    return VEL_OK;
}

/* ---- asking ---- */

static void hang_up(struct vel_version_query *query)
{
    vel_watch_free(query->watch);
    vel_link_free(query->link);
    query->watch = NULL;
    query->link = NULL;
}

static void finish(struct vel_version_query *query, vel_time now)
{
    query->is_done = true;
    vel_timer_set(query->timer, VEL_NEVER);
    query->setup.done(query->setup.self, now);
}

static void on_readable(void *self, unsigned ready)
{
    struct vel_version_query *query = self;
    (void)ready;
    for (;;) {
        struct vel_train train = {.bytes = query->incoming, .capacity = sizeof query->incoming};
        enum vel_err err = vel_link_receive(query->link, &train);
        if (err == VEL_ERR_NOT_FOUND) {
            query->deaf++;
            vel_timer_set(query->timer, 0);
        }
        if (err != VEL_OK)
            return;
        size_t first = VEL_MIN(train.segment, train.len);
        if (query->is_done || vel_version_query_read(&query->ids, vel_slice(train.bytes, first),
                                                     query->versions, &query->count) != VEL_OK)
            continue;
        vel_watch_set(query->watch, 0);
        vel_timer_set(query->timer, 0);
        return;
    }
}

static vel_result ask(struct vel_version_query *query, const struct vel_addr *remote)
{
    uint8_t bytes[VEL_QUERY_SIZE];
    uint32_t random;
    const struct vel_udp_setup udp = {.remote = *remote};
    TRY(vel_udp_link_new(query->setup.env, &udp, &query->link));
    TRY(vel_watch_new(query->setup.loop, query->link->fd, on_readable, query, &query->watch));
    vel_watch_set(query->watch, VEL_WATCH_READ);
    vel_random(query->setup.env, &random, sizeof random);
    vel_version_query_write(&query->ids, random, bytes);
    struct vel_train train = {.bytes = bytes,
                              .len = sizeof bytes,
                              .capacity = sizeof bytes,
                              .segment = sizeof bytes,
                              .remote = *remote};
    return vel_link_send(query->link, &train);
}

static void on_time(void *self, vel_time now)
{
    struct vel_version_query *query = self;
    if (query->is_done)
        return;
    hang_up(query);
    if (query->count > 0 || query->deaf >= query->setup.addr_count) {
        finish(query, now);
        return;
    }
    const struct vel_addr *remote = &query->setup.addrs[query->next];
    query->next = (query->next + 1) % query->setup.addr_count;
    enum vel_err err = ask(query, remote);
    query->deaf = err == VEL_OK || err == VEL_ERR_AGAIN ? query->deaf : query->deaf + 1;
    vel_timer_set(query->timer, now + (err == VEL_OK ? REPEAT_AFTER : 0));
}

vel_result vel_version_query_new(const struct vel_version_query_setup *setup, vel_time now,
                                 struct vel_version_query **query)
{
    REQUIRE(setup->addr_count > 0 && setup->addr_count <= VEL_QUERY_ADDRS, VEL_ERR_ARGUMENT);
    struct vel_version_query *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    vel_random(setup->env, &made->ids, sizeof made->ids);
    enum vel_err err = vel_timer_new(setup->loop, on_time, made, &made->timer);
    if (err != VEL_OK) {
        vel_version_query_free(made);
        return err;
    }
    vel_timer_set(made->timer, now);
    *query = made;
    return VEL_OK;
}

void vel_version_query_free(struct vel_version_query *query)
{
    if (query == NULL)
        return;
    hang_up(query);
    vel_timer_free(query->timer);
    vel_release(query->setup.env, query, sizeof *query);
}

const uint32_t *vel_version_query_get(const struct vel_version_query *query, size_t *count)
{
    *count = query->count;
    return query->versions;
}
