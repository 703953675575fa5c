/* SPDX-License-Identifier: MIT */
#include "web/budget.h"

#include "endpoint/limits.h"

void vel_budget_init(struct vel_budget *budget, const struct vel_env *env)
{
    *budget = (struct vel_budget){.total = 0};
    vel_random(env, &budget->key, sizeof budget->key);
}

static vel_time *place_of(struct vel_budget *budget, const struct vel_addr *source)
{
    size_t size = source->family == VEL_ADDR_IP4 ? VEL_SOURCE_IP4_BYTES : VEL_SOURCE_IP6_BYTES;
    uint64_t hash = vel_keyed_hash(&budget->key, vel_slice(source->ip, size));
    return &budget->places[hash % VEL_BUDGET_PLACES];
}

/* The whole burst is there again `whole` - `now` from now: so many intervals are spent. */
static bool has_room(vel_time whole, vel_time now, vel_time interval, unsigned burst)
{
    return whole - now <= interval * (vel_time)(burst - 1);
}

bool vel_budget_take(struct vel_budget *budget, const struct vel_addr *source, vel_time now)
{
    vel_time *place = place_of(budget, source);
    if (!has_room(*place, now, VEL_BUDGET_SOURCE_INTERVAL, VEL_BUDGET_SOURCE_BURST) ||
        !has_room(budget->total, now, VEL_BUDGET_TOTAL_INTERVAL, VEL_BUDGET_TOTAL_BURST))
        return false;
    *place = VEL_MAX(*place, now) + VEL_BUDGET_SOURCE_INTERVAL;
    budget->total = VEL_MAX(budget->total, now) + VEL_BUDGET_TOTAL_INTERVAL;
    return true;
}
