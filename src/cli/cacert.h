/* SPDX-License-Identifier: MIT */
#ifndef CLI_CACERT_H
#define CLI_CACERT_H

#include <stdio.h>

#include "base/buf.h"
#include "velocity/pki.h"
#include "velocity/tls.h"

/*
 * --cacert FILE of the client commands. One file serves both worlds: hybrid anchors for Velocity/1,
 * ordinary ones for TLS, whose default is the system's store. As with curl, the file stands in its
 * place.
 */
enum { VEL_CACERT_MESSAGE = 256 };

/* An empty set without a file. `message` says what is wrong with the file, for people; "" when it
 * was something else. VEL_ERR_IO, VEL_ERR_NOT_FOUND, VEL_ERR_MALFORMED, VEL_ERR_LIMIT, VEL_ERR_NOMEM */
vel_result vel_cacert_load(const struct vel_env *env, const struct vel_crypto *crypto,
                           const char *path, struct vel_buf *pem, struct vel_trust **trust,
                           char message[VEL_CACERT_MESSAGE]);

/* For TLS; pem empty: the system's store. identity: the client's own certificate, which outlives tls, or
 * NULL. suites: as in vel_tls_setup. key_log: of cli/key_log.h, or NULL. Errors as
 * vel_tls_new. */
vel_result vel_cacert_tls(const struct vel_env *env, const struct vel_crypto *crypto,
                          struct vel_slice pem, bool insecure, const struct vel_identity *identity,
                          const char *suites, FILE *key_log, struct vel_tls **tls);

#endif
