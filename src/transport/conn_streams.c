/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "transport/conn_internal.h"

/* The application's calls on streams: the set does the work, the connection adds that it is still
 * open and wakes its endpoint. */

static bool is_open(const struct vel_conn *conn)
{
    return !vel_life_is_over(&conn->life);
}

vel_result vel_stream_open(struct vel_conn *conn, bool bidirectional, uint64_t *stream)
{
    REQUIRE(is_open(conn), VEL_ERR_CLOSED);
    enum vel_err err = vel_streams_open(conn->streams, bidirectional, stream);
    if (err == VEL_ERR_AGAIN) /* STREAMS_BLOCKED is to be sent */
        vel_conn_wake(conn);
    return err;
}

vel_result vel_stream_write(struct vel_conn *conn, uint64_t stream, struct vel_slice bytes,
                            bool fin, size_t *accepted)
{
    REQUIRE(is_open(conn), VEL_ERR_CLOSED);
    TRY(vel_streams_write(conn->streams, stream, bytes, fin, accepted));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_stream_write_borrowed(struct vel_conn *conn, uint64_t stream, struct vel_slice bytes,
                                     bool fin, vel_release_fn release, void *context)
{
    REQUIRE(is_open(conn), VEL_ERR_CLOSED);
    TRY(vel_streams_lend(conn->streams, stream, bytes, fin, release, context));
    vel_conn_wake(conn);
    return VEL_OK;
}

size_t vel_stream_writable(const struct vel_conn *conn, uint64_t stream)
{
    return is_open(conn) ? vel_streams_writable(conn->streams, stream) : 0;
}

/* What has arrived can be read to its end even when the connection is over. */
vel_result vel_stream_read(struct vel_conn *conn, uint64_t stream, struct vel_slice *bytes,
                           bool *fin)
{
    TRY(vel_streams_read(conn->streams, stream, bytes, fin));
    if (*fin) /* which may have closed the stream */
        vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_stream_consume(struct vel_conn *conn, uint64_t stream, size_t count)
{
    TRY(vel_streams_consume(conn->streams, stream, count));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_stream_reset(struct vel_conn *conn, uint64_t stream, uint64_t code)
{
    REQUIRE(is_open(conn), VEL_ERR_CLOSED);
    TRY(vel_streams_reset(conn->streams, stream, code));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_stream_stop(struct vel_conn *conn, uint64_t stream, uint64_t code)
{
    REQUIRE(is_open(conn), VEL_ERR_CLOSED);
    TRY(vel_streams_stop(conn->streams, stream, code));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_stream_set_priority(struct vel_conn *conn, uint64_t stream, uint8_t urgency,
                                   bool incremental)
{
    return vel_streams_set_priority(conn->streams, stream, urgency, incremental);
}

void vel_stream_set_user(struct vel_conn *conn, uint64_t stream, void *user)
{
    vel_streams_set_user(conn->streams, stream, user);
}

void *vel_stream_user(const struct vel_conn *conn, uint64_t stream)
{
    return vel_streams_user(conn->streams, stream);
}
