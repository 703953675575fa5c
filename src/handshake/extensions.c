/* SPDX-License-Identifier: MIT */
#include "handshake/extensions.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"

#define CH VEL_IN_CLIENT_HELLO
#define SH VEL_IN_SERVER_HELLO
#define HRR VEL_IN_HELLO_RETRY
#define EE VEL_IN_ENCRYPTED
#define CR VEL_IN_REQUEST

/* Every extension of Velocity/1: number on the wire, messages it may stand in, messages that must
 * have it, and the code when it is missing there. */
static const struct rule {
    uint16_t number;
    uint8_t allowed;
    uint8_t required;
    enum vel_alert missing;
} rules[VEL_EXT_COUNT] = {
    [VEL_EXT_SERVER_NAME] = {0, CH, 0, VEL_ALERT_MISSING_EXTENSION},
    [VEL_EXT_GROUPS] = {10, CH, CH, VEL_ALERT_MISSING_EXTENSION},
    [VEL_EXT_SIGNATURES] = {13, CH | CR, CH | CR, VEL_ALERT_MISSING_EXTENSION},
    [VEL_EXT_ALPN] = {16, CH | EE, CH | EE, VEL_ALERT_ALPN_REQUIRED},
    [VEL_EXT_PARAMS] = {0x39, CH | EE, CH | EE, VEL_ALERT_MISSING_EXTENSION},
    [VEL_EXT_KEY_SHARE] = {51, CH | SH | HRR, CH | SH | HRR, VEL_ALERT_MISSING_EXTENSION},
};

/* Messages that ask: what they contain and we do not know is for someone newer (VEL-HS-13). */
enum { ASKING = CH | CR };

static const struct rule *find_rule(uint16_t number)
{
    for (size_t i = 0; i < VEL_COUNT(rules); i++)
        if (rules[i].number == number)
            return &rules[i];
    return NULL;
}

static bool seen_before(const uint16_t *seen, size_t count, uint16_t number)
{
    for (size_t i = 0; i < count; i++)
        if (seen[i] == number)
            return true;
    return false;
}

static vel_result check_required(const struct vel_extensions *found, enum vel_extension_place place,
                                 struct vel_handshake_failure *why)
{
    for (size_t i = 0; i < VEL_COUNT(rules); i++)
        if ((rules[i].required & place) && found->body[i].ptr == NULL)
            return vel_refuse(why, rules[i].missing, "a required extension is missing");
    return VEL_OK;
}

vel_result vel_extensions_decode(struct vel_slice list, enum vel_extension_place place,
                                 struct vel_extensions *out, struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(list);
    struct vel_extensions found = {0};
    uint16_t seen[VEL_EXTENSIONS_MAX];
    size_t count = 0;

    while (vel_left(&r) > 0) {
        found.before_last = vel_slice(list.ptr, list.len - vel_left(&r));
        uint16_t number = (uint16_t)vel_read_uint(&r, 2);
        struct vel_slice body = vel_read_vector(&r, 2);
        DEMAND(vel_read_ok(&r), why, DECODE_ERROR, "extension list does not parse");
        DEMAND(count < VEL_COUNT(seen), why, DECODE_ERROR, "too many extensions");
        /* VEL-HS-11 */
        DEMAND(!seen_before(seen, count, number), why, ILLEGAL_PARAMETER, "extension given twice");
        seen[count++] = number;

        const struct rule *rule = find_rule(number);
        found.key_share_last = rule == &rules[VEL_EXT_KEY_SHARE];
        if (rule != NULL) {
            DEMAND(rule->allowed & place, why, ILLEGAL_PARAMETER,
                   "extension does not belong in this message");
            found.body[rule - rules] = body;
        } else {
            DEMAND(ASKING & (int)place, why, UNSUPPORTED_EXTENSION, "extension was not asked for");
        }
    }
    TRY(check_required(&found, place, why));
    *out = found;
    return VEL_OK;
}

uint8_t *vel_begin_extension_number(struct vel_writer *w, uint16_t number)
{
    vel_write_uint(w, number, 2);
    return vel_begin_vector(w, 2);
}

uint8_t *vel_begin_extension(struct vel_writer *w, enum vel_extension extension)
{
    return vel_begin_extension_number(w, rules[extension].number);
}
