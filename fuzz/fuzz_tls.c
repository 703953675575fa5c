/* SPDX-License-Identifier: MIT */
/*
 * Two TLS providers of which one message is changed on the way, and then bytes for either at any
 * level. The first byte chooses client authentication, a hello retry and the piece that a receive
 * gets, the second the message, the third what happens to it; then comes how, after two bytes of
 * length; the rest are a role, a level and bytes behind the handshake. Properties: untouched, both
 * complete; touched, never both; a result and the state always agree; a failure has a wire code and
 * a reason; who failed takes no more; nothing leaks.
 */
#include <openssl/ssl.h>

#include "base/reader.h"
#include "base/writer.h"
#include "handshake/messages.h"
#include "handshake/tls_context.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "pki/pem.h"
#include "testing/fuzz.h"

enum { OUT_MAX = 128 * 1024, DATE = 1767225600, WEEK = 7 * 24 * 3600 };
enum change { EDIT, REPLACE_BODY, CUT, ADD, CHANGES };
enum { HELLO_RETRY = 0x80, SMALL_PIECES = 0x40 };

struct side {
    struct vel_config config;
    struct vel_handshake *hs;
    struct vel_buf out[VEL_LEVEL_COUNT];
};

static struct {
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_tls *client, *retried_client, *server[3]; /* by client authentication */
} fixed;

static struct vel_tls *make_tls(const struct vel_tls_setup *setup)
{
    struct vel_tls *tls = NULL;
    FUZZ_CHECK(vel_tls_new(setup, &tls) == VEL_OK);
    return tls;
}

static void make_all(struct vel_slice pem)
{
    const struct vel_identity *const identity = fixed.identity;
    struct vel_tls_setup setup = {.env = &fuzz_env,
                                  .crypto = fixed.crypto,
                                  .is_client = true,
                                  .identities = &identity,
                                  .identity_count = 1,
                                  .trust_pem = pem};
    char groups[] = "*X25519:X25519MLKEM768";
    fixed.client = make_tls(&setup);
    fixed.retried_client = make_tls(&setup);
    FUZZ_CHECK(SSL_CTX_set1_groups_list(vel_tls_ctx(fixed.retried_client), groups) == 1);
    setup.is_client = false;
    for (int i = 0; i < 3; i++) {
        setup.client_auth = (enum vel_tls_client_auth)i;
        fixed.server[i] = make_tls(&setup);
    }
}

