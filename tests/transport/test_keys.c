/* SPDX-License-Identifier: MIT */
#include "transport/keys.h"

#include "crypto/hash.h"
#include "testing/test.h"
#include "transport/frame.h"
#include "velocity/config.h"

/* ---- appendix A of RFC 9001 and of RFC 9369, from tests/vectors ---- */

struct samples {
    const char *file;
    uint32_t version;
};

static struct samples of_v1 = {"tests/vectors/rfc9001.txt", VEL_VERSION_QUIC_V1};
static struct samples of_v2 = {"tests/vectors/rfc9369.txt", VEL_VERSION_QUIC_V2};
static const struct samples *samples = &of_v1;

/* Whose the test is about, by its initial state. */
static void choose(void **state)
{
    samples = *state;
}

struct bytes {
    uint8_t ptr[1500];
    size_t len;
};

/* The bytes under a line that holds only `name`. */
static struct bytes vector(const char *name)
{
    struct bytes out = {.len = 0};
    FILE *file = fopen(samples->file, "r");
    assert_non_null(file);
    char line[128];
    bool found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (found && line[0] == '\0')
            break;
        if (found)
            out.len += test_unhex(line, out.ptr + out.len, sizeof out.ptr - out.len);
        found |= strcmp(line, name) == 0;
    }
    fclose(file);
    CHECK(name, out.len > 0);
    return out;
}

static struct vel_slice slice(const struct bytes *bytes)
{
    return vel_slice(bytes->ptr, bytes->len);
}

static struct vel_secret secret(const char *name)
{
    struct bytes bytes = vector(name);
    struct vel_secret out = {.len = bytes.len};
    memcpy(out.bytes, bytes.ptr, bytes.len);
    return out;
}

/* ---- one environment for all tests ---- */

static struct test_env t;
static struct vel_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    test_env_init(&t, 11);
    ASSERT_OK(vel_crypto_new(&t.env, &crypto));
    return 0;
}

static int close_crypto(void **state)
{
    (void)state;
    vel_crypto_free(crypto);
    test_env_done(&t);
    return 0;
}

static const struct vel_version *version(void)
{
    return vel_version_find(samples->version);
}

static const struct vel_suite chacha = {.aead = VEL_CHACHA20_POLY1305, .hash = VEL_SHA256};

/* The keys of both sides from the sample's connection id. */
struct sides {
    struct vel_keys client_read, client_write, server_read, server_write;
};

static struct sides initial(const struct vel_version *of)
{
    struct bytes dcid = vector("dcid");
    struct vel_cid cid = vel_cid(slice(&dcid));
    struct sides s = {0};
    ASSERT_OK(vel_keys_initial(crypto, of, &cid, true, &s.client_read, &s.client_write));
    ASSERT_OK(vel_keys_initial(crypto, of, &cid, false, &s.server_read, &s.server_write));
    return s;
}

static void clear(struct sides *s)
{
    vel_keys_clear(&s->client_read);
    vel_keys_clear(&s->client_write);
    vel_keys_clear(&s->server_read);
    vel_keys_clear(&s->server_write);
}

