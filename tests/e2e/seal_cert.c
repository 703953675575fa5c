/* SPDX-License-Identifier: MIT */
/*
 * Sign the contents of a certificate again, both halves, for tests of certificates that nobody issues:
 *
 *     seal_cert CERTIFICATE ISSUER_CHAIN ISSUER_KEYS OUT
 *
 * CERTIFICATE may have been edited and so have signatures that do not verify; those of OUT do, with
 * the issuer's keys. All files are PEM. The name of the issuer stays what CERTIFICATE says.
 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "pki/ext.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "pki/pem.h"
#include "pki/seal.h"
#include "pki/verify.h"
#include "sys/file.h"
#include "velocity/system.h"

OWNED_POINTER(crypto_release, struct vel_crypto, vel_crypto_free)
OWNED_POINTER(identity_release, struct vel_identity, vel_identity_free)

static vel_result load_identity(const struct vel_env *env, const struct vel_crypto *crypto,
                                char **paths, struct vel_identity **identity)
{
    OWNED(vel_buf_free) struct vel_buf chain = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf keys = {.env = env, .limit = VEL_KEY_PEM_MAX};
    TRY(vel_file_load(paths[0], &chain));
    TRY(vel_file_load(paths[1], &keys));
    return vel_identity_parse(env, crypto, vel_buf_slice(&chain), vel_buf_slice(&keys), identity);
}

/* The extensions without 73 and 74, which come with the signature. */
static vel_result keep_extensions(const struct vel_cert *cert, struct vel_buf *kept)
{
    struct vel_reader r = vel_reader(cert->extensions);
    while (vel_left(&r) > 0) {
        struct vel_ext ext = vel_ext_next(&r);
        REQUIRE(vel_read_ok(&r), VEL_ERR_MALFORMED);
        if (!vel_ext_is(&ext, VEL_EXT_ALT_ALGORITHM) && !vel_ext_is(&ext, VEL_EXT_ALT_VALUE))
            TRY(vel_buf_append(kept, ext.whole));
    }
    return VEL_OK;
}

static vel_result seal(const struct vel_env *env, const struct vel_crypto *crypto, char **paths,
                       struct vel_buf *made)
{
    OWNED(identity_release) struct vel_identity *issuer = NULL;
    OWNED(vel_buf_free) struct vel_buf pem = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf der = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    OWNED(vel_buf_free) struct vel_buf kept = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    OWNED(vel_buf_free) struct vel_buf sealed = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    struct vel_cert cert;

    TRY(load_identity(env, crypto, paths + 1, &issuer));
    TRY(vel_file_load(paths[0], &pem));
    struct vel_reader text = vel_reader(vel_buf_slice(&pem));
    TRY(vel_pem_next(&text, VEL_PEM_CERTIFICATE, &der));
    TRY(vel_cert_parse(vel_buf_slice(&der), &cert));
    TRY(keep_extensions(&cert, &kept));
    const struct vel_alt_parts parts = {cert.head, cert.middle, vel_buf_slice(&kept)};
    TRY(vel_cert_seal(env, crypto, &parts, vel_identity_keys(issuer), VEL_SIGN_HEDGED, &sealed));
    return vel_pem_append(made, VEL_PEM_CERTIFICATE, vel_buf_slice(&sealed));
}

static int write_out(const char *path, struct vel_slice bytes)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL)
        return 1;
    bool whole = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
    return fclose(file) == 0 && whole ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct vel_env env = vel_env_system();
    OWNED(crypto_release) struct vel_crypto *crypto = NULL;
    OWNED(vel_buf_free) struct vel_buf made = {.env = &env, .limit = VEL_CHAIN_PEM_MAX};
    if (argc != 5) {
        fputs("usage: seal_cert CERTIFICATE ISSUER_CHAIN ISSUER_KEYS OUT\n", stderr);
        return 2;
    }
    enum vel_err err = vel_crypto_new(&env, &crypto);
    if (err == VEL_OK)
        err = seal(&env, crypto, argv + 1, &made);
    if (err != VEL_OK) {
        fprintf(stderr, "seal_cert: %s\n", vel_err_text(err));
        return 1;
    }
    return write_out(argv[4], vel_buf_slice(&made));
}
