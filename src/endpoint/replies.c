/* SPDX-License-Identifier: MIT */
#include "endpoint/replies.h"

#include "base/own.h"
#include "base/try.h"
#include "base/writer.h"
#include "transport/frame.h"
#include "transport/keys.h"

vel_result vel_replies_init(struct vel_replies *replies, const struct vel_env *env)
{
    struct vel_reply *ring = vel_alloc(env, VEL_REPLIES_MAX * sizeof *ring);
    REQUIRE(ring != NULL, VEL_ERR_NOMEM);
    *replies = (struct vel_replies){.env = env, .ring = ring, .pace = INT64_MIN};
    return VEL_OK;
}

void vel_replies_clear(struct vel_replies *replies)
{
    if (replies->env != NULL)
        vel_release(replies->env, replies->ring, VEL_REPLIES_MAX * sizeof *replies->ring);
    *replies = (struct vel_replies){.env = NULL};
}

/* A leaky bucket, kept as the time at which it will be empty. */
bool vel_replies_pace(struct vel_replies *replies, vel_time now)
{
    vel_time start = VEL_MAX(replies->pace, now);
    if (start - now >= VEL_REPLY_BURST * VEL_REPLY_INTERVAL)
        return false;
    replies->pace = start + VEL_REPLY_INTERVAL;
    return true;
}

struct vel_reply *vel_replies_add(struct vel_replies *replies, const struct vel_train *to)
{
    if (replies->count == VEL_REPLIES_MAX)
        return NULL;
    struct vel_reply *reply = &replies->ring[(replies->first + replies->count++) % VEL_REPLIES_MAX];
    reply->local = to->local;
    reply->remote = to->remote;
    reply->len = 0;
    return reply;
}

vel_result vel_replies_send(struct vel_replies *replies, struct vel_train *train)
{
    while (replies->count > 0) {
        const struct vel_reply *reply = &replies->ring[replies->first];
        replies->first = (replies->first + 1) % VEL_REPLIES_MAX;
        replies->count--;
        if (reply->len == 0)
            continue;
        memcpy(train->bytes, reply->bytes, reply->len);
        train->len = train->segment = reply->len;
        train->local = reply->local;
        train->remote = reply->remote;
        train->ecn = VEL_ECN_NOT_ECT;
        return VEL_OK;
    }
    return VEL_ERR_AGAIN;
}

vel_result vel_reply_close(struct vel_reply *reply, const struct vel_crypto *crypto,
                           const struct vel_packet_header *header, uint64_t wire_code)
{
    enum { NUMBER = 0, NUMBER_SIZE = 1 };
    OWNED(vel_keys_clear) struct vel_keys read = {0};
    OWNED(vel_keys_clear) struct vel_keys write = {0};
    struct vel_cid client = vel_cid(header->scid);
    struct vel_cid server = vel_cid(header->dcid);
    TRY(vel_keys_initial(crypto, header->version, &server, false, &read, &write));

    struct vel_writer w = vel_writer(reply->bytes, sizeof reply->bytes - VEL_AEAD_TAG);
    vel_packet_write_long(&w, header->version, VEL_PACKET_INITIAL, &client, &server,
                          vel_slice(NULL, 0), NUMBER, NUMBER_SIZE);
    size_t header_size = vel_written(&w);
    struct vel_frame frame = {.type = VEL_FRAME_CONNECTION_CLOSE, .close = {.code = wire_code}};
    vel_frame_write(&w, &frame);
    VEL_ASSERT(vel_write_ok(&w));
    TRY(vel_packet_seal(&write, 0, NUMBER, reply->bytes, header_size, NUMBER_SIZE,
                        vel_written(&w) - header_size));
    reply->len = vel_written(&w) + VEL_AEAD_TAG;
    return VEL_OK;
}
