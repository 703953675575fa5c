/* SPDX-License-Identifier: MIT */
#include "endpoint/demux.h"

#include "base/try.h"
#include "base/writer.h"

/* The kinds of route never share an input of the hash. */
enum { OWN = 0, FIRST = 1, RESET = 2 };

void vel_demux_init(struct vel_demux *demux, const struct vel_env *env)
{
    *demux = (struct vel_demux){.table = {.env = env}};
    vel_random(env, &demux->key, sizeof demux->key);
}

void vel_demux_clear(struct vel_demux *demux)
{
    vel_table_clear(&demux->table);
}

uint64_t vel_route_own(const struct vel_demux *demux, struct vel_slice cid)
{
    uint8_t bytes[1 + VEL_CID_MAX];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_write_uint(&w, OWN, 1);
    vel_write_bytes(&w, cid);
    VEL_ASSERT(vel_write_ok(&w));
    return vel_keyed_hash(&demux->key, vel_writer_slice(&w));
}

uint64_t vel_route_reset(const struct vel_demux *demux, const uint8_t token[VEL_RESET_TOKEN])
{
    uint8_t bytes[1 + VEL_RESET_TOKEN] = {RESET};
    memcpy(bytes + 1, token, VEL_RESET_TOKEN);
    return vel_keyed_hash(&demux->key, vel_slice(bytes, sizeof bytes));
}

uint64_t vel_route_first(const struct vel_demux *demux, struct vel_slice dcid,
                         const struct vel_addr *remote)
{
    uint8_t bytes[1 + sizeof *remote + VEL_CID_MAX];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_write_uint(&w, FIRST, 1);
    vel_write_uint(&w, remote->family, 1);
    vel_write_bytes(&w, vel_slice(remote->ip, sizeof remote->ip));
    vel_write_uint(&w, remote->port, 2);
    vel_write_uint(&w, remote->scope, 4);
    vel_write_bytes(&w, dcid);
    VEL_ASSERT(vel_write_ok(&w));
    return vel_keyed_hash(&demux->key, vel_writer_slice(&w));
}

struct vel_peer *vel_demux_find(const struct vel_demux *demux, uint64_t route)
{
    const uintptr_t *value = vel_table_find(&demux->table, route);
    return value != NULL ? (struct vel_peer *)*value : NULL;
}

vel_result vel_demux_add(struct vel_demux *demux, uint64_t route, struct vel_peer *peer)
{
    return vel_table_add(&demux->table, route, (uintptr_t)peer);
}

void vel_demux_remove(struct vel_demux *demux, uint64_t route)
{
    vel_table_remove(&demux->table, route);
}
