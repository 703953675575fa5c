/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_STREAMS_INTERNAL_H
#define TRANSPORT_STREAMS_INTERNAL_H

#include "transport/choice.h"
#include "transport/stream.h"
#include "transport/streams.h"

/*
 * The set of streams as its own files see it: streams.c makes, finds and forgets them,
 * streams_place.c keeps the queues, streams_frames.c takes frames, streams_send.c writes them,
 * streams_records.c hears what became of them, streams_app.c serves the application, and
 * streams_choices.c keeps apart what goes by different tracks.
 */

/* Control frames of the connection that wait to be sent. */
enum vel_streams_pending {
    VEL_PENDING_CONN_MAX_DATA = 1,
    VEL_PENDING_CONN_BLOCKED = 2,
    VEL_PENDING_MAX_STREAMS_BIDI = 4, /* the next one up is that of unidirectional streams */
    VEL_PENDING_MAX_STREAMS_UNI = 8,
    VEL_PENDING_STREAMS_BLOCKED_BIDI = 16,
    VEL_PENDING_STREAMS_BLOCKED_UNI = 32
};

/*
 * What may be queued although the peer has no credit for it (RFC 9000 4): enough to go on at once
 * when credit comes, little enough that a peer that grants none pins next to nothing. Bytes: of one
 * stream; of all that are as urgent or more, or a fair share of that, so that nobody waits for room
 * that others fill; and of each stream in any case, so that a few headers can be written whole.
 */
enum {
    VEL_AHEAD_OF_STREAM = 16 * 1024,
    VEL_AHEAD_OF_CONN = 32 * 1024,
    VEL_AHEAD_ALWAYS = 2 * 1024
};

/*
 * How much an incremental stream sends before it is the next one's turn (RFC 9218 10 leaves it open):
 * at first a packet, so that all get to begin even where credit is short. Once it has sent
 * VEL_TURN_BYTES, so much, since a packet each would touch as many streams as a train has packets, on both
 * ends. Once it has sent a long turn, a long one: what leaves in a millisecond, so that on a slow
 * path nobody waits longer than before, and about a train of 45 packets at most.
 */
enum { VEL_TURN_BYTES = 16 * 1024, VEL_TURN_LONGEST = 62 * 1024 };

/* Streams that we open, by direction. */
struct vel_streams_local {
    uint64_t limit;        /* of the peer */
    uint64_t opened;       /* may exceed the limit only when it came after them */
    uint64_t initial_data; /* credit that each starts with */
    bool refused;          /* an open failed: tell when there are more */
};

/* Streams that the peer opens, by direction. */
struct vel_streams_remote {
    uint64_t limit; /* announced, or about to be */
    uint64_t opened;
    uint64_t over;      /* of them, those that count no more: another one may take their place */
    uint64_t lingering; /* of these, those whose last bytes are on their way */
    uint64_t at_a_time; /* opened and not over, at most; and as many that linger */
};

/* Kept only when the application has chosen tracks for some stream. Streams of different choices wait
 * in different queues, so that none stands in another's way; tickets tell whose turn is first where
 * a track carries several choices: they share it as if they stood in one queue. */
struct vel_streams_chosen {
    struct vel_stream_queue ready[VEL_CHOICES - 1][VEL_URGENCY_LAST + 1]; /* from number 1 on */
    uint64_t unsent[VEL_CHOICES];                                         /* bytes */
    uint64_t sent[VEL_CHOICES]; /* bytes, from the first choice on */
    uint64_t tickets;           /* given out so far */
};

struct vel_streams {
    const struct vel_env *env;
    struct vel_pool *pool;
    const struct vel_limits *limits;
    uint64_t send_limit; /* what a stream may queue now, at least; vel_streams_set_window */
    uint64_t unsent[VEL_URGENCY_LAST + 1]; /* bytes queued that were never sent, by urgency */
    uint16_t long_turn; /* bytes, from VEL_TURN_BYTES to VEL_TURN_LONGEST; vel_streams_set_rate */
    bool is_client;
    bool params_known;
    bool available;  /* STREAMS_AVAILABLE is due */
    uint8_t pending; /* enum vel_streams_pending */

    struct vel_stream **buckets;
    uint32_t bucket_count; /* a power of two */
    size_t count;

    struct vel_streams_local local[2]; /* [1]: unidirectional */
    struct vel_streams_remote remote[2];
    uint64_t peer_opened_data; /* credit we start with on bidirectional streams of the peer */
    struct vel_flow_out send_flow;
    struct vel_flow_in recv_flow;

