/* SPDX-License-Identifier: MIT */
/* One signature for many messages: the tree against a second way to build it, what a verifier refuses,
 * and the published vector. */
#include "crypto/batch.h"

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/units.h"
#include "base/writer.h"
#include "crypto/fixture.h"
#include "crypto/hash.h"

enum { MESSAGE = 32, TEXT_MAX = 64 * 1024, PUBLISHED = 5 };

static const char label[] = "VEL1-MLDSA44-Ed25519";

static struct world {
    struct crypto_fixture f;
    struct vel_dual_key key;
    struct vel_batch *batch;
    struct vel_dual_sig sig;
} w;

static struct vel_dual_key new_key(const struct vel_sig_suite *suite)
{
    struct vel_dual_key key = {.suite = suite};
    ASSERT_OK(vel_sign_key_generate(w.f.crypto, &w.f.t.env, suite->classical, &key.classical));
    ASSERT_OK(vel_sign_key_generate(w.f.crypto, &w.f.t.env, suite->pq, &key.pq));
    return key;
}

static void free_key(struct vel_dual_key *key)
{
    vel_sign_key_free(key->classical);
    vel_sign_key_free(key->pq);
}

static void open_world(uint64_t seed)
{
    fixture_open(&w.f, seed);
    w.key = new_key(vel_sig_suite_find(0x5642));
    w.batch = NULL;
}

static void close_world(void)
{
    vel_batch_free(w.batch);
    free_key(&w.key);
    fixture_close(&w.f);
}

/* The message of each index is that number, 32 times. */
static struct vel_slice message(unsigned index)
{
    static uint8_t bytes[MESSAGE];
    memset(bytes, (int)index, sizeof bytes);
    return vel_slice(bytes, sizeof bytes);
}

static void sign(unsigned count)
{
    vel_batch_free(w.batch);
    w.batch = NULL;
    ASSERT_OK(vel_batch_new(&w.f.t.env, w.f.crypto, &w.key, "server", count, &w.batch));
    for (unsigned i = 0; i < count; i++)
        ASSERT_OK(vel_batch_add(w.batch, message(i)));
    ASSERT_OK(vel_batch_sign(w.batch, VEL_SIGN_DETERMINISTIC, &w.sig));
}

static enum vel_err verify(const char *use, struct vel_slice about,
                           const struct vel_batch_proof *proof)
{
    return vel_batch_verify(w.f.crypto, &w.key, use, about, proof,
                            vel_slice(w.sig.classical, w.sig.classical_size),
                            vel_slice(w.sig.pq, w.sig.pq_size));
}

/* ---- the tree as RFC 6962 2.1 tells it, by halves ---- */

struct hash {
    uint8_t bytes[VEL_BATCH_NODE];
};

static struct hash leaves[VEL_BATCH_MAX];

static struct hash hash_of(uint8_t mark, struct vel_slice a, struct vel_slice b)
{
    struct hash made;
    const struct vel_slice parts[] = {vel_slice(&mark, 1), a, b};
    ASSERT_OK(vel_digest(w.f.crypto, VEL_SHA512, parts, 3, made.bytes));
    return made;
}

/* VEL-HS-40: what the message alone would have signed. */
static struct hash leaf_of(unsigned index)
{
    uint8_t single[256], digest[VEL_BATCH_NODE];
    struct vel_slice m = message(index);
    struct vel_writer s = vel_writer(single, sizeof single);
    ASSERT_OK(vel_digest(w.f.crypto, VEL_SHA512, &m, 1, digest));
    vel_write_bytes(&s, vel_slice_text("VelocityDualSignature2026"));
    vel_write_bytes(&s, vel_slice_text(label));
    vel_write_bytes(&s, vel_slice_text("\x06server"));
    vel_write_bytes(&s, vel_slice(digest, sizeof digest));
    return hash_of(0, vel_batch_prove(w.batch, index).salt, vel_writer_slice(&s));
}

static unsigned left_half(unsigned count)
{
    unsigned half = 1;
    while (2 * half < count)
        half *= 2;
    return half;
}

static struct hash root_of(unsigned first, unsigned count)
{
    if (count == 1)
        return leaves[first];
    unsigned half = left_half(count);
    struct hash left = root_of(first, half), right = root_of(first + half, count - half);
    return hash_of(1, vel_slice(left.bytes, VEL_BATCH_NODE),
                   vel_slice(right.bytes, VEL_BATCH_NODE));
}

