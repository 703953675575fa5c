/* SPDX-License-Identifier: MIT */
/* The format of the fallback record: VEL-FB-01, VEL-FB-02, VEL-FB-04, VEL-FB-05, VEL-FB-06, VEL-FB-07 */
#include "pki/fallback.h"

#include "base/units.h"
#include "pki/fallback_internal.h"
#include "pki/forge.h"

static const char *const site[] = {"www.example.org"};

static struct world {
    struct forge f;
    struct made leaf;
    struct vel_buf body; /* of `good` */
} w;

static struct vel_fallback_says good(void)
{
    struct vel_fallback_says says = {
        .authority = vel_slice_text(site[0]),
        .port = 4433,
        .issued_at = FORGE_NOW,
        .not_after = FORGE_NOW + VEL_FALLBACK_LIFETIME,
        .versions = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1},
        .version_count = 3,
        .selected_alpn = vel_slice_text("h2"),
        .reason = VEL_FALLBACK_NONE,
        .retry_velocity = 60,
    };
    memset(says.exporter, 0xe5, sizeof says.exporter);
    says.chain[0] = vel_identity_chain(w.leaf.identity, &says.chain_count)[0];
    return says;
}

static int set_up(void **state)
{
    (void)state;
    forge_open(&w.f);
    struct vel_cert_order leaf = forge_leaf(site, 1);
    forge_make(&w.f, &leaf, NULL, &w.leaf);
    w.body = (struct vel_buf){.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    struct vel_fallback_says says = good();
    ASSERT_OK(vel_fallback_encode_body(&says, &w.body));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vel_buf_free(&w.body);
    forge_unmake(&w.leaf);
    forge_close(&w.f);
    return 0;
}

/* A body in a record with signatures that nobody looks at here. */
static enum vel_err parse_body(struct vel_slice body, struct vel_fallback_record *record)
{
    struct vel_buf bytes = {.env = &w.f.t.env, .limit = 2 * VEL_FALLBACK_MAX_BYTES};
    const struct vel_fallback_record whole = {
        .body = body, .suite = 0x5651, .classical = BYTES(1), .pq = BYTES(2)};
    ASSERT_OK(vel_fallback_encode(&whole, &bytes));
    enum vel_err err = vel_fallback_parse(vel_buf_slice(&bytes), record);
    vel_buf_free(&bytes);
    return err;
}

static void says_what_was_signed(void **state)
{
    (void)state;
    struct vel_buf bytes = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    struct vel_fallback_says want = good();
    struct vel_fallback_record got;
    ASSERT_OK(vel_fallback_sign(w.f.crypto, w.leaf.identity, NULL, VEL_SIGN_DETERMINISTIC, &want,
                                &bytes));
    ASSERT_OK(vel_fallback_parse(vel_buf_slice(&bytes), &got));
    assert_true(vel_slice_equal(got.body, vel_buf_slice(&w.body)));
    assert_true(vel_slice_equal(got.says.authority, want.authority));
    assert_int_equal(got.says.port, want.port);
    assert_memory_equal(got.says.exporter, want.exporter, sizeof want.exporter);
    assert_true(got.says.issued_at == want.issued_at && got.says.not_after == want.not_after);
    assert_int_equal(got.says.version_count, want.version_count);
    assert_memory_equal(got.says.versions, want.versions, sizeof want.versions);
    assert_true(vel_slice_equal(got.says.selected_alpn, want.selected_alpn));
    assert_int_equal(got.says.reason, want.reason);
    assert_int_equal(got.says.retry_velocity, want.retry_velocity);
    assert_int_equal(got.says.chain_count, 1);
    assert_true(vel_slice_equal(got.says.chain[0], want.chain[0]));
    assert_int_equal(got.suite, 0x5651);
    assert_true(vel_fallback_lists(&got.says, VEL_VERSION_DRAFT));
    assert_false(vel_fallback_lists(&got.says, VEL_VERSION_FROZEN));

    /* Its one encoding comes out again. */
    struct vel_buf again = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    ASSERT_OK(vel_fallback_encode(&got, &again));
    assert_true(vel_slice_equal(vel_buf_slice(&again), vel_buf_slice(&bytes)));
    vel_buf_free(&again);
    vel_buf_free(&bytes);
}

/* One place of the body replaced. */
static const struct {
    const char *what;
    struct vel_slice find, put;
} edits[] = {
#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
    {"map of nine", TEXT("\xaa\x64port"), TEXT("\xa9\x64port")},
    {"map of unknown length", TEXT("\xaa\x64port"), TEXT("\xbf\x64port")},
    {"array for a map", TEXT("\xaa\x64port"), TEXT("\x8a\x64port")},
    {"unknown key", TEXT("\x64port"), TEXT("\x64poRt")},
    {"key in its place of another", TEXT("issued_at"), TEXT("not_after")},
    {"port 0", TEXT("\x64port\x19\x11\x51"), TEXT("\x64port\x00")},
    {"port 65536", TEXT("\x64port\x19\x11\x51"), TEXT("\x64port\x1a\x00\x01\x00\x00")},
    {"port in five bytes", TEXT("\x64port\x19\x11\x51"), TEXT("\x64port\x1a\x00\x00\x11\x51")},
    {"no chain", TEXT("chain\x81"), TEXT("chain\x80")},
    {"chain of nine", TEXT("chain\x81"), TEXT("chain\x89")},
    {"empty certificate", TEXT("chain\x81"), TEXT("chain\x82\x40")},
    {"reason of the client", TEXT("\x64none"), TEXT("\x6budp_blocked")},
    {"reason of the client", TEXT("\x64none"), TEXT("\x67timeout")},
    {"unknown reason", TEXT("\x64none"), TEXT("\x64nine")},
    {"off, and listed", TEXT("\x64none"), TEXT("\x6fpolicy_disabled")},
    {"off, and listed", TEXT("\x64none"), TEXT("\x72maintenance_window")},
    {"reason in bytes", TEXT("\x64none"), TEXT("\x44none")},
    {"short exporter", TEXT("exporter\x58\x20\xe5"), TEXT("exporter\x58\x1f")},
    {"long exporter", TEXT("exporter\x58\x20\xe5"), TEXT("exporter\x58\x21\xe5\xe5")},
    {"version 0", TEXT("\x83\x1a\x56\x55\x31\x02"), TEXT("\x83\x00")},
    {"version twice", TEXT("\x83\x1a\x56\x55\x31\x02"), TEXT("\x83\x01")},
    {"version of five bytes", TEXT("\x83\x1a\x56\x55\x31\x02"),
     TEXT("\x83\x1b\x00\x00\x00\x01\x00\x00\x00\x00")},
    {"more versions than there are", TEXT("\x83\x1a\x56\x55"), TEXT("\x84\x1a\x56\x55")},
    {"seventeen versions", TEXT("versions\x83"), TEXT("versions\x91")},
    {"host in capitals", TEXT("www.e"), TEXT("www.E")},
    {"host that is none", TEXT("www.e"), TEXT("www/e")},
    {"host with NUL", TEXT("example.org"), TEXT("example.or\x00")},
    {"no host", TEXT("\x6fwww.example.org"), TEXT("\x60")},
    {"host and port", TEXT("\x6fwww.example.org"), TEXT("\x73www.example.org:443")},
    {"lives for too long", TEXT("not_after\x1a\x6b\x49\xd4\x58"),
     TEXT("not_after\x1a\x6b\x49\xd4\x59")},
    {"ends before it begins", TEXT("not_after\x1a\x6b\x49\xd4\x58"),
     TEXT("not_after\x1a\x6b\x49\xd1\xff")},
    {"negative time", TEXT("issued_at\x1a"), TEXT("issued_at\x3a")},
    {"time beyond 63 bits", TEXT("not_after\x1a\x6b\x49\xd4\x58"),
     TEXT("not_after\x1b\xff\xff\xff\xff\xff\xff\xff\xff")},
    {"protocol with a space", TEXT("\x62h2"), TEXT("\x62h ")},
    {"protocol too long", TEXT("\x62h2"), TEXT("\x78\x21xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")},
    {"retry after more than a day", TEXT("velocity\x18\x3c"), TEXT("velocity\x1a\x00\x01\x51\x81")},
    {"retry in three bytes", TEXT("velocity\x18\x3c"), TEXT("velocity\x19\x00\x3c")},
    {"bytes at the end", TEXT("velocity\x18\x3c"), TEXT("velocity\x18\x3c\x00")},
    {"cut off", TEXT("velocity\x18\x3c"), TEXT("velocity\x18")},
};

/* Behind the chain, where its text cannot be a certificate's; the first keys are before it. */
static const uint8_t *find(struct vel_slice needle)
{
    const uint8_t *chain = memmem(w.body.ptr, w.body.len, "chain", 5);
    const uint8_t *reason = memmem(w.body.ptr, w.body.len, "reason", 6);
    size_t head = (size_t)(chain - w.body.ptr) + 6,
           tail = w.body.len - (size_t)(reason - w.body.ptr);
    const uint8_t *found = memmem(w.body.ptr, head, needle.ptr, needle.len);
    return found != NULL ? found : memmem(reason, tail, needle.ptr, needle.len);
}

static void refuses_what_breaks_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(edits); i++) {
        const uint8_t *place = find(edits[i].find);
        if (place == NULL)
            fail_msg("%s: nothing to replace", edits[i].what);
        const uint8_t *rest = place + edits[i].find.len;
        struct vel_buf body = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
        ASSERT_OK(vel_buf_append(&body, vel_slice(w.body.ptr, (size_t)(place - w.body.ptr))));
        ASSERT_OK(vel_buf_append(&body, edits[i].put));
        ASSERT_OK(vel_buf_append(&body, vel_slice(rest, (size_t)(w.body.ptr + w.body.len - rest))));
        struct vel_fallback_record record = {.suite = 7};
        ASSERT_ERR(edits[i].what, parse_body(vel_buf_slice(&body), &record), VEL_ERR_MALFORMED);
        CHECK(edits[i].what, record.suite == 7);
        vel_buf_free(&body);
    }
}

