/* SPDX-License-Identifier: MIT */
#ifndef CLI_IDENTITY_FILES_H
#define CLI_IDENTITY_FILES_H

#include "velocity/pki.h"

/* A certificate chain and its private keys from two files in PEM, of a server or of a client. */
enum { VEL_IDENTITY_MESSAGE = 2400 };

/* `message` says what is wrong with which file, for people; untouched on success. Errors are those of
 * vel_file_load and vel_identity_parse. */
vel_result vel_identity_load(const struct vel_env *env, const struct vel_crypto *crypto,
                             const char *chain_path, const char *key_path,
                             char message[VEL_IDENTITY_MESSAGE], struct vel_identity **identity);

#endif
