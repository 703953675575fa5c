/* SPDX-License-Identifier: MIT */
#include "crypto/kem.h"

#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"
#include "base/writer.h"
#include "crypto/ecdh_internal.h"
#include "crypto/mlkem_internal.h"

/* How a group is made of two halves. */
struct hybrid {
    uint16_t code;
    enum vel_mlkem mlkem;
    const struct vel_ecdh *ecdh;
    bool classical_first; /* in share, reply and secret alike */
};

static const struct hybrid hybrids[VEL_GROUP_COUNT] = {
    {0x11ed, VEL_MLKEM1024, &vel_ecdh_p384, true},
    {0xfe14, VEL_MLKEM1024, &vel_ecdh_x25519, false},
    {0x11ec, VEL_MLKEM768, &vel_ecdh_x25519, false},
    {0xfe12, VEL_MLKEM512, &vel_ecdh_x25519, false},
};

struct vel_kem_key {
    const struct vel_env *env;
    const struct hybrid *hybrid;
    EVP_PKEY *mlkem;
    struct vel_ecdh_key ecdh;
};

/* Both halves of one value, before they are joined or after they were split. */
struct halves {
    struct vel_slice pq;
    struct vel_slice classical;
};

OWNED_POINTER(kem_key_release, struct vel_kem_key, vel_kem_key_free)

static const struct hybrid *hybrid_of(const struct vel_group *group)
{
    size_t i = 0;
    while (hybrids[i].code != group->code) {
        i++;
        VEL_ASSERT(i < VEL_GROUP_COUNT);
    }
    return &hybrids[i];
}

static size_t join(const struct hybrid *hybrid, struct halves halves, uint8_t *out)
{
    struct vel_writer w = vel_writer(out, halves.pq.len + halves.classical.len);
    vel_write_bytes(&w, hybrid->classical_first ? halves.classical : halves.pq);
    vel_write_bytes(&w, hybrid->classical_first ? halves.pq : halves.classical);
    return vel_written(&w);
}

/* VEL_ERR_MALFORMED  the length is not that of both halves */
static vel_result split(const struct hybrid *hybrid, struct vel_slice whole, size_t pq_size,
                        struct halves *halves)
{
    size_t classical_size = hybrid->ecdh->public_size;
    struct vel_reader r = vel_reader(whole);
    struct vel_slice first = vel_read_bytes(&r, hybrid->classical_first ? classical_size : pq_size);
    struct vel_slice second =
        vel_read_bytes(&r, hybrid->classical_first ? pq_size : classical_size);
    REQUIRE(vel_read_done(&r), VEL_ERR_MALFORMED);
    halves->pq = hybrid->classical_first ? second : first;
    halves->classical = hybrid->classical_first ? first : second;
    return VEL_OK;
}

/* Randomness is drawn for the ML-KEM half first, whatever the order on the wire. */
vel_result vel_kem_generate(const struct vel_crypto *crypto, const struct vel_env *env,
                            const struct vel_group *group, struct vel_kem_key **key, uint8_t *share)
{
    OWNED(kem_key_release) struct vel_kem_key *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    made->hybrid = hybrid_of(group);

    uint8_t pq[VEL_MLKEM_PUBLIC_MAX];
    uint8_t classical[VEL_ECDH_PUBLIC_MAX];
    const struct vel_ecdh *ecdh = made->hybrid->ecdh;
    TRY(vel_mlkem_generate(env, made->hybrid->mlkem, &made->mlkem, pq));
    TRY(ecdh->generate(crypto, env, &made->ecdh, classical));
    struct halves halves = {vel_slice(pq, vel_mlkem_public_size(made->hybrid->mlkem)),
                            vel_slice(classical, ecdh->public_size)};
    join(made->hybrid, halves, share);
    *key = GIVE(made);
    return VEL_OK;
}

/* The two shared secrets while they are apart. */
struct secrets {
    uint8_t pq[VEL_MLKEM_SECRET];
    uint8_t classical[VEL_ECDH_SECRET_MAX];
};

static void secrets_clear(struct secrets *secrets)
{
    vel_wipe(secrets, sizeof *secrets);
}

static void join_secrets(const struct hybrid *hybrid, const struct secrets *secrets,
                         struct vel_secret *out)
{
    struct halves halves = {vel_slice(secrets->pq, sizeof secrets->pq),
                            vel_slice(secrets->classical, hybrid->ecdh->secret_size)};
    out->len = join(hybrid, halves, out->bytes);
}

vel_result vel_kem_encapsulate(const struct vel_crypto *crypto, const struct vel_env *env,
                               const struct vel_group *group, struct vel_slice share,
                               uint8_t *reply, struct vel_secret *secret)
{
    const struct hybrid *hybrid = hybrid_of(group);
    const struct vel_ecdh *ecdh = hybrid->ecdh;
    struct halves peer;
    TRY(split(hybrid, share, vel_mlkem_public_size(hybrid->mlkem), &peer));

    OWNED(secrets_clear) struct secrets secrets;
    OWNED(vel_ecdh_key_clear) struct vel_ecdh_key own = {0};
    uint8_t pq[VEL_MLKEM_CIPHERTEXT_MAX];
    uint8_t classical[VEL_ECDH_PUBLIC_MAX];
    TRY(vel_mlkem_encapsulate(env, hybrid->mlkem, peer.pq, pq, secrets.pq));
    TRY(ecdh->generate(crypto, env, &own, classical));
    TRY(ecdh->derive(crypto, &own, peer.classical, secrets.classical));

    struct halves halves = {vel_slice(pq, vel_mlkem_ciphertext_size(hybrid->mlkem)),
                            vel_slice(classical, ecdh->public_size)};
    join(hybrid, halves, reply);
    join_secrets(hybrid, &secrets, secret);
    return VEL_OK;
}

vel_result vel_kem_decapsulate(const struct vel_crypto *crypto, const struct vel_kem_key *key,
                               struct vel_slice reply, struct vel_secret *secret)
{
    const struct hybrid *hybrid = key->hybrid;
    struct halves peer;
    TRY(split(hybrid, reply, vel_mlkem_ciphertext_size(hybrid->mlkem), &peer));

    OWNED(secrets_clear) struct secrets secrets;
    TRY(vel_mlkem_decapsulate(hybrid->mlkem, key->mlkem, peer.pq, secrets.pq));
    TRY(hybrid->ecdh->derive(crypto, &key->ecdh, peer.classical, secrets.classical));
    join_secrets(hybrid, &secrets, secret);
    return VEL_OK;
}

void vel_kem_key_free(struct vel_kem_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->mlkem);
    vel_ecdh_key_clear(&key->ecdh);
    vel_release(key->env, key, sizeof *key);
}
