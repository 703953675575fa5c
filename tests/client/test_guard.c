/* SPDX-License-Identifier: MIT */
/* The guard between a connector and attempts of our own making: what it asks for, what it answers.
 * VEL-FB-35, VEL-FB-36 */
#include "client/guard.h"

#include <string.h>

#include "base/units.h"
#include "crypto/sign.h"
#include "testing/test.h"
#include "velocity/log.h"

#define UNIX_NOW INT64_C(1800000000)

/* ---- the world around it: these stand in for the real ones ---- */

enum answer { NO_ANSWER, ACCEPTED, REFUSED };

static struct world {
    struct test_env t;
    struct vel_log log;
    unsigned logged;
    struct vel_crypto *crypto;
    struct vel_trust *trust, *other_trust;
    struct vel_identity *identity;
    struct vel_config config;
    struct vel_buf record; /* good on the connection of `facts` */
    struct vel_guard *guard;
    struct vel_ladder ladder;
    struct vel_attempt_facts facts;
    bool no_client, no_export;
    /* what the guard did */
    enum answer answer;
    enum vel_client_failure failure;
    const char *why;
    unsigned asked;
    struct vel_sink sink;
} w;

static char a_connector, an_attempt, a_client; /* never looked into */
#define CONNECTOR ((struct vel_connector *)&a_connector)
#define ATTEMPT ((struct vel_attempt *)&an_attempt)

const struct vel_ladder *vel_connector_ladder(const struct vel_connector *connector)
{
    assert_ptr_equal(connector, CONNECTOR);
    return &w.ladder;
}

void vel_connector_accept(struct vel_connector *connector, struct vel_attempt *attempt,
                          vel_time now)
{
    (void)now;
    assert_ptr_equal(connector, CONNECTOR);
    assert_ptr_equal(attempt, ATTEMPT);
    assert_int_equal(w.answer, NO_ANSWER);
    w.answer = ACCEPTED;
}

void vel_connector_refuse(struct vel_connector *connector, struct vel_attempt *attempt,
                          enum vel_client_failure failure, const char *why, vel_time now)
{
    (void)now;
    assert_ptr_equal(connector, CONNECTOR);
    assert_ptr_equal(attempt, ATTEMPT);
    assert_int_equal(w.answer, NO_ANSWER);
    w.answer = REFUSED;
    w.failure = failure;
    w.why = why;
}

void vel_attempt_get_facts(const struct vel_attempt *attempt, struct vel_attempt_facts *facts)
{
    assert_ptr_equal(attempt, ATTEMPT);
    *facts = w.facts;
}

struct vel_client *vel_attempt_client(struct vel_attempt *attempt)
{
    assert_ptr_equal(attempt, ATTEMPT);
    return w.no_client ? NULL : (struct vel_client *)&a_client;
}

void vel_attempt_wake(struct vel_attempt *attempt)
{
    assert_ptr_equal(attempt, ATTEMPT);
}

enum vel_err vel_attempt_export(struct vel_attempt *attempt, const char *label,
                                struct vel_slice context, uint8_t *out, size_t size)
{
    assert_ptr_equal(attempt, ATTEMPT);
    assert_string_equal(label, "EXPORTER-velocity-fallback");
    assert_int_equal(context.len, 0);
    memset(out, 0xe5, size);
    return w.no_export ? VEL_ERR_UNSUPPORTED : VEL_OK;
}

enum vel_err vel_client_fetch(struct vel_client *client, const struct vel_request *request,
                              const struct vel_body_source *body, const struct vel_sink *sink,
                              vel_time now)
{
    (void)now;
    assert_ptr_equal(client, &a_client);
    assert_null(body);
    assert_true(vel_slice_equal(request->method, vel_slice_text("GET")));
    assert_true(vel_slice_equal(request->authority, vel_slice_text("localhost:4433")));
    assert_true(vel_slice_equal(request->path, vel_slice_text("/.well-known/velocity-fallback")));
    assert_int_equal(request->fields.count, 0);
    w.sink = *sink;
    w.asked++;
    return VEL_OK;
}

