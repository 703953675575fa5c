/* SPDX-License-Identifier: MIT */
#ifndef CLI_CERT_FOLDER_H
#define CLI_CERT_FOLDER_H

#include "base/buf.h"
#include "cli/command.h"
#include "velocity/pki.h"

/*
 * A folder with a certificate and its keys: fullchain.pem or ca.pem, and privkey.pem. Everything
 * here tells the user what went wrong (vel_fail) and returns an exit status.
 */
enum { VEL_CERT_PATH_MAX = 1024 };

struct vel_cert_folder {
    char chain[VEL_CERT_PATH_MAX];
    char key[VEL_CERT_PATH_MAX];
    const char *path;
};

/* Names of the files; chain_name "fullchain.pem" or "ca.pem". The path is borrowed. */
int vel_cert_folder_open(const struct vel_call *call, const char *path, const char *chain_name,
                         struct vel_cert_folder *folder);

/*
 * Write both files (VEL-CERT-25): the folder is made with mode 0700 when it is missing, the keys
 * are never readable by others, and nothing is overwritten unless `force`.
 */
int vel_cert_folder_write(const struct vel_call *call, const struct vel_cert_folder *folder,
                          struct vel_slice chain, struct vel_slice key, bool force);

/* Read both files. */
int vel_cert_folder_read(const struct vel_call *call, const struct vel_crypto *crypto,
                         const struct vel_cert_folder *folder, struct vel_identity **identity);

#endif
