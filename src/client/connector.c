/* SPDX-License-Identifier: MIT */
#include "client/connector.h"

#include "base/try.h"
#include "velocity/system.h"

struct vel_connector {
    struct vel_connector_setup setup;
    struct vel_ladder ladder;
    struct vel_timer *timer;                      /* of the ladder */
    struct vel_attempt *attempts[VEL_RUNG_COUNT]; /* under way, or ended and to be freed */
    bool given_up[VEL_RUNG_COUNT];                /* to be freed from the timer */
    bool checking[VEL_RUNG_COUNT];                /* the acceptor was asked */
    bool told;                                    /* reached or lost */
    bool over;                                    /* ended was told, or lost */
    bool winner_ended;                            /* before `reached` was told */
    struct vel_attempt_facts facts;
    const char *refusal;
};

static struct vel_connector *of(void *self)
{
    return self;
}

/* Look at the ladder in a turn of our own: nothing of an attempt is on the stack there. */
static void look_soon(struct vel_connector *connector, vel_time now)
{
    vel_timer_set(connector->timer, now);
}

static enum vel_rung rung_of(const struct vel_connector *connector,
                             const struct vel_attempt *attempt)
{
    unsigned i = 0;
    while (i < VEL_RUNG_COUNT && connector->attempts[i] != attempt)
        i++;
    VEL_ASSERT(i < VEL_RUNG_COUNT);
    return (enum vel_rung)i;
}

/* ---- what attempts tell ---- */

static void on_answered(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct vel_connector *connector = of(self);
    vel_ladder_answered(&connector->ladder, rung_of(connector, attempt), now);
    look_soon(connector, now);
}

static void on_connected(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct vel_connector *connector = of(self);
    enum vel_rung rung = rung_of(connector, attempt);
    const struct vel_acceptor *acceptor = &connector->setup.acceptor;
    vel_ladder_connected(&connector->ladder, rung, now);
    if (connector->ladder.steps[rung].state != VEL_RUNG_CHECKING)
        return;
    if (rung == VEL_RUNG_VELOCITY || acceptor->check == NULL) {
        vel_ladder_accepted(&connector->ladder, rung, now);
    } else {
        connector->checking[rung] = true;
        acceptor->check(acceptor->self, connector, attempt, now);
    }
    look_soon(connector, now);
}

static void forget_check(struct vel_connector *connector, enum vel_rung rung)
{
    const struct vel_acceptor *acceptor = &connector->setup.acceptor;
    if (!connector->checking[rung])
        return;
    connector->checking[rung] = false;
    if (acceptor->forget != NULL)
        acceptor->forget(acceptor->self, connector, connector->attempts[rung]);
}

/* A connection that ended before it was accepted is as good as none. */
static struct vel_rung_failure failure_of(struct vel_attempt *attempt)
{
    struct vel_rung_failure failure = vel_attempt_failure(attempt);
    if (vel_attempt_client(attempt) != NULL)
        failure = (struct vel_rung_failure){VEL_CLIENT_TIMEOUT, VEL_FALLBACK_TIMEOUT};
    return failure;
}

static void on_ended(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct vel_connector *connector = of(self);
    enum vel_rung rung = rung_of(connector, attempt);
    const struct vel_ladder *ladder = &connector->ladder;
    if (ladder->state == VEL_LADDER_WON && ladder->winner == rung) {
        vel_attempt_get_facts(attempt, &connector->facts);
        connector->winner_ended = true;
        if (!connector->told || connector->over)
            return;
        connector->over = true;
        connector->setup.events.ended(connector->setup.events.self, connector, now);
        return;
    }
    forget_check(connector, rung);
    vel_ladder_failed(&connector->ladder, rung, failure_of(attempt), now);
    look_soon(connector, now);
}

static void on_turned(void *self, struct vel_attempt *attempt, vel_time now)
{
    struct vel_connector *connector = of(self);
    bool is_winner = connector->told && attempt == vel_connector_attempt(connector);
    if (is_winner && connector->setup.events.turned != NULL)
        connector->setup.events.turned(connector->setup.events.self, connector, now);
}

/* ---- obeying the ladder ---- */

static struct vel_rung_failure cannot_start(enum vel_err err)
{
    enum vel_client_failure failure = err == VEL_ERR_NOMEM ? VEL_CLIENT_MEMORY : VEL_CLIENT_CONNECT;
    return (struct vel_rung_failure){
        failure, err == VEL_ERR_UNSUPPORTED ? VEL_FALLBACK_POLICY_DISABLED : VEL_FALLBACK_NONE};
}

static void start(struct vel_connector *connector, enum vel_rung rung, vel_time now)
{
    struct vel_attempt_setup setup = connector->setup.attempt;
    setup.rung = rung;
    setup.events = (struct vel_attempt_events){.answered = on_answered,
                                               .connected = on_connected,
                                               .ended = on_ended,
                                               .turned = on_turned,
                                               .self = connector};
    enum vel_err err = vel_attempt_new(&setup, now, &connector->attempts[rung]);
    if (err != VEL_OK)
        vel_ladder_failed(&connector->ladder, rung, cannot_start(err), now);
}

