/* SPDX-License-Identifier: MIT */
#include "transport/validation.h"

#include <string.h>

#include "base/units.h"
#include "transport/rtt.h"

void vel_validation_init(struct vel_validation *v)
{
    *v = (struct vel_validation){.next = VEL_NEVER, .deadline = VEL_NEVER};
}

/* RFC 9000 8.2.4: three times the larger of the present probe time-out and that of a new path. */
static vel_time patience(vel_time pto)
{
    struct vel_rtt unknown;
    vel_rtt_init(&unknown);
    return VEL_VALIDATION_PTO_COUNT * VEL_MAX(pto, vel_rtt_pto(&unknown));
}

void vel_validation_start(struct vel_validation *v, vel_time pto, vel_time now)
{
    vel_validation_init(v);
    v->running = v->due = true;
    v->pto = v->interval = pto;
    v->deadline = now == VEL_NEVER ? VEL_NEVER : now + patience(pto);
}

void vel_validation_stop(struct vel_validation *v)
{
    v->running = v->due = false;
    v->next = v->deadline = VEL_NEVER;
}

void vel_validation_draw(struct vel_validation *v, const struct vel_env *env, bool full,
                         uint8_t data[VEL_CHALLENGE_SIZE], vel_time now)
{
    struct vel_challenge *challenge = &v->challenges[v->sent++ % VEL_CHALLENGES_KEPT];
    *challenge = (struct vel_challenge){.open = true, .full = full};
    vel_random(env, challenge->data, VEL_CHALLENGE_SIZE);
    memcpy(data, challenge->data, VEL_CHALLENGE_SIZE);
    v->due = false;
    if (v->deadline == VEL_NEVER)
        v->deadline = now + patience(v->pto);
    v->next = now + v->interval;
    v->interval *= 2;
}

static struct vel_challenge *find(struct vel_validation *v, const uint8_t data[VEL_CHALLENGE_SIZE])
{
    for (size_t i = 0; i < VEL_CHALLENGES_KEPT; i++)
        if (v->challenges[i].open && memcmp(v->challenges[i].data, data, VEL_CHALLENGE_SIZE) == 0)
            return &v->challenges[i];
    return NULL;
}

enum vel_validation_answer vel_validation_on_response(struct vel_validation *v,
                                                      const uint8_t data[VEL_CHALLENGE_SIZE],
                                                      vel_time now)
{
    struct vel_challenge *challenge = v->running ? find(v, data) : NULL;
    if (challenge == NULL)
        return VEL_ANSWER_FOREIGN;
    challenge->open = false;
    if (challenge->full) {
        vel_validation_stop(v);
        return VEL_ANSWER_PATH;
    }
    v->due = true;
    v->next = VEL_NEVER;
    v->interval = v->pto;
    v->deadline = now + patience(v->pto);
    return VEL_ANSWER_ADDRESS;
}

vel_time vel_validation_deadline(const struct vel_validation *v)
{
    return VEL_MIN(v->next, v->deadline);
}

bool vel_validation_expire(struct vel_validation *v, vel_time now)
{
    if (v->running && v->deadline <= now) {
        vel_validation_stop(v);
        return true;
    }
    if (v->next <= now) {
        v->next = VEL_NEVER;
        v->due = true;
    }
    return false;
}
