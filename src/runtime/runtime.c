/* SPDX-License-Identifier: MIT */
#include "velocity/runtime.h"

#include <string.h>

#include "base/try.h"
#include "base/units.h"
#include "runtime/give_back.h"
#include "velocity/system.h"

enum { FINISH_SEND = 128 * 1024 }; /* trains: a farewell for twice the connections we allow */

#define PATIENCE (4 * MS)  /* that time-outs have with what waits at a link; */
#define LAG_MAX (500 * MS) /* those of loss recovery, which it may make pointless, have more */
/* With a link that is full; then time-outs are looked at all the same, and other networks go on. */
#define FULL_PATIENCE (100 * MS)

/* One link, and what wakes us for it. */
struct port {
    struct vel_runtime *runtime;
    struct vel_link *link; /* NULL: free */
    struct vel_watch *watch;
    vel_time full_since; /* it has taken nothing since; VEL_NEVER: it takes what comes */
};

struct vel_runtime {
    const struct vel_env *env;
    struct vel_loop *loop;
    struct vel_endpoint *endpoint;
    struct vel_runtime_hooks hooks;
    struct port ports[VEL_RUNTIME_LINKS];
    struct vel_timer *timer;
    struct vel_give_back give_back;
    struct vel_train unsent; /* len > 0: its link was full; its bytes are in `outgoing` */
    bool behind;             /* more waits at a link than one turn took in */
    vel_time patient_since;  /* that began, or time-outs were looked at all the same */
    vel_time heard;          /* the links had nothing more then */
    bool *freed;             /* set when a hook frees us in the middle of a turn */
    uint8_t incoming[VEL_TRAIN_MAX];
    uint8_t outgoing[VEL_TRAIN_MAX];
};

/* ---- links ---- */

static bool is_wildcard(const struct vel_addr *addr)
{
    static const uint8_t none[sizeof addr->ip];
    return memcmp(addr->ip, none, sizeof none) == 0;
}

static bool is_at(const struct vel_link *link, const struct vel_addr *local)
{
    return link->local.port == local->port &&
           (is_wildcard(&link->local) || vel_addr_equal(&link->local, local));
}

/* The one that a train leaves by: the first, unless its address belongs to another. */
static struct port *port_of(struct vel_runtime *runtime, const struct vel_addr *local)
{
    struct port *found = NULL;
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS; i++) {
        struct port *port = &runtime->ports[i];
        if (port->link != NULL && is_at(port->link, local))
            return port;
        if (found == NULL && port->link != NULL)
            found = port;
    }
    return found;
}

static void tell_unreachable(struct vel_runtime *runtime, const struct vel_addr *remote)
{
    struct vel_addr copy = *remote;
    if (runtime->hooks.unreachable != NULL)
        runtime->hooks.unreachable(runtime->hooks.self, &copy);
}

/* True when there was something to tell. */
static bool deliver(struct vel_runtime *runtime, vel_time now, const bool *freed)
{
    struct vel_conn *conn;
    bool any = false;
    while (!*freed && (conn = vel_endpoint_next(runtime->endpoint)) != NULL) {
        runtime->hooks.events(runtime->hooks.self, conn, now);
        any = true;
    }
    return any;
}

/* The clock is read once a train: its arrival is what round-trip times are measured with. What a
 * train brought is shown before the next is taken, so that its bytes are read while they are in the
 * cache, and few blocks are held however many trains wait. */
static void receive(struct port *port, const bool *freed)
{
    struct vel_runtime *runtime = port->runtime;
    bool was_behind = runtime->behind;
    runtime->behind = false;
    for (int budget = VEL_TURN_RECEIVE; budget > 0; budget--) {
        struct vel_train train = {.bytes = runtime->incoming, .capacity = sizeof runtime->incoming};
        enum vel_err err = vel_link_receive(port->link, &train);
        if (err != VEL_OK && err != VEL_ERR_NOT_FOUND)
            return;
        if (err == VEL_ERR_NOT_FOUND) {
            tell_unreachable(runtime, &train.remote);
        } else {
            vel_time now = vel_clock_now();
            vel_endpoint_receive(runtime->endpoint, &train, now);
            deliver(runtime, now, freed);
        }
        if (*freed || port->link == NULL)
            return;
    }
    if (!was_behind)
        runtime->patient_since = vel_clock_now();
    runtime->behind = true;
}

