/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "transport/conn_internal.h"

/* The application's choice of paths for a stream or a datagram (VEL-TR-56). */

/* Paths by number become tracks by slot: a slot's next path is not what was chosen. */
static vel_result read_choice(const struct vel_conn *conn, const struct vel_path_choice *asked,
                              struct vel_choice *choice)
{
    REQUIRE((unsigned)asked->scheduler <= VEL_SCHEDULE_REDUNDANT, VEL_ERR_ARGUMENT);
    REQUIRE(asked->count <= VEL_PATHS_OPEN_MAX, VEL_ERR_ARGUMENT);
    struct vel_choice read = {.scheduler = asked->scheduler};
    for (unsigned i = 0; i < asked->count; i++) {
        const struct vel_track *track = vel_conn_find_track(conn, asked->paths[i]);
        REQUIRE(track != NULL && track->state == VEL_TRACK_OPEN, VEL_ERR_NOT_FOUND);
        read.slots |= 1U << vel_multipath_slot(&conn->multipath, track->id);
    }
    *choice = read;
    return VEL_OK;
}

static unsigned unused(const struct vel_conn *conn)
{
    unsigned set = 0;
    for (unsigned i = 1; i < VEL_CHOICES; i++)
        if (!vel_streams_any_of(conn->streams, i) &&
            vel_datagrams_first(&conn->datagrams, 1U << i) == NULL)
            set |= 1U << i;
    return set;
}

/* Once, with what streams keep for it. */
static vel_result have_table(struct vel_conn *conn)
{
    TRY(vel_streams_have_choices(conn->streams));
    if (conn->choices != NULL)
        return VEL_OK;
    conn->choices = vel_alloc(conn->env, sizeof *conn->choices);
    REQUIRE(conn->choices != NULL, VEL_ERR_NOMEM);
    vel_choices_init(conn->choices, conn->config->scheduler);
    return VEL_OK;
}

vel_result vel_conn_number_choice(struct vel_conn *conn, const struct vel_path_choice *asked,
                                  unsigned *number)
{
    struct vel_choice choice;
    unsigned found = 0;
    if (asked != NULL) {
        TRY(read_choice(conn, asked, &choice));
        TRY(have_table(conn));
        found = vel_choices_find(conn->choices, choice);
        if (found == VEL_CHOICES)
            found = vel_choices_add(conn->choices, choice, unused(conn));
        REQUIRE(found < VEL_CHOICES, VEL_ERR_LIMIT);
    }
    *number = found;
    return VEL_OK;
}

vel_result vel_stream_set_paths(struct vel_conn *conn, uint64_t stream,
                                const struct vel_path_choice *choice)
{
    unsigned number;
    REQUIRE(!vel_life_is_over(&conn->life), VEL_ERR_CLOSED);
    REQUIRE(vel_streams_exists(conn->streams, stream), VEL_ERR_NOT_FOUND);
    TRY(vel_conn_number_choice(conn, choice, &number));
    TRY(vel_streams_choose(conn->streams, stream, number));
    vel_conn_wake(conn);
    return VEL_OK;
}

void vel_conn_free_choices(struct vel_conn *conn)
{
    if (conn->choices != NULL)
        vel_release(conn->env, conn->choices, sizeof *conn->choices);
    conn->choices = NULL;
}
