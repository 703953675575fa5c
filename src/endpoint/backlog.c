/* SPDX-License-Identifier: MIT */
#include "endpoint/backlog.h"

#include <string.h>

static size_t size_of(size_t datagram)
{
    return sizeof(struct vel_waiting) + datagram;
}

void vel_backlog_init(struct vel_backlog *backlog, const struct vel_env *env, size_t limit)
{
    *backlog = (struct vel_backlog){.env = env, .limit = limit};
}

void vel_backlog_clear(struct vel_backlog *backlog)
{
    struct vel_waiting *waiting;
    while ((waiting = vel_backlog_take(backlog)) != NULL)
        vel_backlog_free(backlog, waiting);
}

bool vel_backlog_add(struct vel_backlog *backlog, const struct vel_train *from,
                     const uint8_t *bytes, size_t size)
{
    if (backlog->size + size_of(size) > backlog->limit)
        return false;
    struct vel_waiting *made = vel_alloc(backlog->env, size_of(size));
    if (made == NULL)
        return false;
    made->train = *from;
    made->train.bytes = made->bytes;
    made->train.len = made->train.segment = made->train.capacity = size;
    memcpy(made->bytes, bytes, size);
    if (backlog->last != NULL)
        backlog->last->next = made;
    else
        backlog->first = made;
    backlog->last = made;
    backlog->size += size_of(size);
    return true;
}

struct vel_waiting *vel_backlog_take(struct vel_backlog *backlog)
{
    struct vel_waiting *taken = backlog->first;
    if (taken == NULL)
        return NULL;
    backlog->first = taken->next;
    if (backlog->first == NULL)
        backlog->last = NULL;
    backlog->size -= size_of(taken->train.len);
    return taken;
}

void vel_backlog_free(const struct vel_backlog *backlog, struct vel_waiting *waiting)
{
    if (waiting != NULL)
        vel_release(backlog->env, waiting, size_of(waiting->train.len));
}