/* A.1: every intermediate value, with the version's own labels. */
static void labels_give_the_sample_keys(void **state)
{
    choose(state);
    struct bytes dcid = vector("dcid");
    struct vel_secret initial_secret;
    ASSERT_OK(vel_hkdf_extract(crypto, VEL_SHA256,
                               vel_slice(version()->initial_salt, VEL_INITIAL_SALT), slice(&dcid),
                               &initial_secret));
    struct bytes want = vector("initial_secret");
    assert_true(vel_slice_equal(vel_secret_slice(&initial_secret), slice(&want)));

    struct vel_secret client = secret("client_secret");
    struct vel_secret server = secret("server_secret");
    struct vel_secret app = secret("chacha_secret");
    const struct {
        const struct vel_secret *from;
        const char *label;
        const char *want;
    } rows[] = {
        {&initial_secret, version()->label_client_initial, "client_secret"},
        {&initial_secret, version()->label_server_initial, "server_secret"},
        {&client, version()->label_key, "client_key"},
        {&client, version()->label_iv, "client_iv"},
        {&client, version()->label_header, "client_hp"},
        {&server, version()->label_key, "server_key"},
        {&server, version()->label_iv, "server_iv"},
        {&server, version()->label_header, "server_hp"},
        {&app, version()->label_key, "chacha_key"},
        {&app, version()->label_iv, "chacha_iv"},
        {&app, version()->label_header, "chacha_hp"},
        {&app, version()->label_update, "chacha_ku"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        want = vector(rows[i].want);
        uint8_t out[32];
        ASSERT_OK(vel_hkdf_expand_label(crypto, VEL_SHA256, vel_secret_slice(rows[i].from),
                                        version()->label_prefix, rows[i].label,
                                        (struct vel_slice){0}, out, want.len));
        CHECK(rows[i].want, memcmp(out, want.ptr, want.len) == 0);
    }
}

/* Seal `header` and `frames`, expect `packet`; open it again, expect the frames. */
static void check_sample(struct vel_keys *write, struct vel_keys *read, const char *who,
                         size_t padded, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "%s_header", who);
    struct bytes header = vector(name);
    snprintf(name, sizeof name, "%s_frames", who);
    struct bytes frames = vector(name);
    snprintf(name, sizeof name, "%s_packet", who);
    struct bytes want = vector(name);

    uint8_t packet[1500] = {0};
    size_t number_size = (header.ptr[0] & VEL_BITS_NUMBER_SIZE) + 1u;
    memcpy(packet, header.ptr, header.len);
    memcpy(packet + header.len, frames.ptr, frames.len);
    ASSERT_OK(vel_packet_seal(write, 0, number, packet, header.len, number_size, padded));
    assert_int_equal(header.len + padded + VEL_AEAD_TAG, want.len);
    assert_memory_equal(packet, want.ptr, want.len);

    struct vel_packet_header h;
    ASSERT_OK(vel_packet_parse(vel_slice(packet, want.len), &h));
    assert_int_equal(h.type, VEL_PACKET_INITIAL);
    assert_int_equal(h.size, want.len);
    struct vel_opened opened;
    ASSERT_OK(vel_packet_open(read, 0, VEL_NUMBER_NONE, packet, h.number_offset, h.size, &opened));
    assert_int_equal(opened.number, number);
    assert_int_equal(opened.first_byte, header.ptr[0]);
    assert_int_equal(opened.header_size, header.len);
    assert_int_equal(opened.payload.len, padded);
    assert_memory_equal(opened.payload.ptr, frames.ptr, frames.len);

    struct vel_reader r = vel_reader(opened.payload);
    struct vel_frame frame;
    while (vel_left(&r) > 0)
        ASSERT_OK(vel_frame_read(&r, VEL_PACKET_INITIAL, &frame));
}

/* A.2 and A.3 */
static void initial_packets_are_the_samples(void **state)
{
    choose(state);
    struct sides s = initial(version());
    check_sample(&s.client_write, &s.server_read, "client", 1162, 2);
    check_sample(&s.server_write, &s.client_read, "server", vector("server_frames").len, 1);
    clear(&s);
}

/* The sample headers are what our writers make, up to the protection. */
static void headers_are_the_samples(void **state)
{
    choose(state);
    struct bytes dcid = vector("dcid");
    struct vel_cid client = vel_cid(slice(&dcid));
    struct vel_cid none = {0};
    struct bytes want = vector("client_header");
    uint8_t bytes[100];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_packet_write_long(&w, version(), VEL_PACKET_INITIAL, &client, &none, (struct vel_slice){0},
                          2, 4);
    memcpy(bytes + want.len - 6, "\x44\x9e", 2); /* the Length, known to the sealing */
    assert_true(vel_slice_equal(vel_writer_slice(&w), slice(&want)));

    want = vector("chacha_header");
    w = vel_writer(bytes, sizeof bytes);
    vel_packet_write_short(&w, &none, 0, 654360564, 3);
    assert_true(vel_slice_equal(vel_writer_slice(&w), slice(&want)));
}

