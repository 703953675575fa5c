/* SPDX-License-Identifier: MIT */
#include "client/exit.h"

#include "testing/test.h"
#include "transport/error.h"

static const struct {
    const char *what;
    struct vel_close close;
    bool connected;
    enum vel_exit status;
} rows[] = {
    {"our own end",
     {.origin = VEL_CLOSE_LOCAL, .application = true, .code = 0x100},
     true,
     VEL_EXIT_OK},
    {"the server's end",
     {.origin = VEL_CLOSE_PEER, .application = true, .code = 0x100},
     true,
     VEL_EXIT_OK},
    {"HTTP/3 error",
     {.origin = VEL_CLOSE_PEER, .application = true, .code = 0x105},
     true,
     VEL_EXIT_HTTP},
    {"transport error",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_PROTOCOL_VIOLATION},
     true,
     VEL_EXIT_HTTP},
    {"idle", {.origin = VEL_CLOSE_IDLE}, true, VEL_EXIT_TIMEOUT},
    {"no answer", {.origin = VEL_CLOSE_TIMEOUT}, false, VEL_EXIT_TIMEOUT},
    {"other version", {.origin = VEL_CLOSE_VERSION}, false, VEL_EXIT_CONNECT},
    {"refused",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_CONNECTION_REFUSED},
     false,
     VEL_EXIT_CONNECT},
    {"expired certificate",
     {.origin = VEL_CLOSE_LOCAL, .code = 0x12d, .verdict = {.check = VEL_CERT_EXPIRED}},
     false,
     VEL_EXIT_CERTIFICATE},
    {"half-signed certificate",
     {.origin = VEL_CLOSE_LOCAL, .code = VEL_WIRE_CERT_PQ_VALIDATION_FAILED},
     false,
     VEL_EXIT_CERTIFICATE},
    {"our certificate is refused",
     {.origin = VEL_CLOSE_PEER, .code = 0x100 + 48},
     false,
     VEL_EXIT_HANDSHAKE},
    {"profile refused by the server",
     {.origin = VEL_CLOSE_PEER, .code = VEL_WIRE_PROFILE_POLICY_VIOLATION},
     false,
     VEL_EXIT_PROFILE},
    {"profile refused by us",
     {.origin = VEL_CLOSE_LOCAL, .code = 0x100 + 71},
     false,
     VEL_EXIT_PROFILE},
    {"handshake failure",
     {.origin = VEL_CLOSE_PEER, .code = 0x100 + 40},
     false,
     VEL_EXIT_HANDSHAKE},
    {"bad signature", {.origin = VEL_CLOSE_LOCAL, .code = 0x100 + 51}, false, VEL_EXIT_HANDSHAKE},
};

static void closes_become_exit_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum vel_exit status =
            vel_exit_of_failure(vel_client_failure_of_close(&rows[i].close, rows[i].connected));
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].what, (int)status);
    }
    assert_int_equal(vel_client_failure_of_close(NULL, true), VEL_CLIENT_OK);
}

/* The numbers users rely on. */
static void numbers_are_curls(void **state)
{
    (void)state;
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_CONNECT), 7);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_PARTIAL), 18);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_HTTP_STATUS), 22);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_WRITE), 23);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_TIMEOUT), 28);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_HANDSHAKE), 35);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_CERTIFICATE), 60);
    assert_int_equal(vel_exit_of_failure(VEL_CLIENT_PROFILE), 120);
    assert_int_equal(vel_exit_of_failure((enum vel_client_failure)99), VEL_EXIT_RECEIVE);
    assert_string_equal(vel_exit_name(VEL_EXIT_CERTIFICATE), "certificate");
    assert_string_equal(vel_exit_text(VEL_EXIT_TIMEOUT), "timed out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_become_exit_statuses),
        cmocka_unit_test(numbers_are_curls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