static void obey(struct vel_connector *connector, const struct vel_ladder_order *order,
                 vel_time now)
{
    if (connector->setup.events.progress != NULL)
        connector->setup.events.progress(connector->setup.events.self, connector, order, now);
    if (order->kind == VEL_LADDER_START) {
        start(connector, order->rung, now);
    } else {
        forget_check(connector, order->rung);
        connector->given_up[order->rung] = true;
    }
}

static void drop(struct vel_connector *connector, enum vel_rung rung)
{
    struct vel_attempt *attempt = connector->attempts[rung];
    connector->attempts[rung] = NULL;
    connector->given_up[rung] = false;
    vel_attempt_free(attempt);
}

static void tell(struct vel_connector *connector, vel_time now)
{
    const struct vel_ladder *ladder = &connector->ladder;
    const struct vel_connector_events *events = &connector->setup.events;
    if (connector->told || ladder->state == VEL_LADDER_SEARCHING)
        return;
    connector->told = true;
    bool won = ladder->state == VEL_LADDER_WON;
    enum vel_rung rung = won ? ladder->winner : ladder->culprit;
    if (connector->attempts[rung] != NULL)
        vel_attempt_get_facts(connector->attempts[rung], &connector->facts);
    connector->over = !won;
    (won ? events->reached : events->lost)(events->self, connector, now);
    if (!connector->winner_ended || connector->over)
        return;
    connector->over = true;
    events->ended(events->self, connector, now);
}

static void on_time(void *self, vel_time now)
{
    struct vel_connector *connector = of(self);
    struct vel_ladder_order order;
    while (vel_ladder_next(&connector->ladder, now, &order))
        obey(connector, &order, now);
    tell(connector, now);
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        if (connector->given_up[i])
            drop(connector, (enum vel_rung)i);
    vel_timer_set(connector->timer, vel_ladder_deadline(&connector->ladder));
}

/* ---- the acceptor's answers ---- */

/* An answer may come late, about an attempt that is gone. */
static bool is_checked(const struct vel_connector *connector, const struct vel_attempt *attempt,
                       enum vel_rung *rung)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        if (!connector->checking[i] || connector->attempts[i] != attempt)
            continue;
        *rung = (enum vel_rung)i;
        return true;
    }
    return false;
}

void vel_connector_accept(struct vel_connector *connector, struct vel_attempt *attempt,
                          vel_time now)
{
    enum vel_rung rung;
    if (!is_checked(connector, attempt, &rung))
        return;
    connector->checking[rung] = false;
    vel_ladder_accepted(&connector->ladder, rung, now);
    look_soon(connector, now);
}

void vel_connector_refuse(struct vel_connector *connector, struct vel_attempt *attempt,
                          enum vel_client_failure failure, const char *why, vel_time now)
{
    enum vel_rung rung;
    if (!is_checked(connector, attempt, &rung))
        return;
    connector->checking[rung] = false;
    connector->refusal = why;
    vel_ladder_refused(&connector->ladder, rung, failure, now);
    look_soon(connector, now);
}

/* ---- making and asking ---- */

vel_result vel_connector_new(const struct vel_connector_setup *setup, vel_time now,
                             struct vel_connector **connector)
{
    bool any = false;
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        any |= setup->ladder.allowed[i];
    REQUIRE(any && setup->attempt.addr_count > 0, VEL_ERR_ARGUMENT);
    struct vel_connector *made = vel_alloc(setup->attempt.env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    vel_ladder_start(&made->ladder, &setup->ladder, now);
    enum vel_err err = vel_timer_new(setup->attempt.loop, on_time, made, &made->timer);
    if (err != VEL_OK) {
        vel_connector_free(made);
        return err;
    }
    look_soon(made, now);
    *connector = made;
    return VEL_OK;
}

void vel_connector_free(struct vel_connector *connector)
{
    if (connector == NULL)
        return;
    connector->told = connector->over = true;
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        forget_check(connector, (enum vel_rung)i);
        drop(connector, (enum vel_rung)i);
    }
    vel_timer_free(connector->timer);
    vel_release(connector->setup.attempt.env, connector, sizeof *connector);
}

const struct vel_ladder *vel_connector_ladder(const struct vel_connector *connector)
{
    return &connector->ladder;
}

struct vel_attempt *vel_connector_attempt(struct vel_connector *connector)
{
    bool won = connector->ladder.state == VEL_LADDER_WON;
    return won ? connector->attempts[connector->ladder.winner] : NULL;
}

const struct vel_attempt_facts *vel_connector_facts(const struct vel_connector *connector)
{
    return &connector->facts;
}

const char *vel_connector_refusal(const struct vel_connector *connector)
{
    return connector->refusal;
}
