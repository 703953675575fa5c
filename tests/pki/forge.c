/* SPDX-License-Identifier: MIT */
#include "pki/forge.h"

#include "pki/der.h"
#include "pki/ext.h"
#include "pki/seal.h"

void forge_open(struct forge *f)
{
    test_env_init(&f->t, 7);
    ASSERT_OK(vel_crypto_new(&f->t.env, &f->crypto));
}

void forge_close(struct forge *f)
{
    vel_crypto_free(f->crypto);
    test_env_done(&f->t);
}

static struct vel_cert_order order(void)
{
    return (struct vel_cert_order){.classical = VEL_P256,
                                   .profile = VEL_PROFILE_BALANCED,
                                   .not_before = FORGE_NOW - FORGE_DAY,
                                   .validity = 10 * FORGE_DAY,
                                   .path_length = -1,
                                   .mode = VEL_SIGN_DETERMINISTIC};
}

struct vel_cert_order forge_leaf(const char *const *names, size_t count)
{
    struct vel_cert_order leaf = order();
    leaf.names = names;
    leaf.name_count = count;
    return leaf;
}

struct vel_cert_order forge_ca(const char *common_name, int path_length)
{
    struct vel_cert_order ca = order();
    ca.common_name = common_name;
    ca.ca = true;
    ca.path_length = path_length;
    return ca;
}

void forge_make(struct forge *f, const struct vel_cert_order *what, const struct made *issuer,
                struct made *made)
{
    *made = (struct made){.chain_pem = {.env = &f->t.env, .limit = VEL_CHAIN_PEM_MAX},
                          .key_pem = {.env = &f->t.env, .limit = VEL_KEY_PEM_MAX}};
    ASSERT_OK(vel_cert_issue(&f->t.env, f->crypto, what, issuer == NULL ? NULL : issuer->identity,
                             &made->chain_pem, &made->key_pem));
    ASSERT_OK(vel_identity_parse(&f->t.env, f->crypto, vel_buf_slice(&made->chain_pem),
                                 vel_buf_slice(&made->key_pem), &made->identity));
    size_t count = 0;
    ASSERT_OK(vel_cert_parse(vel_identity_chain(made->identity, &count)[0], &made->cert));
}

void forge_unmake(struct made *made)
{
    vel_identity_free(made->identity);
    vel_buf_free(&made->chain_pem);
    vel_buf_free(&made->key_pem);
}

/* The extensions an edit keeps: 73 and 74 come from the signature. */
static void keep_extensions(const struct vel_cert *cert, unsigned drop, struct vel_buf *kept)
{
    struct vel_reader r = vel_reader(cert->extensions);
    while (vel_left(&r) > 0) {
        struct vel_ext ext = vel_ext_next(&r);
        assert_true(vel_read_ok(&r));
        if (!vel_ext_is(&ext, VEL_EXT_ALT_ALGORITHM) && !vel_ext_is(&ext, VEL_EXT_ALT_VALUE) &&
            !vel_ext_is(&ext, drop))
            ASSERT_OK(vel_buf_append(kept, ext.whole));
    }
}

struct vel_buf forge_again(struct forge *f, const struct vel_cert *cert,
                           const struct forge_edit *edit)
{
    struct vel_buf made = {.env = &f->t.env, .limit = VEL_CERT_MAX_BYTES};
    struct vel_buf kept = {.env = &f->t.env, .limit = VEL_CERT_MAX_BYTES};
    keep_extensions(cert, edit->drop, &kept);
    ASSERT_OK(vel_buf_append(&kept, edit->add));
    const struct vel_dual_key signer = {.classical = edit->classical, .pq = edit->pq};
    const struct vel_alt_parts parts = {
        cert->head, edit->middle.len > 0 ? edit->middle : cert->middle, vel_buf_slice(&kept)};
    ASSERT_OK(vel_cert_seal(&f->t.env, f->crypto, &parts, &signer, VEL_SIGN_DETERMINISTIC, &made));
    vel_buf_free(&kept);
    return made;
}

struct vel_buf forge_extension(struct forge *f, unsigned n, bool critical, struct vel_slice value)
{
    struct vel_buf made = {.env = &f->t.env, .limit = VEL_CERT_MAX_BYTES};
    ASSERT_OK(vel_buf_reserve(&made, value.len + 64));
    struct vel_writer w = vel_writer(made.ptr, made.capacity);
    struct vel_ext_mark mark = vel_ext_begin(&w, n, critical);
    vel_write_bytes(&w, value);
    vel_ext_end(&w, mark);
    assert_true(vel_write_ok(&w));
    made.len = vel_written(&w);
    return made;
}