/* A.4 */
static void retry_tag_is_the_sample(void **state)
{
    choose(state);
    struct bytes dcid = vector("dcid");
    struct vel_cid original = vel_cid(slice(&dcid));
    struct bytes retry = vector("retry");
    struct vel_packet_header h;
    ASSERT_OK(vel_packet_parse(slice(&retry), &h));
    assert_int_equal(h.type, VEL_PACKET_RETRY);
    assert_true(vel_slice_equal(h.token, vel_slice_text("token")));

    uint8_t bytes[100];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    struct vel_cid dcid_sent = vel_cid(h.dcid);
    struct vel_cid scid_sent = vel_cid(h.scid);
    vel_packet_write_retry(&w, version(), &dcid_sent, &scid_sent, h.token);
    bytes[0] |= 0x0f; /* unused bits, which the sample sets */
    uint8_t tag[VEL_RETRY_TAG];
    ASSERT_OK(vel_retry_tag(crypto, version(), &original, vel_writer_slice(&w), tag));
    assert_memory_equal(tag, h.retry_tag.ptr, sizeof tag);

    uint8_t ours[VEL_RETRY_TAG];
    ASSERT_OK(vel_retry_tag(crypto, &vel_versions[0], &original, vel_writer_slice(&w), ours));
    assert_memory_not_equal(tag, ours, sizeof tag);
    static const uint8_t long_retry[VEL_RETRY_MAX + 1];
    ASSERT_ERR(
        "too long",
        vel_retry_tag(crypto, version(), &original, vel_slice(long_retry, sizeof long_retry), tag),
        VEL_ERR_LIMIT);
}

/* A.5: the shortest packet there is. */
static void short_packet_is_the_sample(void **state)
{
    choose(state);
    struct vel_secret app = secret("chacha_secret");
    struct vel_keys read = {0};
    struct vel_keys write = {0};
    ASSERT_OK(vel_keys_from_secret(crypto, version(), &chacha, &app, VEL_WRITE, &write));
    ASSERT_OK(vel_keys_from_secret(crypto, version(), &chacha, &app, VEL_READ, &read));
    struct bytes header = vector("chacha_header");
    struct bytes want = vector("chacha_packet");
    uint8_t packet[64] = {0};
    memcpy(packet, header.ptr, header.len);
    packet[header.len] = VEL_FRAME_PING;
    ASSERT_OK(vel_packet_seal(&write, 0, 654360564, packet, header.len, 3, 1));
    assert_memory_equal(packet, want.ptr, want.len);

    struct vel_opened opened;
    ASSERT_OK(vel_packet_open(&read, 0, 654360000, packet, 1, want.len, &opened));
    assert_int_equal(opened.number, 654360564);
    assert_true(vel_slice_equal(opened.payload, BYTES(VEL_FRAME_PING)));
    ASSERT_ERR("no sample", vel_packet_open(&read, 0, 654360000, packet, 1, want.len - 1, &opened),
               VEL_ERR_AUTH);

    struct bytes next = vector("chacha_ku");
    struct vel_aead *aead = NULL;
    ASSERT_OK(vel_keys_next(crypto, version(), &chacha, VEL_READ, &app, &aead));
    assert_true(vel_slice_equal(vel_secret_slice(&app), slice(&next)));
    vel_aead_free(aead);
    vel_keys_clear(&read);
    vel_keys_clear(&write);
}

/* ---- properties ---- */

enum { SIZE = 200, HEADER = 1 + VEL_CID_OURS + 2 };

/* A short packet of 100 bytes of frames, sealed; returns its size. */
static size_t make_short(struct vel_keys *keys, uint32_t path, uint64_t number, uint8_t flags,
                         uint8_t *packet)
{
    struct vel_cid dcid = vel_cid(BYTES(1, 2, 3, 4, 5, 6, 7, 8));
    struct vel_writer w = vel_writer(packet, SIZE);
    vel_packet_write_short(&w, &dcid, flags, number, 2);
    assert_int_equal(vel_written(&w), HEADER);
    vel_write_fill(&w, VEL_FRAME_PING, 100);
    ASSERT_OK(vel_packet_seal(keys, path, number, packet, HEADER, 2, 100));
    return HEADER + 100 + VEL_AEAD_TAG;
}

static void suite_keys(const struct vel_suite *suite, struct vel_keys *read, struct vel_keys *write)
{
    struct vel_secret app = {.len = vel_hash_size(suite->hash), .bytes = {1, 2, 3}};
    ASSERT_OK(vel_keys_from_secret(crypto, &vel_versions[0], suite, &app, VEL_READ, read));
    ASSERT_OK(vel_keys_from_secret(crypto, &vel_versions[0], suite, &app, VEL_WRITE, write));
}

