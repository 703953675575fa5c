/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "qlog/frames.h"
#include "qlog/record_internal.h"

/* ---- addresses ---- */

/* An IPv6 address in full, eight groups: nothing has to be guessed where. */
static void address_text(const struct vel_addr *addr, char text[40])
{
    const uint8_t *ip = addr->ip;
    if (addr->family != VEL_ADDR_IP6) {
        snprintf(text, 40, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
        return;
    }
    for (size_t i = 0; i < 8; i++)
        snprintf(text + 5 * i, 40 - 5 * i, i < 7 ? "%02x%02x:" : "%02x%02x", ip[2 * i],
                 ip[2 * i + 1]);
}

void vel_qlog_endpoint(struct vel_json *j, const char *ip, const char *port,
                       const struct vel_addr *addr)
{
    char text[40];
    address_text(addr, text);
    vel_json_word(j, ip, text);
    vel_json_uint(j, port, addr->port);
}

static void put_tuple_end(struct vel_json *j, const char *key, const struct vel_addr *addr)
{
    bool ip6 = addr->family == VEL_ADDR_IP6;
    vel_json_open(j, key, '{');
    vel_qlog_endpoint(j, ip6 ? "ip_v6" : "ip_v4", ip6 ? "port_v6" : "port_v4", addr);
    vel_json_close(j, '}');
}

/* ---- from birth to death ---- */

void vel_qlog_started(const struct vel_qlog_pen *pen, const struct vel_trace_start *start)
{
    const struct vel_addr *from = start->is_client ? &start->local : &start->remote;
    const struct vel_addr *to = start->is_client ? &start->remote : &start->local;
    const struct vel_cid *src = start->is_client ? &start->scid : &start->dcid;
    const struct vel_cid *dst = start->is_client ? &start->dcid : &start->scid;
    struct vel_json *j = pen->j;
    vel_qlog_open(pen, "connectivity:connection_started");
    vel_json_word(j, "ip_version", from->family == VEL_ADDR_IP6 ? "v6" : "v4");
    vel_qlog_endpoint(j, "src_ip", "src_port", from);
    vel_qlog_endpoint(j, "dst_ip", "dst_port", to);
    vel_json_word(j, "protocol", "QUIC");
    vel_json_hex(j, "src_cid", vel_cid_slice(src));
    vel_json_hex(j, "dst_cid", vel_cid_slice(dst));
    vel_qlog_close(pen);
}

static void put_state(const struct vel_qlog_pen *pen, const char *state)
{
    const char *before = pen->m->state;
    if (before != NULL && strcmp(before, state) == 0)
        return;
    pen->m->state = state;
    vel_qlog_open(pen, "connectivity:connection_state_updated");
    if (before != NULL)
        vel_json_word(pen->j, "old", before);
    vel_json_word(pen->j, "new", state);
    vel_qlog_close(pen);
}

static const char *trigger_of(const struct vel_qlog_memory *m, const struct vel_close *close)
{
    bool young = m->state == NULL || strcmp(m->state, "attempted") == 0;
    switch (close->origin) {
    case VEL_CLOSE_LOCAL:
    case VEL_CLOSE_PEER:
        break;
    case VEL_CLOSE_IDLE:
        return "idle_timeout";
    case VEL_CLOSE_TIMEOUT:
        return young ? "handshake_timeout" : "idle_timeout";
    case VEL_CLOSE_VERSION:
        return "version_mismatch";
    }
    if (strcmp(close->reason, "stateless reset") == 0)
        return "stateless_reset";
    if (close->application)
        return "application";
    return close->code == 0 ? "clean" : "error";
}

static void put_closed(const struct vel_qlog_pen *pen, const struct vel_close *close)
{
    struct vel_json *j = pen->j;
    vel_qlog_open(pen, "connectivity:connection_closed");
    vel_json_word(j, "owner", close->origin == VEL_CLOSE_PEER ? "remote" : "local");
    if (close->application)
        vel_json_uint(j, "application_code", close->code);
    else
        vel_qlog_close_code(j, "connection_code", close->code);
    vel_json_word(j, "reason", close->reason);
    vel_json_word(j, "trigger", trigger_of(pen->m, close));
    vel_qlog_close(pen);
}

void vel_qlog_life(const struct vel_qlog_pen *pen, const struct vel_trace_life *life)
{
    static const char *const states[] = {
        [VEL_TRACE_STATE_HANDSHAKE_COMPLETE] = "handshake_complete",
        [VEL_TRACE_STATE_HANDSHAKE_CONFIRMED] = "handshake_confirmed",
        [VEL_TRACE_STATE_CLOSING] = "closing",
        [VEL_TRACE_STATE_DRAINING] = "draining",
        [VEL_TRACE_STATE_CLOSED] = "closed"};
    if (life->close != NULL && !pen->m->closed) {
        pen->m->closed = true;
        put_closed(pen, life->close);
    }
    put_state(pen, states[life->state]);
}

/* ---- ids and paths ---- */

void vel_qlog_cid(const struct vel_qlog_pen *pen, const struct vel_trace_cid *cid)
{
    struct vel_cid *known = cid->remote ? &pen->m->remote : &pen->m->local;
    if (vel_cid_equal(known, &cid->id))
        return;
    vel_qlog_open_on(pen, "connectivity:connection_id_updated", cid->track, 0);
    vel_json_word(pen->j, "owner", cid->remote ? "remote" : "local");
    vel_json_hex(pen->j, "old", vel_cid_slice(known));
    vel_json_hex(pen->j, "new", vel_cid_slice(&cid->id));
    vel_qlog_close(pen);
    *known = cid->id;
}

void vel_qlog_path(const struct vel_qlog_pen *pen, const struct vel_trace_path *told)
{
    static const char *const states[] = {[VEL_TRACE_PATH_PROBED] = "probing_started",
                                         [VEL_TRACE_PATH_PROVED] = "probing_successful",
                                         [VEL_TRACE_PATH_FAILED] = "probing_abandoned",
                                         [VEL_TRACE_PATH_TAKEN] = "migration_started",
                                         [VEL_TRACE_PATH_REMOVED] = "migration_abandoned"};
    const struct vel_path *path = told->path;
    struct vel_json *j = pen->j;
    char id[12];
    snprintf(id, sizeof id, "%u", path->id);
    if (told->event == VEL_TRACE_PATH_ADDED) {
        vel_qlog_open_on(pen, "connectivity:tuple_assigned", told->track, path->id);
        vel_json_word(j, "tuple_id", id);
        put_tuple_end(j, "tuple_remote", &path->remote);
        put_tuple_end(j, "tuple_local", &path->local);
    } else {
        vel_qlog_open_on(pen, "connectivity:migration_state_updated", told->track, path->id);
        vel_json_word(j, "new", states[told->event]);
        vel_json_word(j, "tuple_id", id);
    }
    vel_qlog_close(pen);
}

void vel_qlog_mtu(const struct vel_qlog_pen *pen, const struct vel_trace_mtu *mtu)
{
    if (pen->m->mtu == mtu->size)
        return;
    vel_qlog_open_on(pen, "connectivity:mtu_updated", mtu->track, 0);
    vel_json_uint(pen->j, "old", pen->m->mtu);
    vel_json_uint(pen->j, "new", mtu->size);
    vel_qlog_close(pen);
    pen->m->mtu = mtu->size;
}

/* ---- keys: which and when, never what they are ---- */

static void put_key(const struct vel_qlog_pen *pen, const struct vel_trace_keys *keys, bool read)
{
    static const char *const types[VEL_SPACE_COUNT][2] = {
        {"client_initial_secret", "server_initial_secret"},
        {"client_handshake_secret", "server_handshake_secret"},
        {"client_1rtt_secret", "server_1rtt_secret"}};
    static const char *const triggers[] = {[VEL_TRACE_KEYS_NEW] = "tls",
                                           [VEL_TRACE_KEYS_UPDATED] = "local_update",
                                           [VEL_TRACE_KEYS_FOLLOWED] = "remote_update",
                                           [VEL_TRACE_KEYS_DISCARDED] = "tls"};
    bool discarded = keys->event == VEL_TRACE_KEYS_DISCARDED;
    vel_qlog_open(pen, discarded ? "security:key_discarded" : "security:key_updated");
    vel_json_word(pen->j, "key_type", types[keys->space][read == pen->m->is_client]);
    if (keys->space == VEL_SPACE_APP)
        vel_json_uint(pen->j, "generation", keys->generation);
    vel_json_word(pen->j, "trigger", triggers[keys->event]);
    vel_qlog_close(pen);
}

void vel_qlog_keys(const struct vel_qlog_pen *pen, const struct vel_trace_keys *keys)
{
    bool both = keys->event != VEL_TRACE_KEYS_NEW;
    if (both || keys->read)
        put_key(pen, keys, true);
    if (both || !keys->read)
        put_key(pen, keys, false);
}
