/* SPDX-License-Identifier: MIT */
/* What a client makes of a fallback record, VEL-FB-10 to VEL-FB-16, and the published one. After a
 * change of the format write that again: test_pki_fallback_verify --write > tests/vectors/fallback.txt
 */
#include <string.h>

#include "base/units.h"
#include "pki/fallback.h"
#include "pki/fallback_internal.h"
#include "pki/forge.h"

static const char *const site[] = {"www.example.org"};

static struct world {
    struct forge f;
    struct made ca, leaf, other_ca, other, old, light;
    struct vel_trust *trust;
    struct vel_fallback_says says;
    struct vel_fallback_expected expected;
    struct vel_buf bytes; /* a good record */
} w;

static void sign(const struct made *by, const struct vel_fallback_says *says, struct vel_buf *out)
{
    *out = (struct vel_buf){.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    ASSERT_OK(vel_fallback_sign(w.f.crypto, by->identity, NULL, VEL_SIGN_DETERMINISTIC, says, out));
}

static int set_up(void **state)
{
    (void)state;
    forge_open(&w.f);
    struct vel_cert_order ca = forge_ca("CA", 0), stranger = forge_ca("Stranger", 0),
                          leaf = forge_leaf(site, 1), old = leaf, light = leaf;
    old.validity = FORGE_DAY / 2;
    light.profile = VEL_PROFILE_LIGHT;
    forge_make(&w.f, &ca, NULL, &w.ca);
    forge_make(&w.f, &leaf, &w.ca, &w.leaf);
    forge_make(&w.f, &old, &w.ca, &w.old);
    forge_make(&w.f, &light, NULL, &w.light);
    forge_make(&w.f, &stranger, NULL, &w.other_ca);
    forge_make(&w.f, &leaf, &w.other_ca, &w.other);
    ASSERT_OK(vel_trust_new(&w.f.t.env, w.f.crypto, &w.trust));
    ASSERT_OK(vel_trust_add_pem(w.trust, vel_buf_slice(&w.ca.chain_pem)));
    ASSERT_OK(vel_trust_add_pem(w.trust, vel_buf_slice(&w.light.chain_pem)));

    w.says = (struct vel_fallback_says){
        .authority = vel_slice_text(site[0]),
        .port = 4433,
        .issued_at = FORGE_NOW - 10,
        .not_after = FORGE_NOW + 590,
        .versions = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1},
        .version_count = 2,
        .selected_alpn = vel_slice_text("h2"),
    };
    memset(w.says.exporter, 0xe5, sizeof w.says.exporter);
    w.expected = (struct vel_fallback_expected){.host = site[0],
                                                .port = 4433,
                                                .alpn = vel_slice_text("h2"),
                                                .unix_time = FORGE_NOW,
                                                .level = VEL_PROFILE_BALANCED};
    memset(w.expected.exporter, 0xe5, sizeof w.expected.exporter);
    sign(&w.leaf, &w.says, &w.bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vel_buf_free(&w.bytes);
    vel_trust_free(w.trust);
    struct made *const all[] = {&w.other, &w.other_ca, &w.light, &w.old, &w.leaf, &w.ca};
    for (size_t i = 0; i < VEL_COUNT(all); i++)
        forge_unmake(all[i]);
    forge_close(&w.f);
    return 0;
}

static enum vel_fallback_check verify(const struct vel_fallback_expected *expected,
                                      struct vel_slice bytes, struct vel_fallback_verdict *verdict)
{
    struct vel_fallback_says says = {.port = 7};
    enum vel_err err =
        vel_fallback_verify(&w.f.t.env, w.f.crypto, w.trust, expected, bytes, verdict, &says);
    assert_int_equal(err, verdict->check == VEL_FALLBACK_OK ? VEL_OK : VEL_ERR_AUTH);
    assert_true((says.port == 7) == (err != VEL_OK)); /* untouched by failures */
    return verdict->check;
}

static void believes_a_good_one(void **state)
{
    (void)state;
    struct vel_fallback_verdict verdict;
    assert_int_equal(verify(&w.expected, vel_buf_slice(&w.bytes), &verdict), VEL_FALLBACK_OK);
    assert_int_equal(verdict.certificate.check, VEL_CERT_OK);
}

/* A good record on a connection that is not its own: replayed, foreign, late. VEL-FB-10, VEL-FB-11,
 * VEL-FB-12, VEL-FB-13, VEL-FB-14 */
static void holds_it_against_the_connection(void **state)
{
    (void)state;
    struct vel_fallback_expected host = w.expected, port = w.expected, binding = w.expected,
                                 alpn = w.expected, none = w.expected, late = w.expected,
                                 last = w.expected, early = w.expected, skew = w.expected,
                                 level = w.expected;
    host.host = "example.org";
    port.port = 443;
    binding.exporter[31] ^= 1;
    alpn.alpn = vel_slice_text("http/1.1");
    none.alpn = vel_slice(NULL, 0);
    last.unix_time = w.says.not_after;
    late.unix_time = w.says.not_after + 1;
    skew.unix_time = w.says.issued_at - VEL_FALLBACK_SKEW;
    early.unix_time = w.says.issued_at - VEL_FALLBACK_SKEW - 1;
    level.level = VEL_PROFILE_SECURE;
    const struct {
        const char *what;
        const struct vel_fallback_expected *expected;
        enum vel_fallback_check want;
    } rows[] = {
        {"another host", &host, VEL_FALLBACK_AUTHORITY},
        {"another port", &port, VEL_FALLBACK_PORT},
        {"another connection", &binding, VEL_FALLBACK_BINDING},
        {"another protocol", &alpn, VEL_FALLBACK_ALPN},
        {"no protocol", &none, VEL_FALLBACK_ALPN},
        {"the last second", &last, VEL_FALLBACK_OK},
        {"a second later", &late, VEL_FALLBACK_EXPIRED},
        {"a clock that is behind", &skew, VEL_FALLBACK_OK},
        {"one that is too far behind", &early, VEL_FALLBACK_EARLY},
        {"a client that wants more", &level, VEL_FALLBACK_CERTIFICATE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_fallback_verdict verdict;
        CHECK(rows[i].what,
              verify(rows[i].expected, vel_buf_slice(&w.bytes), &verdict) == rows[i].want);
    }
}

/* A record that says the right things, by somebody else. VEL-FB-15 */
static void holds_it_against_the_trust(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const struct made *by;
        enum vel_cert_check want;
    } rows[] = {
        {"an unknown issuer", &w.other, VEL_CERT_UNKNOWN_ISSUER},
        {"an expired certificate", &w.old, VEL_CERT_EXPIRED},
        {"a weaker key", &w.light, VEL_CERT_LEVEL},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_buf bytes;
        struct vel_fallback_verdict verdict;
        sign(rows[i].by, &w.says, &bytes);
        CHECK(rows[i].what,
              verify(&w.expected, vel_buf_slice(&bytes), &verdict) == VEL_FALLBACK_CERTIFICATE);
        CHECK(rows[i].what, verdict.certificate.check == rows[i].want);
        vel_buf_free(&bytes);
    }
    /* Its host is not what the certificate is for. */
    struct vel_fallback_says says = w.says;
    struct vel_fallback_expected expected = w.expected;
    struct vel_fallback_verdict verdict;
    struct vel_buf bytes;
    expected.host = "www.example.net";
    says.authority = vel_slice_text(expected.host);
    sign(&w.leaf, &says, &bytes);
    assert_int_equal(verify(&expected, vel_buf_slice(&bytes), &verdict), VEL_FALLBACK_CERTIFICATE);
    assert_int_equal(verdict.certificate.check, VEL_CERT_NAME);
    vel_buf_free(&bytes);
}

/* Parts of a good record in another one, and halves of signatures. VEL-FB-16 */
static void needs_both_signatures(void **state)
{
    (void)state;
    struct vel_fallback_record good, foreign;
    struct vel_fallback_says other_says = w.says;
    struct vel_buf other;
    other_says.retry_velocity++;
    sign(&w.leaf, &other_says, &other);
    ASSERT_OK(vel_fallback_parse(vel_buf_slice(&w.bytes), &good));
    ASSERT_OK(vel_fallback_parse(vel_buf_slice(&other), &foreign));
    struct vel_fallback_record body = good, classical = good, pq = good, no_classical = good,
                               no_pq = good, suite = good, twice = good;
    body.body = foreign.body;
    classical.classical = foreign.classical;
    pq.pq = foreign.pq;
    no_classical.classical = no_pq.pq = (struct vel_slice){0};
    suite.suite = 0x5652;
    twice.classical = good.pq;
    const struct {
        const char *what;
        const struct vel_fallback_record *record;
        enum vel_fallback_check want;
    } rows[] = {
        {"as it was", &good, VEL_FALLBACK_OK},
        {"another body", &body, VEL_FALLBACK_SIGNATURE},
        {"another classical signature", &classical, VEL_FALLBACK_SIGNATURE},
        {"another ML-DSA signature", &pq, VEL_FALLBACK_SIGNATURE},
        {"no classical signature", &no_classical, VEL_FALLBACK_SIGNATURE},
        {"no ML-DSA signature", &no_pq, VEL_FALLBACK_SIGNATURE},
        {"another suite", &suite, VEL_FALLBACK_SIGNATURE},
        {"one signature for both", &twice, VEL_FALLBACK_SIGNATURE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_buf bytes = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
        struct vel_fallback_verdict verdict;
        ASSERT_OK(vel_fallback_encode(rows[i].record, &bytes));
        CHECK(rows[i].what, verify(&w.expected, vel_buf_slice(&bytes), &verdict) == rows[i].want);
        vel_buf_free(&bytes);
    }
    vel_buf_free(&other);
}

/* A signature of another use by the same keys is none (VEL-FB-03). */
static void takes_no_other_use(void **state)
{
    (void)state;
    struct vel_fallback_record record;
    struct vel_fallback_message message;
    struct vel_dual_sig sig;
    ASSERT_OK(vel_fallback_parse(vel_buf_slice(&w.bytes), &record));
    ASSERT_OK(vel_fallback_message(w.f.crypto, record.body, &message));
    ASSERT_OK(vel_dual_sign(w.f.crypto, vel_identity_keys(w.leaf.identity), VEL_SIGN_HEDGED,
                            "server", vel_slice(message.bytes, message.len), &sig));
    record.classical = vel_slice(sig.classical, sig.classical_size);
    record.pq = vel_slice(sig.pq, sig.pq_size);
    struct vel_buf bytes = {.env = &w.f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    struct vel_fallback_verdict verdict;
    ASSERT_OK(vel_fallback_encode(&record, &bytes));
    assert_int_equal(verify(&w.expected, vel_buf_slice(&bytes), &verdict), VEL_FALLBACK_SIGNATURE);
    vel_buf_free(&bytes);
}

/* Whatever bit is turned, somebody notices. */
static void notices_every_change(void **state)
{
    (void)state;
    enum { STEP = 61 };
    for (size_t at = 0; at < w.bytes.len; at += at < 64 ? 1 : STEP) {
        struct vel_fallback_verdict verdict;
        w.bytes.ptr[at] ^= 0x04;
        if (verify(&w.expected, vel_buf_slice(&w.bytes), &verdict) == VEL_FALLBACK_OK)
            fail_msg("byte %zu", at);
        w.bytes.ptr[at] ^= 0x04;
    }
}

static void names_every_check(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VEL_FALLBACK_CHECK_COUNT; i++) {
        assert_true(strlen(vel_fallback_check_name((enum vel_fallback_check)i)) > 0);
        assert_true(strlen(vel_fallback_check_text((enum vel_fallback_check)i)) > 0);
    }
    assert_string_equal(vel_fallback_check_name(VEL_FALLBACK_CHECK_COUNT), "unknown");
    assert_string_equal(vel_fallback_check_text(VEL_FALLBACK_CHECK_COUNT), "unknown check");
}

/* ---- the published record (spec/fallback.md, "Known answer") ---- */

enum { PUBLISHED_TIME = 1767225600, TEXT_MAX = 128 * 1024 };

static void load_text(const char *path, char text[TEXT_MAX])
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
    fclose(file);
}

/* The value of the line `name: value`, with `|` for line breaks in PEM. */
static struct vel_buf value_of(const struct vel_env *env, const char *text, const char *name)
{
    struct vel_buf value = {.env = env, .limit = TEXT_MAX};
    char start[64];
    snprintf(start, sizeof start, "\n%s: ", name);
    const char *line = strstr(text, start);
    if (line == NULL)
        fail_msg("no line '%s'", name);
    for (const char *c = line + strlen(start); *c != '\0' && *c != '\n'; c++)
        ASSERT_OK(vel_buf_append(&value, vel_slice(*c == '|' ? "\n" : c, 1)));
    return value;
}

static struct vel_fallback_says published(void)
{
    struct vel_fallback_says says = {
        .authority = vel_slice_text("localhost"),
        .port = 4433,
        .issued_at = PUBLISHED_TIME + 3600,
        .not_after = PUBLISHED_TIME + 3600 + VEL_FALLBACK_LIFETIME,
        .versions = {VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1},
        .version_count = 2,
        .selected_alpn = vel_slice_text("http/1.1"),
        .reason = VEL_FALLBACK_MAINTENANCE_WINDOW,
        .retry_velocity = 900,
    };
    for (uint8_t i = 0; i < VEL_FALLBACK_EXPORTER; i++)
        says.exporter[i] = i;
    return says;
}

static void print_hex(FILE *to, const char *name, struct vel_slice bytes)
{
    fprintf(to, "%s: ", name);
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(to, "%02x", bytes.ptr[i]);
    fputc('\n', to);
}

static void print_record(FILE *to, const struct vel_crypto *crypto, struct vel_slice bytes)
{
    struct vel_fallback_record record;
    struct vel_fallback_message message;
    ASSERT_OK(vel_fallback_parse(bytes, &record));
    ASSERT_OK(vel_fallback_message(crypto, record.body, &message));
    const struct vel_fallback_says *says = &record.says;
    fprintf(to, "# A fallback record; spec/fallback.md, section 5, says how to read it.\n");
    fprintf(to, "identity: spec/transcripts/balanced.txt\n");
    fprintf(to, "port: %u\nreason: %s\n", says->port, vel_fallback_name(says->reason));
    print_hex(to, "exporter", vel_slice(says->exporter, sizeof says->exporter));
    fprintf(to, "versions: %08x %08x\n", says->versions[0], says->versions[1]);
    fprintf(to, "authority: localhost\nissued_at: %lld\nnot_after: %lld\n",
            (long long)says->issued_at, (long long)says->not_after);
    fprintf(to, "selected_alpn: http/1.1\nretry_velocity: %u\n", says->retry_velocity);
    print_hex(to, "body", record.body);
    print_hex(to, "message", vel_slice(message.bytes, message.len));
    print_hex(to, "record", bytes);
}

/* The record from its identity, as text. */
static void write_published(FILE *to)
{
    static char text[TEXT_MAX];
    struct forge f;
    struct vel_identity *identity = NULL;
    forge_open(&f);
    load_text("spec/transcripts/balanced.txt", text);
    struct vel_buf chain = value_of(&f.t.env, text, "certificate pem");
    struct vel_buf keys = value_of(&f.t.env, text, "private keys pem");
    ASSERT_OK(vel_identity_parse(&f.t.env, f.crypto, vel_buf_slice(&chain), vel_buf_slice(&keys),
                                 &identity));
    struct vel_fallback_says says = published();
    struct vel_buf bytes = {.env = &f.t.env, .limit = VEL_FALLBACK_MAX_BYTES};
    ASSERT_OK(vel_fallback_sign(f.crypto, identity, NULL, VEL_SIGN_DETERMINISTIC, &says, &bytes));
    print_record(to, f.crypto, vel_buf_slice(&bytes));
    vel_buf_free(&bytes);
    vel_identity_free(identity);
    vel_buf_free(&keys);
    vel_buf_free(&chain);
    forge_close(&f);
}

static void is_as_published(void **state)
{
    (void)state;
    static char want[TEXT_MAX], got[TEXT_MAX];
    load_text("tests/vectors/fallback.txt", want);
    FILE *memory = fmemopen(got, sizeof got, "w");
    assert_non_null(memory);
    write_published(memory);
    fclose(memory);
    assert_string_equal(got, want);
}

/* A client that trusts the certificate believes the published bytes. */
static void believes_the_published_one(void **state)
{
    (void)state;
    static char text[TEXT_MAX], record[TEXT_MAX];
    struct vel_trust *trust = NULL;
    struct vel_fallback_verdict verdict;
    struct vel_fallback_says says = published();
    struct vel_fallback_expected expected = {.host = "localhost",
                                             .port = 4433,
                                             .alpn = vel_slice_text("http/1.1"),
                                             .unix_time = says.issued_at + 1,
                                             .level = VEL_PROFILE_BALANCED};
    memcpy(expected.exporter, says.exporter, sizeof says.exporter);
    load_text("spec/transcripts/balanced.txt", text);
    struct vel_buf chain = value_of(&w.f.t.env, text, "certificate pem");
    load_text("tests/vectors/fallback.txt", text);
    struct vel_buf hex = value_of(&w.f.t.env, text, "record");
    ASSERT_OK(vel_buf_append(&hex, BYTES(0)));
    size_t size = test_unhex((const char *)hex.ptr, (uint8_t *)record, sizeof record);
    ASSERT_OK(vel_trust_new(&w.f.t.env, w.f.crypto, &trust));
    ASSERT_OK(vel_trust_add_pem(trust, vel_buf_slice(&chain)));
    ASSERT_OK(vel_fallback_verify(&w.f.t.env, w.f.crypto, trust, &expected, vel_slice(record, size),
                                  &verdict, &says));
    vel_trust_free(trust);
    vel_buf_free(&hex);
    vel_buf_free(&chain);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believes_a_good_one),
        cmocka_unit_test(holds_it_against_the_connection),
        cmocka_unit_test(holds_it_against_the_trust),
        cmocka_unit_test(needs_both_signatures),
        cmocka_unit_test(takes_no_other_use),
        cmocka_unit_test(notices_every_change),
        cmocka_unit_test(names_every_check),
        cmocka_unit_test(is_as_published),
        cmocka_unit_test(believes_the_published_one),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        write_published(stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
