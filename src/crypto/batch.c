/* SPDX-License-Identifier: MIT */
#include "crypto/batch.h"

#include "base/own.h"
#include "base/try.h"
#include "base/writer.h"
#include "crypto/dual_internal.h"
#include "crypto/hash.h"

/* What stands before the bytes that a leaf or a node hashes, as in RFC 6962 2.1: neither can pass for the
 * other (VEL-HS-46). */
enum { LEAF = 0, NODE = 1 };

enum { PADDING = 64, ROOT_MESSAGE_MAX = 192, LEVELS_MAX = 9 };

static const char context[] = "Velocity/1, batched server CertificateVerify";
static const char label_suffix[] = "-BATCH";

/* A tree of n leaves has n + n/2 + n/4 + ... nodes, each level rounded up. */
struct vel_batch {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    const struct vel_dual_key *key;
    const char *use;
    unsigned count, capacity;
    uint8_t path[VEL_BATCH_PATH_MAX];
    uint8_t (*salts)[VEL_BATCH_SALT];
    uint8_t (*nodes)[VEL_BATCH_NODE]; /* the leaves, then level by level to the root */
};

/* ---- the tree ---- */

/* In a level of `width` nodes, counted from the leaves: one without a sibling, the last of an odd
 * number, moves up as it is. That makes the tree of RFC 6962, whose left subtrees are full. */
static bool has_sibling(unsigned width, unsigned index)
{
    return (index ^ 1U) < width;
}

static unsigned width_above(unsigned width)
{
    return (width + 1) / 2;
}

size_t vel_batch_path_size(uint64_t count, uint64_t index)
{
    if (count < VEL_BATCH_MIN || count > VEL_BATCH_MAX || index >= count)
        return 0;
    size_t size = 0;
    unsigned at = (unsigned)index;
    for (unsigned width = (unsigned)count; width > 1; width = width_above(width), at /= 2)
        size += has_sibling(width, at) ? VEL_BATCH_NODE : 0;
    return size;
}

static vel_result hash_leaf(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                            const char *use, struct vel_slice salt, struct vel_slice message,
                            uint8_t out[VEL_BATCH_NODE])
{
    static const uint8_t mark[] = {LEAF};
    struct vel_dual_message m;
    TRY(vel_dual_message_build(crypto, key->suite->label, use, message, &m));
    const struct vel_slice parts[] = {vel_slice(mark, sizeof mark), salt,
                                      vel_slice(m.bytes, m.len)};
    return vel_digest(crypto, VEL_SHA512, parts, 3, out);
}

/* `out` may be one of the two. */
static vel_result hash_node(const struct vel_crypto *crypto, const uint8_t *left,
                            const uint8_t *right, uint8_t out[VEL_BATCH_NODE])
{
    static const uint8_t mark[] = {NODE};
    const struct vel_slice parts[] = {vel_slice(mark, sizeof mark), vel_slice(left, VEL_BATCH_NODE),
                                      vel_slice(right, VEL_BATCH_NODE)};
    return vel_digest(crypto, VEL_SHA512, parts, 3, out);
}

/* ---- the root ---- */

struct root_message {
    char label[VEL_DUAL_LABEL_MAX + 1];
    uint8_t bytes[ROOT_MESSAGE_MAX];
    size_t len;
};

/* What is signed in place of M, and the label under which. */
static void write_root(const struct vel_sig_suite *suite, unsigned count,
                       const uint8_t root[VEL_BATCH_NODE], struct root_message *out)
{
    struct vel_writer label = vel_writer(out->label, sizeof out->label);
    vel_write_bytes(&label, vel_slice_text(suite->label));
    vel_write_bytes(&label, vel_slice_text(label_suffix));
    vel_write_uint(&label, 0, 1);
    struct vel_writer w = vel_writer(out->bytes, sizeof out->bytes);
    vel_write_fill(&w, ' ', PADDING);
    vel_write_bytes(&w, vel_slice_text(context));
    vel_write_uint(&w, 0, 1);
    vel_write_uint(&w, count, 2);
    vel_write_bytes(&w, vel_slice(root, VEL_BATCH_NODE));
    VEL_ASSERT(vel_write_ok(&label) && vel_write_ok(&w));
    out->len = vel_written(&w);
}

/* ---- signing ---- */

static size_t nodes_size(unsigned capacity)
{
    return (2 * (size_t)capacity + LEVELS_MAX) * VEL_BATCH_NODE;
}

vel_result vel_batch_new(const struct vel_env *env, const struct vel_crypto *crypto,
                         const struct vel_dual_key *key, const char *use, unsigned capacity,
                         struct vel_batch **batch)
{
    REQUIRE(capacity >= VEL_BATCH_MIN && capacity <= VEL_BATCH_MAX, VEL_ERR_ARGUMENT);
    struct vel_batch *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    *made = (struct vel_batch){
        .env = env, .crypto = crypto, .key = key, .use = use, .capacity = capacity};
    made->salts = vel_alloc(env, capacity * sizeof *made->salts);
    made->nodes = vel_alloc(env, nodes_size(capacity));
    if (made->salts == NULL || made->nodes == NULL) {
        vel_batch_free(made);
        return VEL_ERR_NOMEM;
    }
    *batch = made;
    return VEL_OK;
}

