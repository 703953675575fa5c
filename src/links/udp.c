/* SPDX-License-Identifier: MIT */
#include "velocity/udp.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/reuseport.h"
#include "sys/udp.h"
#include "velocity/log.h"

/* Bytes of a train that the smaller of both IP versions can carry in one call. */
enum { TRAIN_MAX = VEL_TRAIN_MAX - 20 - 8 };

struct udp_link {
    struct vel_link link; /* first: a vel_link points here */
    const struct vel_env *env;
    struct vel_udp udp;
    struct vel_udp_stats stats;
};

static struct udp_link *of(struct vel_link *link)
{
    return (struct udp_link *)link;
}

static size_t segments_of(const struct vel_train *train)
{
    return (train->len + train->segment - 1) / train->segment;
}

/* Drop the first `count` datagrams of a train. */
static void advance(struct vel_train *train, size_t count)
{
    size_t bytes = VEL_MIN(count * train->segment, train->len);
    train->bytes += bytes;
    train->len -= bytes;
    train->capacity = train->capacity > bytes ? train->capacity - bytes : 0;
    train->segment = VEL_MIN(train->segment, train->len);
}

/* One message a datagram. What the network will not take is skipped, so the loop ends. */
static vel_result send_plain(struct udp_link *self, struct vel_train *train)
{
    while (train->len > 0) {
        size_t sent = 0;
        enum vel_err err = vel_udp_send_plain(&self->udp, train, &sent);
        self->stats.sends += sent > 0;
        advance(train, sent);
        if (err == VEL_ERR_AGAIN || err == VEL_ERR_NOT_FOUND)
            return err;
        if (err != VEL_OK) {
            self->stats.lost++;
            advance(train, 1);
        }
    }
    return VEL_OK;
}

static vel_result send_whole(struct udp_link *self, struct vel_train *train)
{
    enum vel_err err = vel_udp_send(&self->udp, train);
    if (err == VEL_ERR_AGAIN || err == VEL_ERR_NOT_FOUND)
        return err;
    if (err == VEL_ERR_UNSUPPORTED) { /* the device would refuse the next train too */
        self->udp.segmentation = false;
        LOG_EVENT(self->env->log, "udp-segmentation-off", LOG_TEXT("reason", "device"));
    }
    /* Too large may be true of some of its datagrams only. */
    if (err == VEL_ERR_UNSUPPORTED || err == VEL_ERR_LIMIT)
        return send_plain(self, train);
    self->stats.sends += err == VEL_OK;
    self->stats.lost += err != VEL_OK;
    return VEL_OK;
}

static vel_result udp_send(struct vel_link *link, struct vel_train *train)
{
    struct udp_link *self = of(link);
    if (train->len == 0)
        return VEL_OK;
    REQUIRE(train->segment > 0, VEL_ERR_ARGUMENT);
    bool whole = segments_of(train) == 1 ||
                 (self->udp.segmentation && segments_of(train) <= VEL_TRAIN_SEGMENTS &&
                  train->len <= TRAIN_MAX);
    return whole ? send_whole(self, train) : send_plain(self, train);
}

static vel_result udp_receive(struct vel_link *link, struct vel_train *train)
{
    struct udp_link *self = of(link);
    /* A datagram that does not fit says nothing about the next one. The other errors of a socket
     * (no memory just now, a route that went away) are told once and then cleared. */
    for (;;) {
        enum vel_err err = vel_udp_receive(&self->udp, train);
        if (err == VEL_ERR_LIMIT) {
            self->stats.truncated++;
            continue;
        }
        self->stats.receives += err == VEL_OK;
        return err == VEL_ERR_IO ? VEL_ERR_AGAIN : err;
    }
}

static void udp_free(struct vel_link *link)
{
    struct udp_link *self = of(link);
    vel_udp_close(&self->udp);
    vel_release(self->env, self, sizeof *self);
}

static const struct vel_link_ops udp_ops = {
    .send = udp_send, .receive = udp_receive, .free = udp_free};

static void warn_about_buffers(const struct vel_env *env, const struct vel_udp *udp, size_t wanted)
{
    if (udp->receive_buffer < wanted)
        LOG_EVENT(env->log, "udp-buffer-small", LOG_TEXT("sysctl", "net.core.rmem_max"),
                  LOG_UINT("granted", udp->receive_buffer), LOG_UINT("wanted", wanted));
    if (udp->send_buffer < wanted)
        LOG_EVENT(env->log, "udp-buffer-small", LOG_TEXT("sysctl", "net.core.wmem_max"),
                  LOG_UINT("granted", udp->send_buffer), LOG_UINT("wanted", wanted));
}

/* Without trains a byte costs several times as much. */
static void warn_about_offload(const struct vel_env *env, const struct vel_udp *udp)
{
    if (!udp->segmentation || !udp->coalescing)
        LOG_EVENT(env->log, "udp-offload-missing", LOG_UINT("segmentation", udp->segmentation),
                  LOG_UINT("coalescing", udp->coalescing));
}

vel_result vel_udp_link_new(const struct vel_env *env, const struct vel_udp_setup *setup,
                            struct vel_link **link)
{
    struct udp_link *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    enum vel_err err = vel_udp_open(setup, &made->udp);
    if (err != VEL_OK) {
        vel_release(env, made, sizeof *made);
        return err;
    }
    if (!setup->plain)
        warn_about_offload(env, &made->udp);
    warn_about_buffers(env, &made->udp,
                       setup->socket_buffer > 0 ? setup->socket_buffer : VEL_UDP_BUFFER);
    made->link = (struct vel_link){
        .ops = &udp_ops, .local = made->udp.local, .fd = made->udp.fd, .max_train = TRAIN_MAX};
    *link = &made->link;
    return VEL_OK;
}

vel_result vel_udp_link_steer(struct vel_link *link, const struct vel_steering *steering)
{
    return vel_reuseport_steer(link->fd, steering);
}

void vel_udp_link_get_stats(const struct vel_link *link, struct vel_udp_stats *stats)
{
    const struct udp_link *self = (const struct udp_link *)link;
    *stats = self->stats;
    stats->overflowed = vel_udp_overflowed(&self->udp);
    stats->segmentation = self->udp.segmentation;
    stats->coalescing = self->udp.coalescing;
}