static void refuses_other_arrays(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           "80",         "8440",          "8440404040",   "84400040",
        "8440004040", "8340404000", "9f400040 40ff", "844000404000", "84401a000100004040",
        "a4400040 40"};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t bytes[32];
        struct vel_fallback_record record;
        ASSERT_ERR(
            rows[i],
            vel_fallback_parse(vel_slice(bytes, test_unhex(rows[i], bytes, sizeof bytes)), &record),
            VEL_ERR_MALFORMED);
    }
}

static void refuses_every_part_of_a_record(void **state)
{
    (void)state;
    struct vel_buf bytes = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    const struct vel_fallback_record whole = {.body = vel_buf_slice(&w.body)};
    struct vel_fallback_record record;
    ASSERT_OK(vel_fallback_encode(&whole, &bytes));
    for (size_t size = 0; size < bytes.len; size++)
        assert_int_equal(vel_fallback_parse(vel_slice(bytes.ptr, size), &record),
                         VEL_ERR_MALFORMED);
    ASSERT_OK(vel_fallback_parse(vel_buf_slice(&bytes), &record));
    ASSERT_OK(vel_buf_append(&bytes, BYTES(0)));
    assert_int_equal(vel_fallback_parse(vel_buf_slice(&bytes), &record), VEL_ERR_MALFORMED);
    vel_buf_free(&bytes);
}

