/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "cli/get_internal.h"
#include "velocity/system.h"

/* ---- while it runs ---- */

/* The farewell of a byte stream leaves at the end of the turn. */
#define FAREWELL (1 * MS)

/* The reader of an output may take longer than the connection. */
void vel_get_look(struct vel_get *get)
{
    if (get->closing && get->draining == 0)
        vel_timer_set(get->stop_timer, get->facts.rung == VEL_RUNG_TCP && get->facts.connected
                                           ? vel_clock_now() + FAREWELL
                                           : 0);
}

static void close_connection(struct vel_get *get, struct vel_attempt *attempt, vel_time now)
{
    get->closing = true;
    vel_attempt_get_facts(attempt, &get->facts);
    vel_attempt_close(attempt, now);
}

static void on_reached(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_get *get = self;
    struct vel_attempt *attempt = vel_connector_attempt(connector);
    get->connected = now;
    get->facts = *vel_connector_facts(connector);
    get->ladder = *vel_connector_ladder(connector);
    vel_report_connected(get);
    for (size_t i = 0; i < get->fetch_count; i++) {
        struct vel_fetch *fetch = &get->fetches[i];
        if (fetch->waiting && vel_fetch_is_of(fetch, &get->origin) &&
            vel_fetch_start(fetch, vel_attempt_client(attempt), now) != VEL_OK)
            vel_get_failed(get, VEL_EXIT_EMPTY, "%s: the request could not be sent", fetch->text);
    }
    vel_attempt_wake(attempt);
}

/* Refused until the handshake is confirmed: then a later turn does it. */
static void update_keys(struct vel_get *get, struct vel_attempt *attempt, vel_time now)
{
    struct vel_conn *conn = vel_attempt_conn(attempt);
    if (get->settings->key_update > 0 && !get->keys_updated && conn != NULL &&
        now >= get->connected + get->settings->key_update)
        get->keys_updated = vel_conn_update_keys(conn) == VEL_OK;
}

static void on_turned(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_get *get = self;
    struct vel_attempt *attempt = vel_connector_attempt(connector);
    vel_progress_update(&get->progress, now);
    update_keys(get, attempt, now);
    if (!get->closing && vel_client_busy(vel_attempt_client(attempt)) == 0)
        close_connection(get, attempt, now);
    vel_get_look(get);
}

static void on_ended(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_get *get = self;
    enum vel_client_failure why = VEL_CLIENT_OK;
    (void)now;
    if (!get->closing) {
        get->closing = true;
        vel_attempt_get_facts(vel_connector_attempt(connector), &get->facts);
        vel_client_ended(vel_attempt_client(vel_connector_attempt(connector)), &why);
        if (get->facts.gone)
            vel_get_failed(get, VEL_EXIT_PARTIAL,
                           "the server is gone: nobody listens there any more");
        if (why != VEL_CLIENT_OK)
            vel_report_close(get, why);
    }
    vel_get_look(get);
}

static void on_lost(void *self, struct vel_connector *connector, vel_time now)
{
    struct vel_get *get = self;
    (void)now;
    get->closing = true;
    get->facts = *vel_connector_facts(connector);
    get->ladder = *vel_connector_ladder(connector);
    vel_report_lost(get, vel_connector_refusal(connector));
    vel_get_look(get);
}

static void on_progress(void *self, struct vel_connector *connector,
                        const struct vel_ladder_order *order, vel_time now)
{
    struct vel_get *get = self;
    get->ladder = *vel_connector_ladder(connector);
    vel_report_order(get, order, now);
    if (order->kind == VEL_LADDER_START && order->rung != VEL_RUNG_VELOCITY && !get->origin.plain &&
        vel_get_prepare_tls(get, (struct vel_slice){0}) != VEL_OK)
        vel_get_failed(get, VEL_EXIT_CA_FILE, "the system's trusted certificates cannot be read");
}

/* ---- setting up and taking down ---- */

static struct vel_ladder_setup ladder_setup(const struct vel_get *get)
{
    struct vel_ladder_setup setup = {.no_fallback = get->settings->no_fallback,
                                     .unix_now = vel_clock_unix(),
                                     .timeout = get->settings->connect_timeout};
    if (get->outcomes != NULL)
        setup.outcome = vel_outcomes_find(get->outcomes, get->origin.host, get->origin.port);
    if (get->origin.plain) {
        setup.allowed[VEL_RUNG_TCP] = true;
        return setup;
    }
    for (size_t i = 0; i < get->settings->alpn.count; i++)
        setup.allowed[vel_rung_of_alpn(get->settings->alpn.names[i])] = true;
    return setup;
}

static vel_result reach(struct vel_get *get)
{
    struct vel_connector_setup setup = {.attempt = {.env = &get->env,
                                                    .loop = get->loop,
                                                    .config = &get->config,
                                                    .plain = get->origin.plain,
                                                    .migrate_after = get->settings->migrate,
                                                    .local_count = get->settings->locals.count,
                                                    .addr_count = get->addr_count},
                                        .ladder = ladder_setup(get),
                                        .events = {.reached = on_reached,
                                                   .lost = on_lost,
                                                   .ended = on_ended,
                                                   .turned = on_turned,
                                                   .progress = on_progress,
                                                   .self = get}};
    _Static_assert(VEL_LOCALS_MAX <= (int)VEL_ATTEMPT_LOCALS_MAX, "all of them can be used");
    memcpy(setup.attempt.locals, get->settings->locals.items, sizeof setup.attempt.locals);
    memcpy(setup.attempt.addrs, get->addrs, get->addr_count * sizeof *get->addrs);
    TRY(vel_get_guard_open(get, &setup));
    return vel_connector_new(&setup, vel_clock_now(), &get->connector);
}

void vel_get_connect(struct vel_get *get)
{
    get->closing = false;
    get->answered = 0;
    get->connected = 0;
    vel_timer_set(get->stop_timer, VEL_NEVER);
    enum vel_err err = reach(get);
    if (err != VEL_OK) {
        vel_get_failed(get, err == VEL_ERR_NOMEM ? VEL_EXIT_MEMORY : VEL_EXIT_CONNECT,
                       "could not start: %s", vel_err_text(err));
        return;
    }
    vel_loop_run(get->loop);
    struct vel_attempt *attempt = vel_connector_attempt(get->connector);
    if (!get->closing && attempt != NULL)
        vel_attempt_get_facts(attempt, &get->facts);
    get->ladder = *vel_connector_ladder(get->connector);
    vel_connector_free(get->connector);
    get->connector = NULL;
    vel_get_guard_close(get);
}
