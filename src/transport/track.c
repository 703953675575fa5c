/* SPDX-License-Identifier: MIT */
#include "transport/track.h"

#include "velocity/config.h"

/* RFC 9000 13.2.1: nothing of the handshake waits. */
static const struct vel_ack_policy at_once = {.every = 1, .reordering = 1};

void vel_track_init(struct vel_track *track, const struct vel_track_setup *setup, vel_time now)
{
    const struct vel_limits *limits = setup->limits;
    *track = (struct vel_track){
        .conn = setup->conn,
        .id = setup->id,
        .largest_moving = VEL_NUMBER_NONE,
        .pace_until = VEL_NEVER,
        .close_at = VEL_NEVER,
        .give_up_at = VEL_NEVER,
        .phase = vel_key_phase_begin(0),
        .weight = 1,
        .state = setup->path != NULL ? VEL_TRACK_OPEN : VEL_TRACK_SPARE,
    };
    if (setup->path != NULL)
        vel_paths_init(&track->paths, setup->path);
    for (int i = 0; i < VEL_SPACE_COUNT; i++) {
        const struct vel_ack_policy *policy = i == VEL_SPACE_APP ? setup->ack_policy : &at_once;
        vel_acks_init(&track->space[i].acks, setup->recovery.env, policy);
    }
    vel_recovery_init(&track->recovery, &setup->recovery, now);
    vel_pacer_init(&track->pacer, limits->pacing, setup->recovery.mtu, now);
}

void vel_track_open(struct vel_track *track, const struct vel_path *path, bool paced, vel_time now)
{
    vel_paths_init(&track->paths, path);
    if (!path->proved)
        track->paths.last_proved = NULL;
    vel_cc_set_mtu(&track->recovery.cc, path->pmtud.mtu);
    vel_pacer_init(&track->pacer, paced, path->pmtud.mtu, now);
    track->state = VEL_TRACK_OPEN;
}

void vel_track_clear(struct vel_track *track)
{
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        vel_acks_clear(&track->space[i].acks);
    vel_recovery_clear(&track->recovery);
}
