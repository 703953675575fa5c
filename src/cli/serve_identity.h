/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_IDENTITY_H
#define CLI_SERVE_IDENTITY_H

#include <stdio.h>

#include "base/buf.h"
#include "cli/command.h"
#include "cli/state.h"
#include "velocity/config.h"
#include "velocity/pki.h"
#include "velocity/tls.h"

/*
 * The certificate of `velocity serve`: the one that was given, or else a self-signed hybrid one for
 * this machine, kept in a state folder and used again until it runs out.
 */

struct vel_serve_identity {
    struct vel_identity *identity;
    char chain_path[VEL_PATH_TEXT]; /* what a client gives to --cacert */
    bool issued;                    /* made just now */
};

/* Both calls tell on stderr what is wrong when they fail. From files: */
vel_result vel_serve_identity_load(const struct vel_call *call, const struct vel_crypto *crypto,
                                   const char *chain_path, const char *key_path,
                                   struct vel_serve_identity *out);

/* An ordinary certificate, for TLS alone; one that is hybrid will do as well. */
vel_result vel_serve_identity_tls(const struct vel_call *call, const struct vel_crypto *crypto,
                                  const char *chain_path, const char *key_path,
                                  struct vel_identity **out);

/* Whether clients have to show a certificate, and who may have issued it: the same for Velocity/1 and TLS.
 * Zero-initialised: nobody has to. */
struct vel_serve_clients {
    enum vel_client_auth auth;
    struct vel_buf pem; /* of the CAs */
    struct vel_trust *trust;
};

/* Tells on stderr what is wrong with the file of CAs; without authentication it is not read. */
vel_result vel_serve_clients_load(const struct vel_call *call, const struct vel_crypto *crypto,
                                  enum vel_client_auth auth, const char *path,
                                  struct vel_serve_clients *clients);
void vel_serve_clients_clear(struct vel_serve_clients *clients);

/* What TLS connections are made with, over QUIC and TCP: the classical certificate where there is
 * one and the client takes it, else the classical half of the hybrid one. key_log: of cli/key_log.h, or
 * NULL. */
vel_result vel_serve_tls_new(const struct vel_call *call, const struct vel_crypto *crypto,
                             const struct vel_identity *classical,
                             const struct vel_identity *hybrid,
                             const struct vel_serve_clients *clients, FILE *key_log,
                             struct vel_tls **tls);

/*
 * From the state folder (cli/state.h). The certificate of each profile stands in a folder of its own. It is good for
 * localhost, its two addresses, the host name, and `address` (an IP literal; NULL: none more).
 */
vel_result vel_serve_identity_state(const struct vel_call *call, const struct vel_crypto *crypto,
                                    const char *folder, enum vel_profile profile,
                                    const char *address, struct vel_serve_identity *out);

#endif
