/* SPDX-License-Identifier: MIT */
/* The fallback record as a server gives it: VEL-FB-20, VEL-FB-21, VEL-FB-22 */
#include "web/fallback.h"

#include "base/units.h"
#include "http/fake.h"
#include "http/h3.h"
#include "pki/identity.h"
#include "testing/test.h"
#include "web/budget.h"
#include "web/visit.h"

#define UNIX_NOW INT64_C(1800000000)
enum { PORT = 4433, BODY_MAX = VEL_FALLBACK_MAX_BYTES };

/* A server with a record, on fake streams; the connection it believes in is `facts`. */
static struct stage {
    struct test_env env;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_identity *identity;
    struct vel_web_fallback *fallback;
    struct fake_pair pair;
    struct vel_http *client, *server;
    struct vel_handshake_facts facts;
    bool no_tls, export_fails;
    struct vel_visit visit;
    vel_time now;
    /* the last answer */
    unsigned answered, status;
    char fields[2048];
    uint8_t body[BODY_MAX];
    size_t body_size;
} s;

static enum vel_err export_value(void *self, const char *label, struct vel_slice context,
                                 uint8_t *out, size_t size)
{
    assert_ptr_equal(self, &s);
    assert_string_equal(label, VEL_FALLBACK_LABEL);
    assert_int_equal(context.len, 0);
    if (s.export_fails)
        return VEL_ERR_UNEXPECTED;
    memset(out, 0xab, size);
    return VEL_OK;
}

static void on_request(void *self, struct vel_exchange *exchange)
{
    (void)self;
    const struct vel_web_binding binding = {
        .facts = s.no_tls ? NULL : &s.facts, .export = export_value, .self = &s};
    vel_exchange_set_user(exchange, &s.visit);
    assert_true(vel_web_fallback_wants(vel_exchange_request(exchange)));
    s.answered = vel_web_fallback_answer(s.fallback, exchange, &binding, s.now, UNIX_NOW);
}

static void on_response(void *self, struct vel_exchange *exchange)
{
    (void)self;
    const struct vel_response *response = vel_exchange_response(exchange);
    s.status = response->status;
    size_t used = 0;
    for (size_t i = 0; i < response->fields.count; i++) {
        const struct vel_field *f = &response->fields.items[i];
        used += (size_t)snprintf(s.fields + used, sizeof s.fields - used, "%.*s: %.*s\n",
                                 (int)f->name.len, (const char *)f->name.ptr, (int)f->value.len,
                                 (const char *)f->value.ptr);
    }
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self, (void)exchange;
    assert_true(s.body_size + bytes.len <= sizeof s.body);
    memcpy(s.body + s.body_size, bytes.ptr, bytes.len);
    s.body_size += bytes.len;
}

static struct vel_web_fallback_setup good_setup(void)
{
    return (struct vel_web_fallback_setup){
        .env = &s.env.env,
        .crypto = s.crypto,
        .identity = s.identity,
        .port = PORT,
        .versions = {.items = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1}, .count = 2}};
}

static int set_up(void **state)
{
    (void)state;
    s = (struct stage){.now = SECOND};
    test_env_init(&s.env, 3);
    ASSERT_OK(vel_crypto_new(&s.env.env, &s.crypto));
    ASSERT_OK(vel_trust_new(&s.env.env, s.crypto, &s.trust));
    ASSERT_OK(vel_identity_self_signed(&s.env.env, s.crypto, "www.example.org",
                                       VEL_PROFILE_BALANCED, UNIX_NOW, s.trust, &s.identity));
    struct vel_web_fallback_setup setup = good_setup();
    ASSERT_OK(vel_web_fallback_new(&setup, &s.fallback));
    s.facts =
        (struct vel_handshake_facts){.version = VEL_VERSION_QUIC_V1, .alpn = "h3", .alpn_len = 2};
    fake_init(&s.pair, 40000);
    struct vel_http_events server = {.head = on_request};
    struct vel_http_events client = {.head = on_response, .body = on_body};
    ASSERT_OK(
        vel_h3_new(&s.env.env, fake_streams(&s.pair, FAKE_SERVER), false, &server, &s.server));
    ASSERT_OK(vel_h3_new(&s.env.env, fake_streams(&s.pair, FAKE_CLIENT), true, &client, &s.client));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vel_http_free(s.client);
    vel_http_free(s.server);
    fake_clear(&s.pair);
    vel_web_fallback_free(s.fallback);
    vel_identity_free(s.identity);
    vel_trust_free(s.trust);
    vel_crypto_free(s.crypto);
    test_env_done(&s.env);
    return 0;
}

