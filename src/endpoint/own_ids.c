/* SPDX-License-Identifier: MIT */
#include "endpoint/endpoint_internal.h"

/* Random bytes at a time: every 8 of them that follow each other may be an id. */
enum { POOL = 64 };

_Static_assert((int)VEL_STEERED_BYTES == VEL_CID_OURS, "all of an id counts");

static bool is_mine(const struct vel_endpoint *endpoint, const uint8_t *bytes)
{
    const struct vel_steering *steering = &endpoint->steering;
    return steering->workers == 0 || vel_steering_worker(steering, bytes) == endpoint->worker;
}

static void draw_among_workers(const struct vel_endpoint *endpoint, uint8_t *id)
{
    for (;;) {
        uint8_t pool[POOL];
        vel_random(endpoint->env, pool, sizeof pool);
        for (size_t at = 0; at <= POOL - VEL_CID_OURS; at++) {
            if (!is_mine(endpoint, pool + at))
                continue;
            memcpy(id, pool + at, VEL_CID_OURS);
            return;
        }
    }
}

/* VEL-TR-40 */
void vel_own_id_draw(const struct vel_endpoint *endpoint, struct vel_cid *id)
{
    *id = (struct vel_cid){.len = VEL_CID_OURS};
    if (endpoint->steering.workers == 0)
        vel_random(endpoint->env, id->bytes, id->len);
    else
        draw_among_workers(endpoint, id->bytes);
}

bool vel_own_id_is_mine(const struct vel_endpoint *endpoint, const struct vel_cid *id)
{
    return id->len == VEL_CID_OURS && is_mine(endpoint, id->bytes);
}
