/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/try.h"
#include "base/units.h"
#include "cli/get_internal.h"
#include "velocity/system.h"
#include "velocity/udp.h"

/* A connected peer is told to be gone by nobody but itself: ICMP can be forged, and a path can fail
 * for a while. But when it stays silent over so many probe time-outs and so long, while each probe
 * meets a closed port, there is nothing to wait for. */
enum { GONE_PROBES = 3 };
#define GONE_AFTER (3 * SECOND)

/* One connection with everything it stands on, in the order of creation. */
struct attempt {
    struct vel_get *get;
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_conn *conn; /* NULL once its last event was taken */
    struct vel_client *client;
    struct vel_runtime *runtime;
    struct vel_timer *timer;
    bool fetching;               /* connected, and every fetch is queued */
    bool refused;                /* the network says that nobody listens */
    vel_time silent_since;       /* the first such word since the peer's last; 0: none yet */
    uint64_t silent_at;          /* datagrams received then */
    uint64_t silent_probes_from; /* probe time-outs until then */
    bool ended;
    enum vel_client_failure why;
};

/* ---- while it runs ---- */

/* What the report will tell: the connection itself goes away. */
static void remember(struct attempt *attempt)
{
    struct vel_get_facts *facts = &attempt->get->facts;
    if (attempt->conn == NULL)
        return;
    facts->remote = vel_conn_remote(attempt->conn);
    facts->connected = vel_conn_is_connected(attempt->conn);
    if (vel_conn_facts(attempt->conn) != NULL)
        facts->handshake = *vel_conn_facts(attempt->conn);
    vel_conn_get_stats(attempt->conn, &facts->stats);
    const struct vel_close *close = vel_client_close_reason(attempt->client);
    facts->closed = close != NULL;
    if (close != NULL)
        facts->close = *close;
}

static void start_fetches(struct attempt *attempt, vel_time now)
{
    struct vel_get *get = attempt->get;
    attempt->fetching = true;
    get->connected = now;
    remember(attempt);
    vel_report_connected(get);
    for (size_t i = 0; i < get->fetch_count; i++)
        if (vel_fetch_start(&get->fetches[i], attempt->client, now) != VEL_OK)
            vel_get_failed(get, VEL_EXIT_MEMORY, "%s: could not queue the request",
                           get->fetches[i].text);
}

static void end(struct attempt *attempt)
{
    remember(attempt);
    attempt->ended = true;
    attempt->conn = NULL; /* after its last event it does not live on */
}

/* The reader of an output may take longer than the connection. */
static void look(struct attempt *attempt)
{
    if (!attempt->ended && vel_client_ended(attempt->client, &attempt->why)) {
        end(attempt);
    } else if (!attempt->ended && attempt->fetching && vel_client_busy(attempt->client) == 0) {
        end(attempt);
        vel_client_close(attempt->client);
    }
    if (attempt->ended && attempt->get->draining == 0)
        vel_loop_stop(attempt->get->loop);
}

static void on_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct attempt *attempt = self;
    bool connected = vel_conn_is_connected(conn);
    vel_client_events(attempt->client, now);
    if (connected && !attempt->fetching && !vel_client_ended(attempt->client, &attempt->why))
        start_fetches(attempt, now);
    look(attempt);
}

static void on_flush(void *self, vel_time now)
{
    struct attempt *attempt = self;
    vel_client_flush(attempt->client, now);
    look(attempt);
    vel_timer_set(attempt->timer, vel_client_deadline(attempt->client));
    vel_progress_update(&attempt->get->progress, now);
}

static void on_time(void *self, vel_time now)
{
    struct attempt *attempt = self;
    vel_client_expire(attempt->client, now);
    vel_runtime_wake(attempt->runtime);
}

static bool is_gone(struct attempt *attempt, vel_time now)
{
    struct vel_conn_stats stats;
    vel_conn_get_stats(attempt->conn, &stats);
    if (attempt->silent_since == 0 || stats.datagrams_received != attempt->silent_at) {
        attempt->silent_since = now;
        attempt->silent_at = stats.datagrams_received;
        attempt->silent_probes_from = stats.pto_count;
    }
    return stats.pto_count >= attempt->silent_probes_from + GONE_PROBES &&
           now >= attempt->silent_since + GONE_AFTER;
}

