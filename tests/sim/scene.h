/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_SCENE_H
#define TESTS_SIM_SCENE_H

#include "sim/nodes.h"
#include "sim/peer.h"
#include "sim/scenario.h"

/*
 * A client and a server over a simulated network: what a scenario plays with.
 *
 *     struct scene *scene = scene_new(seed, VEL_PROFILE_BALANCED);
 *     sim_delay(scene->sim, SIM_BOTH, 20 * MS);
 *     sim_loss(scene->sim, SIM_DOWN, 10 * 1000);
 *     scene_start(scene, &(struct ask){.streams = 1, .down = MIB});
 *     scene_finish(scene, 20 * SECOND);
 *     EXPECT(...);
 *     scene_free(scene);
 *
 * On every run it checks: bytes arrive as sent, the server stays within its credit, nothing is
 * leaked.
 */
struct scene {
    struct sim *sim;
    struct peer client, server;
};

struct scene *scene_new(uint64_t seed, enum vel_profile profile);
/* Connect, and exchange what is asked for; NULL: nothing. */
void scene_start(struct scene *scene, const struct ask *ask);

/* Let `span` of virtual time pass. */
void scene_run(struct scene *scene, vel_time span);
/* Run until the client has all it asked for; fails the scenario after `limit`. */
void scene_finish(struct scene *scene, vel_time limit);
/* Run until both sides are connected; fails the scenario after `limit`. */
void scene_connect(struct scene *scene, vel_time limit);
/* Run until both sides have told their applications that it is over; likewise. */
void scene_wait_closed(struct scene *scene, vel_time limit);

/* Since the start. */
vel_time scene_elapsed(const struct scene *scene);

void scene_free(struct scene *scene);

#endif
