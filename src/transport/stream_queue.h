/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_STREAM_QUEUE_H
#define TRANSPORT_STREAM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Queues of streams without allocation: circular lists through links inside the streams. A zeroed
 * link is in no queue; a zeroed queue must be initialised.
 */
struct vel_stream_link {
    struct vel_stream_link *prev, *next;
};

struct vel_stream_queue {
    struct vel_stream_link head;
};

static inline void vel_queue_init(struct vel_stream_queue *q)
{
    q->head.prev = q->head.next = &q->head;
}

static inline bool vel_queue_is_empty(const struct vel_stream_queue *q)
{
    return q->head.next == &q->head;
}

static inline bool vel_queue_holds(const struct vel_stream_link *link)
{
    return link->next != NULL;
}

/* Nothing happens when it is in no queue. */
static inline void vel_queue_remove(struct vel_stream_link *link)
{
    if (!vel_queue_holds(link))
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

/* The link must be in no queue. */
static inline void vel_queue_push(struct vel_stream_queue *q, struct vel_stream_link *link)
{
    link->prev = q->head.prev;
    link->next = &q->head;
    q->head.prev->next = link;
    q->head.prev = link;
}

/* All of `from`, in order, to the end of `to`; `from` is empty then. */
static inline void vel_queue_move(struct vel_stream_queue *from, struct vel_stream_queue *to)
{
    if (vel_queue_is_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    from->head.prev->next = &to->head;
    to->head.prev->next = from->head.next;
    to->head.prev = from->head.prev;
    vel_queue_init(from);
}

/* The first stream of a queue by the name of its link; NULL when the queue is empty. */
#define VEL_QUEUE_FIRST(queue, link)                                                               \
    (vel_queue_is_empty(queue) ? NULL                                                              \
                               : (struct vel_stream *)(void *)((char *)(queue)->head.next -        \
                                                               offsetof(struct vel_stream, link)))

#endif
