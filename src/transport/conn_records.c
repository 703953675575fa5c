/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "transport/conn_internal.h"

/* What became of each frame that was sent. An error means that memory ran out. */
typedef enum vel_err (*record_handler)(struct vel_track *track, enum vel_space space,
                                       const struct vel_record *record);

/* The track that a record is about, whichever carried it. NULL: it is gone. */
static struct vel_track *find(struct vel_track *carrier, const struct vel_record *record)
{
    return record->id == carrier->id ? carrier : vel_conn_find_track(carrier->conn, record->id);
}

static enum vel_err crypto_acked(struct vel_track *track, enum vel_space space,
                                 const struct vel_record *record)
{
    return vel_crypto_stream_acked(&track->conn->space[space].crypto, record);
}

/* A lost Finished may wait for a window full of 1-RTT packets that the peer cannot read without it,
 * and no timer runs for those yet (RFC 9002 6.2.1): it goes as a probe. */
static void keep_moving(struct vel_track *track, enum vel_space space)
{
    if (space != VEL_SPACE_APP && !track->recovery.handshake_confirmed &&
        track->recovery.space[VEL_SPACE_APP].eliciting > 0)
        track->space[space].probes_due = VEL_MAX(track->space[space].probes_due, 1U);
}

static enum vel_err crypto_lost(struct vel_track *track, enum vel_space space,
                                const struct vel_record *record)
{
    keep_moving(track, space);
    return vel_crypto_stream_lost(&track->conn->space[space].crypto, record);
}

static enum vel_err ack_acked(struct vel_track *track, enum vel_space space,
                              const struct vel_record *record)
{
    struct vel_track *about = find(track, record);
    if (about != NULL)
        vel_acks_acked(&about->space[space].acks, record->offset);
    return VEL_OK;
}

static enum vel_err new_cid_lost(struct vel_track *track, enum vel_space space,
                                 const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        vel_cids_new_lost(&about->cids, record->offset);
    return VEL_OK;
}

static enum vel_err retire_cid_acked(struct vel_track *track, enum vel_space space,
                                     const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        vel_cids_retire_acked(&about->cids, record->offset);
    return VEL_OK;
}

static enum vel_err retire_cid_lost(struct vel_track *track, enum vel_space space,
                                    const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        vel_cids_retire_lost(&about->cids, record->offset);
    return VEL_OK;
}

/* Another one will do as well. */
static enum vel_err new_token_lost(struct vel_track *track, enum vel_space space,
                                   const struct vel_record *record)
{
    (void)space, (void)record;
    track->conn->new_token_due = true;
    return VEL_OK;
}

static enum vel_err handshake_done_lost(struct vel_track *track, enum vel_space space,
                                        const struct vel_record *record)
{
    (void)space, (void)record;
    track->conn->handshake_done_due = true;
    return VEL_OK;
}

/* A PING with a length is an MTU probe of that size, on the path with that id. */
static enum vel_err ping_acked(struct vel_track *track, enum vel_space space,
                               const struct vel_record *record)
{
    (void)space;
    if (record->len == 0)
        return VEL_OK;
    struct vel_path *path = vel_paths_by_id(&track->paths, record->id);
    if (path != NULL && vel_pmtud_acked(&path->pmtud, record->len, track->conn->now) &&
        path == track->paths.active)
        vel_conn_mtu_changed(track);
    return VEL_OK;
}

static enum vel_err ping_lost(struct vel_track *track, enum vel_space space,
                              const struct vel_record *record)
{
    (void)space;
    struct vel_path *path = record->len > 0 ? vel_paths_by_id(&track->paths, record->id) : NULL;
    if (path != NULL)
        vel_pmtud_lost(&path->pmtud, record->len, track->conn->now);
    return VEL_OK;
}

/* ---- path identifiers ---- */

static enum vel_err abandon_acked(struct vel_track *track, enum vel_space space,
                                  const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        about->abandon_told = true;
    return VEL_OK;
}

static enum vel_err abandon_lost(struct vel_track *track, enum vel_space space,
                                 const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        about->abandon_due = !about->abandon_told;
    return VEL_OK;
}

/* Only the newest one means anything. */
static enum vel_err status_lost(struct vel_track *track, enum vel_space space,
                                const struct vel_record *record)
{
    (void)space;
    struct vel_track *about = find(track, record);
    if (about != NULL)
        about->status_due |= record->offset == about->status_sequence;
    return VEL_OK;
}

static enum vel_err max_path_id_lost(struct vel_track *track, enum vel_space space,
                                     const struct vel_record *record)
{
    (void)space;
    struct vel_multipath *m = &track->conn->multipath;
    m->limit_due |= record->offset == m->highest;
    return VEL_OK;
}

static enum vel_err paths_blocked_lost(struct vel_track *track, enum vel_space space,
                                       const struct vel_record *record)
{
    (void)space;
    struct vel_multipath *m = &track->conn->multipath;
    m->blocked_due |= record->offset == m->peer_limit;
    return VEL_OK;
}

