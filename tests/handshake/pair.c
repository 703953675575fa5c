/* SPDX-License-Identifier: MIT */
#include "handshake/pair.h"

#include <string.h>

#include "base/reader.h"
#include "base/units.h"
#include "pki/identity.h"
#include "pki/issue.h"

enum { YEAR = 365 * 24 * 3600, OUT_MAX = 256 * 1024 };

/* ---- credentials ---- */

static struct test_env shared_env;

const struct vel_crypto *pair_crypto(void)
{
    static struct vel_crypto *crypto;
    if (crypto == NULL) {
        test_env_init(&shared_env, 77);
        ASSERT_OK(vel_crypto_new(&shared_env.env, &crypto));
    }
    return crypto;
}

static void issue(const struct vel_sig_suite *kind, struct pair_credentials *made)
{
    const struct vel_crypto *crypto = pair_crypto();
    const struct vel_env *env = &shared_env.env;
    const char *const names[] = {"localhost"};
    const struct vel_cert_order order = {
        .common_name = kind->label,
        .names = names,
        .name_count = VEL_COUNT(names),
        .classical = kind->classical,
        .profile = kind->profile,
        .not_before = PAIR_DATE - YEAR / 2,
        .validity = YEAR,
        .path_length = -1,
        .mode = VEL_SIGN_DETERMINISTIC,
    };
    struct vel_buf chain = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf key = {.env = env, .limit = VEL_KEY_PEM_MAX};
    ASSERT_OK(vel_cert_issue(env, crypto, &order, NULL, &chain, &key));
    ASSERT_OK(vel_identity_parse(env, crypto, vel_buf_slice(&chain), vel_buf_slice(&key),
                                 &made->identity));
    ASSERT_OK(vel_trust_new(env, crypto, &made->trust));
    ASSERT_OK(vel_trust_add_pem(made->trust, vel_buf_slice(&chain)));
    vel_buf_free(&chain);
    vel_buf_free(&key);
}

const struct pair_credentials *pair_credentials(const struct vel_sig_suite *kind)
{
    static struct pair_credentials made[VEL_SIG_SUITE_COUNT];
    struct pair_credentials *row = &made[kind - vel_sig_suites];
    if (row->identity == NULL)
        issue(kind, row);
    return row;
}

const struct vel_sig_suite *pair_kind(const char *label)
{
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++)
        if (strcmp(vel_sig_suites[i].label, label) == 0)
            return &vel_sig_suites[i];
    fail_msg("no signature suite '%s'", label);
    return NULL;
}

/* ---- the sink ---- */

static enum vel_err sink_write(void *self, enum vel_level level, struct vel_slice bytes)
{
    struct pair_side *side = self;
    /* The contract: the WRITE secret of a level comes before bytes at it. */
    assert_true(level == VEL_LEVEL_INITIAL || side->secret[level][VEL_WRITE].len > 0);
    return vel_buf_append(&side->out[level], bytes);
}

static enum vel_err sink_secret(void *self, enum vel_level level, enum vel_direction direction,
                                const struct vel_suite *suite, const struct vel_secret *secret)
{
    struct pair_side *side = self;
    assert_int_equal(side->secret[level][direction].len, 0); /* once each */
    assert_int_equal(secret->len, vel_hash_size(suite->hash));
    side->secret[level][direction] = *secret;
    return VEL_OK;
}

static enum vel_err sink_peer_params(void *self, struct vel_slice params)
{
    struct pair_side *side = self;
    assert_true(params.len <= sizeof side->params);
    memcpy(side->params, params.ptr, params.len);
    side->params_len = params.len;
    side->params_calls++;
    return side->params_answer;
}

/* ---- the pair ---- */

static void init_side(struct pair *pair, struct pair_side *side, uint64_t seed)
{
    static const struct vel_slice alpn[] = {{(const uint8_t *)"velocity/1", 10}};
    *side = (struct pair_side){.config = vel_config_default(pair_crypto())};
    test_env_init(&side->test, seed);
    side->env = &side->test.env;
    side->config.alpn = alpn;
    side->config.alpn_count = VEL_COUNT(alpn);
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        side->out[i] = (struct vel_buf){.env = &pair->harness.env, .limit = OUT_MAX};
}