static void every_changed_bit_is_noticed(void **state)
{
    (void)state;
    for (size_t s = 0; s < VEL_SUITE_COUNT; s++) {
        struct vel_keys read = {0};
        struct vel_keys write = {0};
        suite_keys(&vel_suites[s], &read, &write);
        uint8_t sealed[SIZE];
        size_t size = make_short(&write, 0, 1000, VEL_BIT_KEY_PHASE, sealed);
        uint8_t packet[SIZE];
        struct vel_opened opened = {.number = 77};
        for (size_t bit = 0; bit < 8 * size; bit++) {
            memcpy(packet, sealed, size);
            packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ASSERT_ERR("a flipped bit",
                       vel_packet_open(&read, 0, 999, packet, 1 + VEL_CID_OURS, size, &opened),
                       VEL_ERR_AUTH);
            assert_int_equal(opened.number, 77);
        }
        memcpy(packet, sealed, size);
        ASSERT_ERR("another path",
                   vel_packet_open(&read, 1, 999, packet, 1 + VEL_CID_OURS, size, &opened),
                   VEL_ERR_AUTH);
        memcpy(packet, sealed, size);
        ASSERT_OK(vel_packet_open(&read, 0, 999, packet, 1 + VEL_CID_OURS, size, &opened));
        assert_int_equal(opened.number, 1000);
        assert_true(opened.first_byte & VEL_BIT_KEY_PHASE);
        assert_int_equal(opened.payload.len, 100);
        vel_keys_clear(&read);
        vel_keys_clear(&write);
        assert_false(vel_keys_ready(&read));
    }
}

/* Encrypted each and masked at once, they are what they would be sealed one by one. */
static void packets_in_a_row_are_sealed_packets(void **state)
{
    (void)state;
    enum { COUNT = 5, PAYLOAD = 100 };
    enum { EACH = HEADER + PAYLOAD + VEL_AEAD_TAG };
    for (size_t s = 0; s < VEL_SUITE_COUNT; s++) {
        struct vel_keys read = {0};
        struct vel_keys write = {0};
        suite_keys(&vel_suites[s], &read, &write);
        uint8_t row[COUNT * EACH], single[SIZE];
        for (unsigned i = 0; i < COUNT; i++) {
            uint8_t *packet = row + i * EACH;
            struct vel_writer w = vel_writer(packet, EACH);
            struct vel_cid cid = vel_cid(BYTES(1, 2, 3, 4, 5, 6, 7, 8));
            vel_packet_write_short(&w, &cid, 0, 1000 + i, 2);
            vel_write_fill(&w, VEL_FRAME_PING, PAYLOAD);
            ASSERT_OK(vel_packet_encrypt(write.aead, 3, 1000 + i, packet, HEADER, PAYLOAD,
                                         (struct vel_slice){0}));
        }
        ASSERT_OK(vel_packets_mask(write.mask, row, EACH, COUNT, HEADER, 2));
        for (unsigned i = 0; i < COUNT; i++) {
            assert_int_equal(make_short(&write, 3, 1000 + i, 0, single), EACH);
            assert_memory_equal(row + i * EACH, single, EACH);
        }
        vel_keys_clear(&read);
        vel_keys_clear(&write);
    }
}

/* RFC 9000 17.3.1: reserved bits are an error of the peer's, once authentic. */
static void reserved_bits_are_refused_after_decryption(void **state)
{
    (void)state;
    struct vel_keys read = {0};
    struct vel_keys write = {0};
    suite_keys(&vel_suites[0], &read, &write);
    uint8_t packet[SIZE];
    size_t size = make_short(&write, 0, 5, 0x08, packet);
    struct vel_opened opened;
    ASSERT_ERR("short", vel_packet_open(&read, 0, 4, packet, 1 + VEL_CID_OURS, size, &opened),
               VEL_ERR_MALFORMED);
    vel_keys_clear(&read);
    vel_keys_clear(&write);
}

