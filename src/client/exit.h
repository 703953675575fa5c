/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_EXIT_H
#define CLIENT_EXIT_H

#include "client/transfer.h"

/*
 * Exit statuses of the command line client: curl's numbers, and ours beyond them. One table:
 * number, the name that appears in --json, and what it means.
 */
#define VEL_EXIT_MAP(X)                                                                            \
    X(VEL_EXIT_OK, 0, "ok", "success")                                                             \
    X(VEL_EXIT_USAGE, 2, "usage", "unknown option or wrong value")                                 \
    X(VEL_EXIT_URL, 3, "url", "the URL does not parse")                                            \
    X(VEL_EXIT_RESOLVE, 6, "resolve", "the host name could not be resolved")                       \
    X(VEL_EXIT_CONNECT, 7, "connect", "could not connect")                                         \
    X(VEL_EXIT_PARTIAL, 18, "partial", "the response was cut off")                                 \
    X(VEL_EXIT_HTTP_STATUS, 22, "http-status", "the server answered with an error status")         \
    X(VEL_EXIT_WRITE, 23, "write", "the output could not be written")                              \
    X(VEL_EXIT_READ, 26, "read", "the request body could not be read")                             \
    X(VEL_EXIT_MEMORY, 27, "memory", "out of memory")                                              \
    X(VEL_EXIT_TIMEOUT, 28, "timeout", "timed out")                                                \
    X(VEL_EXIT_HANDSHAKE, 35, "handshake", "the handshake failed")                                 \
    X(VEL_EXIT_REDIRECTS, 47, "redirects", "too many redirections")                                \
    X(VEL_EXIT_EMPTY, 52, "empty", "the server sent no response")                                  \
    X(VEL_EXIT_RECEIVE, 56, "receive", "the connection failed")                                    \
    X(VEL_EXIT_OWN_CERTIFICATE, 58, "own-certificate",                                             \
      "the client's own certificate or key could not be used")                                     \
    X(VEL_EXIT_CERTIFICATE, 60, "certificate", "the server's certificate was refused")             \
    X(VEL_EXIT_CA_FILE, 77, "ca-file", "the file of trusted certificates could not be read")       \
    X(VEL_EXIT_HTTP, 95, "http", "HTTP protocol error")                                            \
    X(VEL_EXIT_PROFILE, 120, "profile", "the profile was refused")                                 \
    X(VEL_EXIT_DOWNGRADE, 121, "downgrade", "a downgrade was detected")                            \
    X(VEL_EXIT_RECORD, 122, "record", "the fallback record is invalid")                            \
    X(VEL_EXIT_ECH, 123, "ech", "Encrypted ClientHello is required")

#define VEL_EXIT_AS_ENUM(name, number, label, text) name = (number),
enum vel_exit { VEL_EXIT_MAP(VEL_EXIT_AS_ENUM) };
#undef VEL_EXIT_AS_ENUM

const char *vel_exit_name(enum vel_exit status);
const char *vel_exit_text(enum vel_exit status);

enum vel_exit vel_exit_of_failure(enum vel_client_failure failure);

/* How a connection that ended counts; `connected` tells whether the handshake was complete.
 * NULL: still open, so VEL_CLIENT_OK. */
enum vel_client_failure vel_client_failure_of_close(const struct vel_close *close, bool connected);

#endif
