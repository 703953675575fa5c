/* SPDX-License-Identifier: MIT */
#include "handshake/alpn.h"

#include "base/units.h"

/* Names that do not exist everywhere. */
static const struct {
    const char *name;
    unsigned carriers;
} bound[] = {
    {"velocity/1", VEL_ALPN_VELOCITY},
    {"h3", VEL_ALPN_QUIC},
    {"h2", VEL_ALPN_TCP},
    {"http/1.1", VEL_ALPN_TCP},
};

bool vel_alpn_fits(struct vel_slice name, enum vel_alpn_carrier carrier)
{
    for (size_t i = 0; i < VEL_COUNT(bound); i++)
        if (vel_slice_equal(name, vel_slice_text(bound[i].name)))
            return (bound[i].carriers & carrier) != 0;
    return true;
}

bool vel_alpn_usable(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier)
{
    bool fits = false;
    for (size_t i = 0; i < count; i++) {
        if (names[i].len == 0 || names[i].len > VEL_ALPN_MAX)
            return false;
        fits |= vel_alpn_fits(names[i], carrier);
    }
    return fits && count <= VEL_ALPN_COUNT_MAX;
}

void vel_alpn_write(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier,
                    struct vel_writer *w)
{
    for (size_t i = 0; i < count; i++) {
        if (!vel_alpn_fits(names[i], carrier))
            continue;
        vel_write_uint(w, names[i].len, 1);
        vel_write_bytes(w, names[i]);
    }
}

bool vel_alpn_has(const struct vel_slice *names, size_t count, enum vel_alpn_carrier carrier,
                  struct vel_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (vel_slice_equal(names[i], name))
            return vel_alpn_fits(name, carrier);
    return false;
}
