/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_RUNTIME_H
#define VELOCITY_RUNTIME_H

#include "velocity/endpoint.h"
#include "velocity/link.h"
#include "velocity/loop.h"

/*
 * A runtime joins one link and one endpoint in a loop: trains from the link go to the endpoint,
 * trains of the endpoint go to the link, and the endpoint's deadline becomes a timer. The same for
 * servers and clients. A loop may hold several runtimes.
 *
 * An endpoint whose connections have addresses on several links (RFC 9000 section 9) is fed from all
 * of them: each train leaves by the link that its local address belongs to.
 *
 * Turns are fair and bounded: at most VEL_TURN_RECEIVE trains are taken in, after each of which the
 * application sees the connections that have events; then come time-outs, and newcomers out of the
 * endpoint's backlog, unless more waits at the link, which is taken in first for some milliseconds (and
 * for half a second by the time-outs of loss recovery, since it may hold the acknowledgement);
 * then the application may flush; then at most VEL_TURN_SEND trains go out, and other descriptors and
 * timers of the loop have their turn. When the link is full the unsent rest waits until it is
 * writable, and the endpoint is not asked for more meanwhile; when there are other links, which wait as well,
 * it is dropped after a tenth of a second, as a network would have done.
 * A second after many connections have gone, their memory is given back to the kernel
 * (vel_memory_give_back).
 */
struct vel_runtime;

enum { VEL_TURN_RECEIVE = 32, VEL_TURN_SEND = 32, VEL_RUNTIME_LINKS = 7 };

/* What the runtime tells its owner. Callbacks may use the endpoint and its connections in any way
 * (write, open, close, connect) without waking the runtime, and may free the runtime. */
struct vel_runtime_hooks {
    /* `conn` has events: take them all with vel_conn_next_event. */
    void (*events)(void *self, struct vel_conn *conn, vel_time now);
    /* Once a turn, after all events and before anything is sent: write what has become writable
     * without an event. May be NULL. */
    void (*flush)(void *self, vel_time now);
    /* The network says that nobody listens at `remote` (ICMP port unreachable): worth an early end
     * of a client's attempt before it is connected, never more. May be NULL. */
    void (*unreachable)(void *self, const struct vel_addr *remote);
    void *self;
};

/* Link, endpoint and loop stay the caller's and must outlive the runtime.
 * VEL_ERR_UNSUPPORTED  the link has no descriptor to wait for
 * VEL_ERR_NOMEM, VEL_ERR_IO */
vel_result vel_runtime_new(const struct vel_env *env, struct vel_loop *loop, struct vel_link *link,
                           struct vel_endpoint *endpoint, const struct vel_runtime_hooks *hooks,
                           struct vel_runtime **runtime);

/* Detaches; nothing is sent any more. NULL is allowed. */
void vel_runtime_free(struct vel_runtime *runtime);

/*
 * Another link of the same endpoint: for a client to go on from (vel_conn_migrate, with link->local),
 * or for the address that a server prefers. It must outlive the runtime, or be removed before.
 * VEL_ERR_LIMIT  there are VEL_RUNTIME_LINKS already; other errors as vel_runtime_new
 */
vel_result vel_runtime_add_link(struct vel_runtime *runtime, struct vel_link *link);

/* A link, the first one too, is not used any more; what is still sent from its address leaves by one
 * that is left. The last one stays. */
void vel_runtime_remove_link(struct vel_runtime *runtime, struct vel_link *link);

/* The application used the endpoint or a connection outside the hooks (from a timer, or before
 * vel_loop_run): send what waits and look at the deadline again, in the next turn. Cheap. */
void vel_runtime_wake(struct vel_runtime *runtime);

/* Before the end: send what the endpoint still has (CONNECTION_CLOSE mostly) without waiting for
 * anything; what the link does not take now is lost. No hooks are called. */
void vel_runtime_finish(struct vel_runtime *runtime);

struct vel_endpoint *vel_runtime_endpoint(struct vel_runtime *runtime);

#endif
