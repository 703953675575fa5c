/* SPDX-License-Identifier: MIT */
#include "transport/ecn.h"

void vel_ecn_init(struct vel_ecn_validation *ecn, bool enabled)
{
    *ecn = (struct vel_ecn_validation){.state = enabled ? VEL_ECN_TESTING : VEL_ECN_FAILED};
}

void vel_ecn_restart(struct vel_ecn_validation *ecn, bool enabled)
{
    ecn->state = enabled ? VEL_ECN_TESTING : VEL_ECN_FAILED;
    ecn->tested = ecn->tested_lost = 0;
}

uint8_t vel_ecn_mark(const struct vel_ecn_validation *ecn)
{
    bool marking = ecn->state == VEL_ECN_TESTING || ecn->state == VEL_ECN_CAPABLE;
    return marking ? VEL_ECN_ECT0 : VEL_ECN_NOT_ECT;
}

void vel_ecn_on_sent(struct vel_ecn_validation *ecn, enum vel_space space, uint8_t mark)
{
    if (mark != VEL_ECN_ECT0)
        return;
    ecn->space[space].marked++;
    if (ecn->state == VEL_ECN_TESTING && ++ecn->tested == VEL_ECN_TEST_PACKETS)
        ecn->state = VEL_ECN_UNKNOWN;
}

void vel_ecn_on_lost(struct vel_ecn_validation *ecn)
{
    if (ecn->state != VEL_ECN_TESTING && ecn->state != VEL_ECN_UNKNOWN)
        return;
    if (++ecn->tested_lost == VEL_ECN_TEST_PACKETS)
        ecn->state = VEL_ECN_FAILED;
}

/* RFC 9000 13.4.2.1: every newly acknowledged mark must be reported, as ECT(0) or as CE; nothing
 * that we did not send may be; and no count shrinks. */
static bool counts_are_sound(const struct vel_ecn_counts *before, const struct vel_ecn_counts *now,
                             uint64_t newly_marked, uint64_t marked)
{
    if (now->ect0 < before->ect0 || now->ect1 < before->ect1 || now->ce < before->ce)
        return false;
    if (now->ect1 > 0 || now->ect0 > marked || now->ce > marked)
        return false;
    uint64_t increase = now->ect0 - before->ect0 + now->ce - before->ce;
    return increase >= newly_marked && now->ect0 + now->ce <= marked;
}

/* The test packets come back. A network that marks every one of them with CE tells nothing about
 * congestion: it mangles. */
static void judge(struct vel_ecn_validation *ecn, const struct vel_ecn_counts *reported)
{
    if (reported->ect0 > 0)
        ecn->state = VEL_ECN_CAPABLE;
    else if (reported->ce >= VEL_ECN_TEST_PACKETS)
        ecn->state = VEL_ECN_FAILED;
}

uint64_t vel_ecn_on_ack(struct vel_ecn_validation *ecn, enum vel_space space, uint64_t newly_marked,
                        const struct vel_ecn_counts *reported)
{
    static const struct vel_ecn_counts none = {0};
    if (ecn->state == VEL_ECN_FAILED)
        return 0;
    struct vel_ecn_counts *before = &ecn->space[space].reported;
    if (reported == NULL && newly_marked == 0)
        return 0;
    if (reported == NULL)
        reported = &none;
    if (!counts_are_sound(before, reported, newly_marked, ecn->space[space].marked)) {
        ecn->state = VEL_ECN_FAILED;
        return 0;
    }
    uint64_t more = reported->ce - before->ce;
    *before = *reported;
    if (ecn->state != VEL_ECN_CAPABLE && newly_marked > 0)
        judge(ecn, reported);
    return more;
}
