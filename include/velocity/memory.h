/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_MEMORY_H
#define VELOCITY_MEMORY_H

#include <stdbool.h>

#include "velocity/env.h"
#include "velocity/link.h"

/*
 * The memory link: two ends in one process. What one end sends, the other receives, as whole
 * trains, in order, with its marks; nothing is lost unless the owner says so. Made for experiments
 * and examples: two endpoints can meet without a socket, a clock or a second process.
 *
 * There is no descriptor (fd is -1): the owner moves trains by calling vel_link_receive on both
 * ends until nothing is left. The ends have addresses of family VEL_ADDR_MEMORY, ports 1 and 2;
 * a train for any other address is lost.
 */
struct vel_memory_setup {
    /* Bytes that wait in each direction; 0: VEL_MEMORY_QUEUE. A train that finds no room is not
     * taken (VEL_ERR_AGAIN, as a whole) unless nothing waits. */
    size_t queue;
    /* The network of the experiment: told of each train before it is queued; false loses it. May
     * change its bytes and its mark, not its lengths. NULL: everything passes. */
    bool (*pass)(void *self, struct vel_train *train);
    void *self;
};

enum { VEL_MEMORY_QUEUE = 1024 * 1024 };

/*
 * Make both ends. `setup` may be NULL. Each is freed on its own with vel_link_free; what an end
 * sends after the other is gone, is lost.
 * VEL_ERR_NOMEM  also from vel_link_send
 */
vel_result vel_memory_link_new(const struct vel_env *env, const struct vel_memory_setup *setup,
                               struct vel_link *ends[2]);

#endif