static void on_log(void *self, const char *name, const struct vel_log_field *fields)
{
    (void)self;
    assert_string_equal(name, "downgrade-refused");
    assert_non_null(vel_log_find(fields, "reason"));
    w.logged++;
}

/* ---- the stage ---- */

static struct vel_buf make_record(const uint32_t *versions, size_t count, uint8_t exporter,
                                  int64_t issued_at)
{
    struct vel_buf out = {.env = &w.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    struct vel_fallback_says says = {.authority = vel_slice_text("localhost"),
                                     .port = 4433,
                                     .issued_at = issued_at,
                                     .not_after = issued_at + 300,
                                     .version_count = count,
                                     .selected_alpn = vel_slice_text("h2")};
    memset(says.exporter, exporter, sizeof says.exporter);
    memcpy(says.versions, versions, count * sizeof *versions);
    ASSERT_OK(vel_fallback_sign(w.crypto, w.identity, NULL, VEL_SIGN_HEDGED, &says, &out));
    return out;
}

static const uint32_t with_velocity[] = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1};
static const uint32_t without_velocity[] = {VEL_VERSION_QUIC_V1};

static int set_up(void **state)
{
    (void)state;
    w = (struct world){0};
    test_env_init(&w.t, 1);
    w.log.event = on_log;
    w.t.env.log = &w.log;
    ASSERT_OK(vel_crypto_new(&w.t.env, &w.crypto));
    ASSERT_OK(vel_trust_new(&w.t.env, w.crypto, &w.trust));
    ASSERT_OK(vel_trust_new(&w.t.env, w.crypto, &w.other_trust));
    ASSERT_OK(vel_identity_self_signed(&w.t.env, w.crypto, "localhost", VEL_PROFILE_BALANCED,
                                       UNIX_NOW - 3600, w.trust, &w.identity));
    w.config = vel_config_default(w.crypto);
    w.config.trust = w.trust;
    w.config.unix_offset = UNIX_NOW;
    w.facts = (struct vel_attempt_facts){
        .rung = VEL_RUNG_TCP,
        .connected = true,
        .encrypted = true,
        .handshake = {.alpn = "h2", .alpn_len = 2},
    };
    w.record = make_record(with_velocity, VEL_COUNT(with_velocity), 0xe5, UNIX_NOW);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vel_guard_free(w.guard);
    vel_buf_free(&w.record);
    vel_identity_free(w.identity);
    vel_trust_free(w.other_trust);
    vel_trust_free(w.trust);
    vel_crypto_free(w.crypto);
    test_env_done(&w.t);
    return 0;
}

static void check(bool pinned, bool expected)
{
    const struct vel_guard_setup setup = {.env = &w.t.env,
                                          .config = &w.config,
                                          .host = "localhost",
                                          .authority = "localhost:4433",
                                          .port = 4433,
                                          .pinned = pinned,
                                          .expected = expected};
    ASSERT_OK(vel_guard_new(&setup, &w.guard));
    struct vel_acceptor acceptor = vel_guard_acceptor(w.guard);
    acceptor.check(acceptor.self, CONNECTOR, ATTEMPT, SECOND);
}

static void forget(void)
{
    struct vel_acceptor acceptor = vel_guard_acceptor(w.guard);
    acceptor.forget(acceptor.self, CONNECTOR, ATTEMPT);
}

/* The server's answer, in pieces; ends as a transfer does. */
static void respond(unsigned status, struct vel_slice body, enum vel_client_failure failure)
{
    const struct vel_response response = {.status = status};
    const struct vel_transfer_result result = {.failure = failure, .times = {.finished = SECOND}};
    struct vel_transfer_result over = result;
    if (status != 0)
        w.sink.head(w.sink.self, NULL, &response);
    for (size_t piece; body.len > 0; body.ptr += piece, body.len -= piece) {
        piece = VEL_MIN((size_t)1000, body.len);
        if (w.sink.body(w.sink.self, NULL, vel_slice(body.ptr, piece)) != VEL_OK) {
            over.failure = VEL_CLIENT_WRITE;
            break;
        }
    }
    w.sink.done(w.sink.self, NULL, &over);
}