/* ---- signing ---- */

static void signs_nothing_that_breaks_a_rule(void **state)
{
    (void)state;
    struct vel_fallback_says unsigned_reason = good(), eternal = good(), off = good(),
                             host = good();
    unsigned_reason.reason = VEL_FALLBACK_UDP_BLOCKED;
    eternal.not_after++;
    off.reason = VEL_FALLBACK_MAINTENANCE_WINDOW;
    host.authority = vel_slice_text("WWW.example.org");
    const struct vel_fallback_says *const rows[] = {&unsigned_reason, &eternal, &off, &host};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_buf out = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
        assert_int_equal(
            vel_fallback_sign(w.f.crypto, w.leaf.identity, NULL, VEL_SIGN_HEDGED, rows[i], &out),
            VEL_ERR_ARGUMENT);
        assert_int_equal(out.len, 0);
    }
    /* Off without Velocity in the list is what it is for. */
    off.versions[0] = VEL_VERSION_QUIC_V2;
    off.versions[1] = VEL_VERSION_QUIC_V1;
    off.version_count = 2;
    struct vel_buf out = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    ASSERT_OK(vel_fallback_sign(w.f.crypto, w.leaf.identity, NULL, VEL_SIGN_HEDGED, &off, &out));
    vel_buf_free(&out);
}

