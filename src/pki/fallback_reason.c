/* SPDX-License-Identifier: MIT */
#include "pki/fallback_reason.h"

#include "base/units.h"

static const struct {
    const char *name;
    bool signable;
    const char *text;
} reasons[] = {
#define REASON_ROW(code, name, signable, text) [code] = {name, signable, text},
    VEL_FALLBACK_MAP(REASON_ROW)
#undef REASON_ROW
};

const char *vel_fallback_name(enum vel_fallback reason)
{
    return (size_t)reason < VEL_COUNT(reasons) ? reasons[reason].name : "unknown";
}

const char *vel_fallback_text(enum vel_fallback reason)
{
    return (size_t)reason < VEL_COUNT(reasons) ? reasons[reason].text : "unknown reason";
}

bool vel_fallback_is_signable(enum vel_fallback reason)
{
    return (size_t)reason < VEL_COUNT(reasons) && reasons[reason].signable;
}

enum vel_fallback vel_fallback_of_name(struct vel_slice name)
{
    for (unsigned i = 0; i < VEL_FALLBACK_COUNT; i++)
        if (vel_slice_equal(name, vel_slice_text(reasons[i].name)))
            return (enum vel_fallback)i;
    return VEL_FALLBACK_COUNT;
}
