/* SPDX-License-Identifier: MIT */
/* VEL-CERT-17: name constraints. */
#include "pki/constraints.h"

#include "base/units.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "testing/test.h"

enum { DIRECTORY_NAME = 0xa4, EMAIL = 0x81 };

/* One name or constraint; `hex` for addresses. */
struct item {
    uint8_t tag; /* 0: none */
    const char *text;
};

static void write_item(struct vel_writer *w, struct item item)
{
    uint8_t ip[32];
    if (item.tag != VEL_NAME_IP)
        vel_der_write(w, item.tag, vel_slice_text(item.text));
    else
        vel_der_write(w, item.tag, vel_slice(ip, test_unhex(item.text, ip, sizeof ip)));
}

static void write_list(struct vel_writer *w, uint8_t tag, struct item item)
{
    if (item.tag == 0)
        return;
    uint8_t *list = vel_der_begin(w, tag);
    uint8_t *tree = vel_der_begin(w, VEL_DER_SEQUENCE);
    write_item(w, item);
    vel_der_end(w, tree);
    vel_der_end(w, list);
}

static bool allow(struct vel_slice constraints, struct vel_slice names)
{
    size_t budget = VEL_CONSTRAINTS_BUDGET;
    return vel_constraints_allow(constraints, names, &budget);
}

