/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/try.h"
#include "client/attempt_internal.h"

struct vel_attempt {
    struct vel_attempt_setup setup;
    struct vel_config config; /* the rung's share of setup.config */
    struct vel_slice alpn[VEL_ATTEMPT_ALPN_MAX];
    vel_lane_open_fn open;
    struct vel_timer *timer; /* of the next address */
    struct vel_lane *lanes[VEL_ATTEMPT_ADDRS_MAX];
    size_t reached;        /* addresses that were tried */
    struct vel_lane *kept; /* the one that was connected */
    bool answered;
    bool ended;
    struct vel_rung_failure failure;
};

/* ---- what belongs to a rung ---- */

static bool belongs(enum vel_rung rung, struct vel_slice name)
{
    bool velocity = vel_slice_equal(name, vel_slice_text("velocity/1"));
    bool h3 = vel_slice_equal(name, vel_slice_text("h3"));
    if (rung == VEL_RUNG_VELOCITY)
        return velocity;
    return rung == VEL_RUNG_QUIC ? h3 : !velocity && !h3;
}

static const struct vel_version_list versions_of[VEL_RUNG_COUNT] = {
    [VEL_RUNG_VELOCITY] = {.items = {VEL_VERSION_DRAFT}, .count = 1},
    [VEL_RUNG_QUIC] = {.items = {VEL_VERSION_QUIC_V1, VEL_VERSION_QUIC_V2}, .count = 2},
};

static vel_result set_config(struct vel_attempt *attempt)
{
    const struct vel_attempt_setup *setup = &attempt->setup;
    attempt->config = *setup->config;
    attempt->config.keep_server_address = true;
    attempt->config.versions =
        setup->versions.count > 0 ? setup->versions : versions_of[setup->rung];
    attempt->config.alpn = attempt->alpn;
    attempt->config.alpn_count = 0;
    for (size_t i = 0; i < setup->config->alpn_count; i++)
        if (belongs(setup->rung, setup->config->alpn[i]) &&
            attempt->config.alpn_count < VEL_ATTEMPT_ALPN_MAX)
            attempt->alpn[attempt->config.alpn_count++] = setup->config->alpn[i];
    if (setup->plain)
        return VEL_OK;
    REQUIRE(attempt->config.alpn_count > 0, VEL_ERR_ARGUMENT);
    REQUIRE(setup->rung == VEL_RUNG_VELOCITY || setup->config->tls != NULL, VEL_ERR_UNSUPPORTED);
    return VEL_OK;
}

/* ---- the race of the addresses ---- */

static bool is_silence(struct vel_rung_failure failure)
{
    return failure.reason == VEL_FALLBACK_UDP_BLOCKED || failure.reason == VEL_FALLBACK_TIMEOUT ||
           (failure.reason == VEL_FALLBACK_NONE &&
            (failure.failure == VEL_CLIENT_CONNECT || failure.failure == VEL_CLIENT_TIMEOUT));
}

/* No word at all is a failure as well; silence tells more than a closed port, and that more than that
 * we could not even ask. */
static void keep_failure(struct vel_attempt *attempt, struct vel_rung_failure failure)
{
    bool none_yet = attempt->failure.failure == VEL_CLIENT_OK;
    bool not_asked = is_silence(attempt->failure) && attempt->failure.reason == VEL_FALLBACK_NONE &&
                     failure.reason != VEL_FALLBACK_NONE;
    if (none_yet || not_asked || !is_silence(failure) || failure.failure == VEL_CLIENT_TIMEOUT)
        attempt->failure = failure;
}

static void drop_lanes(struct vel_attempt *attempt, const struct vel_lane *but)
{
    for (size_t i = 0; i < VEL_ATTEMPT_ADDRS_MAX; i++) {
        struct vel_lane *lane = attempt->lanes[i];
        if (lane == NULL || lane == but)
            continue;
        attempt->lanes[i] = NULL;
        lane->ops->free(lane);
    }
}

