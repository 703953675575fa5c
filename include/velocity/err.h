/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_ERR_H
#define VELOCITY_ERR_H

/*
 * Every way a call can fail, sorted by what the caller can do about it. One row each; names and
 * texts are generated from this table. What goes on the wire (close codes) is a separate type,
 * struct vel_close, and is never mixed in.
 */
#define VEL_ERR_MAP(X)                                                                             \
    X(VEL_OK, "success")                                                                           \
    X(VEL_ERR_NOMEM, "out of memory")                                                              \
    X(VEL_ERR_AGAIN, "would block: retry after the next event")                                    \
    X(VEL_ERR_ARGUMENT, "argument outside its documented range")                                   \
    X(VEL_ERR_MALFORMED, "bytes do not parse")                                                     \
    X(VEL_ERR_UNEXPECTED, "not allowed in this state")                                             \
    X(VEL_ERR_AUTH, "authentication failed")                                                       \
    X(VEL_ERR_LIMIT, "a limit was reached")                                                        \
    X(VEL_ERR_CLOSED, "already closed")                                                            \
    X(VEL_ERR_NOT_FOUND, "no such thing")                                                          \
    X(VEL_ERR_EXISTS, "already exists")                                                            \
    X(VEL_ERR_TIMEOUT, "timed out")                                                                \
    X(VEL_ERR_UNSUPPORTED, "not supported here")                                                   \
    X(VEL_ERR_CRYPTO, "the cryptographic library failed")                                          \
    X(VEL_ERR_IO, "operating system error, see errno")

#define VEL_ERR_AS_ENUM(name, text) name,
enum vel_err { VEL_ERR_MAP(VEL_ERR_AS_ENUM) VEL_ERR_COUNT };
#undef VEL_ERR_AS_ENUM

/* Return type of every call that can fail. The compiler rejects a caller that drops it. */
#define vel_result __attribute__((warn_unused_result)) enum vel_err

/* Returns a constant English phrase; never NULL, also for values this build does not know. */
const char *vel_err_text(enum vel_err err);

#endif
