/* SPDX-License-Identifier: MIT */
#include "transport/pmtud.h"

#include "base/units.h"

static bool is_between(const struct vel_pmtud *p, uint16_t size)
{
    return size > p->mtu && size < p->refused;
}

/* The next size to try; 0 when the search is over. */
static uint16_t next_size(const struct vel_pmtud *p)
{
    if (is_between(p, VEL_PMTUD_ETHERNET))
        return VEL_PMTUD_ETHERNET;
    if (is_between(p, p->ceiling))
        return p->ceiling;
    if (is_between(p, VEL_PMTUD_JUMBO))
        return VEL_PMTUD_JUMBO;
    uint16_t between = (uint16_t)(p->refused - p->mtu);
    return between > p->mtu / VEL_PMTUD_STEP ? (uint16_t)(p->mtu + between / 2) : 0;
}

static void search(struct vel_pmtud *p)
{
    p->probe = next_size(p);
    p->losses = 0;
    p->in_flight = false;
    p->raise_at = VEL_NEVER;
}

/* Nothing is known of what lies above the mtu. */
static void search_all(struct vel_pmtud *p)
{
    p->refused = (uint16_t)(p->ceiling + 1);
    search(p);
}

/* The last probe has told something: go on, or rest until paths may have changed. */
static void go_on(struct vel_pmtud *p, vel_time now)
{
    search(p);
    if (p->probe == 0 && p->mtu < p->ceiling)
        p->raise_at = now + VEL_PMTUD_RAISE;
}

void vel_pmtud_init(struct vel_pmtud *p, uint64_t ceiling)
{
    *p = (struct vel_pmtud){.mtu = VEL_PMTUD_BASE};
    vel_pmtud_set_ceiling(p, ceiling);
}

void vel_pmtud_set_ceiling(struct vel_pmtud *p, uint64_t ceiling)
{
    ceiling = VEL_MIN(ceiling, (uint64_t)VEL_PMTUD_DATAGRAM_MAX);
    p->ceiling = (uint16_t)VEL_MAX(ceiling, (uint64_t)VEL_PMTUD_BASE);
    p->mtu = VEL_MIN(p->mtu, p->ceiling);
    search_all(p);
}

bool vel_pmtud_is_due(struct vel_pmtud *p, vel_time now)
{
    if (p->probe == 0 && now >= p->raise_at)
        search_all(p);
    return p->probe != 0 && !p->in_flight;
}

void vel_pmtud_sent(struct vel_pmtud *p)
{
    p->in_flight = true;
}

bool vel_pmtud_acked(struct vel_pmtud *p, uint64_t size, vel_time now)
{
    if (size == p->probe)
        p->in_flight = false;
    if (size <= p->mtu || size > p->ceiling)
        return false;
    p->mtu = (uint16_t)size;
    if (p->refused <= p->mtu) /* late: it was given up for lost */
        p->refused = (uint16_t)(p->ceiling + 1);
    go_on(p, now);
    return true;
}

void vel_pmtud_lost(struct vel_pmtud *p, uint64_t size, vel_time now)
{
    if (size != p->probe)
        return;
    p->in_flight = false;
    if (++p->losses < VEL_PMTUD_PROBES)
        return;
    p->refused = p->probe;
    go_on(p, now);
}

bool vel_pmtud_restart(struct vel_pmtud *p)
{
    if (p->mtu == VEL_PMTUD_BASE)
        return false;
    p->mtu = VEL_PMTUD_BASE;
    search_all(p);
    return true;
}

void vel_black_hole_acked(struct vel_black_hole *b, uint16_t size, vel_time sent)
{
    if (size <= VEL_PMTUD_BASE) {
        b->small_passed |= b->lost > 0 && sent > b->first_lost;
        return;
    }
    b->large_passed = VEL_MAX(b->large_passed, sent);
    if (b->lost > 0 && sent >= b->first_lost) {
        b->lost = 0;
        b->small_passed = false;
    }
}

void vel_black_hole_lost(struct vel_black_hole *b, uint16_t size, vel_time sent)
{
    if (size <= VEL_PMTUD_BASE || sent <= b->large_passed)
        return;
    b->first_lost = b->lost == 0 ? sent : VEL_MIN(b->first_lost, sent);
    b->lost++;
}

bool vel_black_hole_found(struct vel_black_hole *b)
{
    if (b->lost < VEL_PMTUD_SUSPECTS || !b->small_passed)
        return false;
    b->lost = 0;
    b->small_passed = false;
    return true;
}
