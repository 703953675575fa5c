/* SPDX-License-Identifier: MIT */
#include "handshake/negotiate.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"
#include "handshake/alpn.h"

/* ---- what a client offers ---- */

static struct vel_writer begin_offer(struct vel_offer *out, uint16_t grease)
{
    struct vel_writer w = vel_writer(out->bytes, sizeof out->bytes);
    if (grease != 0)
        vel_write_uint(&w, grease, 2);
    return w;
}

/* Suites of one profile: those that are moved to the front, or the others. */
static void write_suites(struct vel_writer *w, enum vel_profile profile, bool prefer_chacha,
                         bool front)
{
    for (size_t i = 0; i < VEL_COUNT(vel_suites); i++) {
        const struct vel_suite *suite = &vel_suites[i];
        bool moved = prefer_chacha && suite->aead == VEL_CHACHA20_POLY1305;
        if (suite->profile == profile && moved == front)
            vel_write_uint(w, suite->code, 2);
    }
}

void vel_offer_suites(const struct vel_profile_list *profiles, bool prefer_chacha, uint16_t grease,
                      struct vel_offer *out)
{
    struct vel_writer w = begin_offer(out, grease);
    for (size_t i = 0; i < profiles->count; i++) {
        write_suites(&w, profiles->items[i], prefer_chacha, true);
        write_suites(&w, profiles->items[i], prefer_chacha, false);
    }
    out->len = vel_written(&w);
}

void vel_offer_groups(const struct vel_profile_list *profiles, uint16_t grease,
                      struct vel_offer *out)
{
    struct vel_writer w = begin_offer(out, grease);
    for (size_t i = 0; i < profiles->count; i++)
        for (size_t j = 0; j < VEL_COUNT(vel_groups); j++)
            if (vel_groups[j].profile == profiles->items[i])
                vel_write_uint(&w, vel_groups[j].code, 2);
    out->len = vel_written(&w);
}

void vel_offer_signatures(enum vel_profile floor, struct vel_offer *out)
{
    struct vel_writer w = begin_offer(out, 0);
    for (size_t i = 0; i < VEL_COUNT(vel_sig_suites); i++)
        if (vel_sig_suites[i].profile >= floor)
            vel_write_uint(&w, vel_sig_suites[i].code, 2);
    out->len = vel_written(&w);
}

enum vel_profile vel_profiles_floor(const struct vel_profile_list *profiles)
{
    enum vel_profile floor = VEL_PROFILE_SECURE;
    for (size_t i = 0; i < profiles->count; i++)
        floor = VEL_MIN(floor, profiles->items[i]);
    return floor;
}

/* ---- what a server takes ---- */

static bool permitted(const struct vel_profile_list *permit, enum vel_profile profile)
{
    for (size_t i = 0; i < permit->count; i++)
        if (permit->items[i] == profile)
            return true;
    return false;
}

/* The client's first suite of this profile; NULL when it offers none. */
static const struct vel_suite *first_suite(const struct vel_client_hello *hello,
                                           enum vel_profile profile)
{
    struct vel_reader r = vel_reader(hello->suites);
    while (vel_left(&r) > 0) {
        const struct vel_suite *suite = vel_suite_find((uint16_t)vel_read_uint(&r, 2));
        if (suite != NULL && suite->profile == profile)
            return suite;
    }
    return NULL;
}

/* The first group of this profile that the client has a share for, or merely supports. */
static const struct vel_group *first_group(const struct vel_client_hello *hello,
                                           enum vel_profile profile, bool with_share)
{
    for (size_t i = 0; i < VEL_COUNT(vel_groups); i++) {
        const struct vel_group *group = &vel_groups[i];
        if (group->profile != profile)
            continue;
        if (with_share ? vel_client_hello_share(hello, group->code).ptr != NULL
                       : vel_codes_have(hello->groups, group->code))
            return group;
    }
    return NULL;
}

/* Strongest profile that both allow and the certificate meets; false when there is none. */
static bool choose(const struct vel_profile_list *permit, const struct vel_sig_suite *signature,
                   const struct vel_client_hello *hello, bool with_share, struct vel_choice *out)
{
    for (int p = VEL_PROFILE_COUNT - 1; p >= 0; p--) {
        enum vel_profile profile = (enum vel_profile)p;
        if (!permitted(permit, profile) || signature->profile < profile)
            continue;
        const struct vel_suite *suite = first_suite(hello, profile);
        const struct vel_group *group = first_group(hello, profile, with_share);
        if (suite == NULL || group == NULL)
            continue;
        *out = (struct vel_choice){.suite = suite, .group = group, .retry = !with_share};
        if (with_share)
            out->share = vel_client_hello_share(hello, group->code);
        return true;
    }
    return false;
}

vel_result vel_negotiate(const struct vel_profile_list *permit,
                         const struct vel_sig_suite *signature,
                         const struct vel_client_hello *hello, struct vel_choice *out,
                         struct vel_handshake_failure *why)
{
    struct vel_choice choice;
    bool found = choose(permit, signature, hello, true, &choice) ||
                 choose(permit, signature, hello, false, &choice);
    DEMAND(found, why, PROFILE_POLICY_VIOLATION, "no profile that both sides permit");
    DEMAND(vel_codes_have(hello->signatures, signature->code), why, HANDSHAKE_FAILURE,
           "peer does not accept our kind of certificate");
    *out = choice;
    return VEL_OK;
}

vel_result vel_negotiate_alpn(const struct vel_slice *supported, size_t count,
                              struct vel_slice offered, struct vel_slice *out,
                              struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(offered);
    while (vel_left(&r) > 0) {
        struct vel_slice name = vel_read_vector(&r, 1);
        if (vel_alpn_has(supported, count, VEL_ALPN_VELOCITY, name)) {
            *out = name;
            return VEL_OK;
        }
    }
    return vel_refuse(why, VEL_ALERT_NO_APPLICATION_PROTOCOL, "no application protocol in common");
}