static unsigned ask(const char *method, const char *authority)
{
    struct vel_request request = {.method = vel_slice_text(method),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text(authority),
                                  .path = vel_slice_text(VEL_FALLBACK_PATH)};
    struct vel_exchange *exchange;
    s.status = 0;
    s.body_size = 0;
    memset(s.fields, 0, sizeof s.fields);
    ASSERT_OK(vel_http_request(s.client, &request, NULL, NULL, &exchange));
    fake_run(&s.pair, s.client, s.server);
    assert_int_equal(s.answered, s.status);
    return s.status;
}

static enum vel_fallback_check verify(const char *alpn)
{
    struct vel_fallback_expected expected = {.host = "www.example.org",
                                             .port = PORT,
                                             .alpn = vel_slice_text(alpn),
                                             .unix_time = UNIX_NOW + 1,
                                             .level = VEL_PROFILE_BALANCED};
    struct vel_fallback_verdict verdict;
    struct vel_fallback_says says;
    memset(expected.exporter, 0xab, sizeof expected.exporter);
    enum vel_err err = vel_fallback_verify(&s.env.env, s.crypto, s.trust, &expected,
                                           vel_slice(s.body, s.body_size), &verdict, &says);
    assert_true(err == VEL_OK || err == VEL_ERR_AUTH);
    if (err == VEL_OK)
        assert_true(vel_fallback_lists(&says, VEL_VERSION_DRAFT));
    return verdict.check;
}

static void gives_a_record_for_the_connection(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "WWW.example.org:4433"), 200);
    assert_int_equal(verify("h3"), VEL_FALLBACK_OK);
    assert_non_null(strstr(s.fields, "cache-control: no-store\n"));
    assert_non_null(strstr(s.fields, "content-type: application/velocity-fallback+cbor\n"));
    assert_non_null(strstr(s.fields, "x-content-type-options: nosniff\n"));

    /* The same over TCP, which has no version. */
    s.facts = (struct vel_handshake_facts){.alpn = "http/1.1", .alpn_len = 8};
    assert_int_equal(ask("GET", "www.example.org:4433"), 200);
    assert_int_equal(verify("http/1.1"), VEL_FALLBACK_OK);
    assert_int_equal(verify("h3"), VEL_FALLBACK_ALPN);
}

static void refuses_other_requests(void **state)
{
    (void)state;
    static const struct {
        const char *method, *authority;
        unsigned status;
    } rows[] = {
        {"GET", "www.example.org", 421},
        {"GET", "www.example.org:443", 421},
        {"GET", "example.org:4433", 421},
        {"GET", "192.0.2.1:4433", 421},
        {"GET", "[::1]:4433", 421},
        {"GET", "www.example.org:99999", 400},
        {"GET", ":4433", 400},
        {"HEAD", "www.example.org:4433", 405},
        {"POST", "www.example.org:4433", 405},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        if (ask(rows[i].method, rows[i].authority) != rows[i].status)
            fail_msg("%s %s: %u", rows[i].method, rows[i].authority, s.status);
        CHECK(rows[i].authority, strstr(s.fields, "cache-control: no-store\n") != NULL);
    }
}

static void is_not_there_where_it_makes_no_sense(void **state)
{
    (void)state;
    s.facts.version = VEL_VERSION_DRAFT;
    assert_int_equal(ask("GET", "www.example.org:4433"), 404);
    s.facts.version = VEL_VERSION_QUIC_V2;
    s.no_tls = true;
    assert_int_equal(ask("GET", "www.example.org:4433"), 404);
    s.no_tls = false;
    vel_web_fallback_free(s.fallback);
    s.fallback = NULL;
    assert_int_equal(ask("GET", "www.example.org:4433"), 404);
}

