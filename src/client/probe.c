/* SPDX-License-Identifier: MIT */
#include "client/probe.h"

#include "base/try.h"

struct row {
    struct vel_probe *probe;
    struct vel_probe_row told;
    enum vel_rung rung;
    struct vel_config config;
    struct vel_slice alpn;
    struct vel_guard *guard;
    struct vel_connector *connector;
    struct vel_attempt *checked; /* the acceptor owes an answer about it */
};

struct vel_probe {
    struct vel_probe_setup setup;
    struct row rows[VEL_PROBE_ROWS];
    struct vel_version_query *query;
    struct vel_timer *timer;
    size_t open; /* rows, and the query, that are not finished */
};

static const struct {
    const char *protocol;
    enum vel_rung rung;
    uint32_t version;
    enum vel_profile profile;
} kinds[VEL_PROBE_ROWS] = {
#define KIND(protocol, rung, version, profile) {protocol, rung, version, profile},
    VEL_PROBE_MAP(KIND)
#undef KIND
};

/* ---- the end ---- */

static void one_less(struct vel_probe *probe)
{
    if (--probe->open == 0)
        probe->setup.done(probe->setup.self);
}

static void keep_record(struct row *row)
{
    const struct vel_guard_finding *finding = vel_guard_finding(row->guard, row->rung);
    if (!finding->judged)
        return;
    row->told.record = finding->evidence.record;
    row->told.record_verdict = finding->record;
    if (finding->evidence.record == VEL_RECORD_WITH_VELOCITY ||
        finding->evidence.record == VEL_RECORD_WITHOUT_VELOCITY)
        row->told.record_reason = finding->says.reason;
}

static void finish(struct row *row)
{
    const struct vel_ladder *ladder = vel_connector_ladder(row->connector);
    const struct vel_step *step = vel_ladder_step(ladder, row->rung);
    if (row->told.finished)
        return;
    row->told.finished = true;
    if (!row->told.works) {
        row->told.facts = *vel_connector_facts(row->connector);
        row->told.works = row->told.facts.connected;
        row->told.failure = (struct vel_rung_failure){step->failure, step->reason};
    }
    keep_record(row);
    one_less(row->probe);
}

static void on_time(void *self, vel_time now)
{
    struct vel_probe *probe = self;
    (void)now;
    probe->setup.done(probe->setup.self);
}

/* ---- one HEAD request ---- */

static void keep_text(char *text, size_t size, struct vel_slice value)
{
    size_t used = VEL_MIN(value.len, size - 1);
    for (size_t i = 0; i < used; i++)
        text[i] = value.ptr[i] >= ' ' && value.ptr[i] < 0x7f ? (char)value.ptr[i] : '?';
    text[used] = '\0';
}

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct row *row = self;
    const struct vel_slice *server = vel_fields_find(response->fields, "server");
    const struct vel_slice *alt_svc = vel_fields_find(response->fields, "alt-svc");
    (void)transfer;
    row->told.status = response->status;
    if (server != NULL)
        keep_text(row->told.server, sizeof row->told.server, *server);
    struct vel_reader r = vel_reader(alt_svc != NULL ? *alt_svc : (struct vel_slice){0});
    size_t *count = &row->told.service_count;
    while (*count < VEL_PROBE_SERVICES && vel_alt_svc_next(&r, &row->told.services[*count]))
        ++*count;
}

/* Over Velocity/1 that was all; else the record comes next. */
static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct row *row = self;
    struct vel_attempt *attempt = row->checked;
    (void)transfer;
    row->checked = NULL;
    if (row->rung == VEL_RUNG_VELOCITY) {
        finish(row);
    } else if (attempt != NULL) {
        const struct vel_acceptor acceptor = vel_guard_acceptor(row->guard);
        acceptor.check(acceptor.self, row->connector, attempt, result->times.finished);
    }
}

static void ask_head(struct row *row, struct vel_attempt *attempt, vel_time now)
{
    const struct vel_url *url = row->probe->setup.url;
    const struct vel_request request = {.method = vel_slice_text("HEAD"),
                                        .scheme = vel_slice_text("https"),
                                        .authority = vel_slice_text(url->authority),
                                        .path = vel_buf_slice(&url->target)};
    const struct vel_sink sink = {.head = on_head, .done = on_done, .self = row};
    row->told.works = true;
    vel_attempt_get_facts(attempt, &row->told.facts);
    if (vel_client_fetch(vel_attempt_client(attempt), &request, NULL, &sink, now) == VEL_OK)
        vel_attempt_wake(attempt);
    else
        finish(row);
}

/* ---- what the connector tells ---- */

static void on_check(void *self, struct vel_connector *connector, struct vel_attempt *attempt,
                     vel_time now)
{
    struct row *row = self;
    (void)connector;
    row->checked = attempt;
    ask_head(row, attempt, now);
}

