/* SPDX-License-Identifier: MIT */
#include "handshake/exporter.h"

#include "base/own.h"
#include "base/try.h"

enum { LABEL_MAX = 200, HASHES_MAX = 255 };

/* Derive-Secret over an empty transcript gives the label its secret; the context makes the rest. */
vel_result vel_exporter_derive(const struct vel_crypto *crypto, enum vel_hash_id hash,
                               const char *prefix, const struct vel_secret *exporter,
                               const char *label, struct vel_slice context, uint8_t *out,
                               size_t size)
{
    size_t hash_size = vel_hash_size(hash);
    REQUIRE(strlen(label) <= LABEL_MAX && size <= HASHES_MAX * hash_size, VEL_ERR_ARGUMENT);
    OWNED(vel_secret_clear) struct vel_secret derived = {.len = hash_size};
    const struct vel_slice nothing = {0};
    uint8_t digest[VEL_HASH_MAX];
    TRY(vel_digest(crypto, hash, &nothing, 1, digest));
    TRY(vel_hkdf_expand_label(crypto, hash, vel_secret_slice(exporter), prefix, label,
                              vel_slice(digest, hash_size), derived.bytes, derived.len));
    TRY(vel_digest(crypto, hash, &context, 1, digest));
    return vel_hkdf_expand_label(crypto, hash, vel_secret_slice(&derived), prefix, "exporter",
                                 vel_slice(digest, hash_size), out, size);
}
