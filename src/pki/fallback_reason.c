/* SPDX-License-Identifier: MIT */
#include "pki/fallback_reason.h"

#include "base/try.h"
#include "base/units.h"

static const struct {
    const char *name;
    bool signable;
    const char *text;
} reasons[] = {
#define REASON_ROW(code, name, signable, text) [code] = {name, signable, text},
    VEL_FALLBACK_REASON_MAP(REASON_ROW)
#undef REASON_ROW
};

const char *vel_fallback_reason_name(enum vel_fallback_reason reason)
{
    return (size_t)reason < VEL_COUNT(reasons) ? reasons[reason].name : "unknown";
}

const char *vel_fallback_reason_text(enum vel_fallback_reason reason)
{
    return (size_t)reason < VEL_COUNT(reasons) ? reasons[reason].text : "unknown reason";
}

bool vel_fallback_reason_is_signable(enum vel_fallback_reason reason)
{
    return (size_t)reason < VEL_COUNT(reasons) && reasons[reason].signable;
}

vel_result vel_fallback_reason_parse(struct vel_slice name, enum vel_fallback_reason *reason)
{
    for (size_t i = 0; i < VEL_COUNT(reasons); i++) {
        if (!vel_slice_equal(name, vel_slice_text(reasons[i].name)))
            continue;
        *reason = (enum vel_fallback_reason)i;
        return VEL_OK;
    }
    return VEL_ERR_NOT_FOUND;
}
