/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_BATCH_H
#define CRYPTO_BATCH_H

#include "crypto/sign.h"

/*
 * One dual signature for many messages (spec/velocity-1.md, "Batch signing"): a Merkle tree in the shape
 * of RFC 6962 with SHA-512, whose leaves are salted hashes of what each message alone would have signed,
 * and whose root is signed under a label of its own. Each message goes out with the one signature
 * and the proof that it is a leaf. What a proof shows of the others: how many they are, and hashes that
 * their salts keep from being guessed.
 */
enum {
    VEL_BATCH_MIN = 2,
    VEL_BATCH_MAX = 256,
    VEL_BATCH_SALT = 32,
    VEL_BATCH_NODE = 64, /* bytes of a hash in the tree */
    VEL_BATCH_PATH_MAX = 8 * VEL_BATCH_NODE
};

/* A message's place in a batch. */
struct vel_batch_proof {
    unsigned count;        /* messages in the batch */
    unsigned index;        /* this one, from 0 */
    struct vel_slice salt; /* VEL_BATCH_SALT bytes */
    struct vel_slice path; /* from the leaf's sibling up */
};

/* Bytes of the path that leads from this leaf to the root; 0: there is no such place. */
size_t vel_batch_path_size(uint64_t count, uint64_t index);

/*
 * The signer's side: make one, add messages, sign, then give each its proof. The salt of a message is
 * drawn when it is added, from env, so that nobody who asks for a signature knows it beforehand.
 */
struct vel_batch;

/* `capacity`: messages that will be added at most, up to VEL_BATCH_MAX. `key` and `use` are those of all
 * of them, and outlive the batch. VEL_ERR_ARGUMENT: capacity is out of bounds; VEL_ERR_NOMEM. */
vel_result vel_batch_new(const struct vel_env *env, const struct vel_crypto *crypto,
                         const struct vel_dual_key *key, const char *use, unsigned capacity,
                         struct vel_batch **batch);
/* Salts are wiped. NULL is allowed. */
void vel_batch_free(struct vel_batch *batch);

/* Its index is the number of those added before. VEL_ERR_LIMIT: the batch is full; VEL_ERR_CRYPTO. */
vel_result vel_batch_add(struct vel_batch *batch, struct vel_slice message);

/* VEL_ERR_ARGUMENT: fewer than VEL_BATCH_MIN messages; VEL_ERR_CRYPTO. */
vel_result vel_batch_sign(struct vel_batch *batch, enum vel_sign_mode mode,
                          struct vel_dual_sig *out);

/* Only once it is signed. Its slices hold until the next call with this batch. */
struct vel_batch_proof vel_batch_prove(struct vel_batch *batch, unsigned index);

/* The verifier's side, with the key and use that the message should have been signed with.
 * VEL_ERR_MALFORMED  no tree has such a place, or path or salt are of another size
 * VEL_ERR_AUTH       a half of the signature does not verify */
vel_result vel_batch_verify(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                            const char *use, struct vel_slice message,
                            const struct vel_batch_proof *proof, struct vel_slice classical,
                            struct vel_slice pq);

#endif
