/* SPDX-License-Identifier: MIT */
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include "base/try.h"
#include "crypto/aead_internal.h"
#include "crypto/crypto_internal.h"

/*
 * AES-GCM of Intel's library for multi-buffer crypto. Of its manager, which chooses the functions for the
 * processor, only these are kept; they know no state but their arguments. They refuse what is NULL or
 * too long without saying so, which aead.c rules out.
 */
struct gcm {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t seal, open;
    aes_gcm_init_t init; /* a plaintext in two pieces: init, update twice, finalize */
    aes_gcm_enc_dec_update_t update;
    aes_gcm_enc_dec_finalize_t finalize;
};

struct vel_ipsec_mb {
    struct gcm gcm[VEL_AEAD_COUNT];
};

enum { VECTOR = 64 }; /* alignment of key material, for the widest registers */

struct gcm_context {
    const struct gcm *gcm;
    void *block; /* what was allocated */
    _Alignas(VECTOR) struct gcm_key_data key;
};

vel_result vel_ipsec_mb_load(const struct vel_env *env, struct vel_ipsec_mb **made)
{
    const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_AVX2;
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return VEL_OK;
    init_mb_mgr_auto(manager, NULL);
    bool is_fit = imb_get_errno(manager) == 0 && (manager->features & needed) == needed;
    struct vel_ipsec_mb *kept = is_fit ? vel_alloc(env, sizeof *kept) : NULL;
    if (kept != NULL)
        *kept = (struct vel_ipsec_mb){
            .gcm = {[VEL_AES_128_GCM] = {manager->gcm128_pre, manager->gcm128_enc,
                                         manager->gcm128_dec, manager->gcm128_init,
                                         manager->gcm128_enc_update, manager->gcm128_enc_finalize},
                    [VEL_AES_256_GCM] = {manager->gcm256_pre, manager->gcm256_enc,
                                         manager->gcm256_dec, manager->gcm256_init,
                                         manager->gcm256_enc_update,
                                         manager->gcm256_enc_finalize}}};
    free_mb_mgr(manager);
    REQUIRE(!is_fit || kept != NULL, VEL_ERR_NOMEM);
    *made = kept;
    return VEL_OK;
}

void vel_ipsec_mb_free(const struct vel_env *env, struct vel_ipsec_mb *ipsec_mb)
{
    vel_release(env, ipsec_mb, sizeof *ipsec_mb);
}

static vel_result make(const struct vel_crypto *crypto, enum vel_aead_id id,
                       enum vel_aead_direction direction, struct vel_slice key, void **context)
{
    (void)direction;
    void *block = NULL;
    struct gcm_context *made = OPENSSL_aligned_alloc(sizeof *made, VECTOR, &block);
    CRYPTO_REQUIRE(made != NULL, VEL_ERR_CRYPTO);
    *made = (struct gcm_context){.gcm = &crypto->ipsec_mb->gcm[id], .block = block};
    made->gcm->expand(key.ptr, &made->key);
    *context = made;
    return VEL_OK;
}

static void release(void *context)
{
    void *block = ((struct gcm_context *)context)->block;
    OPENSSL_cleanse(context, sizeof(struct gcm_context));
    OPENSSL_free(block);
}

static vel_result seal(void *context, const uint8_t *nonce, struct vel_slice ad,
                       struct vel_slice head, struct vel_slice body, uint8_t *out)
{
    const struct gcm_context *own = context;
    const struct gcm *gcm = own->gcm;
    struct gcm_context_data state;
    uint8_t *tag = out + head.len + body.len;
    if (body.len == 0) {
        gcm->seal(&own->key, &state, out, head.ptr, head.len, nonce, ad.ptr, ad.len, tag,
                  VEL_AEAD_TAG);
        return VEL_OK;
    }
    gcm->init(&own->key, &state, nonce, ad.ptr, ad.len);
    gcm->update(&own->key, &state, out, head.ptr, head.len);
    gcm->update(&own->key, &state, out + head.len, body.ptr, body.len);
    gcm->finalize(&own->key, &state, tag, VEL_AEAD_TAG);
    return VEL_OK;
}

static vel_result open_sealed(void *context, const uint8_t *nonce, struct vel_slice ad,
                              struct vel_slice sealed, const uint8_t *tag, uint8_t *out)
{
    const struct gcm_context *own = context;
    struct gcm_context_data state;
    uint8_t right[VEL_AEAD_TAG];
    own->gcm->open(&own->key, &state, out, sealed.ptr, sealed.len, nonce, ad.ptr, ad.len, right,
                   sizeof right);
    REQUIRE(CRYPTO_memcmp(right, tag, sizeof right) == 0, VEL_ERR_AUTH);
    return VEL_OK;
}

const struct vel_aead_provider vel_aead_ipsec_mb = {
    .name = "ipsec-mb", .make = make, .release = release, .seal = seal, .open = open_sealed};