/* One certificate for all runs, of the cheapest kind. */
static void set_up(void)
{
    static const char *const names[] = {"localhost"};
    const struct vel_cert_order order = {.names = names,
                                         .name_count = 1,
                                         .classical = VEL_ED25519,
                                         .profile = VEL_PROFILE_LIGHT,
                                         .not_before = DATE,
                                         .validity = WEEK,
                                         .path_length = -1,
                                         .mode = VEL_SIGN_DETERMINISTIC};
    struct vel_buf chain = {.env = &fuzz_env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf key = {.env = &fuzz_env, .limit = VEL_KEY_PEM_MAX};
    FUZZ_CHECK(vel_crypto_new(&fuzz_env, &fixed.crypto) == VEL_OK);
    FUZZ_CHECK(vel_cert_issue(&fuzz_env, fixed.crypto, &order, NULL, &chain, &key) == VEL_OK);
    FUZZ_CHECK(vel_identity_parse(&fuzz_env, fixed.crypto, vel_buf_slice(&chain),
                                  vel_buf_slice(&key), &fixed.identity) == VEL_OK);
    make_all(vel_buf_slice(&chain));
    vel_buf_free(&chain);
    vel_buf_free(&key);
}

static enum vel_err on_write(void *self, enum vel_level level, struct vel_slice bytes)
{
    return vel_buf_append(&((struct side *)self)->out[level], bytes);
}

static enum vel_err on_secret(void *self, enum vel_level level, enum vel_direction direction,
                              const struct vel_suite *suite, const struct vel_secret *secret)
{
    (void)self, (void)direction;
    FUZZ_CHECK(level == VEL_LEVEL_HANDSHAKE || level == VEL_LEVEL_APP);
    FUZZ_CHECK(secret->len == vel_hash_size(suite->hash));
    return VEL_OK;
}

static enum vel_err on_params(void *self, struct vel_slice params)
{
    (void)self;
    return params.len > 0 ? VEL_OK : VEL_ERR_MALFORMED;
}

static void start(struct side *side, bool is_client, uint8_t options)
{
    static const struct vel_slice alpn[] = {{(const uint8_t *)"h3", 2}};
    *side = (struct side){.config = vel_config_default(fixed.crypto)};
    struct vel_config *config = &side->config;
    config->alpn = alpn;
    config->alpn_count = 1;
    config->server_name = "localhost";
    config->tls = fixed.server[options % 3];
    if (is_client)
        config->tls = options & HELLO_RETRY ? fixed.retried_client : fixed.client;
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        side->out[i] = (struct vel_buf){.env = &fuzz_env, .limit = OUT_MAX};
    const struct vel_handshake_setup setup = {.env = &fuzz_env,
                                              .config = config,
                                              .sink = {on_write, on_secret, on_params, side},
                                              .is_client = is_client,
                                              .version = VEL_VERSION_QUIC_V1,
                                              .unix_time = DATE + 1,
                                              .local_params = vel_slice_text("parameters")};
    FUZZ_CHECK(vel_handshake_tls_new(&setup, &side->hs) == VEL_OK);
    FUZZ_CHECK(side->hs->ops->start(side->hs) == VEL_OK);
}

static void end(struct side *side)
{
    vel_handshake_free(side->hs);
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        vel_buf_free(&side->out[i]);
}

/* Do to the message what the input says. */
static void apply(enum change change, struct vel_slice how, struct vel_buf *message)
{
    struct vel_reader r = vel_reader(how);
    switch (change) {
    case EDIT:
        while (vel_left(&r) >= 3) {
            size_t at = (size_t)vel_read_uint(&r, 2) % message->len;
            message->ptr[at] ^= (uint8_t)vel_read_uint(&r, 1);
        }
        return;
    case REPLACE_BODY:
        message->len = VEL_MSG_HEADER;
        vel_store_uint(message->ptr + 1, how.len, 3);
        FUZZ_CHECK(vel_buf_append(message, how) == VEL_OK);
        return;
    case CUT:
        message->len -= (size_t)vel_read_uint(&r, 2) % message->len;
        return;
    case ADD:
    case CHANGES:
    default:
        FUZZ_CHECK(vel_buf_append(message, how) == VEL_OK);
    }
}

/* What every receive must keep to. */
static void receive(struct side *to, enum vel_level level, struct vel_slice bytes)
{
    struct vel_handshake *hs = to->hs;
    bool failed = hs->state == VEL_HS_FAILED;
    enum vel_err err = hs->ops->receive(hs, level, bytes);
    FUZZ_CHECK(!failed || err == VEL_ERR_CLOSED);
    FUZZ_CHECK((err == VEL_OK) == (hs->state != VEL_HS_FAILED));
    FUZZ_CHECK((err == VEL_OK) == (hs->failure.wire_code == 0));
    FUZZ_CHECK(err == VEL_OK || hs->failure.reason != NULL);
}

struct run {
    struct side client, server;
    unsigned target, count;
    enum change change;
    struct vel_slice how;
    size_t piece;
    bool touched;
};

static bool deliver(struct run *run, struct side *from, struct side *to)
{
    enum vel_level level = VEL_LEVEL_INITIAL;
    while (level < VEL_LEVEL_COUNT && from->out[level].len == 0)
        level++;
    if (level == VEL_LEVEL_COUNT)
        return false;

    struct vel_buf *out = &from->out[level];
    struct vel_buf message = {.env = &fuzz_env, .limit = OUT_MAX};
    size_t size =
        VEL_MSG_HEADER + ((size_t)out->ptr[1] << 16 | (size_t)out->ptr[2] << 8 | out->ptr[3]);
    struct vel_slice original = {out->ptr, size};
    FUZZ_CHECK(size <= out->len && vel_buf_append(&message, original) == VEL_OK);
    if (run->count++ == run->target) {
        apply(run->change, run->how, &message);
        run->touched = !vel_slice_equal(original, vel_buf_slice(&message));
    }
    vel_buf_consume(out, size);
    struct vel_reader r = vel_reader(vel_buf_slice(&message));
    while (vel_left(&r) > 0 && to->hs->state != VEL_HS_FAILED) {
        size_t left = vel_left(&r);
        receive(to, level, vel_read_bytes(&r, run->piece < left ? run->piece : left));
    }
    vel_buf_free(&message);
    return true;
}

/* Behind the handshake, wherever it stands. */
static void inject(struct run *run, struct vel_reader *r)
{
    while (vel_left(r) > 2) {
        uint8_t where = (uint8_t)vel_read_uint(r, 1);
        struct vel_slice bytes = vel_read_bytes(r, vel_left(r) < 64 ? vel_left(r) : 64);
        struct side *to = where & 1 ? &run->client : &run->server;
        receive(to, (enum vel_level)(where >> 1) % VEL_LEVEL_COUNT, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fixed.crypto == NULL)
        set_up();
    if (size < 5 || size > 20000)
        return 0;
    struct vel_reader r = vel_reader(vel_slice(data + 3, size - 3));
    size_t length = (size_t)vel_read_uint(&r, 2);
    struct run run = {.target = data[1] % 16,
                      .change = (enum change)(data[2] % CHANGES),
                      .piece = data[0] & SMALL_PIECES ? 7 : SIZE_MAX};
    run.how = vel_read_bytes(&r, length < vel_left(&r) ? length : vel_left(&r));
    start(&run.client, true, data[0]);
    start(&run.server, false, data[0]);
    while (deliver(&run, &run.client, &run.server) || deliver(&run, &run.server, &run.client))
        ;
    bool client = run.client.hs->state == VEL_HS_COMPLETE;
    bool server = run.server.hs->state == VEL_HS_COMPLETE;
    FUZZ_CHECK(run.touched ? !(client && server) : (client && server));
    inject(&run, &r);
    end(&run.client);
    end(&run.server);
    return 0;
}
