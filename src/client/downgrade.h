/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DOWNGRADE_H
#define CLIENT_DOWNGRADE_H

#include "client/rung.h"

/*
 * Whether a connection below Velocity/1 may carry a request (PROTOCOL section 7; spec/fallback.md,
 * "Downgrade rules"). A pure function of what the client knows: the ladder asks it when a lower rung
 * is connected, before it sends anything of the user's. It may ask twice: the answer to the first
 * question can be that the fallback record is needed.
 *
 *     struct vel_downgrade_evidence evidence = {...};
 *     if (vel_downgrade_judge(&evidence, &why) == VEL_DOWNGRADE_NEED_RECORD)
 *         get the record, set evidence.record, ask again
 *
 * With --insecure there is nothing to hold a record against: leave pinned, expected and record at
 * their zero values.
 */

/* What the peer's authenticated version information says (RFC 9368: the transport parameter of a
 * complete QUIC handshake). Over TCP there is none. */
enum vel_downgrade_list {
    VEL_LIST_ABSENT,
    VEL_LIST_WITHOUT_VELOCITY,
    VEL_LIST_WITH_VELOCITY, /* the very wire version that the client tried */
    VEL_LIST_COUNT
};

enum vel_downgrade_record {
    VEL_RECORD_UNASKED,
    VEL_RECORD_MISSING,          /* asked for; another answer than 200 with a record */
    VEL_RECORD_INVALID,          /* it came, and a check failed: see client/fallback.h */
    VEL_RECORD_WITHOUT_VELOCITY, /* valid; its versions do not hold the one the client tried */
    VEL_RECORD_WITH_VELOCITY,    /* valid; they do */
    VEL_RECORD_COUNT
};

struct vel_downgrade_evidence {
    enum vel_rung rung; /* what the connection speaks; Velocity/1 itself is always fine */
    bool pinned;        /* a continuity pin for this host and port is in force (client/pins.h) */
    bool expected; /* an earlier success, Alt-Svc or HTTPS record says that it speaks Velocity/1 */
    bool version_negotiation; /* the Velocity/1 attempt ended with a Version Negotiation packet */
    enum vel_downgrade_list list;
    enum vel_downgrade_record record;
};

enum vel_downgrade_verdict {
    VEL_DOWNGRADE_ACCEPT,
    VEL_DOWNGRADE_NEED_RECORD,  /* get the fallback record on this connection, then ask again */
    VEL_DOWNGRADE_REFUSE,       /* exit status 121 */
    VEL_DOWNGRADE_REFUSE_RECORD /* exit status 122 */
};

/* What a refusal is told as: names in --json and the log, texts in messages. */
#define VEL_DOWNGRADE_WHY_MAP(X)                                                                   \
    X(VEL_WHY_NOTHING, "none", "no downgrade")                                                     \
    X(VEL_WHY_LISTED, "version_listed",                                                            \
      "a Version Negotiation packet denied Velocity/1, but the server's authenticated version "    \
      "list names it")                                                                             \
    X(VEL_WHY_UNLISTED, "version_unproved",                                                        \
      "a Version Negotiation packet denied Velocity/1, which this server is known to speak, and "  \
      "nothing authentic confirms the denial")                                                     \
    X(VEL_WHY_RECORD_LISTED, "record_listed",                                                      \
      "a Version Negotiation packet denied Velocity/1, but the server's fallback record names it") \
    X(VEL_WHY_PINNED, "pin_without_record",                                                        \
      "this server is pinned to Velocity/1 and sent no fallback record")                           \
    X(VEL_WHY_RECORD_INVALID, "record_invalid", "the fallback record is invalid")

#define VEL_DOWNGRADE_WHY_AS_ENUM(code, name, text) code,
enum vel_downgrade_why { VEL_DOWNGRADE_WHY_MAP(VEL_DOWNGRADE_WHY_AS_ENUM) VEL_WHY_COUNT };
#undef VEL_DOWNGRADE_WHY_AS_ENUM

const char *vel_downgrade_why_name(enum vel_downgrade_why why);
const char *vel_downgrade_why_text(enum vel_downgrade_why why);

/* *why is set always; VEL_WHY_NOTHING unless refused. */
enum vel_downgrade_verdict vel_downgrade_judge(const struct vel_downgrade_evidence *evidence,
                                               enum vel_downgrade_why *why);

#endif
