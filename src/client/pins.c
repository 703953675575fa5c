/* SPDX-License-Identifier: MIT */
#include "client/pins.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"

struct pin {
    char host[VEL_URL_HOST_MAX + 1];
    uint16_t port;
    uint32_t max_age;  /* seconds, 1 to VEL_PIN_MAX_AGE */
    int64_t confirmed; /* by the response that set it */
};

struct vel_pins {
    const struct vel_env *env;
    struct pin items[VEL_PINS_MAX]; /* in no order */
    size_t count;
};

static const char heading[] = "velocity-pins 1\n";
static const char field_name[] = "velocity-pin";
static const char field_start[] = "max-age=";

enum { AGE_DIGITS_MAX = 10, LINE_MAX_BYTES = VEL_URL_HOST_MAX + 64 };

OWNED_POINTER(pins_release, struct vel_pins, vel_pins_free)

/* ---- numbers ---- */

/* Decimal without sign or leading zeros, `max` (10 or more) at most, up to `end`, which is consumed.
 * Fails the reader. */
static uint64_t read_number(struct vel_reader *r, uint8_t end, uint64_t max)
{
    uint64_t value = 0, first = 0;
    for (unsigned digits = 0;; digits++) {
        uint64_t c = vel_read_uint(r, 1);
        if (c == end && digits > 0 && !r->failed)
            break;
        bool leading_zero = digits == 1 && first == '0';
        if (c < '0' || c > '9' || leading_zero || value > (max - (c - '0')) / 10)
            r->failed = true;
        if (r->failed)
            return 0;
        first = digits == 0 ? c : first;
        value = 10 * value + (c - '0');
    }
    return value;
}

/* ---- the field (VEL-FB-40) ---- */

static vel_result parse_field(struct vel_slice value, uint32_t *max_age)
{
    char text[sizeof field_start + AGE_DIGITS_MAX + 1];
    REQUIRE(value.len < sizeof text, VEL_ERR_MALFORMED);
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\n';
    struct vel_reader r = vel_reader(vel_slice(text, value.len + 1));
    struct vel_slice start = vel_read_bytes(&r, sizeof field_start - 1);
    uint64_t age = read_number(&r, '\n', VEL_PIN_MAX_AGE);
    REQUIRE(vel_read_done(&r) && vel_slice_equal(start, vel_slice_text(field_start)),
            VEL_ERR_MALFORMED);
    *max_age = (uint32_t)age;
    return VEL_OK;
}

vel_result vel_pin_of_response(const struct vel_response *response, uint32_t *max_age)
{
    const struct vel_slice *found = NULL;
    for (size_t i = 0; i < response->fields.count; i++) {
        const struct vel_field *field = &response->fields.items[i];
        if (!vel_slice_equal(field->name, vel_slice_text(field_name)))
            continue;
        REQUIRE(found == NULL, VEL_ERR_MALFORMED);
        found = &field->value;
    }
    REQUIRE(found != NULL, VEL_ERR_NOT_FOUND);
    return parse_field(*found, max_age);
}

/* ---- the set (VEL-FB-42, VEL-FB-43, VEL-FB-44) ---- */

vel_result vel_pins_new(const struct vel_env *env, struct vel_pins **pins)
{
    struct vel_pins *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    *pins = made;
    return VEL_OK;
}

void vel_pins_free(struct vel_pins *pins)
{
    if (pins != NULL)
        vel_release(pins->env, pins, sizeof *pins);
}

size_t vel_pins_count(const struct vel_pins *pins)
{
    return pins->count;
}

static size_t find(const struct vel_pins *pins, const char *host, uint16_t port)
{
    size_t i = 0;
    while (i < pins->count &&
           !(pins->items[i].port == port && strcmp(pins->items[i].host, host) == 0))
        i++;
    return i;
}

/* A time of confirmation in the future is a clock that went back: the pin stands. */
static bool is_over(const struct pin *pin, int64_t unix_now)
{
    return unix_now - pin->confirmed >= (int64_t)pin->max_age;
}

bool vel_pins_hold(const struct vel_pins *pins, const char *host, uint16_t port, int64_t unix_now)
{
    size_t i = find(pins, host, port);
    return i < pins->count && !is_over(&pins->items[i], unix_now);
}

static void drop(struct vel_pins *pins, size_t i)
{
    pins->items[i] = pins->items[--pins->count];
}

