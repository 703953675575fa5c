/* SPDX-License-Identifier: MIT */
#ifndef WEB_BUDGET_H
#define WEB_BUDGET_H

#include <stdbool.h>

#include "base/units.h"
#include "endpoint/keyed_hash.h"
#include "velocity/addr.h"
#include "velocity/env.h"

/*
 * How often something expensive is done, for each source and in all: a signature costs about a
 * millisecond of CPU, a request next to nothing. A source is what endpoint/limits.h takes for one;
 * sources share a fixed table, so that many of them cost no memory. Two that share a place share its budget.
 */
enum { VEL_BUDGET_PLACES = 1024 };

/* At first a burst, then one in each interval. */
enum { VEL_BUDGET_SOURCE_BURST = 16, VEL_BUDGET_TOTAL_BURST = 64 };
#define VEL_BUDGET_SOURCE_INTERVAL (500 * MS)
#define VEL_BUDGET_TOTAL_INTERVAL (20 * MS)

/* Start with vel_budget_init; nothing to release. */
struct vel_budget {
    struct vel_hash_key key;
    vel_time total;                     /* when the budget is whole again; the past: it is */
    vel_time places[VEL_BUDGET_PLACES]; /* the same, of the sources there */
};

void vel_budget_init(struct vel_budget *budget, const struct vel_env *env);

/* Spend one; false: there is none left, and nothing was spent. */
bool vel_budget_take(struct vel_budget *budget, const struct vel_addr *source, vel_time now);

#endif