/* After an update: the old aead fails, the new one opens, and the mask is still the first one. */
static void key_update_replaces_the_aead_only(void **state)
{
    (void)state;
    const struct vel_suite *suite = &vel_suites[0];
    struct vel_keys read = {0};
    struct vel_keys write = {0};
    suite_keys(suite, &read, &write);
    struct vel_secret for_read = {.len = vel_hash_size(suite->hash), .bytes = {1, 2, 3}};
    struct vel_secret for_write = for_read;
    struct vel_aead *next_read = NULL;
    struct vel_aead *next_write = NULL;
    const struct vel_version *ours = &vel_versions[0];
    ASSERT_OK(vel_keys_next(crypto, ours, suite, VEL_READ, &for_read, &next_read));
    ASSERT_OK(vel_keys_next(crypto, ours, suite, VEL_WRITE, &for_write, &next_write));
    vel_aead_free(write.aead);
    write.aead = next_write;

    uint8_t sealed[SIZE];
    uint8_t packet[SIZE];
    size_t size = make_short(&write, 0, 6, VEL_BIT_KEY_PHASE, sealed);
    memcpy(packet, sealed, size);
    struct vel_opened opened;
    ASSERT_ERR("old key", vel_packet_open(&read, 0, 5, packet, 1 + VEL_CID_OURS, size, &opened),
               VEL_ERR_AUTH);
    memcpy(packet, sealed, size);
    ASSERT_OK(vel_packet_unprotect(read.mask, 5, packet, 1 + VEL_CID_OURS, size, &opened));
    assert_int_equal(opened.first_byte & VEL_BIT_KEY_PHASE, VEL_BIT_KEY_PHASE);
    assert_int_equal(opened.payload.len, 0);
    ASSERT_OK(vel_packet_decrypt(next_read, 0, packet, size, &opened));
    assert_int_equal(opened.payload.len, 100);
    vel_aead_free(next_read);
    vel_keys_clear(&read);
    vel_keys_clear(&write);
}

/* Keys of one version open nothing of the other. */
static void versions_do_not_mix(void **state)
{
    (void)state;
    struct sides ours = initial(vel_version_find(VEL_VERSION_DRAFT));
    struct bytes packet = vector("client_packet");
    struct vel_packet_header h;
    struct vel_opened opened;
    ASSERT_OK(vel_packet_parse(slice(&packet), &h));
    ASSERT_ERR("v1 packet, our keys",
               vel_packet_open(&ours.server_read, 0, VEL_NUMBER_NONE, packet.ptr, h.number_offset,
                               h.size, &opened),
               VEL_ERR_AUTH);
    clear(&ours);
}

static void limits_are_those_of_the_protocol(void **state)
{
    (void)state;
    assert_int_equal(vel_keys_seal_limit(VEL_AES_256_GCM, 2048), UINT64_C(1) << 28);
    assert_int_equal(vel_keys_seal_limit(VEL_AES_128_GCM, 2049), UINT64_C(1) << 23);
    assert_int_equal(vel_keys_forgery_limit(VEL_AES_256_GCM), UINT64_C(1) << 52);
    assert_int_equal(vel_keys_forgery_limit(VEL_CHACHA20_POLY1305), UINT64_C(1) << 36);
}

static void failed_allocation_leaves_no_keys(void **state)
{
    (void)state;
    struct vel_cid dcid = vel_cid(BYTES(1, 2, 3, 4, 5, 6, 7, 8));
    for (long n = 0;; n++) {
        struct vel_keys read = {0};
        struct vel_keys write = {0};
        t.fail_after = n;
        enum vel_err err = vel_keys_initial(crypto, version(), &dcid, true, &read, &write);
        t.fail_after = -1;
        if (err == VEL_OK) {
            vel_keys_clear(&read);
            vel_keys_clear(&write);
            return;
        }
        assert_false(vel_keys_ready(&read) || vel_keys_ready(&write));
        assert_true(n < 100);
    }
}

#define SAMPLE_TESTS(test)                                                                         \
    cmocka_unit_test_prestate(test, &of_v1), cmocka_unit_test_prestate(test, &of_v2)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TESTS(labels_give_the_sample_keys),
        SAMPLE_TESTS(initial_packets_are_the_samples),
        SAMPLE_TESTS(headers_are_the_samples),
        SAMPLE_TESTS(retry_tag_is_the_sample),
        SAMPLE_TESTS(short_packet_is_the_sample),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(packets_in_a_row_are_sealed_packets),
        cmocka_unit_test(reserved_bits_are_refused_after_decryption),
        cmocka_unit_test(key_update_replaces_the_aead_only),
        cmocka_unit_test(versions_do_not_mix),
        cmocka_unit_test(limits_are_those_of_the_protocol),
        cmocka_unit_test(failed_allocation_leaves_no_keys),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
