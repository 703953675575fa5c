/* SPDX-License-Identifier: MIT */
/* VEL-CERT-13: names and addresses of a certificate. */
#include "pki/host.h"

#include "base/units.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "testing/test.h"

static void names(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum vel_err want;
        const char *dns;
    } rows[] = {
        {"localhost", VEL_OK, "localhost"},
        {"Example.ORG.", VEL_OK, "Example.ORG"},
        {"xn--bcher-kva.example", VEL_OK, "xn--bcher-kva.example"},
        {"_dmarc.example", VEL_OK, "_dmarc.example"},
        {"1.example", VEL_OK, "1.example"},
        {"", VEL_ERR_MALFORMED, NULL},
        {".", VEL_ERR_MALFORMED, NULL},
        {"a..b", VEL_ERR_MALFORMED, NULL},
        {".a", VEL_ERR_MALFORMED, NULL},
        {"a..", VEL_ERR_MALFORMED, NULL},
        {"-a.b", VEL_ERR_MALFORMED, NULL},
        {"a-.b", VEL_ERR_MALFORMED, NULL},
        {"a b", VEL_ERR_MALFORMED, NULL},
        {"b\xc3\xbc"
         "cher.example",
         VEL_ERR_MALFORMED, NULL},
        {"*.example.org", VEL_ERR_MALFORMED, NULL},
        {"1.2.3", VEL_ERR_MALFORMED, NULL},
        {"1.2.3.456", VEL_ERR_MALFORMED, NULL},
        {"[::1]", VEL_ERR_MALFORMED, NULL},
        {"a234567890123456789012345678901234567890123456789012345678901234.b", VEL_ERR_MALFORMED,
         NULL},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_host host = {0};
        ASSERT_ERR(rows[i].text, vel_host_parse(rows[i].text, &host), rows[i].want);
        CHECK(rows[i].text, vel_slice_equal(host.dns, vel_slice_text(rows[i].dns)));
        CHECK(rows[i].text, host.ip_size == 0);
    }
}

static void addresses(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t size; /* 0: no address */
        const char *hex;
    } rows[] = {
        {"192.0.2.1", 4, "c0000201"},
        {"0.0.0.0", 4, "00000000"},
        {"255.255.255.255", 4, "ffffffff"},
        {"192.0.2.01", 0, ""},
        {"192.0.2.256", 0, ""},
        {"192.0.2.1.", 0, ""},
        {"192.0.2", 0, ""},
        {"::", 16, "00000000000000000000000000000000"},
        {"::1", 16, "00000000000000000000000000000001"},
        {"1::", 16, "00010000000000000000000000000000"},
        {"2001:db8::1", 16, "20010db8000000000000000000000001"},
        {"2001:DB8:0:0:0:0:0:1", 16, "20010db8000000000000000000000001"},
        {"1:2:3:4:5:6:7::", 16, "00010002000300040005000600070000"},
        {"::ffff:192.0.2.1", 16, "00000000000000000000ffffc0000201"},
        {"1:2:3:4:5:6:192.0.2.1", 16, "000100020003000400050006c0000201"},
        {"1:2:3:4:5:6:7", 0, ""},
        {"1:2:3:4:5:6:7:8:9", 0, ""},
        {"1:2:3:4:5:6:7:8::", 0, ""},
        {"::1::", 0, ""},
        {":1", 0, ""},
        {"1:", 0, ""},
        {":::", 0, ""},
        {"12345::", 0, ""},
        {"::g", 0, ""},
        {"fe80::1%eth0", 0, ""},
        {"1:2:3:4:5:6:7:192.0.2.1", 0, ""},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t want[16];
        struct vel_host host = {0};
        size_t size = test_unhex(rows[i].hex, want, sizeof want);
        enum vel_err err = vel_host_parse(rows[i].text, &host);
        CHECK(rows[i].text, (err == VEL_OK) == (rows[i].size > 0));
        CHECK(rows[i].text, host.ip_size == size && memcmp(host.ip, want, size) == 0);
    }
}

static void patterns(void **state)
{
    (void)state;
    const struct {
        const char *pattern; /* in the certificate */
        const char *name;
        bool match;
    } rows[] = {
        {"example.org", "EXAMPLE.org", true},
        {"example.org", "example.org.", true},
        {"example.org", "www.example.org", false},
        {"*.example.org", "www.example.org", true},
        {"*.example.org", "*.example.org", false},
        {"*.example.org", "example.org", false},
        {"*.example.org", "a.b.example.org", false},
        {"*.org", "example.org", false},
        {"w*.example.org", "www.example.org", false},
        {"www.*.org", "www.example.org", false},
        {"*", "localhost", false},
        {"*.*.org", "a.b.org", false},
        {"example.org.", "example.org", false},
        {"192.0.2.1", "192.0.2.1", false}, /* an address written as a name */
        {"exam ple.org", "example.org", false},
        {"", "example.org", false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t der[300];
        struct vel_host host = {0};
        struct vel_writer w = vel_writer(der, sizeof der);
        vel_der_write(&w, 0x86, vel_slice_text("https://example.org/")); /* passed over */
        vel_der_write(&w, VEL_NAME_DNS, vel_slice_text(rows[i].pattern));
        bool parsed = vel_host_parse(rows[i].name, &host) == VEL_OK;
        CHECK(rows[i].pattern,
              (parsed && vel_names_match(vel_writer_slice(&w), &host)) == rows[i].match);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(addresses),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