/* ---- streams and datagrams ---- */

static enum vel_err stream_acked(struct vel_track *track, enum vel_space space,
                                 const struct vel_record *record)
{
    (void)space;
    return vel_streams_acked(track->conn->streams, record);
}

static enum vel_err stream_lost(struct vel_track *track, enum vel_space space,
                                const struct vel_record *record)
{
    (void)space;
    return vel_streams_lost(track->conn->streams, record);
}

static enum vel_err ack_frequency_acked(struct vel_track *track, enum vel_space space,
                                        const struct vel_record *record)
{
    (void)space;
    vel_ack_request_acked(&track->conn->ack_request, record->id);
    vel_conn_update_ack_delay(track->conn);
    return VEL_OK;
}

static enum vel_err ack_frequency_lost(struct vel_track *track, enum vel_space space,
                                       const struct vel_record *record)
{
    (void)space;
    vel_ack_request_lost(&track->conn->ack_request, record->id);
    return VEL_OK;
}

/* RFC 9221 5.2: never sent again; the application can learn how many were lost. */
static enum vel_err datagram_acked(struct vel_track *track, enum vel_space space,
                                   const struct vel_record *record)
{
    (void)space, (void)record;
    track->conn->datagrams.stats.acked++;
    return VEL_OK;
}

static enum vel_err datagram_lost(struct vel_track *track, enum vel_space space,
                                  const struct vel_record *record)
{
    (void)space, (void)record;
    track->conn->datagrams.stats.lost++;
    return VEL_OK;
}

/* RFC 9000 13.3, by kind of record; NULL: nothing to do. */
static const struct {
    record_handler acked, lost;
} handlers[VEL_RECORD_KINDS] = {
    [VEL_RECORD_CRYPTO] = {crypto_acked, crypto_lost},
    [VEL_RECORD_ACK] = {ack_acked, NULL},
    [VEL_RECORD_STREAM] = {stream_acked, stream_lost},
    [VEL_RECORD_RESET_STREAM] = {stream_acked, stream_lost},
    [VEL_RECORD_STOP_SENDING] = {stream_acked, stream_lost},
    [VEL_RECORD_MAX_DATA] = {stream_acked, stream_lost},
    [VEL_RECORD_MAX_STREAM_DATA] = {stream_acked, stream_lost},
    [VEL_RECORD_MAX_STREAMS_BIDI] = {stream_acked, stream_lost},
    [VEL_RECORD_MAX_STREAMS_UNI] = {stream_acked, stream_lost},
    [VEL_RECORD_DATA_BLOCKED] = {stream_acked, stream_lost},
    [VEL_RECORD_STREAM_DATA_BLOCKED] = {stream_acked, stream_lost},
    [VEL_RECORD_STREAMS_BLOCKED_BIDI] = {stream_acked, stream_lost},
    [VEL_RECORD_STREAMS_BLOCKED_UNI] = {stream_acked, stream_lost},
    [VEL_RECORD_NEW_CONNECTION_ID] = {NULL, new_cid_lost},
    [VEL_RECORD_RETIRE_CONNECTION_ID] = {retire_cid_acked, retire_cid_lost},
    [VEL_RECORD_HANDSHAKE_DONE] = {NULL, handshake_done_lost},
    [VEL_RECORD_NEW_TOKEN] = {NULL, new_token_lost},
    [VEL_RECORD_PING] = {ping_acked, ping_lost},
    [VEL_RECORD_ACK_FREQUENCY] = {ack_frequency_acked, ack_frequency_lost},
    [VEL_RECORD_PATH_ABANDON] = {abandon_acked, abandon_lost},
    [VEL_RECORD_PATH_STATUS] = {NULL, status_lost},
    [VEL_RECORD_MAX_PATH_ID] = {NULL, max_path_id_lost},
    [VEL_RECORD_PATHS_BLOCKED] = {NULL, paths_blocked_lost},
    [VEL_RECORD_DATAGRAM] = {datagram_acked, datagram_lost},
};

static void handle(struct vel_track *track, record_handler handler, enum vel_space space,
                   const struct vel_record *record)
{
    if (handler != NULL && handler(track, space, record) != VEL_OK)
        vel_conn_fail(track->conn, VEL_WIRE_INTERNAL_ERROR, "out of memory");
}

void vel_conn_record_acked(void *self, enum vel_space space, const struct vel_record *record)
{
    VEL_ASSERT(record->kind < VEL_RECORD_KINDS);
    handle(self, handlers[record->kind].acked, space, record);
}

void vel_conn_record_lost(void *self, enum vel_space space, const struct vel_record *record)
{
    VEL_ASSERT(record->kind < VEL_RECORD_KINDS);
    handle(self, handlers[record->kind].lost, space, record);
}