/* What has arrived may make a time-out pointless, and is sooner done than the handshakes of newcomers:
 * so it comes first, but not for ever. */
static void expire(struct vel_runtime *runtime, vel_time now)
{
    if (vel_endpoint_deadline(runtime->endpoint) > now)
        return;
    if (runtime->behind && now - runtime->patient_since < PATIENCE)
        return;
    runtime->patient_since = now;
    vel_time heard = VEL_MAX(runtime->heard, now - LAG_MAX);
    vel_endpoint_expire_unread(runtime->endpoint, now, heard);
}

static bool has_other_links(const struct vel_runtime *runtime)
{
    unsigned count = 0;
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS; i++)
        count += runtime->ports[i].link != NULL;
    return count > 1;
}

/* A link was full. When there is nothing but this one the train waits; other networks wait for a moment, and
 * after it all trains of this link are lost, until it takes one. */
static bool is_waited_for(const struct vel_runtime *runtime, struct port *port)
{
    vel_time now = vel_clock_now();
    port->full_since = VEL_MIN(port->full_since, now);
    return !has_other_links(runtime) || now - port->full_since < FULL_PATIENCE;
}

/* Bring one train to the link. VEL_ERR_AGAIN: nothing to send, or the link is full. */
static vel_result send_one(struct vel_runtime *runtime, const bool *freed)
{
    if (runtime->unsent.len == 0) {
        struct vel_train train = {.bytes = runtime->outgoing, .capacity = sizeof runtime->outgoing};
        TRY(vel_endpoint_send(runtime->endpoint, &train, vel_clock_now()));
        runtime->unsent = train;
    }
    struct port *port = port_of(runtime, &runtime->unsent.local);
    enum vel_err err = vel_link_send(port->link, &runtime->unsent);
    if (err != VEL_ERR_AGAIN)
        port->full_since = VEL_NEVER;
    else if (is_waited_for(runtime, port))
        return err;
    runtime->unsent.len = 0;
    if (err == VEL_ERR_NOT_FOUND)
        tell_unreachable(runtime, &runtime->unsent.remote);
    return *freed ? VEL_ERR_CLOSED : VEL_OK;
}

/* True when the turn ended before the endpoint ran dry. */
static bool send_some(struct vel_runtime *runtime, const bool *freed)
{
    for (int budget = VEL_TURN_SEND; budget > 0; budget--)
        if (send_one(runtime, freed) != VEL_OK)
            return false;
    return true;
}

/* While the link is full its becoming writable brings us on: the endpoint may well be due to send. */
static void wait_for_next(struct vel_runtime *runtime, bool more)
{
    bool blocked = runtime->unsent.len > 0;
    const struct port *full = blocked ? port_of(runtime, &runtime->unsent.local) : NULL;
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS; i++) {
        const struct port *port = &runtime->ports[i];
        if (port->link != NULL)
            vel_watch_set(port->watch,
                          port == full ? VEL_WATCH_READ | VEL_WATCH_WRITE : VEL_WATCH_READ);
    }
    vel_time next = more ? 0 : vel_endpoint_deadline(runtime->endpoint);
    next = VEL_MIN(next, runtime->give_back.due);
    vel_timer_set(runtime->timer, blocked ? vel_clock_now() + FULL_PATIENCE : next);
}

/* Memory of connections that are gone. */
static void give_back(struct vel_runtime *runtime, vel_time now)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(runtime->endpoint, &stats);
    vel_give_back_look(&runtime->give_back, stats.connections, now);
    if (vel_give_back_take(&runtime->give_back, now))
        vel_memory_give_back();
}

/* A time came: what makes it pointless may have come as well, and be told of after it. */
static void receive_all(struct vel_runtime *runtime, const bool *freed)
{
    bool was_behind = runtime->behind, behind = false;
    vel_time since = runtime->patient_since;
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS && !*freed; i++) {
        if (runtime->ports[i].link == NULL)
            continue;
        receive(&runtime->ports[i], freed);
        behind |= !*freed && runtime->behind;
    }
    if (*freed)
        return;
    runtime->behind = behind;
    if (was_behind) /* whichever link it was at */
        runtime->patient_since = since;
}

