/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_QLOGS_H
#define TESTS_SIM_QLOGS_H

/*
 * With SIM_QLOG=<folder> every connection of a simulation leaves a qlog there, written as it happens,
 * so that a scenario that fails, or crashes, can be looked at. Times count from the virtual clock's
 * beginning for both ends alike.
 */
struct vel_tracer;

/* For a config; NULL without SIM_QLOG. Fails the test when the folder cannot be used. */
const struct vel_tracer *qlogs_tracer(void);

#endif
