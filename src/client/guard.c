/* SPDX-License-Identifier: MIT */
#include "client/guard.h"

#include "base/try.h"
#include "base/units.h"
#include "velocity/log.h"

/* One rung, from the question of the connector to the answer. */
struct check {
    struct vel_guard *guard;
    struct vel_connector *connector;
    struct vel_attempt *attempt; /* NULL: no answer is owed */
    struct vel_buf body;         /* the record, as far as it came */
    unsigned status;
    struct vel_guard_finding finding;
};

struct vel_guard {
    struct vel_guard_setup setup;
    struct check checks[VEL_RUNG_COUNT];
};

static const char *const record_names[VEL_RECORD_COUNT] = {
    [VEL_RECORD_UNASKED] = "unasked",     [VEL_RECORD_MISSING] = "missing",
    [VEL_RECORD_INVALID] = "invalid",     [VEL_RECORD_WITHOUT_VELOCITY] = "valid",
    [VEL_RECORD_WITH_VELOCITY] = "valid",
};

const char *vel_guard_record_name(enum vel_downgrade_record record)
{
    return (unsigned)record < VEL_RECORD_COUNT ? record_names[record] : "unknown";
}

/* ---- evidence ---- */

/* VEL-FB-35: what became of the attempt at Velocity/1, now or when it was last made. */
static bool saw_version_negotiation(const struct vel_connector *connector)
{
    const struct vel_ladder *ladder = vel_connector_ladder(connector);
    return vel_ladder_step(ladder, VEL_RUNG_VELOCITY)->reason == VEL_FALLBACK_VERSION_NEGOTIATION;
}

static enum vel_downgrade_list list_of(const struct vel_attempt_facts *facts)
{
    const struct vel_version_list *list = &facts->handshake.peer_versions;
    if (facts->rung != VEL_RUNG_QUIC || list->count == 0)
        return VEL_LIST_ABSENT;
    for (unsigned i = 0; i < list->count; i++)
        if (list->items[i] == VEL_VERSION_DRAFT)
            return VEL_LIST_WITH_VELOCITY;
    return VEL_LIST_WITHOUT_VELOCITY;
}

static struct vel_downgrade_evidence gather(const struct check *check)
{
    const struct vel_guard_setup *setup = &check->guard->setup;
    struct vel_attempt_facts facts;
    vel_attempt_get_facts(check->attempt, &facts);
    return (struct vel_downgrade_evidence){
        .rung = facts.rung,
        .pinned = setup->pinned && !setup->config->insecure,
        .expected = setup->expected && !setup->config->insecure,
        .version_negotiation = saw_version_negotiation(check->connector),
        .list = list_of(&facts),
    };
}

/* ---- the record ---- */

static enum vel_profile weakest(const struct vel_profile_list *profiles)
{
    enum vel_profile least = VEL_PROFILE_SECURE;
    for (unsigned i = 0; i < profiles->count; i++)
        least = VEL_MIN(least, profiles->items[i]);
    return least;
}

/* VEL_ERR_AUTH: it is invalid; VEL_ERR_UNSUPPORTED and others: it cannot be checked. */
static vel_result verify(struct check *check, vel_time now)
{
    const struct vel_guard_setup *setup = &check->guard->setup;
    const struct vel_config *config = setup->config;
    struct vel_attempt_facts facts;
    vel_attempt_get_facts(check->attempt, &facts);
    struct vel_fallback_expected expected = {
        .host = setup->host,
        .port = setup->port,
        .alpn = vel_slice(facts.handshake.alpn, facts.handshake.alpn_len),
        .unix_time = config->unix_offset + now / SECOND,
        .level = weakest(&config->profiles),
    };
    TRY(vel_attempt_export(check->attempt, VEL_FALLBACK_LABEL, (struct vel_slice){0},
                           expected.exporter, sizeof expected.exporter));
    return vel_fallback_verify(setup->env, config->crypto, config->trust, &expected,
                               vel_buf_slice(&check->body), &check->finding.record,
                               &check->finding.says);
}

static enum vel_downgrade_record weigh(struct check *check, bool complete, vel_time now)
{
    if (!complete || check->status != 200)
        return VEL_RECORD_MISSING;
    enum vel_err err = verify(check, now);
    if (err == VEL_ERR_AUTH)
        return VEL_RECORD_INVALID;
    if (err != VEL_OK)
        return VEL_RECORD_MISSING;
    return vel_fallback_lists(&check->finding.says, VEL_VERSION_DRAFT)
               ? VEL_RECORD_WITH_VELOCITY
               : VEL_RECORD_WITHOUT_VELOCITY;
}

/* ---- the answer ---- */

static void tell_log(const struct check *check)
{
    const struct vel_guard_finding *finding = &check->finding;
    LOG_EVENT(check->guard->setup.env->log, "downgrade-refused",
              LOG_TEXT("reason", vel_downgrade_why_name(finding->why)),
              LOG_TEXT("rung", vel_rung_name(finding->evidence.rung)),
              LOG_TEXT("record", vel_guard_record_name(finding->evidence.record)),
              LOG_TEXT("check", vel_fallback_check_name(finding->record.check)));
}