static void on_forget(void *self, struct vel_connector *connector, struct vel_attempt *attempt)
{
    struct row *row = self;
    const struct vel_acceptor acceptor = vel_guard_acceptor(row->guard);
    if (row->checked == NULL)
        acceptor.forget(acceptor.self, connector, attempt);
    row->checked = NULL;
}

static void on_reached(void *self, struct vel_connector *connector, vel_time now)
{
    struct row *row = self;
    if (row->rung == VEL_RUNG_VELOCITY)
        ask_head(row, vel_connector_attempt(connector), now);
    else
        finish(row);
}

static void on_over(void *self, struct vel_connector *connector, vel_time now)
{
    (void)connector;
    (void)now;
    finish(self);
}

/* ---- setting up ---- */

static vel_result open_row(struct vel_probe *probe, size_t index, vel_time now)
{
    struct row *row = &probe->rows[index];
    const struct vel_probe_setup *setup = &probe->setup;
    row->probe = probe;
    row->rung = kinds[index].rung;
    row->alpn = vel_slice_text(kinds[index].protocol);
    row->config = *setup->config;
    row->config.alpn = &row->alpn;
    row->config.alpn_count = 1;
    if (kinds[index].profile != VEL_PROFILE_COUNT)
        row->config.profiles =
            (struct vel_profile_list){.items = {kinds[index].profile}, .count = 1};
    row->told.protocol = kinds[index].protocol;
    row->told.profile = kinds[index].profile;
    const struct vel_attempt_facts expected = {
        .rung = row->rung, .encrypted = true, .handshake = {.version = kinds[index].version}};
    row->told.version = vel_attempt_version_name(&expected);

    /* Pinned: so that it asks for the record wherever there may be one. */
    const struct vel_guard_setup guard = {.env = setup->env,
                                          .config = &row->config,
                                          .host = setup->url->host,
                                          .authority = setup->url->authority,
                                          .port = setup->url->port,
                                          .pinned = true};
    TRY(vel_guard_new(&guard, &row->guard));
    struct vel_connector_setup connector = {
        .attempt = {.env = setup->env,
                    .loop = setup->loop,
                    .config = &row->config,
                    .addr_count = setup->addr_count},
        .ladder = {.timeout = setup->timeout},
        .acceptor = {.check = on_check, .forget = on_forget, .self = row},
        .events = {.reached = on_reached, .lost = on_over, .ended = on_over, .self = row}};
    connector.ladder.allowed[row->rung] = true;
    if (kinds[index].version != 0)
        connector.attempt.versions =
            (struct vel_version_list){.items = {kinds[index].version}, .count = 1};
    memcpy(connector.attempt.addrs, setup->addrs, sizeof setup->addrs);
    return vel_connector_new(&connector, now, &row->connector);
}

static void query_done(void *self, vel_time now)
{
    (void)now;
    one_less(self);
}

static vel_result open_parts(struct vel_probe *probe, vel_time now)
{
    const struct vel_probe_setup *setup = &probe->setup;
    struct vel_version_query_setup query = {.env = setup->env,
                                            .loop = setup->loop,
                                            .addr_count = setup->addr_count,
                                            .done = query_done,
                                            .self = probe};
    memcpy(query.addrs, setup->addrs, sizeof setup->addrs);
    TRY(vel_timer_new(setup->loop, on_time, probe, &probe->timer));
    vel_timer_set(probe->timer, now + setup->timeout);
    TRY(vel_version_query_new(&query, now, &probe->query));
    probe->open = 1 + VEL_PROBE_ROWS;
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++)
        TRY(open_row(probe, i, now));
    return VEL_OK;
}

vel_result vel_probe_new(const struct vel_probe_setup *setup, vel_time now,
                         struct vel_probe **probe)
{
    struct vel_probe *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    enum vel_err err = open_parts(made, now);
    if (err != VEL_OK) {
        vel_probe_free(made);
        return err;
    }
    *probe = made;
    return VEL_OK;
}

void vel_probe_free(struct vel_probe *probe)
{
    if (probe == NULL)
        return;
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++) {
        struct row *row = &probe->rows[i];
        row->told.finished = true; /* what ends now has nothing to tell */
        row->checked = NULL;
        vel_connector_free(row->connector);
        vel_guard_free(row->guard);
    }
    vel_version_query_free(probe->query);
    vel_timer_free(probe->timer);
    vel_release(probe->setup.env, probe, sizeof *probe);
}

const struct vel_probe_row *vel_probe_row(const struct vel_probe *probe, size_t index)
{
    return &probe->rows[index].told;
}

const uint32_t *vel_probe_versions(const struct vel_probe *probe, size_t *count)
{
    return vel_version_query_get(probe->query, count);
}

bool vel_probe_answered(const struct vel_probe *probe)
{
    size_t versions;
    vel_version_query_get(probe->query, &versions);
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++)
        if (probe->rows[i].told.works)
            return true;
    return versions > 0;
}
