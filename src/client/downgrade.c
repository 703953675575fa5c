/* SPDX-License-Identifier: MIT */
#include "client/downgrade.h"

#include "base/units.h"

static const struct {
    const char *name;
    const char *text;
} whys[] = {
#define WHY_ROW(code, name, text) [code] = {name, text},
    VEL_DOWNGRADE_WHY_MAP(WHY_ROW)
#undef WHY_ROW
};

const char *vel_downgrade_why_name(enum vel_downgrade_why why)
{
    return (size_t)why < VEL_COUNT(whys) ? whys[why].name : "unknown";
}

const char *vel_downgrade_why_text(enum vel_downgrade_why why)
{
    return (size_t)why < VEL_COUNT(whys) ? whys[why].text : "unknown reason";
}

static bool has_record(const struct vel_downgrade_evidence *evidence)
{
    return evidence->record == VEL_RECORD_WITHOUT_VELOCITY ||
           evidence->record == VEL_RECORD_WITH_VELOCITY;
}

/* The server contradicts the Version Negotiation packet, or sent bytes that it never signed: then
 * somebody on the path forges (VEL-FB-31, VEL-FB-33, VEL-FB-34). */
static enum vel_downgrade_why contradiction(const struct vel_downgrade_evidence *evidence)
{
    if (evidence->version_negotiation && evidence->list == VEL_LIST_WITH_VELOCITY)
        return VEL_WHY_LISTED;
    if (evidence->version_negotiation && evidence->record == VEL_RECORD_WITH_VELOCITY)
        return VEL_WHY_RECORD_LISTED;
    return evidence->record == VEL_RECORD_INVALID ? VEL_WHY_RECORD_INVALID : VEL_WHY_NOTHING;
}

/* What is missing unless there is a record (VEL-FB-30, VEL-FB-32). */
static enum vel_downgrade_why doubt(const struct vel_downgrade_evidence *evidence)
{
    if (evidence->pinned)
        return VEL_WHY_PINNED;
    bool unproved =
        evidence->version_negotiation && evidence->expected && evidence->list == VEL_LIST_ABSENT;
    return unproved ? VEL_WHY_UNLISTED : VEL_WHY_NOTHING;
}

enum vel_downgrade_verdict vel_downgrade_judge(const struct vel_downgrade_evidence *evidence,
                                               enum vel_downgrade_why *why)
{
    *why = VEL_WHY_NOTHING;
    if (evidence->rung == VEL_RUNG_VELOCITY)
        return VEL_DOWNGRADE_ACCEPT;
    *why = contradiction(evidence);
    if (*why != VEL_WHY_NOTHING)
        return *why == VEL_WHY_RECORD_INVALID ? VEL_DOWNGRADE_REFUSE_RECORD : VEL_DOWNGRADE_REFUSE;

    enum vel_downgrade_why missing = doubt(evidence);
    if (missing == VEL_WHY_NOTHING || has_record(evidence))
        return VEL_DOWNGRADE_ACCEPT;
    if (evidence->record == VEL_RECORD_UNASKED)
        return VEL_DOWNGRADE_NEED_RECORD;
    *why = missing;
    return VEL_DOWNGRADE_REFUSE;
}
