/* SPDX-License-Identifier: MIT */
#include "cli/cacert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "cli/key_log.h"
#include "sys/file.h"

OWNED_POINTER(trust_release, struct vel_trust, vel_trust_free)

static vel_result fill(const char *path, struct vel_buf *pem, struct vel_trust *trust)
{
    TRY(vel_file_load(path, pem));
    return vel_trust_add_pem(trust, vel_buf_slice(pem));
}

vel_result vel_cacert_load(const struct vel_env *env, const struct vel_crypto *crypto,
                           const char *path, struct vel_buf *pem, struct vel_trust **trust,
                           char message[VEL_CACERT_MESSAGE])
{
    OWNED(trust_release) struct vel_trust *made = NULL;
    message[0] = '\0';
    TRY(vel_trust_new(env, crypto, &made));
    enum vel_err err = path != NULL ? fill(path, pem, made) : VEL_OK;
    if (err != VEL_OK)
        snprintf(message, VEL_CACERT_MESSAGE, "--cacert %s: %s", path,
                 err == VEL_ERR_IO          ? strerror(errno)
                 : err == VEL_ERR_MALFORMED ? "holds no certificate in PEM that parses"
                                            : vel_err_text(err));
    TRY(err);
    *trust = GIVE(made);
    return VEL_OK;
}

vel_result vel_cacert_tls(const struct vel_env *env, const struct vel_crypto *crypto,
                          struct vel_slice pem, bool insecure, const struct vel_identity *identity,
                          const char *suites, FILE *key_log, struct vel_tls **tls)
{
    const struct vel_tls_setup setup = {.env = env,
                                        .crypto = crypto,
                                        .is_client = true,
                                        .identities = &identity,
                                        .identity_count = identity != NULL,
                                        .trust_pem = pem,
                                        .system_trust = pem.len == 0,
                                        .insecure = insecure,
                                        .suites = suites,
                                        .key_log = key_log != NULL ? vel_key_log_line : NULL,
                                        .key_log_self = key_log};
    return vel_tls_new(&setup, tls);
}
