/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CID_H
#define TRANSPORT_CID_H

#include "velocity/slice.h"

/* A connection id by value, RFC 9000 5.1. Ours are 8 random bytes or more. */
enum { VEL_CID_MAX = 20, VEL_CID_OURS = 8, VEL_RESET_TOKEN = 16 };

struct vel_cid {
    uint8_t len;
    uint8_t bytes[VEL_CID_MAX];
};

/* bytes.len must be at most VEL_CID_MAX. */
static inline struct vel_cid vel_cid(struct vel_slice bytes)
{
    struct vel_cid cid = {.len = (uint8_t)bytes.len};
    if (bytes.len > 0)
        memcpy(cid.bytes, bytes.ptr, bytes.len);
    return cid;
}

static inline struct vel_slice vel_cid_slice(const struct vel_cid *cid)
{
    return vel_slice(cid->bytes, cid->len);
}

static inline bool vel_cid_equal(const struct vel_cid *a, const struct vel_cid *b)
{
    return vel_slice_equal(vel_cid_slice(a), vel_cid_slice(b));
}

#endif
