/* SPDX-License-Identifier: MIT */
#include "transport/path.h"

#include <string.h>

void vel_path_init(struct vel_path *path, const struct vel_addr *local,
                   const struct vel_addr *remote, bool validated, uint64_t ceiling)
{
    *path = (struct vel_path){
        .local = *local,
        .remote = *remote,
        .drop_at = VEL_NEVER,
        .validated = validated,
        .proved = validated,
        .answered_since = INT64_MIN,
    };
    vel_validation_init(&path->validation);
    vel_pmtud_init(&path->pmtud, ceiling);
}

size_t vel_path_credit(const struct vel_path *path)
{
    if (path->validated)
        return SIZE_MAX;
    uint64_t earned = VEL_PATH_CREDIT_FACTOR * path->received;
    return earned > path->sent ? (size_t)(earned - path->sent) : 0;
}

void vel_path_on_sent(struct vel_path *path, size_t size)
{
    path->sent += size;
}

void vel_path_validate(struct vel_path *path)
{
    path->validated = true;
}

void vel_path_prove(struct vel_path *path)
{
    path->validated = true;
    path->proved = true;
}

static bool same_ip(const struct vel_addr *a, const struct vel_addr *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool vel_path_is_same_host(const struct vel_path *a, const struct vel_path *b)
{
    return same_ip(&a->local, &b->local) && same_ip(&a->remote, &b->remote);
}

void vel_path_challenged(struct vel_path *path, const uint8_t data[VEL_CHALLENGE_SIZE],
                         vel_time pto, vel_time now)
{
    if (path->answered_since == INT64_MIN || now - path->answered_since >= pto) {
        path->answered_since = now;
        path->answered = 0;
    }
    if (path->answered >= VEL_PATH_RESPONSES_PTO || path->response_count >= VEL_PATH_RESPONSES_MAX)
        return;
    path->answered++;
    memcpy(path->responses[path->response_count++], data, VEL_CHALLENGE_SIZE);
}

bool vel_path_take_response(struct vel_path *path, uint8_t data[VEL_CHALLENGE_SIZE])
{
    if (path->response_count == 0)
        return false;
    memcpy(data, path->responses[0], VEL_CHALLENGE_SIZE);
    path->response_count--;
    memmove(path->responses[0], path->responses[1],
            (size_t)path->response_count * VEL_CHALLENGE_SIZE);
    return true;
}