static void end(struct vel_attempt *attempt, vel_time now)
{
    attempt->ended = true;
    vel_timer_set(attempt->timer, VEL_NEVER);
    attempt->setup.events.ended(attempt->setup.events.self, attempt, now);
}

static bool any_under_way(const struct vel_attempt *attempt)
{
    for (size_t i = 0; i < attempt->reached; i++)
        if (attempt->lanes[i] != NULL && !attempt->lanes[i]->ended)
            return true;
    return false;
}

/* One way less. What the server itself said holds for all its addresses. */
static void lane_lost(struct vel_attempt *attempt, struct vel_rung_failure failure, vel_time now)
{
    keep_failure(attempt, failure);
    bool more = attempt->reached < attempt->setup.addr_count;
    if (!is_silence(failure) || (!more && !any_under_way(attempt)))
        end(attempt, now);
    else if (more)
        vel_timer_set(attempt->timer, now);
}

static struct vel_rung_failure failure_to_open(const struct vel_attempt *attempt, enum vel_err err)
{
    if (err == VEL_ERR_NOMEM)
        return (struct vel_rung_failure){VEL_CLIENT_MEMORY, VEL_FALLBACK_NONE};
    if (err == VEL_ERR_ARGUMENT || err == VEL_ERR_CRYPTO)
        return (struct vel_rung_failure){VEL_CLIENT_HANDSHAKE, VEL_FALLBACK_NONE};
    /* That an address of ours is not there, which was asked for, says nothing of the server or of UDP:
     * it is not remembered, and other rungs, which would take any address, do not stand in. */
    bool udp = attempt->setup.rung != VEL_RUNG_TCP && attempt->setup.local_count == 0;
    return (struct vel_rung_failure){VEL_CLIENT_CONNECT,
                                     udp ? VEL_FALLBACK_UDP_BLOCKED : VEL_FALLBACK_NONE};
}

static void next_address(void *self, vel_time now)
{
    struct vel_attempt *attempt = self;
    const struct vel_lane_setup setup = {.env = attempt->setup.env,
                                         .loop = attempt->setup.loop,
                                         .config = &attempt->config,
                                         .follow = !attempt->setup.config->keep_server_address,
                                         .plain = attempt->setup.plain,
                                         .migrate_after = attempt->setup.migrate_after,
                                         .locals = attempt->setup.locals,
                                         .local_count = attempt->setup.local_count};
    if (attempt->ended || attempt->kept != NULL || attempt->reached >= attempt->setup.addr_count)
        return;
    size_t at = attempt->reached++;
    vel_timer_set(attempt->timer, now + VEL_ADDRESS_LEAD);
    enum vel_err err =
        attempt->open(&setup, attempt, &attempt->setup.addrs[at], now, &attempt->lanes[at]);
    if (err != VEL_OK)
        lane_lost(attempt, failure_to_open(attempt, err), now);
}

/* ---- what lanes tell ---- */

void vel_lane_answered(struct vel_lane *lane, vel_time now)
{
    struct vel_attempt *attempt = lane->attempt;
    if (attempt->answered || attempt->ended)
        return;
    attempt->answered = true;
    if (attempt->setup.events.answered != NULL)
        attempt->setup.events.answered(attempt->setup.events.self, attempt, now);
}

void vel_lane_connected(struct vel_lane *lane, vel_time now)
{
    struct vel_attempt *attempt = lane->attempt;
    if (attempt->ended || attempt->kept != NULL)
        return;
    lane->connected = true;
    attempt->kept = lane;
    vel_timer_set(attempt->timer, VEL_NEVER);
    drop_lanes(attempt, lane);
    attempt->setup.events.connected(attempt->setup.events.self, attempt, now);
}

void vel_lane_turned(struct vel_lane *lane, vel_time now)
{
    struct vel_attempt *attempt = lane->attempt;
    if (attempt->kept == lane && !attempt->ended && attempt->setup.events.turned != NULL)
        attempt->setup.events.turned(attempt->setup.events.self, attempt, now);
}

