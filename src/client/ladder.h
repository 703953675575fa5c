/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_LADDER_H
#define CLIENT_LADDER_H

#include "client/rung.h"

/*
 * The fallback ladder as a machine without I/O: it says which attempt to start when, which to give
 * up, and how the search ends. Its owner (connector.h) runs the attempts and tells what became of
 * them. Time is an argument; nothing is allocated; a copy of the struct is a copy of the machine.
 *
 * Rules. The best rung starts at once. The next one starts when the one above it had its head
 * start, or at once when that one failed for a reason of rung.h. The first that is connected
 * and found acceptable wins; the others are cancelled. A failure without a reason, and a connection
 * that is not acceptable, end the search: nothing else is tried (PROTOCOL section 7).
 *
 * Rungs that failed lately and are in their cool-down are tried last, and only when all others
 * failed; after the cool-down they come first again.
 *
 *     vel_ladder_start(&ladder, &setup, now)
 *     while (vel_ladder_next(&ladder, now, &order)) obey
 *     tell vel_ladder_answered, _connected, _accepted, _failed, _refused as it happens;
 *     come back no later than vel_ladder_deadline; after each of these take the orders again
 */

#define VEL_HEAD_START_MIN (250 * MS)

/* What was learned about one rung of a server: why we stepped down from it. */
struct vel_fall {
    enum vel_fallback reason; /* NONE: nothing is known against it */
    int64_t at;               /* unix seconds */
    unsigned count;           /* times in a row */
};

/* How long a success over Velocity/1 makes us expect it again, in seconds. */
enum { VEL_EXPECT_S = 30 * 86400 };

/* What is remembered of a server (host and port) between runs; zero: nothing. */
struct vel_outcome {
    vel_time rtt;           /* of the last connection; 0: unknown */
    int64_t velocity_until; /* unix seconds: until then an authenticated Velocity/1 connection, or
                               an Alt-Svc, makes us expect it; 0: nothing does */
    struct vel_fall falls[VEL_RUNG_COUNT];
};

struct vel_ladder_setup {
    bool allowed[VEL_RUNG_COUNT];
    bool no_fallback;           /* the best allowed rung alone */
    bool pinned;                /* the server is known to speak Velocity/1: no cool-down counts */
    struct vel_outcome outcome; /* remembered; zero: nothing */
    int64_t unix_now;           /* seconds, for the cool-downs */
    vel_time timeout;           /* of the whole search; 0: none */
};

enum vel_rung_state {
    VEL_RUNG_UNUSED,    /* not allowed, or not reached when another won */
    VEL_RUNG_WAITING,   /* its turn may come */
    VEL_RUNG_RUNNING,   /* an attempt is under way */
    VEL_RUNG_CHECKING,  /* connected; it is being found out whether that is acceptable */
    VEL_RUNG_FAILED,    /* see reason and failure */
    VEL_RUNG_CANCELLED, /* another was first */
    VEL_RUNG_WON
};

/* "unused", "waiting", ... for --json. */
const char *vel_rung_state_name(enum vel_rung_state state);

/* One rung of the trail: what was tried, when, and why it was left. */
struct vel_step {
    enum vel_rung_state state;
    bool cooling;             /* remembered as failed: tried last; `reason` says why until then */
    bool answered;            /* the server said something on it */
    vel_time started, ended;  /* 0: not */
    enum vel_fallback reason; /* why the ladder went on below it; NONE: it did not have to */
    enum vel_client_failure failure;
};

enum vel_ladder_state { VEL_LADDER_SEARCHING, VEL_LADDER_WON, VEL_LADDER_LOST };

struct vel_ladder {
    struct vel_step steps[VEL_RUNG_COUNT];
    enum vel_rung order[VEL_RUNG_COUNT]; /* the allowed ones, as they are tried */
    unsigned count;                      /* of them */
    unsigned reached;                    /* of them were started, or failed before that */
    vel_time head_start;                 /* of each rung over the next one */
    vel_time next_start; /* of order[reached]; VEL_NEVER: when that above it fails */
    vel_time deadline;   /* of the search */
    enum vel_ladder_state state;
    enum vel_rung winner;            /* when WON */
    enum vel_client_failure failure; /* when LOST */
    enum vel_rung culprit;           /* when LOST: the rung that `failure` is about */
    bool give_up[VEL_RUNG_COUNT];    /* attempts to cancel that were not ordered yet */
};

/* At least one rung is allowed. */
void vel_ladder_start(struct vel_ladder *ladder, const struct vel_ladder_setup *setup,
                      vel_time now);

enum vel_ladder_order_kind {
    VEL_LADDER_START,  /* begin an attempt on `rung` */
    VEL_LADDER_CANCEL, /* end the attempt on `rung`; nothing more is to be told about it */
};

struct vel_ladder_order {
    enum vel_ladder_order_kind kind;
    enum vel_rung rung;
};

/* The next thing to do; false: nothing now. */
bool vel_ladder_next(struct vel_ladder *ladder, vel_time now, struct vel_ladder_order *order);

/* When to look again if nothing happens; VEL_NEVER. */
vel_time vel_ladder_deadline(const struct vel_ladder *ladder);

/* What happened to a running attempt. About attempts that are not running (any more), nothing is
 * done. */

/* The server answered at all: the head start counts from here once more, at most once a rung. */
void vel_ladder_answered(struct vel_ladder *ladder, enum vel_rung rung, vel_time now);
/* Handshake complete and certificate fine; its acceptance is now being checked. */
void vel_ladder_connected(struct vel_ladder *ladder, enum vel_rung rung, vel_time now);
/* The check says yes. */
void vel_ladder_accepted(struct vel_ladder *ladder, enum vel_rung rung, vel_time now);
/* It ended without a connection, or before the check was over. */
void vel_ladder_failed(struct vel_ladder *ladder, enum vel_rung rung,
                       struct vel_rung_failure failure, vel_time now);
/* The check says no (VEL_CLIENT_DOWNGRADE, VEL_CLIENT_RECORD): the search is over. */
void vel_ladder_refused(struct vel_ladder *ladder, enum vel_rung rung,
                        enum vel_client_failure failure, vel_time now);

static inline const struct vel_step *vel_ladder_step(const struct vel_ladder *ladder,
                                                     enum vel_rung rung)
{
    return &ladder->steps[rung];
}

/* What to remember after the search. `outcome` comes with what was remembered before. `trusted`:
 * trust and name were checked, so that a success over Velocity/1 may count as evidence. After a
 * search that ended with a downgrade or a bad record nothing is learned. */
void vel_ladder_learn(const struct vel_ladder *ladder, int64_t unix_now, vel_time rtt, bool trusted,
                      struct vel_outcome *outcome);

#endif
