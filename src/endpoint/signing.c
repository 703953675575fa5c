/* SPDX-License-Identifier: MIT */
#include "endpoint/signing.h"

#include "base/own.h"
#include "base/try.h"
#include "endpoint/endpoint_internal.h"
#include "handshake/handshake.h"

OWNED_POINTER(batch_release, struct vel_batch, vel_batch_free)

void vel_signing_init(struct vel_signing *signing)
{
    *signing = (struct vel_signing){.since = VEL_NEVER};
    vel_list_init(&signing->peers);
}

void vel_signing_note(struct vel_peer *peer)
{
    struct vel_signing *signing = &peer->endpoint->signing;
    if (!peer->handshaking || !vel_conn_is_signing(peer->conn) ||
        !vel_list_is_empty(&peer->signing))
        return;
    vel_list_append(&signing->peers, &peer->signing);
    signing->count++;
}

void vel_signing_leave(struct vel_peer *peer)
{
    if (vel_list_is_empty(&peer->signing))
        return;
    vel_list_remove(&peer->signing);
    peer->endpoint->signing.count--;
}

bool vel_signing_holds(const struct vel_peer *peer)
{
    return !vel_list_is_empty(&peer->signing) && vel_conn_is_signing(peer->conn);
}

/* ---- one batch ---- */

static struct vel_peer *first_of(const struct vel_list *list)
{
    return VEL_LIST_OWNER(list->next, struct vel_peer, signing);
}

/* Move to `chosen` those at the head of the queue that still want a signature, as many as one tree holds;
 * connections that have closed meanwhile want none. */
static unsigned choose(struct vel_signing *signing, struct vel_list *chosen)
{
    unsigned count = 0;
    while (count < VEL_BATCH_MAX && !vel_list_is_empty(&signing->peers)) {
        struct vel_peer *peer = first_of(&signing->peers);
        if (vel_conn_is_signing(peer->conn)) {
            vel_list_append(chosen, &peer->signing);
            count++;
        } else {
            vel_signing_leave(peer);
        }
    }
    return count;
}

static enum vel_sign_mode sign_mode(const struct vel_config *config)
{
    return config->deterministic ? VEL_SIGN_DETERMINISTIC : VEL_SIGN_HEDGED;
}

/* All have one identity: the server's. */
static vel_result sign_one(const struct vel_config *config, const struct vel_peer *peer,
                           struct vel_dual_sig *out)
{
    struct vel_to_sign to_sign;
    TRY(vel_conn_to_sign(peer->conn, &to_sign));
    return vel_dual_sign(config->crypto, to_sign.key, sign_mode(config), to_sign.use,
                         vel_slice(to_sign.content, to_sign.size), out);
}

static vel_result add_all(struct vel_batch *batch, const struct vel_list *chosen)
{
    struct vel_to_sign to_sign;
    for (struct vel_list *node = chosen->next; node != chosen; node = node->next) {
        TRY(vel_conn_to_sign(VEL_LIST_OWNER(node, struct vel_peer, signing)->conn, &to_sign));
        TRY(vel_batch_add(batch, vel_slice(to_sign.content, to_sign.size)));
    }
    return VEL_OK;
}

static vel_result sign_all(const struct vel_endpoint *endpoint, const struct vel_list *chosen,
                           unsigned count, struct vel_batch **batch, struct vel_dual_sig *out)
{
    const struct vel_config *config = endpoint->server;
    struct vel_to_sign first;
    OWNED(batch_release) struct vel_batch *made = NULL;
    TRY(vel_conn_to_sign(first_of(chosen)->conn, &first));
    TRY(vel_batch_new(endpoint->env, config->crypto, first.key, first.use, count, &made));
    TRY(add_all(made, chosen));
    TRY(vel_batch_sign(made, sign_mode(config), out));
    *batch = GIVE(made);
    return VEL_OK;
}

/* It goes on with its signature, or ends without one. */
static void answer(struct vel_peer *peer, enum vel_err err, const struct vel_signature *signature,
                   vel_time now)
{
    vel_signing_leave(peer);
    vel_conn_take_signature(peer->conn, err, signature, now);
    vel_peer_wake(peer);
    vel_peer_refresh(peer);
}

/* One signature for all of `chosen`, in their order. */
static void sign_chosen(struct vel_endpoint *endpoint, struct vel_list *chosen, unsigned count,
                        vel_time now)
{
    OWNED(batch_release) struct vel_batch *batch = NULL;
    struct vel_dual_sig sig;
    struct vel_signature signature = {.sig = &sig};
    enum vel_err err = count == 1 ? sign_one(endpoint->server, first_of(chosen), &sig)
                                  : sign_all(endpoint, chosen, count, &batch, &sig);
    endpoint->stats.signatures += err == VEL_OK;
    for (unsigned i = 0; i < count; i++) {
        if (batch != NULL)
            signature.batch = vel_batch_prove(batch, i);
        answer(first_of(chosen), err, &signature, now);
    }
}

/* More first packets wait, so the next turn makes the batch larger: VEL-HS-49. */
static bool is_worth_waiting(const struct vel_endpoint *endpoint, vel_time now)
{
    const struct vel_signing *signing = &endpoint->signing;
    return endpoint->backlog.first != NULL && signing->count < VEL_SIGNING_TURN &&
           now - signing->since < VEL_SIGNING_PATIENCE;
}

void vel_signing_turn(struct vel_endpoint *endpoint, vel_time now)
{
    struct vel_signing *signing = &endpoint->signing;
    if (signing->count > 0 && signing->since == VEL_NEVER)
        signing->since = now;
    if (signing->count == 0 || is_worth_waiting(endpoint, now))
        return;
    struct vel_list chosen;
    vel_list_init(&chosen);
    for (unsigned count; (count = choose(signing, &chosen)) > 0;)
        sign_chosen(endpoint, &chosen, count, now);
    signing->since = VEL_NEVER;
}
