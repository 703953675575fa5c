/* SPDX-License-Identifier: MIT */
/*
 * Transport parameters; the first byte chooses the sender. Properties: what decodes encodes into
 * the room we promise and decodes to the same value; a client's parameters hold none of a server's.
 */
#include "testing/fuzz.h"
#include "transport/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool from_client = data[0] & 1;
    struct vel_params first;
    if (vel_params_decode(vel_slice(data + 1, size - 1), from_client, &first) != VEL_OK)
        return 0;
    FUZZ_CHECK(!from_client ||
               !(first.original_destination_connection_id.present ||
                 first.retry_source_connection_id.present || first.preferred_address.present ||
                 first.has_stateless_reset_token));

    uint8_t bytes[VEL_PARAMS_MAX];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_params_encode(&first, from_client, &fuzz_env, &w);
    FUZZ_CHECK(vel_write_ok(&w));
    struct vel_params second;
    FUZZ_CHECK(vel_params_decode(vel_writer_slice(&w), from_client, &second) == VEL_OK);
    FUZZ_CHECK(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}
