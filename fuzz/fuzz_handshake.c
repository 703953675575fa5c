/* SPDX-License-Identifier: MIT */
/*
 * A client and a server of which one message is changed on the way. The first byte chooses client
 * authentication, a hello retry, and a signature made in a batch, the second the message, the third what
 * happens to it; the rest says how. Properties: untouched, both complete; touched, never both, and the
 * server only when the change was bytes added behind the message (VEL-HS-35); nothing leaks.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "handshake/handshake.h"
#include "handshake/messages.h"
#include "pki/issue.h"
#include "testing/fuzz.h"

enum { OUT_MAX = 128 * 1024, DATE = 1767225600, WEEK = 7 * 24 * 3600 };
enum change { EDIT, REPLACE_BODY, CUT, ADD, CHANGES };

struct side {
    struct vel_config config;
    struct vel_handshake *hs;
    struct vel_buf out[VEL_LEVEL_COUNT];
};

static struct {
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_trust *trust;
} fixed;

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
    FUZZ_CHECK(vel_trust_new(&fuzz_env, fixed.crypto, &fixed.trust) == VEL_OK);
    FUZZ_CHECK(vel_trust_add_pem(fixed.trust, vel_buf_slice(&chain)) == VEL_OK);
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
    (void)self, (void)level, (void)direction;
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
    static const struct vel_slice alpn[] = {{(const uint8_t *)"velocity/1", 10}};
    *side = (struct side){.config = vel_config_default(fixed.crypto)};
    struct vel_config *config = &side->config;
    config->alpn = alpn;
    config->alpn_count = 1;
    config->identity = fixed.identity;
    config->trust = fixed.trust;
    config->server_name = "localhost";
    config->client_auth = (enum vel_client_auth)(options % 3);
    bool batched = !is_client && (options & 0x40) != 0;
    config->profiles = (struct vel_profile_list){{VEL_PROFILE_LIGHT}, 1};
    if (is_client && (options & 0x80))
        config->profiles = (struct vel_profile_list){{VEL_PROFILE_BALANCED, VEL_PROFILE_LIGHT}, 2};
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        side->out[i] = (struct vel_buf){.env = &fuzz_env, .limit = OUT_MAX};
    const struct vel_handshake_setup setup = {.env = &fuzz_env,
                                              .config = config,
                                              .sink = {on_write, on_secret, on_params, side},
                                              .is_client = is_client,
                                              .defer_signature = batched,
                                              .version = VEL_VERSION_DRAFT,
                                              .unix_time = DATE + 1,
                                              .local_params = vel_slice_text("parameters")};
    FUZZ_CHECK(vel_handshake_velocity_new(&setup, &side->hs) == VEL_OK);
    FUZZ_CHECK(side->hs->ops->start(side->hs) == VEL_OK);
}

/* It waits for its signature: one of a batch of three, whose others are something else. */
static void sign_batch(struct vel_handshake *hs)
{
    struct vel_to_sign wanted;
    struct vel_dual_sig sig;
    struct vel_batch *batch;
    FUZZ_CHECK(hs->ops->to_sign(hs, &wanted) == VEL_OK);
    FUZZ_CHECK(vel_batch_new(&fuzz_env, fixed.crypto, wanted.key, wanted.use, 3, &batch) == VEL_OK);
    FUZZ_CHECK(vel_batch_add(batch, vel_slice_text("before")) == VEL_OK);
    FUZZ_CHECK(vel_batch_add(batch, vel_slice(wanted.content, wanted.size)) == VEL_OK);
    FUZZ_CHECK(vel_batch_add(batch, vel_slice_text("behind")) == VEL_OK);
    FUZZ_CHECK(vel_batch_sign(batch, VEL_SIGN_DETERMINISTIC, &sig) == VEL_OK);
    const struct vel_signature signature = {.sig = &sig, .batch = vel_batch_prove(batch, 1)};
    FUZZ_CHECK(hs->ops->take_signature(hs, VEL_OK, &signature) == VEL_OK);
    vel_batch_free(batch);
}

static void end(struct side *side)
{
    vel_handshake_free(side->hs);
    for (size_t i = 0; i < VEL_LEVEL_COUNT; i++)
        vel_buf_free(&side->out[i]);
}

/* Do to the message what the input says; true when its bytes are different now. */
static bool apply(enum change change, struct vel_slice how, struct vel_buf *message)
{
    struct vel_reader r = vel_reader(how);
    bool touched = false;
    size_t cut;
    switch (change) {
    case EDIT:
        while (vel_left(&r) >= 3) {
            size_t at = (size_t)vel_read_uint(&r, 2) % message->len;
            message->ptr[at] ^= (uint8_t)vel_read_uint(&r, 1);
        }
        return true; /* the caller compares */
    case REPLACE_BODY:
        message->len = VEL_MSG_HEADER;
        vel_store_uint(message->ptr + 1, how.len, 3);
        FUZZ_CHECK(vel_buf_append(message, how) == VEL_OK);
        return true;
    case CUT:
        cut = (size_t)vel_read_uint(&r, 2) % message->len;
        message->len -= cut;
        return cut > 0;
    case ADD:
    case CHANGES:
    default:
        touched = how.len > 0;
        FUZZ_CHECK(vel_buf_append(message, how) == VEL_OK);
        return touched;
    }
}

struct run {
    struct side client, server;
    unsigned target, count;
    enum change change;
    struct vel_slice how;
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
    FUZZ_CHECK(vel_buf_append(&message, original) == VEL_OK);
    if (run->count++ == run->target)
        run->touched = apply(run->change, run->how, &message) &&
                       !vel_slice_equal(original, vel_buf_slice(&message));
    vel_buf_consume(out, size);
    if (to->hs->state != VEL_HS_FAILED) {
        enum vel_err err = to->hs->ops->receive(to->hs, level, vel_buf_slice(&message));
        FUZZ_CHECK((err == VEL_ERR_AGAIN) == (to->hs->state == VEL_HS_SIGNING));
        if (err == VEL_ERR_AGAIN) {
            sign_batch(to->hs);
            err = VEL_OK;
        }
        FUZZ_CHECK((err == VEL_OK) == (to->hs->state != VEL_HS_FAILED));
        FUZZ_CHECK((err == VEL_OK) == (to->hs->failure.wire_code == 0));
    }
    vel_buf_free(&message);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fixed.crypto == NULL)
        set_up();
    if (size < 3 || size > 20000)
        return 0;
    struct run run = {.target = data[1] % 16,
                      .change = (enum change)(data[2] % CHANGES),
                      .how = vel_slice(data + 3, size - 3)};
    start(&run.client, true, data[0]);
    start(&run.server, false, data[0]);
    while (deliver(&run, &run.client, &run.server) || deliver(&run, &run.server, &run.client))
        ;
    bool client = run.client.hs->state == VEL_HS_COMPLETE;
    bool server = run.server.hs->state == VEL_HS_COMPLETE;
    FUZZ_CHECK(run.touched ? !(client && server) : (client && server));
    FUZZ_CHECK(!run.touched || !server || run.change == ADD);
    end(&run.client);
    end(&run.server);
    return 0;
}
