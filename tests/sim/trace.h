/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include "velocity/env.h"
#include "velocity/slice.h"

/* With SIM_TRACE set in the environment: a line on standard error for each datagram that leaves or
 * arrives, with the types and sizes of its packets. For finding out why a seed fails. */
void trace_datagram(bool is_client, bool arrives, struct vel_slice datagram, vel_time since_start);

#endif
