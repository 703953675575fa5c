/* SPDX-License-Identifier: MIT */
/*
 * A file of remembered outcomes, spoiled in any way. Properties: what is accepted is within its
 * limits, and reads the same after it was written.
 */
#include <string.h>

#include "client/outcomes.h"
#include "testing/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct vel_outcomes *first = NULL, *second = NULL;
    struct vel_buf text = {.env = &fuzz_env, .limit = VEL_OUTCOMES_TEXT_MAX};
    struct vel_buf again = {.env = &fuzz_env, .limit = VEL_OUTCOMES_TEXT_MAX};
    FUZZ_CHECK(vel_outcomes_new(&fuzz_env, &first) == VEL_OK);
    FUZZ_CHECK(vel_outcomes_new(&fuzz_env, &second) == VEL_OK);
    if (vel_outcomes_read(first, vel_slice(bytes, size)) == VEL_OK) {
        FUZZ_CHECK(vel_outcomes_count(first) <= VEL_OUTCOMES_MAX);
        FUZZ_CHECK(vel_outcomes_write(first, &text) == VEL_OK);
        FUZZ_CHECK(vel_outcomes_read(second, vel_buf_slice(&text)) == VEL_OK);
        FUZZ_CHECK(vel_outcomes_write(second, &again) == VEL_OK);
        FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&text), vel_buf_slice(&again)));
    } else {
        FUZZ_CHECK(vel_outcomes_count(first) == 0);
    }
    vel_buf_free(&text);
    vel_buf_free(&again);
    vel_outcomes_free(first);
    vel_outcomes_free(second);
    return 0;
}
