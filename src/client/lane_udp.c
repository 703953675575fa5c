/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "client/attempt_internal.h"
#include "client/lane_paths.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "velocity/udp.h"

/* A connected peer is told to be gone by nobody but itself: ICMP can be forged, and a path can fail
 * for a while. But when it stays silent over so many probe time-outs and so long, while each probe
 * meets a closed port, there is nothing to wait for. */
enum { GONE_PROBES = 3 };
#define GONE_AFTER (3 * SECOND)

/* Another socket to go on from, with another port, connected to one address as the first. All stay to
 * the end: the new path may turn out to lead nowhere, and the old one may still bring something. */
struct way {
    struct vel_link *link; /* NULL until it is needed */
    struct vel_addr remote;
};

/* A QUIC connection with everything it stands on, in the order of creation. */
struct lane_udp {
    struct vel_lane lane; /* first: a vel_lane points here */
    const struct vel_env *env;
    struct vel_link *link;
    struct way preferred, second; /* to where the server prefers; where we wanted to go on from */
    struct vel_addr local;        /* where the connection begins; family VEL_ADDR_NONE: anywhere */
    struct vel_lane_paths paths;  /* other addresses of ours */
    struct vel_endpoint *endpoint;
    struct vel_runtime *runtime;
    struct vel_timer *timer;
    bool follow;            /* until it was tried */
    vel_time migrate_after; /* as asked: 0 for never */
    vel_time migrate_at;    /* not before that; VEL_NEVER: not, or not any more */
    bool answered;
    bool gone;                   /* nobody listens there any more */
    vel_time silent_since;       /* the first such word since the peer's last; 0: none yet */
    uint64_t silent_at;          /* datagrams received then */
    uint64_t silent_probes_from; /* probe time-outs until then */
    struct vel_attempt_facts kept_facts; /* of the connection when it was over */
};

static struct lane_udp *of(struct vel_lane *lane)
{
    return (struct lane_udp *)lane;
}

/* ---- while it runs ---- */

static void fill_facts(const struct lane_udp *self, struct vel_attempt_facts *facts)
{
    const struct vel_conn *conn = self->lane.conn;
    facts->remote = vel_conn_remote(conn);
    facts->preferred =
        self->preferred.link != NULL && vel_addr_equal(&facts->remote, &self->preferred.remote);
    facts->local = vel_conn_local(conn);
    facts->http = VEL_HTTP_3;
    facts->gone = self->gone;
    if (vel_conn_facts(conn) != NULL)
        facts->handshake = *vel_conn_facts(conn);
    vel_conn_get_stats(conn, &facts->stats);
    facts->multipath = vel_conn_is_multipath(conn);
    facts->path_count = vel_conn_paths(conn, facts->paths, VEL_COUNT(facts->paths));
    const struct vel_close *close = vel_client_close_reason(self->lane.client);
    facts->closed = close != NULL;
    if (close != NULL)
        facts->close = *close;
}

static void udp_facts(const struct vel_lane *lane, struct vel_attempt_facts *facts)
{
    const struct lane_udp *self = (const struct lane_udp *)lane;
    struct vel_attempt_facts known = self->kept_facts;
    if (lane->conn != NULL) {
        known = (struct vel_attempt_facts){0};
        fill_facts(self, &known);
    }
    known.rung = facts->rung;
    known.connected = facts->connected;
    known.encrypted = facts->encrypted;
    *facts = known;
}

/* The connection itself goes away: after its last event it does not live on. */
static void end(struct lane_udp *self, vel_time now)
{
    if (self->lane.ended)
        return;
    fill_facts(self, &self->kept_facts);
    self->lane.conn = NULL;
    vel_lane_ended(&self->lane, now);
}

static void look(struct lane_udp *self, vel_time now)
{
    enum vel_client_failure why;
    struct vel_conn_stats stats;
    if (self->lane.ended)
        return;
    if (!self->answered) {
        vel_conn_get_stats(self->lane.conn, &stats);
        self->answered = stats.datagrams_received > 0;
        if (self->answered)
            vel_lane_answered(&self->lane, now);
    }
    if (!vel_client_ended(self->lane.client, &why))
        return;
    const struct vel_close *close = vel_client_close_reason(self->lane.client);
    if (!self->lane.connected && close != NULL)
        self->lane.failure = vel_rung_failure_of_close(close);
    end(self, now);
}

static void on_events(void *self_pointer, struct vel_conn *conn, vel_time now)
{
    struct lane_udp *self = self_pointer;
    enum vel_client_failure why;
    bool connected = vel_conn_is_connected(conn);
    vel_client_events(self->lane.client, now);
    if (connected && !self->lane.connected && !self->lane.ended &&
        !vel_client_ended(self->lane.client, &why)) {
        self->answered = true;
        if (self->migrate_after > 0)
            self->migrate_at = now + self->migrate_after;
        vel_lane_connected(&self->lane, now);
    }
    look(self, now);
}

