/* SPDX-License-Identifier: MIT */
#include "pki/dn.h"

#include "base/units.h"
#include "pki/der.h"

/* Attribute types of X.520 are 2.5.4.n: 55 04 n. */
enum { COMMON_NAME = 3 };

static const struct {
    uint8_t n;
    const char *label;
} labels[] = {{COMMON_NAME, "CN="}, {6, "C="}, {7, "L="}, {8, "ST="}, {10, "O="}, {11, "OU="}};

static const char *label_of(struct vel_slice type)
{
    for (size_t i = 0; i < VEL_COUNT(labels); i++) {
        const uint8_t oid[] = {0x55, 0x04, labels[i].n};
        if (vel_slice_equal(type, vel_slice(oid, sizeof oid)))
            return labels[i].label;
    }
    return "?=";
}

/* Keeps the last byte of the text for its end. */
static void put(struct vel_writer *w, struct vel_slice bytes)
{
    for (size_t i = 0; i < bytes.len && vel_room(w) > 1; i++) {
        uint8_t c = bytes.ptr[i];
        vel_write_uint(w, c >= ' ' && c <= '~' ? c : '?', 1);
    }
}

void vel_dn_text(struct vel_slice dn, char *text, size_t size)
{
    struct vel_writer w = vel_writer(text, size);
    struct vel_reader whole = vel_reader(dn);
    struct vel_reader sets = vel_der_enter(&whole, VEL_DER_SEQUENCE);
    while (vel_read_ok(&sets) && vel_left(&sets) > 0) {
        struct vel_reader set = vel_der_enter(&sets, VEL_DER_SET);
        struct vel_reader pair = vel_der_enter(&set, VEL_DER_SEQUENCE);
        struct vel_slice type = vel_der_read(&pair, VEL_DER_OID);
        uint8_t tag = 0;
        struct vel_slice value = vel_der_any(&pair, &tag);
        if (!vel_read_ok(&pair))
            break;
        if (vel_written(&w) > 0)
            put(&w, vel_slice_text(", "));
        put(&w, vel_slice_text(label_of(type)));
        put(&w, value);
    }
    if (vel_written(&w) == 0)
        put(&w, vel_slice_text("(no name)"));
    vel_write_uint(&w, 0, 1);
}

void vel_dn_write(struct vel_writer *w, struct vel_slice common_name)
{
    static const uint8_t type[] = {0x55, 0x04, COMMON_NAME};
    uint8_t *sequence = vel_der_begin(w, VEL_DER_SEQUENCE);
    uint8_t *set = vel_der_begin(w, VEL_DER_SET);
    uint8_t *pair = vel_der_begin(w, VEL_DER_SEQUENCE);
    vel_der_write(w, VEL_DER_OID, vel_slice(type, sizeof type));
    vel_der_write(w, VEL_DER_UTF8, common_name);
    vel_der_end(w, pair);
    vel_der_end(w, set);
    vel_der_end(w, sequence);
}