static void rules(void **state)
{
    (void)state;
    const struct item none = {0, ""};
    const struct item org = {VEL_NAME_DNS, "example.org"};
    const struct item below_org = {VEL_NAME_DNS, ".example.org"};
    const struct item net10 = {VEL_NAME_IP, "0a000000ff000000"};
    const struct {
        const char *what;
        struct item permitted, excluded, name;
        bool allowed;
    } rows[] = {
        {"itself", org, none, {VEL_NAME_DNS, "Example.Org"}, true},
        {"below", org, none, {VEL_NAME_DNS, "a.b.example.org"}, true},
        {"wildcard below", org, none, {VEL_NAME_DNS, "*.example.org"}, true},
        {"beside", org, none, {VEL_NAME_DNS, "badexample.org"}, false},
        {"above", org, none, {VEL_NAME_DNS, "org"}, false},
        {"dotted: below", below_org, none, {VEL_NAME_DNS, "a.example.org"}, true},
        {"dotted: itself", below_org, none, {VEL_NAME_DNS, "example.org"}, false},
        {"no name of that form", org, none, {VEL_NAME_IP, "0a000001"}, true},
        {"other form passed over", org, none, {EMAIL, "a@example.com"}, true},
        {"excluded", none, org, {VEL_NAME_DNS, "a.example.org"}, false},
        {"not excluded", none, org, {VEL_NAME_DNS, "example.com"}, true},
        {"wildcard of an excluded name",
         none,
         {VEL_NAME_DNS, "a.example.org"},
         {VEL_NAME_DNS, "*.example.org"},
         false},
        {"wildcard beside it",
         none,
         {VEL_NAME_DNS, "a.example.org"},
         {VEL_NAME_DNS, "*.b.example.org"},
         true},
        {"wildcard wider than the only name permitted",
         {VEL_NAME_DNS, "a.example.org"},
         none,
         {VEL_NAME_DNS, "*.example.org"},
         false},
        {"everything excluded", none, {VEL_NAME_DNS, ""}, {VEL_NAME_DNS, "a.b"}, false},
        {"excluded wins",
         org,
         {VEL_NAME_DNS, "a.example.org"},
         {VEL_NAME_DNS, "a.example.org"},
         false},
        {"address inside", net10, none, {VEL_NAME_IP, "0a010203"}, true},
        {"address outside", net10, none, {VEL_NAME_IP, "0b010203"}, false},
        {"address of the other family",
         net10,
         none,
         {VEL_NAME_IP, "20010db8000000000000000000000001"},
         false},
        {"address excluded", none, net10, {VEL_NAME_IP, "0a010203"}, false},
        {"mask with a hole", {VEL_NAME_IP, "0a000000ff00ff00"}, none, {VEL_NAME_DNS, "a.b"}, false},
        {"address without mask", {VEL_NAME_IP, "0a000000"}, none, {VEL_NAME_DNS, "a.b"}, false},
        {"directory name", {DIRECTORY_NAME, ""}, none, {VEL_NAME_DNS, "a.b"}, false},
        {"e-mail excluded", none, {EMAIL, "a.b"}, {VEL_NAME_DNS, "a.b"}, false},
        {"wildcard constraint",
         {VEL_NAME_DNS, "*.example.org"},
         none,
         {VEL_NAME_DNS, "a.example.org"},
         false},
        {"a dot", none, {VEL_NAME_DNS, "."}, {VEL_NAME_DNS, "a.b"}, false},
        {"name that is none", org, none, {VEL_NAME_DNS, "a b.example.org"}, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t rules_der[200];
        uint8_t name_der[100];
        struct vel_writer constraints = vel_writer(rules_der, sizeof rules_der);
        struct vel_writer name = vel_writer(name_der, sizeof name_der);
        write_list(&constraints, VEL_DER_EXPLICIT, rows[i].permitted);
        write_list(&constraints, VEL_DER_EXPLICIT + 1, rows[i].excluded);
        write_item(&name, rows[i].name);
        CHECK(rows[i].what,
              allow(vel_writer_slice(&constraints), vel_writer_slice(&name)) == rows[i].allowed);
    }
}

static void malformed_allows_nothing(void **state)
{
    (void)state;
    assert_true(allow(vel_slice(NULL, 0), BYTES(VEL_NAME_DNS, 1, 'a')));
    assert_false(allow(BYTES(0xa0, 0x05, 0x30), vel_slice(NULL, 0)));
    assert_false(allow(BYTES(0xa2, 0x00), vel_slice(NULL, 0)));
    /* a list without a subtree */
    assert_false(allow(BYTES(0xa0, 0x00), BYTES(VEL_NAME_DNS, 1, 'a')));
    assert_false(allow(BYTES(0xa1, 0x00), BYTES(VEL_NAME_DNS, 1, 'a')));
    /* minimum written though it is the default */
    assert_false(allow(BYTES(0xa0, 0x08, 0x30, 0x06, VEL_NAME_DNS, 0x01, 'a', 0x80, 0x01, 0x00),
                       vel_slice(NULL, 0)));
}

/* As many names as fit one certificate under as many constraints as fit another are millions of
 * comparisons, before any signature is checked. */
static void work_is_bounded(void **state)
{
    (void)state;
    static uint8_t names_der[24 * 1024];
    static uint8_t trees_der[24 * 1024];
    struct vel_writer names = vel_writer(names_der, sizeof names_der);
    struct vel_writer trees = vel_writer(trees_der, sizeof trees_der);
    while (vel_room(&names) >= 3)
        vel_write_bytes(&names, BYTES(VEL_NAME_DNS, 1, 'a'));
    uint8_t *list = vel_der_begin(&trees, VEL_DER_EXPLICIT + 1);
    while (vel_room(&trees) >= 8)
        vel_write_bytes(&trees, BYTES(0x30, 3, VEL_NAME_DNS, 1, 'b'));
    vel_der_end(&trees, list);

    size_t budget = VEL_CONSTRAINTS_BUDGET;
    assert_false(
        vel_constraints_allow(vel_writer_slice(&trees), vel_writer_slice(&names), &budget));
    assert_int_equal(budget, 0);

    /* Each name looks once at each constraint, and all of them are read once by themselves. */
    struct vel_slice two = BYTES(VEL_NAME_DNS, 1, 'a', VEL_NAME_DNS, 1, 'c');
    struct vel_slice one = BYTES(0xa1, 5, 0x30, 3, VEL_NAME_DNS, 1, 'b');
    budget = 2;
    assert_false(vel_constraints_allow(one, two, &budget));
    budget = 3;
    assert_true(vel_constraints_allow(one, two, &budget));
    assert_int_equal(budget, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(malformed_allows_nothing),
        cmocka_unit_test(work_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