static void close_way(struct lane_udp *self, struct way *way)
{
    if (way->link != NULL && self->runtime != NULL)
        vel_runtime_remove_link(self->runtime, way->link);
    vel_link_free(way->link);
    *way = (struct way){.link = NULL};
}

/* One that was opened before and led elsewhere is not in use yet. */
static vel_result open_way(struct lane_udp *self, struct way *way, struct vel_addr remote)
{
    const struct vel_udp_setup udp = {.remote = remote};
    if (way->link != NULL && vel_addr_equal(&way->remote, &remote))
        return VEL_OK;
    close_way(self, way);
    TRY(vel_udp_link_new(self->env, &udp, &way->link));
    way->remote = remote;
    return vel_runtime_add_link(self->runtime, way->link);
}

/* A later turn tries again: the handshake is to be confirmed, or the server to give ids to spare. Any
 * other refusal is for good, and no harm: it goes on where it is. */
static bool is_early(enum vel_err err)
{
    return err == VEL_ERR_UNEXPECTED || err == VEL_ERR_AGAIN;
}

/* True while it has yet to set out. */
static bool follow(struct lane_udp *self)
{
    struct vel_addr remote;
    if (!self->follow || self->lane.ended || !vel_conn_preferred(self->lane.conn, &remote))
        return false;
    enum vel_err err = open_way(self, &self->preferred, remote);
    if (err == VEL_OK)
        err = vel_conn_follow_preferred(self->lane.conn, &self->preferred.link->local);
    self->follow = is_early(err);
    return self->follow;
}

static void migrate(struct lane_udp *self, vel_time now)
{
    if (now < self->migrate_at || self->lane.ended)
        return;
    enum vel_err err = open_way(self, &self->second, vel_conn_remote(self->lane.conn));
    if (err == VEL_OK)
        err = vel_conn_migrate(self->lane.conn, &self->second.link->local);
    if (!is_early(err))
        self->migrate_at = VEL_NEVER;
}

/* What is due already waits for the next turn, not for a time. */
static vel_time deadline(const struct lane_udp *self, vel_time now)
{
    vel_time next = vel_client_deadline(self->lane.client);
    if (self->lane.connected && self->paths.look_at > now)
        next = VEL_MIN(next, self->paths.look_at);
    return self->migrate_at > now ? VEL_MIN(next, self->migrate_at) : next;
}

static void on_flush(void *self_pointer, vel_time now)
{
    struct lane_udp *self = self_pointer;
    vel_client_flush(self->lane.client, now);
    vel_lane_turned(&self->lane, now);
    look(self, now);
    if (!follow(self)) {
        migrate(self, now);
        if (self->lane.connected && !self->lane.ended)
            vel_lane_paths_turn(&self->paths, self->runtime, self->lane.conn, now);
    }
    vel_timer_set(self->timer, deadline(self, now));
}

static void on_time(void *self_pointer, vel_time now)
{
    struct lane_udp *self = self_pointer;
    vel_client_expire(self->lane.client, now);
    vel_runtime_wake(self->runtime);
}

/* The closed port may be where another path leads. */
static bool has_working_path(const struct vel_conn *conn)
{
    struct vel_path_stats paths[VEL_PATHS_OPEN_MAX];
    size_t count = vel_conn_paths(conn, paths, VEL_COUNT(paths));
    for (size_t i = 0; i < count; i++)
        if (paths[i].state == VEL_PATH_WORKING)
            return true;
    return false;
}

static bool is_gone(struct lane_udp *self, vel_time now)
{
    struct vel_conn_stats stats;
    vel_conn_get_stats(self->lane.conn, &stats);
    if (self->silent_since == 0 || stats.datagrams_received != self->silent_at) {
        self->silent_since = now;
        self->silent_at = stats.datagrams_received;
        self->silent_probes_from = stats.pto_count;
    }
    return stats.pto_count >= self->silent_probes_from + GONE_PROBES &&
           now >= self->silent_since + GONE_AFTER && !has_working_path(self->lane.conn);
}

static void on_unreachable(void *self_pointer, const struct vel_addr *remote)
{
    struct lane_udp *self = self_pointer;
    vel_time now = vel_clock_now();
    if (self->lane.ended)
        return;
    struct vel_addr in_use = vel_conn_remote(self->lane.conn);
    if (!vel_addr_equal(remote, &in_use))
        return; /* where it may go on, or was */
    if (!self->lane.connected) {
        self->lane.failure =
            (struct vel_rung_failure){VEL_CLIENT_CONNECT, VEL_FALLBACK_UDP_BLOCKED};
        end(self, now);
        vel_client_close(self->lane.client);
    } else if (is_gone(self, now)) {
        self->gone = true;
        end(self, now);
        vel_client_close(self->lane.client);
    }
}