/* Room for one more. */
static struct pin *make_room(struct vel_pins *pins)
{
    if (pins->count < VEL_PINS_MAX)
        return &pins->items[pins->count++];
    struct pin *oldest = &pins->items[0];
    for (size_t i = 1; i < pins->count; i++)
        if (pins->items[i].confirmed < oldest->confirmed)
            oldest = &pins->items[i];
    return oldest;
}

/* What a line of text can hold: printable, no spaces. */
static bool host_is_sane(const char *host)
{
    size_t length = strlen(host);
    for (size_t i = 0; i < length; i++)
        if (host[i] <= ' ' || host[i] > '~' || (host[i] >= 'A' && host[i] <= 'Z'))
            return false;
    return length > 0 && length <= VEL_URL_HOST_MAX;
}

vel_result vel_pins_set(struct vel_pins *pins, const char *host, uint16_t port, uint32_t max_age,
                        int64_t unix_now)
{
    REQUIRE(host_is_sane(host) && port != 0, VEL_ERR_ARGUMENT);
    REQUIRE(max_age <= VEL_PIN_MAX_AGE && unix_now >= 0, VEL_ERR_ARGUMENT);
    size_t i = find(pins, host, port);
    bool known = i < pins->count;
    if (max_age == 0) {
        if (known)
            drop(pins, i);
        return VEL_OK;
    }
    struct pin *pin = known ? &pins->items[i] : make_room(pins);
    *pin = (struct pin){.port = port, .max_age = max_age, .confirmed = unix_now};
    memcpy(pin->host, host, strlen(host));
    return VEL_OK;
}

/* ---- as text ---- */

static void read_host(struct vel_reader *r, char host[VEL_URL_HOST_MAX + 1])
{
    for (size_t i = 0; i <= VEL_URL_HOST_MAX && !r->failed; i++) {
        uint64_t c = vel_read_uint(r, 1);
        host[i] = c == ' ' ? '\0' : (char)c;
        if (c == ' ')
            return;
        if (c == 0)
            r->failed = true;
    }
    r->failed = true;
}

static vel_result read_pin(struct vel_reader *r, struct pin *pin)
{
    read_host(r, pin->host);
    pin->port = (uint16_t)read_number(r, ' ', UINT16_MAX);
    pin->confirmed = (int64_t)read_number(r, ' ', INT64_MAX / 2);
    pin->max_age = (uint32_t)read_number(r, '\n', VEL_PIN_MAX_AGE);
    REQUIRE(vel_read_ok(r) && host_is_sane(pin->host), VEL_ERR_MALFORMED);
    REQUIRE(pin->port != 0 && pin->max_age != 0, VEL_ERR_MALFORMED);
    return VEL_OK;
}

vel_result vel_pins_read(struct vel_pins *pins, struct vel_slice text, int64_t unix_now)
{
    OWNED(pins_release) struct vel_pins *made = NULL;
    TRY(vel_pins_new(pins->env, &made));
    struct vel_reader r = vel_reader(text);
    struct vel_slice first = vel_read_bytes(&r, sizeof heading - 1);
    REQUIRE(vel_slice_equal(first, vel_slice_text(heading)), VEL_ERR_MALFORMED);
    while (vel_left(&r) > 0) {
        struct pin pin = {0};
        REQUIRE(made->count < VEL_PINS_MAX, VEL_ERR_MALFORMED);
        TRY(read_pin(&r, &pin));
        REQUIRE(find(made, pin.host, pin.port) == made->count, VEL_ERR_MALFORMED);
        pin.confirmed = VEL_MIN(pin.confirmed, unix_now);
        made->items[made->count++] = pin;
    }
    for (size_t i = made->count; i-- > 0;)
        if (is_over(&made->items[i], unix_now))
            drop(made, i);
    memcpy(pins->items, made->items, sizeof pins->items);
    pins->count = made->count;
    return VEL_OK;
}

vel_result vel_pins_write(const struct vel_pins *pins, struct vel_buf *text)
{
    TRY(vel_buf_append(text, vel_slice_text(heading)));
    for (size_t i = 0; i < pins->count; i++) {
        const struct pin *pin = &pins->items[i];
        char line[LINE_MAX_BYTES];
        int size = snprintf(line, sizeof line, "%s %u %" PRId64 " %" PRIu32 "\n", pin->host,
                            pin->port, pin->confirmed, pin->max_age);
        VEL_ASSERT(size > 0 && (size_t)size < sizeof line);
        TRY(vel_buf_append(text, vel_slice(line, (size_t)size)));
    }
    return VEL_OK;
}