static void path_of(unsigned index, unsigned first, unsigned count, struct vel_writer *path)
{
    if (count == 1)
        return;
    unsigned half = left_half(count);
    bool is_left = index < half;
    struct hash sibling = is_left ? root_of(first + half, count - half) : root_of(first, half);
    if (is_left)
        path_of(index, first, half, path);
    else
        path_of(index - half, first + half, count - half, path);
    vel_write_bytes(path, vel_slice(sibling.bytes, VEL_BATCH_NODE));
}

/* VEL-HS-46 */
static void the_tree_is_rfc_6962s(void **state)
{
    (void)state;
    static const unsigned counts[] = {2,  3,  4,  5,  6,  7,   8,   9,  15,
                                      16, 17, 31, 32, 33, 100, 255, 256};
    open_world(1);
    for (size_t row = 0; row < VEL_COUNT(counts); row++) {
        unsigned count = counts[row];
        sign(count);
        for (unsigned i = 0; i < count; i++)
            leaves[i] = leaf_of(i);
        for (unsigned i = 0; i < count; i += 1 + count / 9) {
            uint8_t bytes[VEL_BATCH_PATH_MAX];
            struct vel_writer path = vel_writer(bytes, sizeof bytes);
            path_of(i, 0, count, &path);
            struct vel_batch_proof proof = vel_batch_prove(w.batch, i);
            assert_int_equal(proof.count, count);
            assert_int_equal(proof.index, i);
            assert_true(vel_slice_equal(proof.path, vel_writer_slice(&path)));
            assert_int_equal(proof.path.len, vel_batch_path_size(count, i));
            ASSERT_OK(verify("server", message(i), &proof));
        }
    }
    close_world();
}

/* VEL-HS-46: the message at the root, put together by hand, and each half checked alone. */
static void the_root_is_signed_as_specified(void **state)
{
    (void)state;
    open_world(2);
    sign(PUBLISHED);
    for (unsigned i = 0; i < PUBLISHED; i++)
        leaves[i] = leaf_of(i);
    struct hash root = root_of(0, PUBLISHED);
    uint8_t content[256], digest[64], signed_bytes[256];
    struct vel_writer c = vel_writer(content, sizeof content);
    vel_write_fill(&c, ' ', 64);
    vel_write_bytes(&c, vel_slice_text("Velocity/1, batched server CertificateVerify"));
    vel_write_bytes(&c, BYTES(0, 0, PUBLISHED));
    vel_write_bytes(&c, vel_slice(root.bytes, sizeof root.bytes));
    struct vel_slice whole = vel_writer_slice(&c);
    ASSERT_OK(vel_digest(w.f.crypto, VEL_SHA512, &whole, 1, digest));
    struct vel_writer s = vel_writer(signed_bytes, sizeof signed_bytes);
    vel_write_bytes(&s, vel_slice_text("VelocityDualSignature2026VEL1-MLDSA44-Ed25519-BATCH\x06"
                                       "server"));
    vel_write_bytes(&s, vel_slice(digest, sizeof digest));
    struct vel_slice m = vel_writer_slice(&s);
    struct vel_slice pq = vel_slice(w.sig.pq, w.sig.pq_size);
    ASSERT_OK(vel_verify(w.f.crypto, w.key.classical, vel_slice(NULL, 0), m,
                         vel_slice(w.sig.classical, w.sig.classical_size)));
    ASSERT_OK(
        vel_verify(w.f.crypto, w.key.pq, vel_slice_text("VEL1-MLDSA44-Ed25519-BATCH"), m, pq));
    ASSERT_ERR("the suite's own label",
               vel_verify(w.f.crypto, w.key.pq, vel_slice_text(label), m, pq), VEL_ERR_AUTH);
    close_world();
}

/* ---- what is refused ---- */