void vel_lane_ended(struct vel_lane *lane, vel_time now)
{
    struct vel_attempt *attempt = lane->attempt;
    if (lane->ended)
        return;
    lane->ended = true;
    if (attempt->ended)
        return;
    if (attempt->kept == lane)
        end(attempt, now);
    else if (attempt->kept == NULL)
        lane_lost(attempt, lane->failure, now);
}

/* ---- making and asking ---- */

vel_result vel_attempt_new_with(const struct vel_attempt_setup *setup, vel_lane_open_fn open,
                                vel_time now, struct vel_attempt **attempt)
{
    REQUIRE(setup->addr_count > 0 && setup->addr_count <= VEL_ATTEMPT_ADDRS_MAX, VEL_ERR_ARGUMENT);
    struct vel_attempt *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    made->open = open;
    enum vel_err err = set_config(made);
    if (err == VEL_OK)
        err = vel_timer_new(setup->loop, next_address, made, &made->timer);
    if (err != VEL_OK) {
        vel_attempt_free(made);
        return err;
    }
    vel_timer_set(made->timer, now);
    *attempt = made;
    return VEL_OK;
}

vel_result vel_attempt_new(const struct vel_attempt_setup *setup, vel_time now,
                           struct vel_attempt **attempt)
{
    bool tcp = setup->rung == VEL_RUNG_TCP;
    return vel_attempt_new_with(setup, tcp ? vel_lane_open_tcp : vel_lane_open_udp, now, attempt);
}

void vel_attempt_free(struct vel_attempt *attempt)
{
    if (attempt == NULL)
        return;
    attempt->ended = true;
    drop_lanes(attempt, NULL);
    vel_timer_free(attempt->timer);
    vel_release(attempt->setup.env, attempt, sizeof *attempt);
}

struct vel_client *vel_attempt_client(struct vel_attempt *attempt)
{
    return attempt->kept != NULL ? attempt->kept->client : NULL;
}

struct vel_conn *vel_attempt_conn(struct vel_attempt *attempt)
{
    return attempt->kept != NULL ? attempt->kept->conn : NULL;
}

void vel_attempt_wake(struct vel_attempt *attempt)
{
    if (attempt->kept != NULL && !attempt->kept->ended)
        attempt->kept->ops->wake(attempt->kept);
}

void vel_attempt_close(struct vel_attempt *attempt, vel_time now)
{
    if (attempt->kept != NULL && !attempt->kept->ended)
        attempt->kept->ops->close(attempt->kept, now);
}

/* The lane to speak of: the one that was connected, else that tried last. */
static const struct vel_lane *lane_of(const struct vel_attempt *attempt)
{
    const struct vel_lane *last = attempt->kept;
    for (size_t i = 0; i < attempt->reached && attempt->kept == NULL; i++)
        last = attempt->lanes[i] != NULL ? attempt->lanes[i] : last;
    return last;
}

void vel_attempt_get_facts(const struct vel_attempt *attempt, struct vel_attempt_facts *facts)
{
    const struct vel_lane *lane = lane_of(attempt);
    size_t tried = attempt->reached > 0 ? attempt->reached - 1 : 0;
    *facts = (struct vel_attempt_facts){.rung = attempt->setup.rung,
                                        .encrypted = !attempt->setup.plain,
                                        .remote = attempt->setup.addrs[tried]};
    if (lane == NULL)
        return;
    facts->remote = lane->remote;
    facts->connected = lane->connected;
    lane->ops->facts(lane, facts);
}

struct vel_rung_failure vel_attempt_failure(const struct vel_attempt *attempt)
{
    return attempt->failure;
}

vel_result vel_attempt_export(struct vel_attempt *attempt, const char *label,
                              struct vel_slice context, uint8_t *out, size_t size)
{
    REQUIRE(attempt->kept != NULL && !attempt->kept->ended, VEL_ERR_UNEXPECTED);
    REQUIRE(!attempt->setup.plain, VEL_ERR_UNSUPPORTED);
    return attempt->kept->ops->export(attempt->kept, label, context, out, size);
}
