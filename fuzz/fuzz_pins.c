/* SPDX-License-Identifier: MIT */
/*
 * A file of continuity pins, and the field that sets one, from anybody. Properties: what is read is
 * bounded, holds only pins that are in force, and comes back the same when it is written and read
 * again; a field gives an age within its bounds.
 */
#include "client/pins.h"
#include "testing/fuzz.h"

enum { NOW = 1800000000 };

static struct vel_buf write_text(const struct vel_pins *pins)
{
    struct vel_buf text = {.env = &fuzz_env, .limit = VEL_PINS_TEXT_MAX};
    FUZZ_CHECK(vel_pins_write(pins, &text) == VEL_OK);
    return text;
}

static void check_text(struct vel_slice bytes)
{
    struct vel_pins *pins = NULL, *again = NULL;
    FUZZ_CHECK(vel_pins_new(&fuzz_env, &pins) == VEL_OK &&
               vel_pins_new(&fuzz_env, &again) == VEL_OK);
    if (vel_pins_read(pins, bytes, NOW) == VEL_OK) {
        struct vel_buf first = write_text(pins);
        FUZZ_CHECK(vel_pins_count(pins) <= VEL_PINS_MAX);
        FUZZ_CHECK(vel_pins_read(again, vel_buf_slice(&first), NOW) == VEL_OK);
        FUZZ_CHECK(vel_pins_count(again) == vel_pins_count(pins));
        struct vel_buf second = write_text(again);
        FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&first), vel_buf_slice(&second)));
        vel_buf_free(&second);
        vel_buf_free(&first);
    }
    vel_pins_free(again);
    vel_pins_free(pins);
}

static void check_field(struct vel_slice bytes)
{
    const struct vel_field field = {.name = vel_slice_text("velocity-pin"), .value = bytes};
    const struct vel_response response = {.fields = {.items = &field, .count = 1}};
    uint32_t max_age;
    if (vel_pin_of_response(&response, &max_age) == VEL_OK)
        FUZZ_CHECK(max_age <= VEL_PIN_MAX_AGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_text(vel_slice(bytes, size));
    check_field(vel_slice(bytes, size));
    return 0;
}
