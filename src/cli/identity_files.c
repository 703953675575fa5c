/* SPDX-License-Identifier: MIT */
#include "cli/identity_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "sys/file.h"

static const char *unreadable(enum vel_err err)
{
    if (err == VEL_ERR_NOT_FOUND)
        return "no such file";
    return err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err);
}

static vel_result load_file(const char *what, const char *path, struct vel_buf *buf,
                            char message[VEL_IDENTITY_MESSAGE])
{
    enum vel_err err = vel_file_load(path, buf);
    if (err != VEL_OK)
        snprintf(message, VEL_IDENTITY_MESSAGE, "%s file %s: %s", what, path, unreadable(err));
    return err;
}

static const char *why_not(enum vel_err err)
{
    switch ((int)err) {
    case VEL_ERR_MALFORMED:
        return "not PEM files of certificates and of keys without a passphrase (openssl pkey -in KEY "
               "-out NEW writes one of an encrypted key)";
    case VEL_ERR_AUTH:
        return "the private keys do not belong to the certificate";
    case VEL_ERR_UNSUPPORTED:
        return "made with algorithms that no profile admits";
    default:
        return vel_err_text(err);
    }
}

vel_result vel_identity_load(const struct vel_env *env, const struct vel_crypto *crypto,
                             const char *chain_path, const char *key_path,
                             char message[VEL_IDENTITY_MESSAGE], struct vel_identity **identity)
{
    OWNED(vel_buf_free) struct vel_buf chain = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf key = {.env = env, .limit = VEL_KEY_PEM_MAX};
    TRY(load_file("certificate", chain_path, &chain, message));
    TRY(load_file("key", key_path, &key, message));
    enum vel_err err =
        vel_identity_parse(env, crypto, vel_buf_slice(&chain), vel_buf_slice(&key), identity);
    if (err != VEL_OK)
        snprintf(message, VEL_IDENTITY_MESSAGE, "certificate %s with key %s: %s", chain_path,
                 key_path, why_not(err));
    return err;
}
