/* SPDX-License-Identifier: MIT */
#include "transport/params.h"

#include "testing/test.h"

static struct vel_params full(bool from_client)
{
    struct vel_params p = vel_params_default();
    if (!from_client) {
        p.original_destination_connection_id.present = true;
        p.original_destination_connection_id.cid = vel_cid(BYTES(1, 2, 3, 4, 5, 6, 7, 8));
        p.retry_source_connection_id.present = true;
        p.has_stateless_reset_token = true;
        memset(p.stateless_reset_token, 0x55, sizeof p.stateless_reset_token);
        p.preferred_address = (struct vel_preferred_address){
            .present = true,
            .ip4 = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 443},
            .cid = vel_cid(BYTES(9)),
            .reset_token = {1},
        };
    }
    p.initial_source_connection_id.present = true;
    p.initial_source_connection_id.cid = vel_cid(BYTES(7, 7, 7));
    p.max_idle_timeout = 30000;
    p.max_udp_payload_size = 1452;
    p.initial_max_data = (UINT64_C(1) << 62) - 1;
    p.initial_max_stream_data_bidi_local = 1;
    p.initial_max_stream_data_bidi_remote = 2;
    p.initial_max_stream_data_uni = 3;
    p.initial_max_streams_bidi = UINT64_C(1) << 60;
    p.initial_max_streams_uni = 5;
    p.ack_delay_exponent = 20;
    p.max_ack_delay = 16383;
    p.min_ack_delay = 16383000;
    p.active_connection_id_limit = 8;
    p.max_datagram_frame_size = 65535;
    p.initial_max_path_id = UINT32_MAX;
    p.disable_active_migration = true;
    p.datagram_copies = true;
    p.version_information = (struct vel_version_information){
        .present = true, .chosen = 1, .available = {0x56553102, 1}, .count = 2};
    return p;
}

static void every_parameter_comes_back(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 5);
    for (int from_client = 0; from_client < 2; from_client++) {
        struct vel_params sent = full(from_client);
        uint8_t bytes[VEL_PARAMS_MAX];
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        vel_params_encode(&sent, from_client, &t.env, &w);
        assert_true(vel_write_ok(&w));
        struct vel_params got;
        memset(&got, 0xee, sizeof got);
        ASSERT_OK(vel_params_decode(vel_writer_slice(&w), from_client, &got));
        /* No pointers, and both began as all zero: equal means equal bytes. */
        assert_memory_equal(&got, &sent, sizeof got);
        if (!from_client) {
            struct vel_params untouched = vel_params_default();
            ASSERT_ERR("a server's from a client",
                       vel_params_decode(vel_writer_slice(&w), true, &untouched),
                       VEL_ERR_MALFORMED);
            assert_int_equal(untouched.max_idle_timeout, 0);
        }
    }
}

static void defaults_are_not_sent(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 5);
    struct vel_params sent = vel_params_default();
    assert_int_equal(sent.max_udp_payload_size, 65527);
    assert_int_equal(sent.ack_delay_exponent, 3);
    assert_int_equal(sent.max_ack_delay, 25);
    assert_int_equal(sent.active_connection_id_limit, 2);
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[VEL_PARAMS_MAX];
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        vel_params_encode(&sent, true, &t.env, &w);
        /* Only the reserved one: an id of 31 * n + 27 (RFC 9000 18.1), up to 7 bytes. */
        assert_in_range(vel_written(&w), 2, 2 + 1 + 7);
        struct vel_params got;
        ASSERT_OK(vel_params_decode(vel_writer_slice(&w), true, &got));
        assert_memory_equal(&got, &sent, sizeof got);
        size_t id_size = (size_t)1 << (bytes[0] >> 6);
        assert_int_equal(id_size == 1 ? bytes[0] % 31 : (bytes[0] % 64 * 256 + bytes[1]) % 31, 27);
    }
}

