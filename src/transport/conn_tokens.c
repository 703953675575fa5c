/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"

/* What we keep of a server's token, and repeat in each Initial packet. */
enum { TOKEN_MAX_BYTES = 512 };

bool vel_conn_make_new_token(struct vel_conn *conn, uint8_t token[VEL_NEW_TOKEN_MAX],
                             struct vel_frame *frame)
{
    size_t size;
    if (conn->hooks.new_token == NULL ||
        conn->hooks.new_token(conn->hooks.self, conn, &vel_conn_track(conn)->paths.active->remote,
                              conn->now, token, &size) != VEL_OK)
        return false;
    *frame = (struct vel_frame){.type = VEL_FRAME_NEW_TOKEN, .token = vel_slice(token, size)};
    return true;
}

/* RFC 9000 8.1.3: the newest is the best. One that is too long is no loss. */
uint64_t vel_conn_on_new_token(struct vel_conn *conn, struct vel_slice token)
{
    struct vel_buf *kept = &conn->new_token;
    if (token.len > TOKEN_MAX_BYTES)
        return VEL_WIRE_NO_ERROR;
    kept->env = conn->env;
    kept->limit = TOKEN_MAX_BYTES;
    kept->len = 0;
    if (vel_buf_append(kept, token) != VEL_OK)
        return VEL_WIRE_INTERNAL_ERROR;
    vel_conn_notice(conn, VEL_EVENT_NEW_TOKEN);
    return VEL_WIRE_NO_ERROR;
}

struct vel_slice vel_conn_token(const struct vel_conn *conn)
{
    return vel_buf_slice(&conn->new_token);
}
