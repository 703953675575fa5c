/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_MEASURE_H
#define CLI_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "velocity/err.h"

/*
 * What every benchmark prints: one line per key, with tabs, that scripts/bench.py gathers into
 * build/bench.json and people can read:
 *
 *     key    minimum    median    maximum    unit
 *
 * Absolute figures from one machine say nothing about another; see the docs for how to compare.
 */
enum { BENCH_SAMPLES = 64 };

struct bench {
    const char *key;
    const char *unit;
    size_t count;
    double samples[BENCH_SAMPLES];
};

void vel_bench_add(struct bench *bench, double sample);
void vel_bench_print(struct bench *bench);

/* 0 when there is no sample. */
enum vel_bench_rank { BENCH_LEAST, BENCH_MEDIAN, BENCH_MOST };
double vel_bench_at(struct bench *bench, enum vel_bench_rank rank);

/* CPU seconds of this thread: what a core did, whatever else ran beside it. */
double vel_bench_cpu(void);

/* Resident memory of this process that is its own, in bytes. */
double vel_bench_resident(void);

/* The number after `--name` on the command line, or `fallback`. Exits with 2 when it is no number. */
uint64_t vel_bench_option(int argc, char **argv, const char *name, uint64_t fallback);

/* Ends the program with a message when a call failed: a benchmark has nobody to tell. */
void vel_bench_require(const char *what, enum vel_err err);
#define BENCH_OK(call) vel_bench_require(#call, (call))

#endif