/* `readable`: a port that has something for us; NULL: any may have. */
static void turn(struct vel_runtime *runtime, struct port *readable)
{
    bool freed = false;
    runtime->freed = &freed;

    if (readable != NULL)
        receive(readable, &freed);
    else
        receive_all(runtime, &freed);
    if (freed)
        return;
    vel_time now = vel_clock_now();
    if (!runtime->behind)
        runtime->heard = now;
    expire(runtime, now);
    deliver(runtime, now, &freed);
    if (!freed && runtime->hooks.flush != NULL)
        runtime->hooks.flush(runtime->hooks.self, now);
    bool more = !freed && send_some(runtime, &freed);
    /* Sending may have ended a connection, and its owner may have more to say. */
    more |= deliver(runtime, now, &freed);
    if (freed)
        return;
    give_back(runtime, now);
    wait_for_next(runtime, more);
    runtime->freed = NULL;
}

static void link_ready(void *self, unsigned ready)
{
    struct port *port = self;
    turn(port->runtime, ready & VEL_WATCH_READ ? port : NULL);
}

static void time_came(void *self, vel_time now)
{
    (void)now;
    turn(self, NULL);
}

vel_result vel_runtime_add_link(struct vel_runtime *runtime, struct vel_link *link)
{
    struct port *port = runtime->ports;
    while (port < runtime->ports + VEL_RUNTIME_LINKS && port->link != NULL)
        port++;
    REQUIRE(port < runtime->ports + VEL_RUNTIME_LINKS, VEL_ERR_LIMIT);
    REQUIRE(link->fd >= 0, VEL_ERR_UNSUPPORTED);
    TRY(vel_watch_new(runtime->loop, link->fd, link_ready, port, &port->watch));
    port->runtime = runtime;
    port->link = link;
    port->full_since = VEL_NEVER;
    vel_watch_set(port->watch, VEL_WATCH_READ);
    return VEL_OK;
}

static void close_port(struct port *port)
{
    vel_watch_free(port->watch);
    *port = (struct port){.link = NULL};
}

void vel_runtime_remove_link(struct vel_runtime *runtime, struct vel_link *link)
{
    struct port *found = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS; i++) {
        struct port *port = &runtime->ports[i];
        count += port->link != NULL;
        if (port->link == link)
            found = port;
    }
    if (found == NULL || count < 2)
        return;
    close_port(found);
    vel_timer_set(runtime->timer, 0); /* what it did not take may leave by another */
}

vel_result vel_runtime_new(const struct vel_env *env, struct vel_loop *loop, struct vel_link *link,
                           struct vel_endpoint *endpoint, const struct vel_runtime_hooks *hooks,
                           struct vel_runtime **runtime)
{
    struct vel_runtime *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    made->loop = loop;
    made->endpoint = endpoint;
    made->hooks = *hooks;
    vel_give_back_init(&made->give_back);

    enum vel_err err = vel_timer_new(loop, time_came, made, &made->timer);
    if (err == VEL_OK)
        err = vel_runtime_add_link(made, link);
    if (err != VEL_OK) {
        vel_runtime_free(made);
        return err;
    }
    vel_runtime_wake(made);
    *runtime = made;
    return VEL_OK;
}

void vel_runtime_free(struct vel_runtime *runtime)
{
    if (runtime == NULL)
        return;
    if (runtime->freed != NULL)
        *runtime->freed = true;
    vel_timer_free(runtime->timer);
    for (unsigned i = 0; i < VEL_RUNTIME_LINKS; i++)
        close_port(&runtime->ports[i]);
    vel_release(runtime->env, runtime, sizeof *runtime);
}

void vel_runtime_wake(struct vel_runtime *runtime)
{
    if (runtime->unsent.len == 0)
        vel_timer_set(runtime->timer, 0);
}

void vel_runtime_finish(struct vel_runtime *runtime)
{
    runtime->hooks.unreachable = NULL;
    const bool freed = false;
    for (int budget = FINISH_SEND; budget > 0; budget--)
        if (send_one(runtime, &freed) != VEL_OK)
            return;
}

struct vel_endpoint *vel_runtime_endpoint(struct vel_runtime *runtime)
{
    return runtime->endpoint;
}