/* VEL-HS-47 */
static void no_other_place_passes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned count, index;
        size_t path; /* nodes */
        enum vel_err err;
    } rows[] = {
        {"as signed", 7, 3, 3, VEL_OK},
        {"one place further", 7, 2, 3, VEL_ERR_AUTH},
        {"on the other side", 7, 5, 3, VEL_ERR_AUTH},
        {"where the path is shorter", 7, 6, 3, VEL_ERR_MALFORMED},
        {"in a tree of another size", 8, 3, 3, VEL_ERR_AUTH},
        {"in a smaller tree", 4, 3, 3, VEL_ERR_MALFORMED},
        {"in a tree of one", 1, 0, 0, VEL_ERR_MALFORMED},
        {"in no tree", 0, 0, 0, VEL_ERR_MALFORMED},
        {"in a tree that is too large", 257, 3, 9, VEL_ERR_MALFORMED},
        {"behind the last", 7, 7, 3, VEL_ERR_MALFORMED},
        {"far behind it", 7, 65535, 3, VEL_ERR_MALFORMED},
        {"with a path too short", 7, 3, 2, VEL_ERR_MALFORMED},
        {"with a path too long", 7, 3, 4, VEL_ERR_MALFORMED},
        {"without a path", 7, 3, 0, VEL_ERR_MALFORMED},
    };
    open_world(3);
    sign(7);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t path[16 * VEL_BATCH_NODE] = {0};
        struct vel_batch_proof proof = vel_batch_prove(w.batch, 3);
        memcpy(path, proof.path.ptr, proof.path.len);
        proof.path = vel_slice(path, rows[i].path * VEL_BATCH_NODE);
        proof.count = rows[i].count;
        proof.index = rows[i].index;
        ASSERT_ERR(rows[i].what, verify("server", message(3), &proof), rows[i].err);
    }
    close_world();
}

static void no_other_content_passes(void **state)
{
    (void)state;
    open_world(4);
    sign(6);
    struct vel_batch_proof good = vel_batch_prove(w.batch, 4);
    struct vel_batch_proof proof = good;
    ASSERT_OK(verify("server", message(4), &good));
    ASSERT_ERR("another message", verify("server", message(5), &good), VEL_ERR_AUTH);
    ASSERT_ERR("another use", verify("client", message(4), &good), VEL_ERR_AUTH);

    uint8_t salt[VEL_BATCH_SALT], path[VEL_BATCH_PATH_MAX];
    memcpy(salt, good.salt.ptr, sizeof salt);
    salt[31] ^= 1;
    proof.salt = vel_slice(salt, sizeof salt);
    ASSERT_ERR("another salt", verify("server", message(4), &proof), VEL_ERR_AUTH);
    proof.salt.len--;
    ASSERT_ERR("a short salt", verify("server", message(4), &proof), VEL_ERR_MALFORMED);
    proof.salt = good.salt;
    memcpy(path, good.path.ptr, good.path.len);
    path[good.path.len - 1] ^= 0x80;
    proof.path = vel_slice(path, good.path.len);
    ASSERT_ERR("another path", verify("server", message(4), &proof), VEL_ERR_AUTH);

    /* The same keys under the label of another suite. */
    w.key.suite = vel_sig_suite_find(0x5641);
    ASSERT_ERR("another suite", verify("server", message(4), &good), VEL_ERR_AUTH);
    w.key.suite = vel_sig_suite_find(0x5642);
    close_world();
}

/* Neither form passes for the other, whatever the message (VEL-HS-46). */
static void forms_are_apart(void **state)
{
    (void)state;
    open_world(5);
    sign(2);
    struct vel_batch_proof proof = vel_batch_prove(w.batch, 0);
    ASSERT_ERR("batch as single",
               vel_dual_verify(w.f.crypto, &w.key, "server", message(0),
                               vel_slice(w.sig.classical, w.sig.classical_size),
                               vel_slice(w.sig.pq, w.sig.pq_size)),
               VEL_ERR_AUTH);
    ASSERT_OK(vel_dual_sign(w.f.crypto, &w.key, VEL_SIGN_HEDGED, "server", message(0), &w.sig));
    ASSERT_ERR("single as batch", verify("server", message(0), &proof), VEL_ERR_AUTH);
    close_world();
}

/* ---- the signer's side ---- */

static void a_batch_has_bounds(void **state)
{
    (void)state;
    open_world(6);
    const struct vel_env *env = &w.f.t.env;
    const unsigned wrong[] = {0, 1, VEL_BATCH_MAX + 1};
    for (size_t i = 0; i < VEL_COUNT(wrong); i++)
        ASSERT_ERR("capacity", vel_batch_new(env, w.f.crypto, &w.key, "server", wrong[i], &w.batch),
                   VEL_ERR_ARGUMENT);
    ASSERT_OK(vel_batch_new(env, w.f.crypto, &w.key, "server", 2, &w.batch));
    ASSERT_OK(vel_batch_add(w.batch, message(0)));
    ASSERT_ERR("one", vel_batch_sign(w.batch, VEL_SIGN_HEDGED, &w.sig), VEL_ERR_ARGUMENT);
    ASSERT_OK(vel_batch_add(w.batch, message(0)));
    ASSERT_ERR("full", vel_batch_add(w.batch, message(2)), VEL_ERR_LIMIT);
    ASSERT_OK(vel_batch_sign(w.batch, VEL_SIGN_HEDGED, &w.sig));

    /* VEL-HS-48: equal messages do not show as equal. */
    uint8_t first[VEL_BATCH_SALT];
    memcpy(first, vel_batch_prove(w.batch, 0).salt.ptr, sizeof first);
    assert_memory_not_equal(first, vel_batch_prove(w.batch, 1).salt.ptr, sizeof first);
    close_world();
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    open_world(7);
    for (long n = 0; n < 3; n++) {
        w.f.t.fail_after = n;
        ASSERT_ERR("nth allocation",
                   vel_batch_new(&w.f.t.env, w.f.crypto, &w.key, "server", 9, &w.batch),
                   VEL_ERR_NOMEM);
        assert_null(w.batch);
    }
    w.f.t.fail_after = -1;
    close_world(); /* nothing leaked */
}

