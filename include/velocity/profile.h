/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_PROFILE_H
#define VELOCITY_PROFILE_H

#include "velocity/err.h"

/*
 * A profile fixes the strength of a connection: the level of ML-KEM and ML-DSA, the hash, and the
 * AEADs to choose from. The order is the order of strength. (VEL-HS suites table, spec section on
 * profiles.)
 */
enum vel_profile { VEL_PROFILE_LIGHT, VEL_PROFILE_BALANCED, VEL_PROFILE_SECURE, VEL_PROFILE_COUNT };

/* An ordered list of profiles without repetition. Client: preference order; server: those it
 * permits (a set; the server picks the strongest). */
struct vel_profile_list {
    enum vel_profile items[VEL_PROFILE_COUNT];
    unsigned count;
};

/* "light", "balanced" or "secure". */
const char *vel_profile_name(enum vel_profile profile);

/* The profile with this name or alias (turbo, fast, fortress).
 * VEL_ERR_NOT_FOUND  no such profile; *profile untouched */
vel_result vel_profile_parse(const char *name, enum vel_profile *profile);

/* A list "secure,balanced". VEL_ERR_NOT_FOUND for an unknown name, VEL_ERR_ARGUMENT for an empty
 * list or a repetition; *list untouched. */
vel_result vel_profile_list_parse(const char *text, struct vel_profile_list *list);

#endif