static void rules_are_checked(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice bytes;
        enum vel_err want;
    } rows[] = {
        {"nothing", {0}, VEL_OK},
        {"unknown", BYTES(0x40, 0x99, 2, 1, 2), VEL_OK},
        {"unknown twice", BYTES(0x3b, 0, 0x3b, 0), VEL_OK},
        {"idle timeout", BYTES(1, 1, 5), VEL_OK},
        {"min_ack_delay of 25 ms",
         BYTES(0xc0, 0, 0, 0, 0xff, 4, 0xde, 0x1b, 4, 0x80, 0, 0x61, 0xa8), VEL_OK},
        {"min_ack_delay over the default max_ack_delay",
         BYTES(0xc0, 0, 0, 0, 0xff, 4, 0xde, 0x1b, 4, 0x80, 0, 0x61, 0xa9), VEL_ERR_MALFORMED},
        {"twice", BYTES(1, 1, 5, 1, 1, 5), VEL_ERR_MALFORMED},
        {"id cut", BYTES(0x40), VEL_ERR_MALFORMED},
        {"length cut", BYTES(1), VEL_ERR_MALFORMED},
        {"value cut", BYTES(1, 2, 5), VEL_ERR_MALFORMED},
        {"integer of no bytes", BYTES(1, 0), VEL_ERR_MALFORMED},
        {"integer with a rest", BYTES(1, 2, 5, 5), VEL_ERR_MALFORMED},
        {"integer in a long form", BYTES(1, 2, 0x40, 5), VEL_OK},
        {"payload of 1200", BYTES(3, 2, 0x44, 0xb0), VEL_OK},
        {"payload of 1199", BYTES(3, 2, 0x44, 0xaf), VEL_ERR_MALFORMED},
        {"2^60 streams", BYTES(8, 8, 0xd0, 0, 0, 0, 0, 0, 0, 0), VEL_OK},
        {"2^60 + 1 streams", BYTES(8, 8, 0xd0, 0, 0, 0, 0, 0, 0, 1), VEL_ERR_MALFORMED},
        {"2^60 + 1 uni streams", BYTES(9, 8, 0xd0, 0, 0, 0, 0, 0, 0, 1), VEL_ERR_MALFORMED},
        {"exponent 20", BYTES(10, 1, 20), VEL_OK},
        {"exponent 21", BYTES(10, 1, 21), VEL_ERR_MALFORMED},
        {"ack delay 2^14 - 1", BYTES(11, 2, 0x7f, 0xff), VEL_OK},
        {"ack delay 2^14", BYTES(11, 4, 0x80, 0, 0x40, 0), VEL_ERR_MALFORMED},
        {"migration flag", BYTES(12, 0), VEL_OK},
        {"migration flag with a value", BYTES(12, 1, 0), VEL_ERR_MALFORMED},
        {"two connection ids", BYTES(14, 1, 2), VEL_OK},
        {"one connection id", BYTES(14, 1, 1), VEL_ERR_MALFORMED},
        {"id of 20", BYTES(15, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
         VEL_OK},
        {"id of 21", BYTES(15, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
         VEL_ERR_MALFORMED},
        {"versions", BYTES(17, 8, 0, 0, 0, 1, 0, 0, 0, 1), VEL_OK},
        {"choice not listed", BYTES(17, 8, 0, 0, 0, 1, 0, 0, 0, 2), VEL_ERR_MALFORMED},
        {"version 0 chosen", BYTES(17, 4, 0, 0, 0, 0), VEL_ERR_MALFORMED},
        {"version 0 listed", BYTES(17, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0), VEL_ERR_MALFORMED},
        {"uneven versions", BYTES(17, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0), VEL_ERR_MALFORMED},
        {"no version", BYTES(17, 0), VEL_ERR_MALFORMED},
        {"original id from a client", BYTES(0, 0), VEL_ERR_MALFORMED},
        {"retry id from a client", BYTES(16, 0), VEL_ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vel_params params;
        ASSERT_ERR(rows[i].what, vel_params_decode(rows[i].bytes, true, &params), rows[i].want);
    }
}

static void rules_for_servers(void **state)
{
    (void)state;
    struct vel_params params;
    ASSERT_ERR("a server need not list its choice",
               vel_params_decode(BYTES(17, 4, 0, 0, 0, 1), false, &params), VEL_OK);
    uint8_t many[3 + 4 * 18];
    memcpy(many, (uint8_t[]){17, 0x40, 4 * 18}, 3);
    memset(many + 3, 1, sizeof many - 3);
    ASSERT_ERR("more versions than we keep",
               vel_params_decode(vel_slice(many, sizeof many), false, &params), VEL_ERR_LIMIT);
    uint8_t token[2 + 15] = {2, 15};
    ASSERT_ERR("short token", vel_params_decode(vel_slice(token, sizeof token), false, &params),
               VEL_ERR_MALFORMED);
    uint8_t preferred[2 + 41] = {13, 41};
    ASSERT_ERR("preferred address with an empty id",
               vel_params_decode(vel_slice(preferred, sizeof preferred), false, &params),
               VEL_ERR_MALFORMED);
}

static void too_little_room_is_noticed(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 5);
    struct vel_params params = full(false);
    uint8_t bytes[100];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_params_encode(&params, false, &t.env, &w);
    assert_false(vel_write_ok(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_parameter_comes_back), cmocka_unit_test(defaults_are_not_sent),
        cmocka_unit_test(rules_are_checked),          cmocka_unit_test(rules_for_servers),
        cmocka_unit_test(too_little_room_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
