/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_LINK_H
#define VELOCITY_LINK_H

#include "velocity/err.h"
#include "velocity/train.h"

/*
 * A link carries datagrams between addresses: a UDP socket (velocity/udp.h), a pair of queues in
 * memory, later TCP or TLS. It promises nothing that a network does not: trains may be lost, cut
 * into their datagrams, or reordered; never merged across datagram borders, never corrupted by the
 * link itself. Nothing blocks. One thread at a time.
 *
 * Every kind of link embeds this struct as its first member.
 */
struct vel_link;

struct vel_link_ops {
    /*
     * Put a train on the wire. `train->remote` says where to, `train->local` where from (family
     * VEL_ADDR_NONE, or port 0: the link chooses), `train->ecn` how to mark. The bytes are borrowed
     * for the call. VEL_OK means sent, or lost: what the network would not take (too big, no route,
     * forbidden) counts as lost, so that recovery deals with it as with any loss.
     *
     * VEL_ERR_AGAIN  the queue is full: `train` now holds what was not taken (bytes, len and
     *                segment moved on); keep it, wait until writable, send it again
     * VEL_ERR_NOT_FOUND  the train is lost, and the network reports that nobody listens at its
     *                remote address, as `receive` may; a hint that can be forged
     */
    vel_result (*send)(struct vel_link *link, struct vel_train *train);

    /*
     * Take one train that has arrived. The caller gives `bytes` and `capacity` (VEL_TRAIN_MAX, so
     * that nothing is cut off); the rest is filled in on success.
     *
     * VEL_ERR_AGAIN      nothing is waiting
     * VEL_ERR_NOT_FOUND  the network reports that nobody listens at `train->remote`, which is
     *                    filled in; a hint that can be forged, not a proof
     */
    vel_result (*receive)(struct vel_link *link, struct vel_train *train);

    void (*free)(struct vel_link *link);
};

struct vel_link {
    const struct vel_link_ops *ops;
    struct vel_addr local; /* where peers reach it; the wildcard address when bound to all */
    int fd;           /* poll it for reading and writing; -1: no descriptor, the owner pumps it */
    size_t max_train; /* bytes of the largest train that `send` carries in one go */
};

static inline vel_result vel_link_send(struct vel_link *link, struct vel_train *train)
{
    return link->ops->send(link, train);
}

static inline vel_result vel_link_receive(struct vel_link *link, struct vel_train *train)
{
    return link->ops->receive(link, train);
}

/* NULL is allowed. */
static inline void vel_link_free(struct vel_link *link)
{
    if (link != NULL)
        link->ops->free(link);
}

#endif
