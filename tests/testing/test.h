/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TESTING_TEST_H
#define TESTS_TESTING_TEST_H

/*
 * What every test includes: cmocka in the order it wants, and environments for tests.
 * Table-driven tests name their row on failure: ROW(rows[i].what) before the asserts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

#define BYTES(...)                                                                                 \
    ((struct vel_slice){(const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})})

/* Fail with the row's name and both error texts unless they agree. */
#define ASSERT_ERR(what, got, want)                                                                \
    do {                                                                                           \
        enum vel_err assert_got = (got);                                                           \
        enum vel_err assert_want = (want);                                                         \
        if (assert_got != assert_want)                                                             \
            fail_msg("%s: got '%s', want '%s'", (what), vel_err_text(assert_got),                  \
                     vel_err_text(assert_want));                                                   \
    } while (0)

#define ASSERT_OK(call) ASSERT_ERR(#call, (call), VEL_OK)

/* A condition with the row's name. */
#define CHECK(what, condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s: %s", (what), #condition);                                                \
    } while (0)

/*
 * Heap and seeded randomness (a small generator, not for secrets): the same seed gives the same
 * bytes. Counts what is outstanding, and fails the nth allocation on request.
 */
struct test_env {
    struct vel_env env; /* pass &t.env */
    uint64_t state;
    size_t outstanding; /* bytes not yet released */
    long fail_after;    /* allocations that still succeed; negative: all */
};

/* Set up in place (env.self points at it). */
void test_env_init(struct test_env *t, uint64_t seed);

/* Fails the test when bytes are outstanding. */
void test_env_done(struct test_env *t);

/* Hex text (spaces allowed) into bytes; fails the test when it is not hex or does not fit. */
size_t test_unhex(const char *hex, uint8_t *out, size_t capacity);

#endif
