/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "cli/get_internal.h"
#include "velocity/system.h"

vel_result vel_get_load_state(struct vel_get *get)
{
    if (get->settings->no_state || vel_state_path(NULL, "outcomes", get->outcomes_path) != VEL_OK)
        return VEL_OK;
    TRY(vel_outcomes_new(&get->env, &get->outcomes));
    return vel_outcomes_load(get->outcomes_path, get->outcomes);
}

/* The hints of others that were written meanwhile stay; what cannot be written is not missed. */
void vel_get_save_state(struct vel_get *get)
{
    const char *path = get->outcomes_path;
    const struct vel_url *origin = &get->origin;
    int64_t now = vel_clock_unix();
    if (get->outcomes == NULL || origin->plain || get->ladder.state != VEL_LADDER_WON)
        return;
    if (vel_outcomes_load(path, get->outcomes) != VEL_OK)
        return;
    struct vel_outcome outcome = vel_outcomes_find(get->outcomes, origin->host, origin->port);
    vel_ladder_learn(&get->ladder, now, get->facts.stats.smoothed_rtt, !get->settings->insecure,
                     &outcome);
    if (get->promised_s > 0 && !get->settings->insecure)
        outcome.velocity_until = VEL_MAX(outcome.velocity_until, now + get->promised_s);
    vel_outcomes_set(get->outcomes, origin->host, origin->port, &outcome, now);
    if (vel_outcomes_save(path, &get->env, get->outcomes) != VEL_OK && get->settings->verbose)
        fprintf(stderr, "* %s: cannot be written; nothing is remembered\n", path);
}