/* ---- the published vector ---- */

static void put(struct vel_buf *out, const char *name, struct vel_slice bytes)
{
    char digits[3];
    ASSERT_OK(vel_buf_append(out, vel_slice_text(name)));
    ASSERT_OK(vel_buf_append(out, vel_slice_text(": ")));
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(digits, sizeof digits, "%02x", bytes.ptr[i]);
        ASSERT_OK(vel_buf_append(out, vel_slice_text(digits)));
    }
    ASSERT_OK(vel_buf_append(out, vel_slice_text("\n")));
}

static void put_nth(struct vel_buf *out, const char *name, unsigned index, struct vel_slice bytes)
{
    char full[32];
    snprintf(full, sizeof full, "%s %u", name, index);
    put(out, full, bytes);
}

static void put_key(struct vel_buf *out, const char *name, const struct vel_sign_key *key)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(vel_sign_key_evp(key), &der);
    assert_true(size > 0);
    put(out, name, vel_slice(der, (size_t)size));
    OPENSSL_free(der);
}

static void write_vector(struct vel_buf *out)
{
    ASSERT_OK(vel_buf_append(
        out, vel_slice_text(
                 "# A batch of five, spec/velocity-1.md section 8; signatures are deterministic.\n"
                 "signature suite: VEL1-MLDSA44-Ed25519\n"
                 "use: server\n")));
    put_key(out, "classical public key", w.key.classical);
    put_key(out, "post-quantum public key", w.key.pq);
    sign(PUBLISHED);
    for (unsigned i = 0; i < PUBLISHED; i++) {
        leaves[i] = leaf_of(i);
        struct vel_batch_proof proof = vel_batch_prove(w.batch, i);
        put_nth(out, "M", i, message(i));
        put_nth(out, "salt", i, proof.salt);
        put_nth(out, "leaf", i, vel_slice(leaves[i].bytes, VEL_BATCH_NODE));
        put_nth(out, "path", i, proof.path);
    }
    struct hash root = root_of(0, PUBLISHED);
    put(out, "root", vel_slice(root.bytes, sizeof root.bytes));
    put(out, "classical signature", vel_slice(w.sig.classical, w.sig.classical_size));
    put(out, "post-quantum signature", vel_slice(w.sig.pq, w.sig.pq_size));
}

/* VEL-HS-50. After a change of the construction: test_crypto_batch --write > spec/transcripts/batch.txt */
static void as_published(void **state)
{
    (void)state;
    static char want[TEXT_MAX];
    open_world(2026);
    struct vel_buf text = {.env = &w.f.t.env, .limit = TEXT_MAX};
    FILE *file = fopen("spec/transcripts/batch.txt", "r");
    assert_non_null(file);
    size_t size = fread(want, 1, sizeof want, file);
    fclose(file);
    write_vector(&text);
    assert_int_equal(size, text.len);
    assert_memory_equal(want, text.ptr, size);
    vel_buf_free(&text);
    close_world();
}

static int write_published(void)
{
    open_world(2026);
    struct vel_buf text = {.env = &w.f.t.env, .limit = TEXT_MAX};
    write_vector(&text);
    fwrite(text.ptr, 1, text.len, stdout);
    vel_buf_free(&text);
    close_world();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_published();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_is_rfc_6962s),
        cmocka_unit_test(the_root_is_signed_as_specified),
        cmocka_unit_test(no_other_place_passes),
        cmocka_unit_test(no_other_content_passes),
        cmocka_unit_test(forms_are_apart),
        cmocka_unit_test(a_batch_has_bounds),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
