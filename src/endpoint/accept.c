/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/writer.h"
#include "endpoint/endpoint_internal.h"
#include "transport/error.h"
#include "transport/keys.h"

/* RFC 9000 7.2: ids that clients make up are that long at least. */
enum { FIRST_DCID_MIN = 8 };

static bool is_served(const struct vel_endpoint *endpoint, uint32_t version)
{
    const struct vel_version_list *served = &endpoint->server->versions;
    for (unsigned i = 0; i < served->count; i++)
        if (served->items[i] == version)
            return true;
    return false;
}

/* VEL-TR-09: greased, paced, and only for datagrams as long as a first flight's. */
static bool negotiate_version(struct vel_endpoint *endpoint, const struct vel_train *from,
                              const struct vel_invariants *invariants, vel_time now)
{
    if (!vel_replies_pace(&endpoint->replies, now))
        return false;
    struct vel_reply *reply = vel_replies_add(&endpoint->replies, from);
    if (reply == NULL)
        return false;
    uint32_t random;
    vel_random(endpoint->env, &random, sizeof random);
    struct vel_writer w = vel_writer(reply->bytes, sizeof reply->bytes);
    const struct vel_version_list *served = &endpoint->server->versions;
    vel_packet_write_version_negotiation(&w, invariants->dcid, invariants->scid, served->items,
                                         served->count, random);
    VEL_ASSERT(vel_write_ok(&w));
    reply->len = vel_written(&w);
    endpoint->stats.version_negotiations_sent++;
    return true;
}

/* A client's first packet that has passed the checks that cost nothing. */
struct opening {
    struct vel_packet_header header;
    const struct vel_train *from;
    struct vel_cid original_dcid;
    bool validated; /* a token of ours came with it */
};

/* Say no without keeping anything; never to more than the pace allows. */
static bool refuse(struct vel_endpoint *endpoint, const struct opening *opening,
                   enum vel_wire_error code, vel_time now)
{
    if (!vel_replies_pace(&endpoint->replies, now))
        return false;
    struct vel_reply *reply = vel_replies_add(&endpoint->replies, opening->from);
    bool answered = reply != NULL && vel_reply_close(reply, endpoint->server->crypto,
                                                     &opening->header, code) == VEL_OK;
    endpoint->stats.datagrams_dropped += !answered;
    return answered;
}

/* RFC 9000 8.1.2. The id we make up must lead nowhere yet, which 8 random bytes see to. */
static vel_result write_retry(struct vel_endpoint *endpoint, const struct opening *opening,
                              struct vel_reply *reply, vel_time now)
{
    const struct vel_crypto *crypto = endpoint->server->crypto;
    const struct vel_packet_header *header = &opening->header;
    struct vel_retry_facts facts = {.remote = opening->from->remote,
                                    .version = header->version->number};
    struct vel_cid client = vel_cid(header->scid);
    struct vel_cid original = vel_cid(header->dcid);
    vel_own_id_draw(endpoint, &facts.retry_scid);

    uint8_t token[VEL_RETRY_TOKEN_MAX];
    size_t size;
    TRY(vel_retry_token_seal(crypto, endpoint->env, &endpoint->retry_key, &facts, &original, now,
                             token, &size));
    struct vel_writer w = vel_writer(reply->bytes, sizeof reply->bytes);
    vel_packet_write_retry(&w, header->version, &client, &facts.retry_scid, vel_slice(token, size));
    struct vel_slice unsealed = vel_writer_slice(&w);
    uint8_t *tag = vel_write_space(&w, VEL_RETRY_TAG);
    VEL_ASSERT(tag != NULL);
    TRY(vel_retry_tag(crypto, header->version, &original, unsealed, tag));
    reply->len = vel_written(&w);
    return VEL_OK;
}

static bool demand_retry(struct vel_endpoint *endpoint, const struct opening *opening, vel_time now)
{
    struct vel_reply *reply = vel_replies_add(&endpoint->replies, opening->from);
    bool answered = reply != NULL && write_retry(endpoint, opening, reply, now) == VEL_OK;
    endpoint->stats.datagrams_dropped += !answered;
    endpoint->stats.retries_sent += answered;
    return answered;
}

static vel_result connect_peer(struct vel_peer *peer, const struct opening *opening, vel_time now)
{
    struct vel_endpoint *endpoint = peer->endpoint;
    struct vel_conn_setup setup = {
        .config = endpoint->server,
        .version = opening->header.version->number,
        .local = opening->from->local,
        .remote = opening->from->remote,
        .peer_cid = vel_cid(opening->header.scid),
        .original_dcid = opening->original_dcid,
        .initial_dcid = vel_cid(opening->header.dcid),
        .address_validated = opening->validated,
        .defer_signature = endpoint->server->signer == NULL,
    };
    peer->is_server = true;
    TRY(vel_half_open_add(&endpoint->handshaking, &peer->remote));
    peer->handshaking = true;
    if (!opening->validated) {
        TRY(vel_half_open_add(&endpoint->half_open, &peer->remote));
        peer->half_open = true;
    }
    TRY(vel_peer_add_route(peer,
                           vel_route_first(&endpoint->demux, opening->header.dcid, &peer->remote)));
    TRY(vel_peer_setup(peer, &setup));
    return vel_conn_new_server(&setup, now, &peer->conn);
}

/* A datagram whose packets all fail to open made nothing: forget it. */
static bool opened_anything(const struct vel_conn *conn)
{
    struct vel_conn_stats stats;
    vel_conn_get_stats(conn, &stats);
    return stats.packets_received > 0;
}