static void needs_both_keys(void **state)
{
    (void)state;
    struct vel_slice chain = vel_buf_slice(&w.leaf.chain_pem), key = vel_buf_slice(&w.leaf.key_pem);
    static const char end[] = "-----END PRIVATE KEY-----\n";
    const uint8_t *cut = memmem(key.ptr, key.len, end, sizeof end - 1);
    key.len = (size_t)(cut - key.ptr) + sizeof end - 1;
    struct vel_identity *classical = NULL;
    ASSERT_OK(vel_identity_parse(&w.f.t.env, w.f.crypto, chain, key, &classical));
    struct vel_buf out = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    struct vel_fallback_says says = good();
    assert_int_equal(vel_fallback_sign(w.f.crypto, classical, NULL, VEL_SIGN_HEDGED, &says, &out),
                     VEL_ERR_UNSUPPORTED);
    vel_identity_free(classical);
}

static enum vel_err later(void *self, const struct vel_identity *identity, const char *use,
                          struct vel_slice message, struct vel_dual_sig *out)
{
    unsigned *calls = self;
    (void)identity, (void)out;
    assert_string_equal(use, "fallback");
    assert_int_equal(message.len, 64 + 27 + 1 + 64);
    return ++*calls > 1 ? VEL_ERR_CRYPTO : VEL_ERR_AGAIN;
}

static void a_signer_may_answer_later(void **state)
{
    (void)state;
    unsigned calls = 0;
    const struct vel_signer signer = {.sign = later, .self = &calls};
    struct vel_fallback_says says = good();
    struct vel_buf out = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    static const enum vel_err want[] = {VEL_ERR_AGAIN, VEL_ERR_CRYPTO};
    for (size_t i = 0; i < VEL_COUNT(want); i++)
        assert_int_equal(
            vel_fallback_sign(w.f.crypto, w.leaf.identity, &signer, VEL_SIGN_HEDGED, &says, &out),
            want[i]);
    assert_int_equal(out.len, 0);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct vel_fallback_says says = good();
    for (long n = 0;; n++) {
        struct vel_buf out = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
        w.f.t.fail_after = n;
        enum vel_err err = vel_fallback_sign(w.f.crypto, w.leaf.identity, NULL,
                                             VEL_SIGN_DETERMINISTIC, &says, &out);
        w.f.t.fail_after = -1;
        vel_buf_free(&out);
        if (err == VEL_OK)
            return;
        assert_int_equal(err, VEL_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_was_signed),
        cmocka_unit_test(refuses_what_breaks_a_rule),
        cmocka_unit_test(refuses_other_arrays),
        cmocka_unit_test(refuses_every_part_of_a_record),
        cmocka_unit_test(signs_nothing_that_breaks_a_rule),
        cmocka_unit_test(needs_both_keys),
        cmocka_unit_test(a_signer_may_answer_later),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
