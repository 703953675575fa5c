/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_NEGOTIATE_H
#define HANDSHAKE_NEGOTIATE_H

#include "handshake/messages.h"

/*
 * Both sides of the choice (VEL-HS-20): what a client of some profiles offers, and what a server
 * takes of an offer. Pure functions.
 */

/* Room for every code point of a table and one greased one. */
enum { VEL_OFFER_MAX = 2 * (VEL_SIG_SUITE_COUNT + VEL_SUITE_COUNT + 1) };

/* Lists of code points as they stand on the wire, without their length. */
struct vel_offer {
    uint8_t bytes[VEL_OFFER_MAX];
    size_t len;
};

static inline struct vel_slice vel_offer_slice(const struct vel_offer *offer)
{
    return vel_slice(offer->bytes, offer->len);
}

/* Profiles in the list's order, suites and groups inside one in the table's; prefer_chacha moves
 * ChaCha20-Poly1305 to the front of its profile.
 * grease: a code point without meaning that goes first (RFC 8701), 0 for none. */
void vel_offer_suites(const struct vel_profile_list *profiles, bool prefer_chacha, uint16_t grease,
                      struct vel_offer *out);
void vel_offer_groups(const struct vel_profile_list *profiles, uint16_t grease,
                      struct vel_offer *out);

/* Signature suites whose ML-DSA level is `floor` or stronger. */
void vel_offer_signatures(enum vel_profile floor, struct vel_offer *out);

/* Weakest profile of a list; its count is at least 1. */
enum vel_profile vel_profiles_floor(const struct vel_profile_list *profiles);

/* What the server took. retry: there is no share for `group`, ask for one. */
struct vel_choice {
    const struct vel_suite *suite;
    const struct vel_group *group;
    struct vel_slice share; /* borrowed from the hello */
    bool retry;
};

/*
 * The strongest permitted profile for which a share was sent and whose level the certificate
 * (`signature`) meets, then the client's order of suites in it; a retry only if there is none
 * (VEL-HS-20, VEL-HS-21). Refuses with PROFILE_POLICY_VIOLATION when no profile remains
 * (VEL-HS-24), handshake_failure when the client does not take the signature suite.
 */
vel_result vel_negotiate(const struct vel_profile_list *permit,
                         const struct vel_sig_suite *signature,
                         const struct vel_client_hello *hello, struct vel_choice *out,
                         struct vel_handshake_failure *why);

/* The first of the client's protocols that `supported` has, borrowed from `offered` (VEL-HS-27). */
vel_result vel_negotiate_alpn(const struct vel_slice *supported, size_t count,
                              struct vel_slice offered, struct vel_slice *out,
                              struct vel_handshake_failure *why);

#endif
