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
    LABEL_MAX = 13,
    ADDR_SIZE = 1 + sizeof((struct vel_addr *)0)->ip + 4,
    BOUND_MAX = 1 + VEL_TOKEN_ID + ADDR_SIZE + 2 + 4 + 1 + VEL_CID_MAX,
    PLAIN_MAX = TIME_SIZE + 1 + VEL_CID_MAX
};

/* What tells the kinds apart. */
struct kind {
    uint8_t type;
    const char *label;
    vel_time lifetime;
};
static const struct kind retry = {VEL_TOKEN_TYPE_RETRY, "vel1 retry", VEL_RETRY_LIFETIME};
static const struct kind new_token = {VEL_TOKEN_TYPE_NEW, "vel1 newtoken", VEL_NEW_TOKEN_LIFETIME};

void vel_token_key_init(struct vel_token_key *key, const struct vel_env *env)
{
    vel_random(env, key->bytes, sizeof key->bytes);
}

static bool is_kind(const struct kind *kind, struct vel_slice token)
{
    return token.len > 0 && token.ptr[0] == kind->type;
}

bool vel_token_is_retry(struct vel_slice token)
{
    return is_kind(&retry, token);
}

bool vel_token_is_new(struct vel_slice token)
{
    return is_kind(&new_token, token);
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

static vel_result derive(const struct vel_crypto *crypto, const struct kind *kind,
                         const struct vel_token_key *key, struct vel_slice id,
                         struct one_time *once)
{
    uint8_t info[LABEL_MAX + VEL_TOKEN_ID];
    struct vel_writer w = vel_writer(info, sizeof info);
    vel_write_bytes(&w, vel_slice_text(kind->label));
    vel_write_bytes(&w, id);
    VEL_ASSERT(vel_write_ok(&w));
    return vel_hkdf_expand(crypto, VEL_SHA256, vel_slice(key->bytes, sizeof key->bytes),
                           vel_writer_slice(&w), once->bytes, sizeof once->bytes);
}

/* The associated data: everything that a token is bound to. What differs is written by `bind`. */
struct binding {
    struct vel_writer w;
    uint8_t bytes[BOUND_MAX];
};

static void bind(struct binding *b, const struct kind *kind, struct vel_slice id,
                 const struct vel_addr *remote, uint32_t version)
{
    b->w = vel_writer(b->bytes, sizeof b->bytes);
    vel_write_uint(&b->w, kind->type, 1);
    vel_write_bytes(&b->w, id);
    vel_write_uint(&b->w, remote->family, 1);
    vel_write_bytes(&b->w, vel_slice(remote->ip, sizeof remote->ip));
    vel_write_uint(&b->w, remote->scope, 4);
    vel_write_uint(&b->w, version, 4);
}

static struct vel_slice bound(const struct binding *b)
{
    VEL_ASSERT(vel_write_ok(&b->w));
    return vel_writer_slice(&b->w);
}

static void bind_retry(struct binding *b, struct vel_slice id, const struct vel_retry_facts *facts)
{
    bind(b, &retry, id, &facts->remote, facts->version);
    vel_write_uint(&b->w, facts->remote.port, 2);
    vel_write_uint(&b->w, facts->retry_scid.len, 1);
    vel_write_bytes(&b->w, vel_cid_slice(&facts->retry_scid));
}

static void bind_new(struct binding *b, struct vel_slice id,
                     const struct vel_new_token_facts *facts)
{
    bind(b, &new_token, id, &facts->remote, facts->version);
}

/* Type and id of a new token; returns the id. */
static struct vel_slice begin(const struct vel_env *env, const struct kind *kind, uint8_t *token)
{
    token[0] = kind->type;
    vel_random(env, token + 1, VEL_TOKEN_ID);
    return vel_slice(token + 1, VEL_TOKEN_ID);
}

static vel_result seal(const struct vel_crypto *crypto, const struct kind *kind,
                       const struct vel_token_key *key, struct vel_slice aad,
                       struct vel_slice plain, uint8_t *token, size_t *size)
{
    OWNED(one_time_clear) struct one_time once;
    TRY(derive(crypto, kind, key, vel_slice(token + 1, VEL_TOKEN_ID), &once));
    TRY(vel_aead_seal_once(crypto, VEL_AES_256_GCM, key_of(&once), nonce_of(&once), aad, plain,
                           token + 1 + VEL_TOKEN_ID));
    *size = 1 + VEL_TOKEN_ID + plain.len + VEL_AEAD_TAG;
    return VEL_OK;
}

/* The id of a token that claims to be of this kind. VEL_ERR_AUTH: it is not. */
static vel_result read_id(const struct kind *kind, struct vel_slice token, struct vel_slice *id)
{
    REQUIRE(is_kind(kind, token) && token.len >= 1 + VEL_TOKEN_ID + TIME_SIZE + VEL_AEAD_TAG &&
                token.len <= VEL_RETRY_TOKEN_MAX,
            VEL_ERR_AUTH);
    *id = vel_slice(token.ptr + 1, VEL_TOKEN_ID);
    return VEL_OK;
}

/* What it holds besides its time, in `plain`. */
static vel_result open(const struct vel_crypto *crypto, const struct kind *kind,
                       const struct vel_token_key *key, struct vel_slice aad,
                       struct vel_slice token, vel_time now, uint8_t plain[PLAIN_MAX],
                       struct vel_reader *rest)
{
    OWNED(one_time_clear) struct one_time once;
    size_t head = 1 + VEL_TOKEN_ID;
    struct vel_slice sealed = vel_slice(token.ptr + head, token.len - head);
    TRY(derive(crypto, kind, key, vel_slice(token.ptr + 1, VEL_TOKEN_ID), &once));
    TRY(vel_aead_open_once(crypto, VEL_AES_256_GCM, key_of(&once), nonce_of(&once), aad, sealed,
                           plain));
    *rest = vel_reader(vel_slice(plain, sealed.len - VEL_AEAD_TAG));
    vel_time made = (vel_time)vel_read_uint(rest, TIME_SIZE);
    REQUIRE(made <= now && now - made <= kind->lifetime, VEL_ERR_TIMEOUT);
    return VEL_OK;
}

vel_result vel_retry_token_seal(const struct vel_crypto *crypto, const struct vel_env *env,
                                const struct vel_token_key *key,
                                const struct vel_retry_facts *facts,
                                const struct vel_cid *original_dcid, vel_time now,
                                uint8_t token[VEL_RETRY_TOKEN_MAX], size_t *size)
{
    struct binding b;
    uint8_t plain[PLAIN_MAX];
    struct vel_writer w = vel_writer(plain, sizeof plain);
    vel_write_uint(&w, (uint64_t)now, TIME_SIZE);
    vel_write_uint(&w, original_dcid->len, 1);
    vel_write_bytes(&w, vel_cid_slice(original_dcid));
    bind_retry(&b, begin(env, &retry, token), facts);
    return seal(crypto, &retry, key, bound(&b), vel_writer_slice(&w), token, size);
}

vel_result vel_retry_token_open(const struct vel_crypto *crypto, const struct vel_token_key *key,
                                const struct vel_retry_facts *facts, struct vel_slice token,
                                vel_time now, struct vel_cid *original_dcid)
{
    struct binding b;
    struct vel_slice id;
    struct vel_reader r;
    uint8_t plain[PLAIN_MAX];
    TRY(read_id(&retry, token, &id));
    bind_retry(&b, id, facts);
    TRY(open(crypto, &retry, key, bound(&b), token, now, plain, &r));
    struct vel_slice dcid = vel_read_vector(&r, 1);
    REQUIRE(vel_read_done(&r), VEL_ERR_AUTH);
    *original_dcid = vel_cid(dcid);
    return VEL_OK;
}

vel_result vel_new_token_seal(const struct vel_crypto *crypto, const struct vel_env *env,
                              const struct vel_token_key *key,
                              const struct vel_new_token_facts *facts, vel_time now,
                              uint8_t token[VEL_NEW_TOKEN_SIZE], size_t *size)
{
    struct binding b;
    uint8_t plain[TIME_SIZE];
    vel_store_uint(plain, (uint64_t)now, TIME_SIZE);
    bind_new(&b, begin(env, &new_token, token), facts);
    return seal(crypto, &new_token, key, bound(&b), vel_slice(plain, sizeof plain), token, size);
}

vel_result vel_new_token_open(const struct vel_crypto *crypto, const struct vel_token_key *key,
                              const struct vel_new_token_facts *facts, struct vel_slice token,
                              vel_time now)
{
    struct binding b;
    struct vel_slice id;
    struct vel_reader r;
    uint8_t plain[PLAIN_MAX];
    TRY(read_id(&new_token, token, &id));
    bind_new(&b, id, facts);
    TRY(open(crypto, &new_token, key, bound(&b), token, now, plain, &r));
    REQUIRE(vel_read_done(&r), VEL_ERR_AUTH);
    return VEL_OK;
}

bool vel_token_spend(struct vel_spent_tokens *spent, struct vel_slice token)
{
    struct vel_reader r = vel_reader(vel_slice(token.ptr + 1, VEL_TOKEN_ID));
    uint64_t id = vel_read_uint(&r, 8);
    uint64_t *place = &spent->ids[id % VEL_TOKENS_SPENT];
    bool first = *place != id;
    *place = id;
    return first;
}