static void open_connection(struct vel_endpoint *endpoint, const struct opening *opening,
                            uint8_t *bytes, size_t size, vel_time now)
{
    const struct vel_train *from = opening->from;
    struct vel_peer *peer = NULL;
    enum vel_err err = vel_peer_new(endpoint, endpoint->server, &from->remote, &peer);
    if (err == VEL_OK)
        err = connect_peer(peer, opening, now);
    if (err == VEL_OK)
        vel_conn_receive(peer->conn, &from->local, &from->remote, from->ecn, bytes, size, now);
    if (err != VEL_OK || !opened_anything(peer->conn)) {
        vel_peer_free(peer);
        endpoint->stats.datagrams_dropped++;
        return;
    }
    endpoint->stats.accepted++;
    vel_peer_wake(peer);
    vel_peer_refresh(peer);
}

/* RFC 9000 8.1.3: one of an earlier connection that does not hold is as good as none. */
static bool is_good_new_token(struct vel_endpoint *endpoint, const struct opening *opening,
                              vel_time now)
{
    const struct vel_packet_header *header = &opening->header;
    struct vel_new_token_facts facts = {.remote = opening->from->remote,
                                        .version = header->version->number};
    return vel_token_is_new(header->token) &&
           vel_new_token_open(endpoint->server->crypto, &endpoint->new_token_key, &facts,
                              header->token, now) == VEL_OK &&
           vel_token_spend(&endpoint->spent, header->token);
}

/* The token, if it claims to be ours. VEL_ERR_AUTH: it is of a Retry, and not ours or not any
 * more. */
static vel_result check_token(struct vel_endpoint *endpoint, struct opening *opening, vel_time now)
{
    const struct vel_packet_header *header = &opening->header;
    opening->original_dcid = vel_cid(header->dcid);
    if (!vel_token_is_retry(header->token)) {
        opening->validated = is_good_new_token(endpoint, opening, now);
        return VEL_OK;
    }
    struct vel_retry_facts facts = {.remote = opening->from->remote,
                                    .version = header->version->number,
                                    .retry_scid = vel_cid(header->dcid)};
    TRY(vel_retry_token_open(endpoint->server->crypto, &endpoint->retry_key, &facts, header->token,
                             now, &opening->original_dcid));
    opening->validated = true;
    return VEL_OK;
}

/* More first packets come than there is room for to wait. */
static bool is_overrun(const struct vel_endpoint *endpoint)
{
    return endpoint->backlog.limit > 0 && !endpoint->draining;
}

/* VEL-TR-08: token, then bounds, then the connection, whose handshake is the expensive part. True
 * when it was answered without one. */
static bool admit(struct vel_endpoint *endpoint, struct opening *opening, uint8_t *bytes,
                  size_t size, vel_time now)
{
    bool full = endpoint->stats.connections >= endpoint->max_connections;
    if (endpoint->refusing)
        return refuse(endpoint, opening, VEL_WIRE_CONNECTION_REFUSED, now);
    if (check_token(endpoint, opening, now) != VEL_OK)
        return refuse(endpoint, opening, VEL_WIRE_INVALID_TOKEN, now);
    if (opening->validated &&
        (full || !vel_half_open_has_room(&endpoint->handshaking, &opening->from->remote)))
        return refuse(endpoint, opening, VEL_WIRE_CONNECTION_REFUSED, now);
    if (!opening->validated &&
        (full || endpoint->always_retry || is_overrun(endpoint) ||
         !vel_half_open_has_room(&endpoint->half_open, &opening->from->remote)))
        return demand_retry(endpoint, opening, now);
    open_connection(endpoint, opening, bytes, size, now);
    return false;
}

/* VEL-TR-16. Whoever sends us what looks like a packet of ours learns nothing that he could not make
 * up: the token tells only the peer that has it. */
void vel_accept_orphan(struct vel_endpoint *endpoint, const struct vel_train *from,
                       struct vel_slice dcid, size_t size, vel_time now)
{
    uint8_t random, token[VEL_RESET_TOKEN];
    struct vel_cid cid = vel_cid(dcid);
    vel_random(endpoint->env, &random, sizeof random);
    size_t length = vel_reset_size(size, random);
    endpoint->stats.datagrams_dropped++;
    if (endpoint->server == NULL || length == 0 || !vel_own_id_is_mine(endpoint, &cid) ||
        !vel_replies_pace(&endpoint->replies, now))
        return;
    struct vel_reply *reply = vel_replies_add(&endpoint->replies, from);
    if (reply == NULL ||
        vel_reset_token(endpoint->server->crypto, endpoint->reset_key, &cid, token) != VEL_OK)
        return;
    vel_reset_write(endpoint->env, token, reply->bytes, length);
    reply->len = length;
    endpoint->stats.resets_sent++;
}

bool vel_accept(struct vel_endpoint *endpoint, const struct vel_train *from,
                const struct vel_invariants *invariants, uint8_t *bytes, size_t size, vel_time now)
{
    bool may_open = endpoint->server != NULL && invariants->is_long &&
                    size >= VEL_INITIAL_DATAGRAM_MIN &&
                    invariants->version != VEL_VERSION_NEGOTIATION;
    if (may_open && !is_served(endpoint, invariants->version))
        return negotiate_version(endpoint, from, invariants, now);
    struct opening opening = {.from = from};
    if (!may_open || vel_packet_parse(vel_slice(bytes, size), &opening.header) != VEL_OK ||
        opening.header.type != VEL_PACKET_INITIAL || opening.header.dcid.len < FIRST_DCID_MIN) {
        endpoint->stats.datagrams_dropped++;
        return false;
    }
    if (!endpoint->draining && vel_backlog_add(&endpoint->backlog, from, bytes, size))
        return false;
    return admit(endpoint, &opening, bytes, size, now);
}
