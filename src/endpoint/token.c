/* SPDX-License-Identifier: MIT */
#include "endpoint/token.h"

#include "base/own.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/try.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "endpoint/limits.h"

enum {
    KEY_SIZE = 32,
    TIME_SIZE = 8,
    BOUND_MAX = 1 + VEL_TOKEN_ID + sizeof(struct vel_addr) + 4 + 1 + VEL_CID_MAX,
    PLAIN_MAX = TIME_SIZE + 1 + VEL_CID_MAX
};

static const char label[] = "vel1 retry";

void vel_token_key_init(struct vel_token_key *key, const struct vel_env *env)
{
    vel_random(env, key->bytes, sizeof key->bytes);
}

bool vel_token_is_retry(struct vel_slice token)
{
    return token.len > 0 && token.ptr[0] == VEL_TOKEN_TYPE_RETRY;
}

/* Key and nonce of one token. */
struct one_time {
    uint8_t bytes[KEY_SIZE + VEL_AEAD_IV];
};

static void one_time_clear(struct one_time *once)
{
    vel_wipe(once, sizeof *once);
}

static struct vel_slice key_of(const struct one_time *once)
{
    return vel_slice(once->bytes, KEY_SIZE);
}

static struct vel_slice nonce_of(const struct one_time *once)
{
    return vel_slice(once->bytes + KEY_SIZE, VEL_AEAD_IV);
}

static vel_result derive(const struct vel_crypto *crypto, const struct vel_token_key *key,
                         struct vel_slice id, struct one_time *once)
{
    uint8_t info[sizeof label - 1 + VEL_TOKEN_ID];
    struct vel_writer w = vel_writer(info, sizeof info);
    vel_write_bytes(&w, vel_slice_text(label));
    vel_write_bytes(&w, id);
    return vel_hkdf_expand(crypto, VEL_SHA256, vel_slice(key->bytes, sizeof key->bytes),
                           vel_writer_slice(&w), once->bytes, sizeof once->bytes);
}

/* The associated data: everything that a token is bound to. */
static struct vel_slice bind(uint8_t bytes[BOUND_MAX], struct vel_slice id,
                             const struct vel_retry_facts *facts)
{
    struct vel_writer w = vel_writer(bytes, BOUND_MAX);
    vel_write_uint(&w, VEL_TOKEN_TYPE_RETRY, 1);
    vel_write_bytes(&w, id);
    vel_write_uint(&w, facts->remote.family, 1);
    vel_write_bytes(&w, vel_slice(facts->remote.ip, sizeof facts->remote.ip));
    vel_write_uint(&w, facts->remote.port, 2);
    vel_write_uint(&w, facts->remote.scope, 4);
    vel_write_uint(&w, facts->version, 4);
    vel_write_uint(&w, facts->retry_scid.len, 1);
    vel_write_bytes(&w, vel_cid_slice(&facts->retry_scid));
    VEL_ASSERT(vel_write_ok(&w));
    return vel_writer_slice(&w);
}

vel_result vel_retry_token_seal(const struct vel_crypto *crypto, const struct vel_env *env,
                                const struct vel_token_key *key,
                                const struct vel_retry_facts *facts,
                                const struct vel_cid *original_dcid, vel_time now,
                                uint8_t token[VEL_RETRY_TOKEN_MAX], size_t *size)
{
    uint8_t bound[BOUND_MAX];
    uint8_t plain[PLAIN_MAX];
    struct vel_writer w = vel_writer(plain, sizeof plain);
    vel_write_uint(&w, (uint64_t)now, TIME_SIZE);
    vel_write_uint(&w, original_dcid->len, 1);
    vel_write_bytes(&w, vel_cid_slice(original_dcid));

    OWNED(one_time_clear) struct one_time once;
    token[0] = VEL_TOKEN_TYPE_RETRY;
    vel_random(env, token + 1, VEL_TOKEN_ID);
    struct vel_slice id = vel_slice(token + 1, VEL_TOKEN_ID);
    TRY(derive(crypto, key, id, &once));
    TRY(vel_aead_seal_once(crypto, VEL_AES_256_GCM, key_of(&once), nonce_of(&once),
                           bind(bound, id, facts), vel_writer_slice(&w), token + 1 + VEL_TOKEN_ID));
    *size = 1 + VEL_TOKEN_ID + vel_written(&w) + VEL_AEAD_TAG;
    return VEL_OK;
}

vel_result vel_retry_token_open(const struct vel_crypto *crypto, const struct vel_token_key *key,
                                const struct vel_retry_facts *facts, struct vel_slice token,
                                vel_time now, struct vel_cid *original_dcid)
{
    REQUIRE(vel_token_is_retry(token) && token.len <= VEL_RETRY_TOKEN_MAX, VEL_ERR_AUTH);
    struct vel_reader r = vel_reader(vel_slice(token.ptr + 1, token.len - 1));
    struct vel_slice id = vel_read_bytes(&r, VEL_TOKEN_ID);
    struct vel_slice sealed = vel_read_rest(&r);
    REQUIRE(vel_read_ok(&r) && sealed.len >= VEL_AEAD_TAG, VEL_ERR_AUTH);

    uint8_t bound[BOUND_MAX];
    uint8_t plain[PLAIN_MAX];
    OWNED(one_time_clear) struct one_time once;
    TRY(derive(crypto, key, id, &once));
    TRY(vel_aead_open_once(crypto, VEL_AES_256_GCM, key_of(&once), nonce_of(&once),
                           bind(bound, id, facts), sealed, plain));

    r = vel_reader(vel_slice(plain, sealed.len - VEL_AEAD_TAG));
    vel_time made = (vel_time)vel_read_uint(&r, TIME_SIZE);
    struct vel_slice dcid = vel_read_vector(&r, 1);
    REQUIRE(vel_read_done(&r), VEL_ERR_AUTH);
    REQUIRE(made <= now && now - made <= VEL_RETRY_LIFETIME, VEL_ERR_TIMEOUT);
    *original_dcid = vel_cid(dcid);
    return VEL_OK;
}