static const struct vel_guard_finding *finding(void)
{
    return vel_guard_finding(w.guard, w.facts.rung);
}

static void assert_refused(enum vel_client_failure failure, enum vel_downgrade_why why)
{
    assert_int_equal(w.answer, REFUSED);
    assert_int_equal(w.failure, failure);
    assert_int_equal(finding()->why, why);
    assert_true(finding()->judged);
    assert_non_null(w.why);
    assert_int_equal(w.logged, 1);
}

/* ---- tests ---- */

static void accepts_where_nothing_is_known(void **state)
{
    (void)state;
    check(false, true);
    assert_int_equal(w.answer, ACCEPTED);
    assert_int_equal(w.asked, 0);
    assert_int_equal(finding()->evidence.record, VEL_RECORD_UNASKED);
}

static void a_pinned_server_shows_its_record(void **state)
{
    (void)state;
    check(true, true);
    assert_int_equal(w.answer, NO_ANSWER);
    assert_int_equal(w.asked, 1);
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    assert_int_equal(w.answer, ACCEPTED);
    assert_int_equal(finding()->evidence.record, VEL_RECORD_WITH_VELOCITY);
    assert_int_equal(finding()->says.reason, VEL_FALLBACK_NONE);
    assert_int_equal(w.logged, 0);
}

static void a_pinned_server_without_one_is_refused(void **state)
{
    static const struct {
        unsigned status;
        enum vel_client_failure failure;
    } rows[] = {{404, VEL_CLIENT_OK},      {503, VEL_CLIENT_OK},  {302, VEL_CLIENT_OK},
                {200, VEL_CLIENT_PARTIAL}, {0, VEL_CLIENT_EMPTY}, {0, VEL_CLIENT_PROTOCOL}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        check(true, false);
        respond(rows[i].status, vel_buf_slice(&w.record), rows[i].failure);
        assert_refused(VEL_CLIENT_DOWNGRADE, VEL_WHY_PINNED);
        assert_int_equal(finding()->evidence.record, VEL_RECORD_MISSING);
        tear_down(state);
        set_up(state);
    }
    check(true, false); /* and leaves the stage as tear_down wants it */
}

/* Replayed from another connection, expired, signed by somebody else, and rubbish. */
static void a_bad_record_is_told_by_its_check(void **state)
{
    struct vel_slice rubbish = vel_slice_text("<html>");
    static const uint8_t endless[VEL_FALLBACK_MAX_BYTES + 1];
    for (int i = 0; i < 5; i++) {
        struct vel_buf made = {0};
        enum vel_fallback_check want = VEL_FALLBACK_PARSE;
        struct vel_slice body = i == 0 ? rubbish : vel_slice(endless, sizeof endless);
        if (i == 2)
            want = VEL_FALLBACK_BINDING, made = make_record(with_velocity, 2, 0xe6, UNIX_NOW);
        if (i == 3)
            want = VEL_FALLBACK_EXPIRED, made = make_record(with_velocity, 2, 0xe5, UNIX_NOW - 301);
        if (i == 4)
            want = VEL_FALLBACK_CERTIFICATE, w.config.trust = w.other_trust;
        if (i >= 2)
            body = i == 4 ? vel_buf_slice(&w.record) : vel_buf_slice(&made);
        check(true, false);
        respond(200, body, VEL_CLIENT_OK);
        assert_refused(VEL_CLIENT_RECORD, VEL_WHY_RECORD_INVALID);
        assert_int_equal(finding()->record.check, want);
        assert_string_equal(w.why, vel_fallback_check_text(want));
        vel_buf_free(&made);
        tear_down(state);
        set_up(state);
    }
    check(true, false);
}

static void see_version_negotiation(void)
{
    w.ladder.steps[VEL_RUNG_VELOCITY].reason = VEL_FALLBACK_VERSION_NEGOTIATION;
}

