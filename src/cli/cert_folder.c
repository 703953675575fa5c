/* SPDX-License-Identifier: MIT */
#include "cli/cert_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/identity_files.h"
#include "sys/file.h"

static const char *reason(enum vel_err err)
{
    return err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err);
}

int vel_cert_folder_open(const struct vel_call *call, const char *path, const char *chain_name,
                         struct vel_cert_folder *folder)
{
    folder->path = path;
    int a = snprintf(folder->chain, sizeof folder->chain, "%s/%s", path, chain_name);
    int b = snprintf(folder->key, sizeof folder->key, "%s/privkey.pem", path);
    if (a >= VEL_CERT_PATH_MAX || b >= VEL_CERT_PATH_MAX)
        return vel_fail(call, "the path of the folder is too long: %s", path);
    return VEL_STATUS_OK;
}

static int refuse(const struct vel_call *call, const char *path)
{
    return vel_fail(call, "%s exists already; --force replaces it", path);
}

static int save(const struct vel_call *call, const char *path, struct vel_slice bytes,
                unsigned mode, bool force)
{
    enum vel_err err = vel_file_save(path, bytes, mode, force);
    if (err == VEL_ERR_EXISTS)
        return refuse(call, path);
    if (err != VEL_OK)
        return vel_fail(call, "%s: %s", path, reason(err));
    return VEL_STATUS_OK;
}

int vel_cert_folder_write(const struct vel_call *call, const struct vel_cert_folder *folder,
                          struct vel_slice chain, struct vel_slice key, bool force)
{
    if (!force && vel_file_exists(folder->chain))
        return refuse(call, folder->chain);
    enum vel_err err = vel_folder_make(folder->path, 0700);
    if (err != VEL_OK)
        return vel_fail(call, "folder %s: %s", folder->path, reason(err));
    int status = save(call, folder->key, key, 0600, force);
    if (status != VEL_STATUS_OK)
        return status;
    status = save(call, folder->chain, chain, 0644, force);
    if (status != VEL_STATUS_OK && !force)
        unlink(folder->key); /* ours: without force nothing was replaced */
    return status;
}

int vel_cert_folder_read(const struct vel_call *call, const struct vel_crypto *crypto,
                         const struct vel_cert_folder *folder, struct vel_identity **identity)
{
    char message[VEL_IDENTITY_MESSAGE];
    if (vel_identity_load(call->env, crypto, folder->chain, folder->key, message, identity) !=
        VEL_OK)
        return vel_fail(call, "%s", message);
    return VEL_STATUS_OK;
}
