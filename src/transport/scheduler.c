/* SPDX-License-Identifier: MIT */
#include "transport/scheduler.h"

#include "base/units.h"

/* Best path: what a transfer of so many bytes would take decides, and another path must be so much
 * better (a fifth) before it is taken. */
enum { BEST_PATH_BYTES = 64 * KIB, BEST_PATH_BETTER = 5, MILLION = 1000 * 1000 };

/* ---- lowest latency ---- */

/* A path whose pacer alone holds it back has room: what waits for it is there sooner than by a slower
 * path, unless more waits than its window takes. */
static int lowest_latency(const struct vel_schedule_path *paths, unsigned count, uint64_t waiting)
{
    int fastest = VEL_SCHEDULE_NONE;
    for (unsigned i = 0; i < count; i++) {
        bool full = !paths[i].open && (!paths[i].window || waiting > paths[i].room);
        if (!full && (fastest == VEL_SCHEDULE_NONE || paths[i].rtt < paths[fastest].rtt))
            fastest = (int)i;
    }
    return fastest != VEL_SCHEDULE_NONE && paths[fastest].open ? fastest : VEL_SCHEDULE_NONE;
}

/* ---- best path ---- */

/* Round trips that go by with repeating what was lost, in millionths. What is lost in one round trip is
 * repeated together, so that the one after it is needed for a share of the share, or surely while that
 * is a packet or more: about log(packets) / log(1 / loss). */
static uint64_t repeats(unsigned loss)
{
    uint64_t rounds = 0, left = (uint64_t)BEST_PATH_BYTES / KIB * loss;
    for (; left > 0; left = left * loss / MILLION)
        rounds += VEL_MIN(left, (uint64_t)MILLION);
    return rounds;
}

/* Until a transfer is there: half a round trip, its bytes at the rate, and the repeats. */
static uint64_t time_to_deliver(const struct vel_schedule_path *path)
{
    uint64_t rate = VEL_MAX(path->rate, UINT64_C(1));
    uint64_t rtt = (uint64_t)path->rtt;
    uint64_t bytes_time = (uint64_t)BEST_PATH_BYTES * (uint64_t)SECOND / rate;
    unsigned loss = VEL_MIN(path->loss, (unsigned)MILLION / 2);
    uint64_t repeating = rtt / (uint64_t)US * repeats(loss) / (MILLION / (uint64_t)US);
    return rtt / 2 + bytes_time * MILLION / (MILLION - loss) + repeating;
}

static int best_path(const struct vel_schedule_path *paths, unsigned count, uint64_t waiting)
{
    (void)waiting;
    unsigned best = 0, current = count;
    for (unsigned i = 0; i < count; i++) {
        if (paths[i].current)
            current = i;
        if (time_to_deliver(&paths[i]) < time_to_deliver(&paths[best]))
            best = i;
    }
    if (current < count) {
        uint64_t now = time_to_deliver(&paths[current]);
        if (time_to_deliver(&paths[best]) >= now - now / BEST_PATH_BETTER)
            best = current;
    }
    return paths[best].open ? (int)best : VEL_SCHEDULE_NONE;
}

/* ---- in turn ---- */

static int in_turn(const struct vel_schedule_path *paths, unsigned count, uint64_t waiting)
{
    (void)waiting;
    int next = VEL_SCHEDULE_NONE;
    for (unsigned i = 0; i < count; i++)
        if (paths[i].open && (next == VEL_SCHEDULE_NONE || paths[i].turn < paths[next].turn))
            next = (int)i;
    return next;
}

int vel_scheduler_choose(enum vel_scheduler scheduler, const struct vel_schedule_path *paths,
                         unsigned count, uint64_t waiting)
{
    static int (*const choose[])(const struct vel_schedule_path *, unsigned, uint64_t) = {
        [VEL_SCHEDULE_LOWEST_LATENCY] = lowest_latency,
        [VEL_SCHEDULE_BEST_PATH] = best_path,
        [VEL_SCHEDULE_ROUND_ROBIN] = in_turn,
        [VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN] = in_turn,
        [VEL_SCHEDULE_REDUNDANT] = lowest_latency, /* first there; the copies follow */
    };
    return count > 0 ? choose[scheduler](paths, count, waiting) : VEL_SCHEDULE_NONE;
}