static void a_forged_version_negotiation_is_found_by_the_list(void **state)
{
    (void)state;
    see_version_negotiation();
    w.facts.rung = VEL_RUNG_QUIC;
    w.facts.handshake.peer_versions =
        (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1, VEL_VERSION_DRAFT}, .count = 2};
    check(false, false);
    assert_int_equal(w.asked, 0);
    assert_refused(VEL_CLIENT_DOWNGRADE, VEL_WHY_LISTED);
}

static void an_honest_one_is_believed(void **state)
{
    (void)state;
    see_version_negotiation();
    w.facts.rung = VEL_RUNG_QUIC;
    w.facts.handshake.peer_versions =
        (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1}, .count = 1};
    check(false, true);
    assert_int_equal(w.answer, ACCEPTED);
    assert_int_equal(finding()->evidence.list, VEL_LIST_WITHOUT_VELOCITY);
}

static void one_followed_by_tcp_is_found_by_the_record(void **state)
{
    (void)state;
    see_version_negotiation();
    check(false, true);
    assert_int_equal(w.asked, 1);
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    assert_refused(VEL_CLIENT_DOWNGRADE, VEL_WHY_RECORD_LISTED);
}

static void an_honest_one_followed_by_tcp_is_confirmed_by_it(void **state)
{
    (void)state;
    see_version_negotiation();
    check(false, true);
    struct vel_buf made = make_record(without_velocity, 1, 0xe5, UNIX_NOW);
    respond(200, vel_buf_slice(&made), VEL_CLIENT_OK);
    assert_int_equal(w.answer, ACCEPTED);
    assert_int_equal(finding()->evidence.record, VEL_RECORD_WITHOUT_VELOCITY);
    vel_buf_free(&made);
}

static void insecure_asks_for_nothing(void **state)
{
    (void)state;
    w.config.insecure = true;
    check(true, true);
    assert_int_equal(w.answer, ACCEPTED);
    assert_int_equal(w.asked, 0);
}

static void what_is_forgotten_is_not_answered(void **state)
{
    (void)state;
    check(true, false);
    forget();
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    assert_int_equal(w.answer, NO_ANSWER);
}

static void without_a_way_to_ask_it_is_missing(void **state)
{
    (void)state;
    w.no_client = true;
    check(true, false);
    assert_refused(VEL_CLIENT_DOWNGRADE, VEL_WHY_PINNED);
}

static void without_an_exporter_it_is_missing(void **state)
{
    (void)state;
    w.no_export = true;
    check(true, false);
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    assert_refused(VEL_CLIENT_DOWNGRADE, VEL_WHY_PINNED);
}

static void the_weakest_profile_offered_is_the_level(void **state)
{
    (void)state;
    w.config.profiles = (struct vel_profile_list){.items = {VEL_PROFILE_SECURE}, .count = 1};
    check(true, false);
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    assert_refused(VEL_CLIENT_RECORD, VEL_WHY_RECORD_INVALID);
    assert_int_equal(finding()->record.certificate.check, VEL_CERT_LEVEL);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    const struct vel_guard_setup setup = {.env = &w.t.env, .config = &w.config};
    w.t.fail_after = 0;
    ASSERT_ERR("new", vel_guard_new(&setup, &w.guard), VEL_ERR_NOMEM);
    w.t.fail_after = -1;
    assert_null(w.guard);
    check(true, false);
    w.t.fail_after = 0;
    respond(200, vel_buf_slice(&w.record), VEL_CLIENT_OK);
    w.t.fail_after = -1;
    assert_int_equal(w.answer, REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepts_where_nothing_is_known),
        TEST(a_pinned_server_shows_its_record),
        TEST(a_pinned_server_without_one_is_refused),
        TEST(a_bad_record_is_told_by_its_check),
        TEST(a_forged_version_negotiation_is_found_by_the_list),
        TEST(an_honest_one_is_believed),
        TEST(one_followed_by_tcp_is_found_by_the_record),
        TEST(an_honest_one_followed_by_tcp_is_confirmed_by_it),
        TEST(insecure_asks_for_nothing),
        TEST(what_is_forgotten_is_not_answered),
        TEST(without_a_way_to_ask_it_is_missing),
        TEST(without_an_exporter_it_is_missing),
        TEST(the_weakest_profile_offered_is_the_level),
        TEST(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