/* ---- making and ending ---- */

static void udp_wake(struct vel_lane *lane)
{
    vel_runtime_wake(of(lane)->runtime);
}

static void udp_close(struct vel_lane *lane, vel_time now)
{
    (void)now;
    vel_client_close(lane->client);
    vel_runtime_wake(of(lane)->runtime);
}

static vel_result udp_export(struct vel_lane *lane, const char *label, struct vel_slice context,
                             uint8_t *out, size_t size)
{
    REQUIRE(lane->conn != NULL, VEL_ERR_UNEXPECTED);
    return vel_conn_export(lane->conn, label, context, out, size);
}

/* The client goes before the endpoint: it ends what is unfinished, on a connection that exists. */
static void udp_free(struct vel_lane *lane)
{
    struct lane_udp *self = of(lane);
    lane->ended = true;
    if (lane->conn != NULL)
        vel_conn_close(lane->conn, VEL_H3_NO_ERROR, "not needed");
    if (self->runtime != NULL)
        vel_runtime_finish(self->runtime);
    close_way(self, &self->preferred);
    close_way(self, &self->second);
    vel_lane_paths_clear(&self->paths, self->runtime);
    vel_timer_free(self->timer);
    vel_runtime_free(self->runtime);
    vel_client_free(lane->client);
    vel_endpoint_free(self->endpoint);
    vel_link_free(self->link);
    vel_release(self->env, self, sizeof *self);
}

static const struct vel_lane_ops udp_ops = {.free = udp_free,
                                            .wake = udp_wake,
                                            .close = udp_close,
                                            .facts = udp_facts,
                                            .export = udp_export};

/* From the first address of ours that is there now; the others become paths, or wait to be there. */
static vel_result open_link(struct lane_udp *self)
{
    struct vel_udp_setup udp = {.local = self->local, .remote = self->lane.remote};
    enum vel_err err = vel_udp_link_new(self->env, &udp, &self->link);
    for (size_t i = 0; i < self->paths.count && err != VEL_OK && err != VEL_ERR_NOMEM; i++) {
        struct vel_addr *other = &self->paths.paths[i].local;
        struct vel_addr absent = udp.local;
        self->local = udp.local = *other;
        *other = absent;
        err = vel_udp_link_new(self->env, &udp, &self->link);
    }
    if (err == VEL_OK)
        vel_lane_paths_begun(&self->paths, &self->local);
    return err;
}

static vel_result open_parts(const struct vel_lane_setup *setup, struct lane_udp *self,
                             vel_time now)
{
    struct vel_lane *lane = &self->lane;
    const struct vel_runtime_hooks hooks = {
        .events = on_events, .flush = on_flush, .unreachable = on_unreachable, .self = self};
    const struct vel_client_setup client = {.env = setup->env};

    REQUIRE(setup->local_count == 0 || self->local.family != VEL_ADDR_NONE, VEL_ERR_NOT_FOUND);
    TRY(open_link(self));
    const struct vel_endpoint_setup endpoint = {.env = setup->env,
                                                .max_send_train = self->link->max_train};
    TRY(vel_endpoint_new(&endpoint, &self->endpoint));
    TRY(vel_endpoint_connect(self->endpoint, setup->config, &self->link->local, &lane->remote, now,
                             &lane->conn));
    TRY(vel_client_new(&client, lane->conn, now, &lane->client));
    TRY(vel_runtime_new(setup->env, setup->loop, self->link, self->endpoint, &hooks,
                        &self->runtime));
    return vel_timer_new(setup->loop, on_time, self, &self->timer);
}

enum vel_err vel_lane_open_udp(const struct vel_lane_setup *setup, struct vel_attempt *attempt,
                               const struct vel_addr *remote, vel_time now, struct vel_lane **lane)
{
    struct lane_udp *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = setup->env;
    made->migrate_after = setup->migrate_after;
    made->migrate_at = VEL_NEVER;
    made->follow = setup->follow;
    made->lane = (struct vel_lane){.ops = &udp_ops, .attempt = attempt, .remote = *remote};
    vel_lane_paths_init(&made->paths, setup->env, setup->locals, setup->local_count, remote,
                        &made->local);
    enum vel_err err = open_parts(setup, made, now);
    if (err != VEL_OK) {
        udp_free(&made->lane);
        return err;
    }
    *lane = &made->lane;
    return VEL_OK;
}
