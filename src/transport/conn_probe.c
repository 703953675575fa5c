/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

enum {
    PATH_FRAME = 1 + VEL_CHALLENGE_SIZE,
    /* Less cannot hold a challenge: header with the longest id and number, frame, tag. */
    PROBE_MIN = 1 + VEL_CID_MAX + 4 + PATH_FRAME + VEL_AEAD_TAG
};

/* Answers on the active path travel with everything else, under its congestion window. */
static bool answers_are_due(const struct vel_track *track, const struct vel_path *path)
{
    return path->response_count > 0 && path != track->paths.active;
}

static void write_path_frame(struct vel_packet_build *p, enum vel_frame_type type,
                             const uint8_t data[VEL_CHALLENGE_SIZE])
{
    struct vel_frame frame = {.type = type};
    memcpy(frame.path_data, data, sizeof frame.path_data);
    vel_frame_write(&p->w, &frame);
    p->eliciting = true;
}

static void fill(struct vel_track *track, struct vel_path *path, struct vel_packet_build *p,
                 bool full, vel_time now)
{
    uint8_t data[VEL_CHALLENGE_SIZE];
    if (full) /* an end that has no id of ours to spare cannot answer */
        vel_conn_fill_new_cids(p);
    if (path->validation.due && vel_room(&p->w) >= PATH_FRAME) {
        vel_validation_draw(&path->validation, track->conn->env, full, data, now);
        write_path_frame(p, VEL_FRAME_PATH_CHALLENGE, data);
    }
    while (answers_are_due(track, path) && vel_room(&p->w) >= PATH_FRAME &&
           vel_path_take_response(path, data))
        write_path_frame(p, VEL_FRAME_PATH_RESPONSE, data);
}

/* RFC 9000 8.2.1, 8.2.2: 1,200 bytes, unless the address has not earned them yet. Nobody waits for
 * the packet itself (9.4): challenges are repeated by their own clock, and answers by who asked. */
static size_t build(struct vel_track *track, struct vel_path *path, uint8_t *bytes, vel_time now)
{
    size_t room = VEL_MIN(vel_path_credit(path), (size_t)VEL_PMTUD_BASE);
    bool full = room == VEL_PMTUD_BASE;
    struct vel_packet_build p;
    if (room < PROBE_MIN || vel_cids_peer(&track->cids, path->peer_cid) == NULL ||
        !vel_packet_begin(track, path, &p, VEL_SPACE_APP, bytes, room))
        return 0;
    p.aside = true;
    fill(track, path, &p, full, now);
    vel_packet_end_frames(&p);
    size_t size = vel_packet_size(&p);
    size_t padding = full ? room - size : 0;
    return vel_packet_finish(track->conn, &p, padding, VEL_ECN_NOT_ECT, now) ? size + padding : 0;
}

/* Of one track. VEL_ERR_AGAIN: none is due. */
static vel_result send_from(struct vel_track *track, struct vel_train *train, vel_time now)
{
    VEL_PATHS_EACH(path, &track->paths)
    {
        if (!path->validation.due && !answers_are_due(track, path))
            continue;
        size_t size = build(track, path, train->bytes, now);
        if (size == 0)
            continue;
        vel_conn_count_sent(track->conn, path, 1, size);
        train->local = path->local;
        train->remote = path->remote;
        train->len = train->segment = size;
        return VEL_OK;
    }
    return VEL_ERR_AGAIN;
}

vel_result vel_conn_send_probe(struct vel_conn *conn, struct vel_train *train, vel_time now)
{
    if (!vel_keys_ready(&conn->space[VEL_SPACE_APP].write))
        return VEL_ERR_AGAIN;
    VEL_TRACKS_OPEN(track, conn)
    {
        if (send_from(track, train, now) == VEL_OK)
            return VEL_OK;
    }
    return VEL_ERR_AGAIN;
}
