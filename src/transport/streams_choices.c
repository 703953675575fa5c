/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/streams_app.h"
#include "transport/streams_internal.h"

/* Streams that take different tracks: their queues, and what waits in them. */

vel_result vel_streams_have_choices(struct vel_streams *streams)
{
    if (streams->chosen != NULL)
        return VEL_OK;
    struct vel_streams_chosen *made = vel_alloc(streams->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    *made = (struct vel_streams_chosen){.unsent = {vel_streams_unsent(streams, 0)}};
    for (unsigned i = 0; i < VEL_CHOICES - 1; i++)
        for (unsigned urgency = 0; urgency <= VEL_URGENCY_LAST; urgency++)
            vel_queue_init(&made->ready[i][urgency]);
    streams->chosen = made;
    return VEL_OK;
}

bool vel_streams_any_of(const struct vel_streams *streams, unsigned choice)
{
    for (uint32_t i = 0; i < streams->bucket_count; i++)
        for (const struct vel_stream *s = streams->buckets[i]; s != NULL; s = s->next_in_bucket)
            if (s->choice == choice)
                return true;
    return false;
}

bool vel_streams_exists(const struct vel_streams *streams, uint64_t stream)
{
    return vel_streams_find(streams, stream) != NULL;
}

vel_result vel_streams_choose(struct vel_streams *streams, uint64_t stream, unsigned choice)
{
    struct vel_stream *s = vel_streams_find(streams, stream);
    REQUIRE(s != NULL, VEL_ERR_NOT_FOUND);
    vel_streams_drop_unsent(streams, s);
    s->choice = (uint8_t)choice;
    vel_streams_add_unsent(streams, s, s->send.end - s->send.sent);
    vel_streams_place(streams, s);
    return VEL_OK;
}

/* ---- whose turn it is ---- */

struct vel_stream *vel_streams_first_chosen(const struct vel_streams *streams, unsigned urgency,
                                            unsigned choices)
{
    struct vel_stream *first = NULL;
    if ((choices & 1) != 0)
        first = VEL_QUEUE_FIRST(&streams->ready[urgency], send_link);
    for (unsigned i = 1; i < VEL_CHOICES; i++) {
        if ((choices >> i & 1) == 0)
            continue;
        struct vel_stream *s = VEL_QUEUE_FIRST(&streams->chosen->ready[i - 1][urgency], send_link);
        if (s != NULL && (first == NULL || s->ticket < first->ticket))
            first = s;
    }
    return first;
}

unsigned vel_streams_first_choice(const struct vel_streams *streams, unsigned choices)
{
    for (unsigned urgency = 0; urgency <= VEL_URGENCY_LAST; urgency++) {
        const struct vel_stream *s = vel_streams_first_ready(streams, urgency, choices);
        if (s != NULL)
            return s->choice;
    }
    return VEL_CHOICES;
}

/* ---- what waits ---- */

void vel_streams_add_unsent(struct vel_streams *streams, const struct vel_stream *s, uint64_t bytes)
{
    streams->unsent[s->urgency] += bytes;
    if (streams->chosen != NULL)
        streams->chosen->unsent[s->choice] += bytes;
}

static void take_unsent(struct vel_streams *streams, const struct vel_stream *s, uint64_t bytes)
{
    streams->unsent[s->urgency] -= bytes;
    if (streams->chosen != NULL)
        streams->chosen->unsent[s->choice] -= bytes;
}

void vel_streams_drop_unsent(struct vel_streams *streams, const struct vel_stream *s)
{
    take_unsent(streams, s, s->send.end - s->send.sent);
}

void vel_streams_count_sent(struct vel_streams *streams, const struct vel_stream *s, uint64_t sent,
                            uint64_t fresh)
{
    take_unsent(streams, s, fresh);
    if (streams->chosen != NULL)
        streams->chosen->sent[s->choice] += sent;
}

uint64_t vel_streams_sent(const struct vel_streams *streams, unsigned choice)
{
    return streams->chosen != NULL ? streams->chosen->sent[choice] : 0;
}
