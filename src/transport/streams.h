/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_STREAMS_H
#define TRANSPORT_STREAMS_H

#include "base/writer.h"
#include "transport/choice.h"
#include "transport/pool.h"
#include "velocity/config.h"
#include "velocity/conn.h"

/*
 * All streams of one connection, as the connection sees them: frames come in, frames go out,
 * records of those that were acknowledged or lost come back. What the application does with
 * streams is in transport/streams_app.h.
 *
 * Streams are found by id in a hash table; the limits on their number (RFC 9000 4.6) bound it.
 * Frames that wait to be sent are in queues, so one packet costs what it holds, however many
 * streams there are. A stream whose two halves are over is forgotten once the application has
 * taken its CLOSED event; frames that come for it later are ignored.
 */
struct vel_streams;
struct vel_stream;
struct vel_frame;
struct vel_frame_stream;
struct vel_params;
struct vel_record;
struct vel_sent;

struct vel_streams_setup {
    const struct vel_env *env;
    struct vel_pool *pool;           /* of the connection; outlives the streams */
    const struct vel_limits *limits; /* ours; outlives the streams */
    bool is_client;
};

/* VEL_ERR_NOMEM */
vel_result vel_streams_new(const struct vel_streams_setup *setup, struct vel_streams **streams);

/* Releases what was lent. NULL is allowed. */
void vel_streams_free(struct vel_streams *streams);

/* Write the limits that we start with into our transport parameters (initial_max_*). */
void vel_streams_fill_params(const struct vel_streams *streams, struct vel_params *params);

/* The peer's parameters have come. Until then streams can be opened, as many as we ourselves would
 * allow the peer, and written; nothing of them is sent. Once. */
void vel_streams_set_peer_params(struct vel_streams *streams, const struct vel_params *params);

/*
 * The congestion window is `window` bytes. To keep it filled while acknowledgements are on their
 * way a stream needs to queue two of them: its limit grows with it, from max_send_buffer to
 * VEL_SEND_BUFFER_GROWTH times that.
 */
enum { VEL_SEND_BUFFER_GROWTH = 16 };
void vel_streams_set_window(struct vel_streams *streams, uint64_t window);

/* Data leaves at `rate` bytes a second: the faster, the longer are the turns that streams take. */
void vel_streams_set_rate(struct vel_streams *streams, uint64_t rate);

/*
 * Take a STREAM, RESET_STREAM, STOP_SENDING, MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS, DATA_BLOCKED,
 * STREAM_DATA_BLOCKED or STREAMS_BLOCKED frame of an authenticated packet.
 * Any error ends the connection with *wire_code (enum vel_wire_error), which is set on failure
 * only.
 * VEL_ERR_UNEXPECTED  STREAM_STATE_ERROR, FINAL_SIZE_ERROR
 * VEL_ERR_LIMIT       FLOW_CONTROL_ERROR, STREAM_LIMIT_ERROR; INTERNAL_ERROR: too many holes
 * VEL_ERR_NOMEM       INTERNAL_ERROR
 * VEL_ERR_ARGUMENT    INTERNAL_ERROR: a frame of another type
 */
vel_result vel_streams_on_frame(struct vel_streams *streams, const struct vel_frame *frame,
                                uint64_t *wire_code);

/* The same for what a STREAM frame says. */
vel_result vel_streams_on_data(struct vel_streams *streams, const struct vel_frame_stream *data,
                               uint64_t *wire_code);

/* A packet written now that may carry a set of choices (transport/choice.h) would hold a frame of ours,
 * if there were room. */
bool vel_streams_want_send(const struct vel_streams *streams, unsigned choices);
/* Bytes of a choice that wait and were never sent; and, once something was chosen, those sent. */
uint64_t vel_streams_unsent(const struct vel_streams *streams, unsigned choice);
uint64_t vel_streams_sent(const struct vel_streams *streams, unsigned choice);

/* The choice of the most urgent stream of a set that has something to send, and its urgency.
 * VEL_CHOICES: none has. */
unsigned vel_streams_first_choice(const struct vel_streams *streams, unsigned choices);

/* Streams can be told apart by their choice from now on. VEL_ERR_NOMEM */
vel_result vel_streams_have_choices(struct vel_streams *streams);
/* Some stream that is not forgotten has this choice. Asks them all: for who needs a number badly. */
bool vel_streams_any_of(const struct vel_streams *streams, unsigned choice);

/* Fill a 1-RTT (or 0-RTT) payload: control frames first, then STREAM frames by urgency, each with
 * its record in the packet begun in `sent`. Stops when the room, the records or the work end;
 * whether anything was written is seen on `w`, which never fails here. When the last frame fills
 * the room, its bytes may be left out: `body` says where they lie, and `w` ends behind their place.
 * They stay there until something is acknowledged. `body` must be empty before. `choices`: only what
 * belongs to this set, and control frames if VEL_CHOICE_CONTROL is in it.
 * VEL_ERR_NOMEM  the connection cannot go on: INTERNAL_ERROR; what was written is good */
vel_result vel_streams_write_frames(struct vel_streams *streams, struct vel_writer *w,
                                    struct vel_sent *sent, struct vel_slice *body,
                                    unsigned choices);

/*
 * Bulk data: packet after packet with nothing but new bytes of one stream, each filled by its frame.
 * Between begin and end nothing else is asked of the streams. What the stream ends with, and all else,
 * is left to vel_streams_write_frames.
 *
 * begin  packets of `room` bytes of payload and of these choices would hold nothing else. False: write_frames
 * write  as write_frames does. False: no more, or nothing was written; then end
 */
struct vel_bulk_stream {
    struct vel_streams *streams;
    struct vel_stream *stream;
    uint64_t left; /* its last byte, or the last one of its credit, is not sent here */
    uint64_t written;
    bool had_turn; /* it is another one's turn */
};
bool vel_streams_bulk_begin(struct vel_streams *streams, unsigned choices, size_t room,
                            struct vel_bulk_stream *bulk);
bool vel_streams_bulk_write(struct vel_bulk_stream *bulk, struct vel_writer *w,
                            struct vel_sent *sent, struct vel_slice *body);
void vel_streams_bulk_end(struct vel_bulk_stream *bulk);

/* A record that vel_streams_write_frames made was acknowledged, or declared lost; both in turn are
 * fine. Records of other kinds are ignored.
 * VEL_ERR_NOMEM  the connection cannot go on (INTERNAL_ERROR) */
vel_result vel_streams_acked(struct vel_streams *streams, const struct vel_record *record);
vel_result vel_streams_lost(struct vel_streams *streams, const struct vel_record *record);

/* The next event for the application; false when there is none. Those of one stream come in the
 * order of enum vel_event_type. A stream is forgotten at the first call after its CLOSED event, so
 * its user pointer can still be had while the event is handled. */
bool vel_streams_next_event(struct vel_streams *streams, struct vel_event *event);
bool vel_streams_has_events(const struct vel_streams *streams);

/* Streams so far: opened by us, and by the peer. */
void vel_streams_totals(const struct vel_streams *streams, uint64_t *opened, uint64_t *accepted);

/* Streams that are not forgotten. */
size_t vel_streams_count(const struct vel_streams *streams);

/* Give back memory that holds no data: when the connection has been idle for a while. */
void vel_streams_trim(struct vel_streams *streams);

#endif