static void on_unreachable(void *self, const struct vel_addr *remote)
{
    struct attempt *attempt = self;
    (void)remote;
    if (!attempt->fetching) {
        attempt->refused = true;
        vel_loop_stop(attempt->get->loop);
    } else if (!attempt->ended && is_gone(attempt, vel_clock_now())) {
        vel_get_failed(attempt->get, VEL_EXIT_PARTIAL,
                       "the server is gone: nobody listens there any more");
        end(attempt);
        vel_client_close(attempt->client);
        look(attempt);
    }
}

/* ---- setting up and taking down ---- */

static vel_result open_attempt(struct attempt *attempt, const struct vel_addr *remote,
                               vel_time patience, vel_time now)
{
    struct vel_get *get = attempt->get;
    const struct vel_udp_setup udp = {.remote = *remote};
    const struct vel_runtime_hooks hooks = {
        .events = on_events, .flush = on_flush, .unreachable = on_unreachable, .self = attempt};
    const struct vel_client_setup client = {.env = &get->env, .connect_timeout = patience};

    TRY(vel_udp_link_new(&get->env, &udp, &attempt->link));
    const struct vel_endpoint_setup endpoint = {.env = &get->env,
                                                .max_send_train = attempt->link->max_train};
    TRY(vel_endpoint_new(&endpoint, &attempt->endpoint));
    TRY(vel_endpoint_connect(attempt->endpoint, &get->config, &attempt->link->local, remote, now,
                             &attempt->conn));
    TRY(vel_client_new(&client, attempt->conn, now, &attempt->client));
    TRY(vel_runtime_new(&get->env, get->loop, attempt->link, attempt->endpoint, &hooks,
                        &attempt->runtime));
    get->runtime = attempt->runtime;
    return vel_timer_new(get->loop, on_time, attempt, &attempt->timer);
}

/* The client goes first: it ends what is unfinished, on a connection that still exists. */
static void close_attempt(struct attempt *attempt)
{
    if (attempt->runtime != NULL)
        vel_runtime_finish(attempt->runtime);
    vel_timer_free(attempt->timer);
    vel_runtime_free(attempt->runtime);
    vel_client_free(attempt->client);
    vel_endpoint_free(attempt->endpoint);
    vel_link_free(attempt->link);
}

/* How an attempt counts that got no connection. */
static vel_result judge(struct attempt *attempt)
{
    if (attempt->fetching || attempt->get->out_of_time)
        return VEL_OK;
    if (attempt->refused || attempt->why == VEL_CLIENT_CONNECT)
        return VEL_ERR_NOT_FOUND;
    if (attempt->why == VEL_CLIENT_TIMEOUT)
        return VEL_ERR_TIMEOUT;
    vel_report_close(attempt->get, attempt->why);
    return VEL_ERR_CLOSED;
}

vel_result vel_get_connect(struct vel_get *get, const struct vel_addr *remote, vel_time patience)
{
    struct attempt attempt = {.get = get};
    enum vel_err err = open_attempt(&attempt, remote, patience, vel_clock_now());
    if (err == VEL_OK) {
        vel_loop_run(get->loop);
        if (!attempt.ended && get->out_of_time)
            remember(&attempt);
        err = judge(&attempt);
    } else if (err == VEL_ERR_NOMEM || err == VEL_ERR_ARGUMENT || err == VEL_ERR_CRYPTO) {
        vel_get_failed(get, err == VEL_ERR_NOMEM ? VEL_EXIT_MEMORY : VEL_EXIT_CONNECT,
                       "could not start: %s", vel_err_text(err));
        err = VEL_ERR_CLOSED;
    } else {
        err = VEL_ERR_NOT_FOUND; /* no socket for this kind of address, or no route */
    }
    if (attempt.fetching && attempt.why != VEL_CLIENT_OK)
        vel_report_close(get, attempt.why);
    close_attempt(&attempt);
    return err;
}