static void refuse(struct check *check, vel_time now)
{
    const struct vel_guard_finding *finding = &check->finding;
    bool by_record = finding->verdict == VEL_DOWNGRADE_REFUSE_RECORD;
    const char *why = by_record ? vel_fallback_check_text(finding->record.check)
                                : vel_downgrade_why_text(finding->why);
    struct vel_attempt *attempt = check->attempt;
    check->attempt = NULL;
    tell_log(check);
    vel_connector_refuse(check->connector, attempt,
                         by_record ? VEL_CLIENT_RECORD : VEL_CLIENT_DOWNGRADE, why, now);
}

static void ask_for_record(struct check *check, vel_time now);

static void judge(struct check *check, vel_time now)
{
    struct vel_guard_finding *finding = &check->finding;
    finding->judged = true;
    finding->verdict = vel_downgrade_judge(&finding->evidence, &finding->why);
    switch (finding->verdict) {
    case VEL_DOWNGRADE_NEED_RECORD:
        ask_for_record(check, now);
        break;
    case VEL_DOWNGRADE_REFUSE:
    case VEL_DOWNGRADE_REFUSE_RECORD:
        refuse(check, now);
        break;
    case VEL_DOWNGRADE_ACCEPT:
        vel_connector_accept(check->connector, check->attempt, now);
        check->attempt = NULL;
        break;
    }
}

/* ---- getting the record ---- */

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct check *check = self;
    (void)transfer;
    check->status = response->status;
}

/* Of other answers than 200 nothing is kept. */
static vel_result on_body(void *self, struct vel_transfer *transfer, struct vel_slice bytes)
{
    struct check *check = self;
    (void)transfer;
    return check->status == 200 ? vel_buf_append(&check->body, bytes) : VEL_OK;
}

/* A record that is too long ends in on_body: not one of ours, so it is invalid. */
static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct check *check = self;
    (void)transfer;
    if (check->attempt == NULL)
        return;
    vel_time now = result->times.finished;
    bool complete = result->failure == VEL_CLIENT_OK || result->failure == VEL_CLIENT_WRITE;
    check->finding.evidence.record = weigh(check, complete, now);
    judge(check, now);
}

static void ask_for_record(struct check *check, vel_time now)
{
    const struct vel_request request = {
        .method = vel_slice_text("GET"),
        .scheme = vel_slice_text("https"),
        .authority = vel_slice_text(check->guard->setup.authority),
        .path = vel_slice_text(VEL_FALLBACK_PATH),
    };
    const struct vel_sink sink = {.head = on_head, .body = on_body, .done = on_done, .self = check};
    struct vel_client *client = vel_attempt_client(check->attempt);
    if (client != NULL && vel_client_fetch(client, &request, NULL, &sink, now) == VEL_OK) {
        vel_attempt_wake(check->attempt);
        return;
    }
    check->finding.evidence.record = VEL_RECORD_MISSING;
    judge(check, now);
}

/* ---- what the connector asks ---- */

static struct check *check_of(struct vel_guard *guard, struct vel_attempt *attempt)
{
    struct vel_attempt_facts facts;
    vel_attempt_get_facts(attempt, &facts);
    return &guard->checks[facts.rung];
}

static void on_check(void *self, struct vel_connector *connector, struct vel_attempt *attempt,
                     vel_time now)
{
    struct vel_guard *guard = self;
    struct check *check = check_of(guard, attempt);
    vel_buf_free(&check->body);
    *check = (struct check){.guard = guard,
                            .connector = connector,
                            .attempt = attempt,
                            .body = {.env = guard->setup.env, .limit = VEL_FALLBACK_MAX_BYTES}};
    check->finding.evidence = gather(check);
    judge(check, now);
}

static void on_forget(void *self, struct vel_connector *connector, struct vel_attempt *attempt)
{
    struct vel_guard *guard = self;
    (void)connector;
    check_of(guard, attempt)->attempt = NULL;
}

struct vel_acceptor vel_guard_acceptor(struct vel_guard *guard)
{
    return (struct vel_acceptor){.check = on_check, .forget = on_forget, .self = guard};
}

const struct vel_guard_finding *vel_guard_finding(const struct vel_guard *guard, enum vel_rung rung)
{
    return &guard->checks[rung].finding;
}

vel_result vel_guard_new(const struct vel_guard_setup *setup, struct vel_guard **guard)
{
    struct vel_guard *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    *guard = made;
    return VEL_OK;
}

void vel_guard_free(struct vel_guard *guard)
{
    if (guard == NULL)
        return;
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        vel_buf_free(&guard->checks[i].body);
    vel_release(guard->setup.env, guard, sizeof *guard);
}
