/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_STREAMS_APP_H
#define TRANSPORT_STREAMS_APP_H

#include "transport/streams.h"

/*
 * What the application does with streams: the calls of velocity/conn.h, one to one, with the same
 * arguments, errors and lifetimes. The connection adds only that it is still open, and wakes its
 * endpoint.
 */
vel_result vel_streams_open(struct vel_streams *streams, bool bidirectional, uint64_t *stream);

vel_result vel_streams_write(struct vel_streams *streams, uint64_t stream, struct vel_slice bytes,
                             bool fin, size_t *accepted);
vel_result vel_streams_lend(struct vel_streams *streams, uint64_t stream, struct vel_slice bytes,
                            bool fin, vel_release_fn release, void *context);
size_t vel_streams_writable(const struct vel_streams *streams, uint64_t stream);

vel_result vel_streams_read(struct vel_streams *streams, uint64_t stream, struct vel_slice *bytes,
                            bool *fin);
vel_result vel_streams_consume(struct vel_streams *streams, uint64_t stream, size_t count);

vel_result vel_streams_reset(struct vel_streams *streams, uint64_t stream, uint64_t code);
vel_result vel_streams_stop(struct vel_streams *streams, uint64_t stream, uint64_t code);

vel_result vel_streams_set_priority(struct vel_streams *streams, uint64_t stream, uint8_t urgency,
                                    bool incremental);
bool vel_streams_exists(const struct vel_streams *streams, uint64_t stream);
/* Its choice (transport/choice.h), 0 or after vel_streams_have_choices. VEL_ERR_NOT_FOUND */
vel_result vel_streams_choose(struct vel_streams *streams, uint64_t stream, unsigned choice);
void vel_streams_set_user(struct vel_streams *streams, uint64_t stream, void *user);
void *vel_streams_user(const struct vel_streams *streams, uint64_t stream);

#endif