void pair_init(struct pair *pair, const char *kind, uint64_t seed)
{
    const struct vel_sig_suite *suite = pair_kind(kind);
    const struct pair_credentials *credentials = pair_credentials(suite);
    pair->version = VEL_VERSION_DRAFT;
    pair->unix_time = PAIR_DATE;
    pair->piece = 0;
    pair->delivered = 0;
    pair->tamper = NULL;
    pair->context = NULL;
    test_env_init(&pair->harness, 0);
    init_side(pair, &pair->client, seed);
    init_side(pair, &pair->server, seed + 1000000);
    pair->client.local_params = vel_slice_text("client's parameters");
    pair->server.local_params = vel_slice_text("server's parameters");
    pair->client.config.trust = credentials->trust;
    pair->client.config.server_name = "localhost";
    pair->client.config.profiles = (struct vel_profile_list){{suite->profile}, 1};
    pair->server.config.identity = credentials->identity;
    pair->server.config.profiles = (struct vel_profile_list){
        {VEL_PROFILE_LIGHT, VEL_PROFILE_BALANCED, VEL_PROFILE_SECURE}, VEL_PROFILE_COUNT};
}

void pair_authenticate_client(struct pair *pair, enum vel_client_auth mode)
{
    pair->server.config.client_auth = mode;
    pair->server.config.trust = pair->client.config.trust;
    pair->client.config.identity = pair->server.config.identity;
}

static enum vel_err start_side(struct pair *pair, struct pair_side *side, bool is_client)
{
    const struct vel_handshake_setup setup = {
        .env = side->env,
        .config = &side->config,
        .sink = {sink_write, sink_secret, sink_peer_params, side},
        .is_client = is_client,
        .defer_signature = side->defer_signature,
        .version = pair->version,
        .unix_time = pair->unix_time,
        .local_params = side->local_params,
    };
    side->err = pair->version == VEL_VERSION_DRAFT ? vel_handshake_velocity_new(&setup, &side->hs)
                                                   : vel_handshake_tls_new(&setup, &side->hs);
    if (side->err == VEL_OK)
        side->err = side->hs->ops->start(side->hs);
    return side->err;
}

enum vel_err pair_start(struct pair *pair)
{
    enum vel_err err = start_side(pair, &pair->server, false);
    return err != VEL_OK ? err : start_side(pair, &pair->client, true);
}

/* The next message from `from`, taken out of its queue; empty when there is none. */
static enum vel_level take_message(struct pair_side *from, struct vel_buf *message)
{
    for (enum vel_level level = 0; level < VEL_LEVEL_COUNT; level++) {
        struct vel_buf *out = &from->out[level];
        if (out->len == 0)
            continue;
        struct vel_reader r = vel_reader(vel_buf_slice(out));
        vel_read_uint(&r, 1);
        size_t size = VEL_MSG_HEADER + (size_t)vel_read_uint(&r, 3);
        assert_true(size <= out->len); /* providers write whole messages */
        ASSERT_OK(vel_buf_append(message, vel_slice(out->ptr, size)));
        vel_buf_consume(out, size);
        return level;
    }
    return VEL_LEVEL_COUNT;
}

static void receive(struct pair *pair, struct pair_side *to, enum vel_level level,
                    struct vel_slice bytes)
{
    size_t piece = pair->piece == 0 ? VEL_MAX(bytes.len, (size_t)1) : pair->piece;
    for (size_t at = 0; at < bytes.len; at += piece) {
        struct vel_slice part = {bytes.ptr + at, VEL_MIN(piece, bytes.len - at)};
        enum vel_err err = to->hs->ops->receive(to->hs, level, part);
        if (err != VEL_OK && to->err == VEL_OK)
            to->err = err;
        if (err != VEL_OK)
            return;
    }
}

static bool deliver_one(struct pair *pair, bool by_client)
{
    struct pair_side *from = by_client ? &pair->client : &pair->server;
    struct pair_side *to = by_client ? &pair->server : &pair->client;
    struct vel_buf message = {.env = &pair->harness.env, .limit = OUT_MAX};
    enum vel_level level = take_message(from, &message);
    if (level == VEL_LEVEL_COUNT)
        return false;
    if (pair->tamper != NULL)
        pair->tamper(pair, by_client, &level, &message);
    pair->delivered++;
    /* A handshake that failed gets no more bytes: its transport has closed. */
    if (to->hs->state != VEL_HS_FAILED)
        receive(pair, to, level, vel_buf_slice(&message));
    vel_buf_free(&message);
    return true;
}