static void signs_so_often_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VEL_BUDGET_SOURCE_BURST; i++)
        assert_int_equal(ask("GET", "www.example.org:4433"), 200);
    assert_int_equal(ask("GET", "www.example.org:4433"), 503);
    assert_non_null(strstr(s.fields, "retry-after: 1\n"));
    assert_int_equal(ask("GET", "example.org:4433"), 421); /* costs nothing */
    s.now += VEL_BUDGET_SOURCE_INTERVAL;
    assert_int_equal(ask("GET", "www.example.org:4433"), 200);
}

static void says_so_when_it_cannot(void **state)
{
    (void)state;
    s.export_fails = true;
    assert_int_equal(ask("GET", "www.example.org:4433"), 503);
}

static void announces_what_the_visit_says(void **state)
{
    (void)state;
    const struct vel_field pin = {vel_slice_text("velocity-pin"), vel_slice_text("max-age=60")};
    s.visit.announced = (struct vel_fields){.items = &pin, .count = 1};
    assert_int_equal(ask("GET", "www.example.org:4433"), 200);
    assert_non_null(strstr(s.fields, "velocity-pin: max-age=60\n"));
}

static void knows_its_port(void **state)
{
    (void)state;
    static const struct {
        const char *authority;
        uint16_t port;
        bool is_at;
    } rows[] = {
        {"localhost:4433", 4433, true}, {"[::1]:4433", 4433, true},
        {"localhost", 4433, false},     {"localhost:14433", 4433, false},
        {"localhost:443", 4433, false}, {"", 4433, false},
        {"[::4433]", 4433, false},      {"localhost", 443, true},
        {"[::1]", 443, true},           {"localhost:443", 443, true},
        {"localhost:4433", 443, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_web_fallback_setup setup = good_setup();
        struct vel_web_fallback *made = NULL;
        setup.port = rows[i].port;
        ASSERT_OK(vel_web_fallback_new(&setup, &made));
        CHECK(rows[i].authority,
              vel_web_fallback_is_at(made, vel_slice_text(rows[i].authority)) == rows[i].is_at);
        vel_web_fallback_free(made);
    }
}

static void is_not_made_of_nonsense(void **state)
{
    (void)state;
    struct vel_web_fallback_setup reason = good_setup(), off = good_setup(), port = good_setup();
    reason.reason = VEL_FALLBACK_TIMEOUT;
    off.reason = VEL_FALLBACK_POLICY_DISABLED;
    port.port = 0;
    struct vel_web_fallback *made = NULL;
    assert_int_equal(vel_web_fallback_new(&reason, &made), VEL_ERR_ARGUMENT);
    assert_int_equal(vel_web_fallback_new(&off, &made), VEL_ERR_ARGUMENT);
    assert_int_equal(vel_web_fallback_new(&port, &made), VEL_ERR_ARGUMENT);
    assert_null(made);
    off.versions = (struct vel_version_list){.items = {VEL_VERSION_QUIC_V1}, .count = 1};
    ASSERT_OK(vel_web_fallback_new(&off, &made));
    vel_web_fallback_free(made);
    vel_web_fallback_free(NULL);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct vel_web_fallback_setup setup = good_setup();
    struct vel_web_fallback *made = NULL;
    for (long n = 0; made == NULL; n++) {
        s.env.fail_after = n;
        enum vel_err err = vel_web_fallback_new(&setup, &made);
        s.env.fail_after = -1;
        assert_true(err == VEL_OK || err == VEL_ERR_NOMEM);
    }
    vel_web_fallback_free(made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gives_a_record_for_the_connection),
        TEST(refuses_other_requests),
        TEST(is_not_there_where_it_makes_no_sense),
        TEST(signs_so_often_and_no_more),
        TEST(says_so_when_it_cannot),
        TEST(announces_what_the_visit_says),
        TEST(knows_its_port),
        TEST(is_not_made_of_nonsense),
        TEST(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