    struct vel_stream_queue ready[VEL_URGENCY_LAST + 1]; /* by urgency */
    struct vel_streams_chosen *chosen;                   /* NULL: nobody chose */
    struct vel_stream_queue conn_blocked;                /* wait for credit of the connection */
    struct vel_stream_queue control;
    struct vel_stream_queue events;
    struct vel_stream *fed;  /* that the last STREAM frame was of; NULL: not known */
    struct vel_stream *told; /* its CLOSED event was taken: forgotten next */
};

static inline bool vel_streams_is_local(const struct vel_streams *streams, uint64_t id)
{
    return ((id & VEL_STREAM_SERVER) == 0) == streams->is_client;
}

static inline unsigned vel_stream_is_uni(uint64_t id)
{
    return (id & VEL_STREAM_UNI) != 0;
}

/* NULL: never opened, or forgotten. */
struct vel_stream *vel_streams_find(const struct vel_streams *streams, uint64_t id);

/* Make the stream with this id. VEL_ERR_NOMEM */
vel_result vel_streams_add(struct vel_streams *streams, uint64_t id, struct vel_stream **stream);

/*
 * Put the stream where its buffers, credit and pending frames say: into queues or out of them. To
 * be called after every change of these. A stream keeps its turn in a queue it stays in.
 */
void vel_streams_place(struct vel_streams *streams, struct vel_stream *s);

/* The same, but it has had its turn. */
void vel_streams_place_last(struct vel_streams *streams, struct vel_stream *s);

/* The same for all streams of a queue: credit of the connection is used up. */
void vel_streams_place_all(struct vel_streams *streams, struct vel_stream_queue *queue);

/* Credit of the connection has come for those that waited for it. */
void vel_streams_unblock(struct vel_streams *streams);

/* The same for local streams with an index from `from` on: the peer's limit has come, or grown. */
void vel_streams_place_opened(struct vel_streams *streams, unsigned uni, uint64_t from);

/* Bytes that a write on the stream would take now. */
size_t vel_streams_room(const struct vel_streams *streams, const struct vel_stream *s);

/* A write came up short: tell when it can go on. After acknowledgements and credit. */
void vel_streams_tell_writable(struct vel_streams *streams, struct vel_stream *s);

/* More bytes wait on it. */
void vel_streams_add_unsent(struct vel_streams *streams, const struct vel_stream *s,
                            uint64_t bytes);
/* Bytes were sent, `fresh` of them for the first time. */
void vel_streams_count_sent(struct vel_streams *streams, const struct vel_stream *s, uint64_t sent,
                            uint64_t fresh);

/* The queue of streams with that urgency and choice. */
static inline struct vel_stream_queue *vel_streams_ready(struct vel_streams *streams,
                                                         unsigned choice, unsigned urgency)
{
    return choice == 0 ? &streams->ready[urgency] : &streams->chosen->ready[choice - 1][urgency];
}

/* The stream of that urgency whose turn it is, among those of a set of choices. NULL: none. */
struct vel_stream *vel_streams_first_chosen(const struct vel_streams *streams, unsigned urgency,
                                            unsigned choices);
static inline struct vel_stream *vel_streams_first_ready(const struct vel_streams *streams,
                                                         unsigned urgency, unsigned choices)
{
    if (streams->chosen != NULL)
        return vel_streams_first_chosen(streams, urgency, choices);
    return (choices & 1) != 0 ? VEL_QUEUE_FIRST(&streams->ready[urgency], send_link) : NULL;
}

/* What the stream has not sent will not be sent, at least not at its urgency: call before it is
 * dropped or moved. */
void vel_streams_drop_unsent(struct vel_streams *streams, const struct vel_stream *s);

/* More streams can be opened than before: tell if an open had failed. */
void vel_streams_announce_available(struct vel_streams *streams, unsigned uni);

void vel_streams_event(struct vel_streams *streams, struct vel_stream *s,
                       enum vel_event_type event);

/* An event that was not taken yet has lost its meaning. */
void vel_streams_withdraw(struct vel_stream *s, enum vel_event_type event);

/* `count` received bytes of a stream were taken, by the application or by nobody any more. */
void vel_streams_return_credit(struct vel_streams *streams, struct vel_stream *s, uint64_t count);

/* A stream of the peer that has read all and sent all does not count any more: RFC 9000 4.6 leaves
 * open when, and waiting for the acknowledgement would cost the peer a round trip and its delay. */
void vel_streams_count_over(struct vel_streams *streams, struct vel_stream *s);

/* After anything that may have changed a stream's state: update it and place it; when both halves
 * are over it leaves the queues and its CLOSED event is due. */
void vel_streams_settle(struct vel_streams *streams, struct vel_stream *s);

#endif
