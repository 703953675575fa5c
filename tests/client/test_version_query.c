/* SPDX-License-Identifier: MIT */
#include "client/version_query.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"
#include "transport/packet.h"

static const struct vel_query_ids ids = {.dcid = {1, 2, 3, 4, 5, 6, 7, 8},
                                         .scid = {11, 12, 13, 14, 15, 16, 17, 18}};

static void the_question_is_one_that_nobody_speaks(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 64; random++) {
        uint8_t bytes[VEL_QUERY_SIZE];
        struct vel_invariants got;
        vel_version_query_write(&ids, random * UINT32_C(0x9e3779b9), bytes);
        ASSERT_OK(vel_packet_invariants(vel_slice(bytes, sizeof bytes), &got));
        assert_true(got.is_long);
        assert_int_equal(got.version & 0x0f0f0f0f, 0x0a0a0a0a);
        assert_true(vel_slice_equal(got.dcid, vel_slice(ids.dcid, VEL_QUERY_CID)));
        assert_true(vel_slice_equal(got.scid, vel_slice(ids.scid, VEL_QUERY_CID)));
    }
}

static size_t answer(struct vel_slice dcid, struct vel_slice scid, const uint32_t *versions,
                     size_t count, uint8_t *bytes, size_t size)
{
    struct vel_writer w = vel_writer(bytes, size);
    vel_packet_write_version_negotiation(&w, dcid, scid, versions, count, 5);
    assert_true(vel_write_ok(&w));
    return vel_written(&w);
}

static void the_answer_lists_versions(void **state)
{
    (void)state;
    const uint32_t sent[] = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1};
    uint32_t got[VEL_QUERY_VERSIONS];
    uint8_t bytes[200];
    size_t count = 77,
           size = answer(vel_slice(ids.dcid, VEL_QUERY_CID), vel_slice(ids.scid, VEL_QUERY_CID),
                         sent, 2, bytes, sizeof bytes);
    ASSERT_OK(vel_version_query_read(&ids, vel_slice(bytes, size), got, &count));
    assert_int_equal(count, 3); /* with the reserved one */
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        found += got[i] == VEL_VERSION_DRAFT || got[i] == VEL_VERSION_QUIC_V1;
    assert_int_equal(found, 2);
}

static void only_so_many_are_kept(void **state)
{
    (void)state;
    uint32_t sent[40], got[VEL_QUERY_VERSIONS];
    uint8_t bytes[300];
    size_t count = 0;
    for (uint32_t i = 0; i < VEL_COUNT(sent); i++)
        sent[i] = i + 1;
    size_t size = answer(vel_slice(ids.dcid, VEL_QUERY_CID), vel_slice(ids.scid, VEL_QUERY_CID),
                         sent, VEL_COUNT(sent), bytes, sizeof bytes);
    ASSERT_OK(vel_version_query_read(&ids, vel_slice(bytes, size), got, &count));
    assert_int_equal(count, VEL_QUERY_VERSIONS);
}

static void strangers_are_not_listened_to(void **state)
{
    (void)state;
    const uint32_t sent[] = {VEL_VERSION_QUIC_V1};
    uint32_t got[VEL_QUERY_VERSIONS] = {0};
    uint8_t bytes[VEL_QUERY_SIZE];
    size_t count = 77;
    struct vel_slice dcid = vel_slice(ids.dcid, VEL_QUERY_CID);
    struct vel_slice scid = vel_slice(ids.scid, VEL_QUERY_CID);
    size_t size = answer(scid, dcid, sent, 1, bytes, sizeof bytes); /* not swapped */
    ASSERT_ERR("ids", vel_version_query_read(&ids, vel_slice(bytes, size), got, &count),
               VEL_ERR_MALFORMED);
    size = answer(dcid, vel_slice(ids.scid, 4), sent, 1, bytes, sizeof bytes);
    ASSERT_ERR("short id", vel_version_query_read(&ids, vel_slice(bytes, size), got, &count),
               VEL_ERR_MALFORMED);
    size = answer(dcid, scid, sent, 1, bytes, sizeof bytes);
    for (size_t cut = 0; cut < size; cut++)
        if (size - cut != 4) /* a list of one version less */
            ASSERT_ERR("cut", vel_version_query_read(&ids, vel_slice(bytes, cut), got, &count),
                       VEL_ERR_MALFORMED);
    vel_version_query_write(&ids, 1, bytes);
    ASSERT_ERR("our own", vel_version_query_read(&ids, vel_slice(bytes, sizeof bytes), got, &count),
               VEL_ERR_MALFORMED);
    assert_int_equal(count, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_is_one_that_nobody_speaks),
        cmocka_unit_test(the_answer_lists_versions),
        cmocka_unit_test(only_so_many_are_kept),
        cmocka_unit_test(strangers_are_not_listened_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