void pair_deliver(struct pair *pair)
{
    while (deliver_one(pair, true) || deliver_one(pair, false))
        ;
}

void pair_run(struct pair *pair)
{
    ASSERT_OK(pair_start(pair));
    pair_deliver(pair);
}

static void done_side(struct pair_side *side)
{
    vel_handshake_free(side->hs);
    side->hs = NULL;
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        vel_buf_free(&side->out[i]);
    test_env_done(&side->test);
}

void pair_done(struct pair *pair)
{
    done_side(&pair->client);
    done_side(&pair->server);
    test_env_done(&pair->harness);
}

/* ---- what both ends must agree on ---- */

static void assert_same_secret(const char *what, const struct pair *pair, enum vel_level level,
                               enum vel_direction of_client)
{
    const struct vel_secret *client = &pair->client.secret[level][of_client];
    const struct vel_secret *server =
        &pair->server.secret[level][of_client == VEL_READ ? VEL_WRITE : VEL_READ];
    CHECK(what, client->len > 0);
    CHECK(what, vel_equal_secret(vel_secret_slice(client), vel_secret_slice(server)));
}

static void assert_same_facts(const char *what, const struct pair *pair)
{
    const struct vel_handshake_facts *c = &pair->client.hs->facts;
    const struct vel_handshake_facts *s = &pair->server.hs->facts;
    CHECK(what, c->version == pair->version && s->version == c->version);
    CHECK(what, c->profile == s->profile);
    CHECK(what, strcmp(c->suite, s->suite) == 0 && strcmp(c->group, s->group) == 0);
    CHECK(what, c->hello_retry == s->hello_retry);
    CHECK(what, vel_slice_equal(vel_slice(c->alpn, c->alpn_len), vel_slice(s->alpn, s->alpn_len)));
    CHECK(what, c->peer_authenticated && c->signature != NULL);
    CHECK(what, c->peer_chain_count > 0 && c->peer_chain_bytes > 0);
}

void pair_assert_complete(const char *what, struct pair *pair)
{
    if (pair->client.hs->state != VEL_HS_COMPLETE)
        fail_msg("%s: client: %s", what, pair->client.hs->failure.reason);
    if (pair->server.hs->state != VEL_HS_COMPLETE)
        fail_msg("%s: server: %s", what, pair->server.hs->failure.reason);
    for (enum vel_direction d = VEL_READ; d <= VEL_WRITE; d++) {
        assert_same_secret(what, pair, VEL_LEVEL_HANDSHAKE, d);
        assert_same_secret(what, pair, VEL_LEVEL_APP, d);
    }
    assert_same_facts(what, pair);
    CHECK(what, vel_slice_equal(vel_slice(pair->client.params, pair->client.params_len),
                                pair->server.local_params));
    CHECK(what, vel_slice_equal(vel_slice(pair->server.params, pair->server.params_len),
                                pair->client.local_params));

    uint8_t ours[48];
    uint8_t theirs[48];
    struct vel_handshake *c = pair->client.hs;
    struct vel_handshake *s = pair->server.hs;
    ASSERT_OK(c->ops->export(c, "EXPORTER-test", BYTES(1, 2), ours, sizeof ours));
    ASSERT_OK(s->ops->export(s, "EXPORTER-test", BYTES(1, 2), theirs, sizeof theirs));
    CHECK(what, memcmp(ours, theirs, sizeof ours) == 0);
}

void pair_assert_failed(const char *what, const struct pair_side *side, uint64_t wire_code)
{
    const struct vel_handshake_failure *failure = &side->hs->failure;
    if (side->hs->state != VEL_HS_FAILED || failure->wire_code != wire_code)
        fail_msg("%s: state %d, code 0x%llx (%s), want 0x%llx", what, side->hs->state,
                 (unsigned long long)failure->wire_code,
                 failure->reason == NULL ? "" : failure->reason, (unsigned long long)wire_code);
    CHECK(what, failure->reason != NULL && side->err != VEL_OK);
    uint8_t out[16];
    ASSERT_ERR(what,
               side->hs->ops->export(side->hs, "EXPORTER-test", (struct vel_slice){0}, out, 16),
               VEL_ERR_UNEXPECTED);
}