void vel_batch_free(struct vel_batch *batch)
{
    if (batch == NULL)
        return;
    const struct vel_env *env = batch->env;
    vel_release(env, batch->salts, batch->capacity * sizeof *batch->salts); /* wipes */
    vel_release(env, batch->nodes, nodes_size(batch->capacity));
    vel_release(env, batch, sizeof *batch);
}

/* VEL-HS-48: the salt is drawn when the message is known, and for it alone. */
vel_result vel_batch_add(struct vel_batch *batch, struct vel_slice message)
{
    REQUIRE(batch->count < batch->capacity, VEL_ERR_LIMIT);
    uint8_t *salt = batch->salts[batch->count];
    vel_random(batch->env, salt, VEL_BATCH_SALT);
    TRY(hash_leaf(batch->crypto, batch->key, batch->use, vel_slice(salt, VEL_BATCH_SALT), message,
                  batch->nodes[batch->count]));
    batch->count++;
    return VEL_OK;
}

/* Fill the levels above the leaves; *root points at the last. */
static vel_result grow(struct vel_batch *batch, const uint8_t **root)
{
    uint8_t(*level)[VEL_BATCH_NODE] = batch->nodes;
    for (unsigned width = batch->count; width > 1; width = width_above(width)) {
        uint8_t(*above)[VEL_BATCH_NODE] = level + width;
        for (unsigned i = 0; i < width; i += 2) {
            if (has_sibling(width, i))
                TRY(hash_node(batch->crypto, level[i], level[i + 1], above[i / 2]));
            else
                memcpy(above[i / 2], level[i], VEL_BATCH_NODE);
        }
        level = above;
    }
    *root = level[0];
    return VEL_OK;
}

vel_result vel_batch_sign(struct vel_batch *batch, enum vel_sign_mode mode,
                          struct vel_dual_sig *out)
{
    REQUIRE(batch->count >= VEL_BATCH_MIN, VEL_ERR_ARGUMENT);
    const uint8_t *root;
    struct root_message message;
    TRY(grow(batch, &root));
    write_root(batch->key->suite, batch->count, root, &message);
    return vel_dual_sign_labelled(batch->crypto, batch->key, mode, message.label, batch->use,
                                  vel_slice(message.bytes, message.len), out);
}

struct vel_batch_proof vel_batch_prove(struct vel_batch *batch, unsigned index)
{
    VEL_ASSERT(index < batch->count);
    struct vel_writer w = vel_writer(batch->path, sizeof batch->path);
    uint8_t(*level)[VEL_BATCH_NODE] = batch->nodes;
    unsigned at = index;
    for (unsigned width = batch->count; width > 1; width = width_above(width), at /= 2) {
        if (has_sibling(width, at))
            vel_write_bytes(&w, vel_slice(level[at ^ 1U], VEL_BATCH_NODE));
        level += width;
    }
    VEL_ASSERT(vel_write_ok(&w));
    return (struct vel_batch_proof){.count = batch->count,
                                    .index = index,
                                    .salt = vel_slice(batch->salts[index], VEL_BATCH_SALT),
                                    .path = vel_writer_slice(&w)};
}

/* ---- verifying ---- */

/* The root to which the path leads from a leaf; `hash` is the leaf first, the root then. Place and path
 * have been found to match. */
static vel_result climb(const struct vel_crypto *crypto, const struct vel_batch_proof *proof,
                        uint8_t hash[VEL_BATCH_NODE])
{
    const uint8_t *sibling = proof->path.ptr;
    unsigned at = proof->index;
    for (unsigned width = proof->count; width > 1; width = width_above(width), at /= 2) {
        if (!has_sibling(width, at))
            continue;
        if (at % 2 == 0)
            TRY(hash_node(crypto, hash, sibling, hash));
        else
            TRY(hash_node(crypto, sibling, hash, hash));
        sibling += VEL_BATCH_NODE;
    }
    return VEL_OK;
}

/* VEL-HS-47 */
vel_result vel_batch_verify(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                            const char *use, struct vel_slice message,
                            const struct vel_batch_proof *proof, struct vel_slice classical,
                            struct vel_slice pq)
{
    size_t path = vel_batch_path_size(proof->count, proof->index);
    REQUIRE(path > 0 && proof->path.len == path && proof->salt.len == VEL_BATCH_SALT,
            VEL_ERR_MALFORMED);
    uint8_t hash[VEL_BATCH_NODE];
    struct root_message root;
    TRY(hash_leaf(crypto, key, use, proof->salt, message, hash));
    TRY(climb(crypto, proof, hash));
    write_root(key->suite, proof->count, hash, &root);
    return vel_dual_verify_labelled(crypto, key, root.label, use, vel_slice(root.bytes, root.len),
                                    classical, pq);
}
