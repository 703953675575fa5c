/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "testing/test.h"

/*
 * A scenario is a function of a seed. As a cmocka test it runs with seeds 1 to `seeds`:
 *
 *     const struct CMUnitTest tests[] = {SCENARIO(under_heavy_loss, HANDSHAKE_SEEDS), ...
 *
 *     SIM_SEED=7      run only seed 7: what a failure tells to do
 *     SIM_SEEDS=500   run seeds 1 to 500
 *     VELOCITY_SOAK=20  times so many seeds (make soak)
 *     SIM_TRACE=1     show every datagram (trace.h)
 *     SIM_QLOG=/tmp/q write a qlog of each connection into that folder: what both ends did, up to the
 *                     failure; for one seed
 */
enum { HANDSHAKE_SEEDS = 50, BULK_SEEDS = 5 };

struct scenario {
    const char *name;
    void (*run)(uint64_t seed);
    unsigned seeds;
    uint32_t version; /* 0: Velocity/1 */
};

void scenario_run(void **state);

/* Version of the running scenario: what scene_new makes both ends speak. */
uint32_t scenario_version(void);

/* Fails the running scenario with its name, its seed and how to replay it. */
void scenario_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

#define SCENARIO(function, count)                                                                  \
    {#function, scenario_run, NULL, NULL, &(struct scenario){#function, function, count, 0}}

/* The same over QUIC v1 or v2, with TLS 1.3 and the same certificates. */
#define SCENARIO_OVER(wire_version, suffix, function, count)                                       \
    {                                                                                              \
        #function " over " suffix, scenario_run, NULL, NULL, &(struct scenario)                    \
        {                                                                                          \
            #function " over " suffix, function, count, wire_version                               \
        }                                                                                          \
    }
#define SCENARIO_V1(function, count) SCENARIO_OVER(VEL_VERSION_QUIC_V1, "v1", function, count)
#define SCENARIO_V2(function, count) SCENARIO_OVER(VEL_VERSION_QUIC_V2, "v2", function, count)

/* The condition holds, or the scenario fails. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            scenario_fail(__FILE__, __LINE__, "%s", #condition);                                   \
    } while (0)

/* Two numbers compare as they should (==, <=, ...), or both are shown. */
#define EXPECT_NUMBER(a, op, b)                                                                    \
    do {                                                                                           \
        int64_t expect_a = (int64_t)(a), expect_b = (int64_t)(b);                                  \
        if (!(expect_a op expect_b))                                                               \
            scenario_fail(__FILE__, __LINE__, "%s %s %s: %lld and %lld", #a, #op, #b,              \
                          (long long)expect_a, (long long)expect_b);                               \
    } while (0)

#endif
