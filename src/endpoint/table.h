/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_TABLE_H
#define ENDPOINT_TABLE_H

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * A hash table from 64-bit keys to values other than 0, with open addressing. Keys are keyed hashes
 * (endpoint/keyed_hash.h) and stand for what was hashed: two things that share one are as likely
 * as a guessed connection id, and cost no more than a misrouted packet, which then fails to open.
 *
 * It grows and shrinks with what it holds; the owner bounds how much that is. Start one with
 * {.env = env}; release it with vel_table_clear.
 */
struct vel_table_entry {
    uint64_t key;
    uintptr_t value; /* 0: free */
};

struct vel_table {
    const struct vel_env *env;
    struct vel_table_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* The value; NULL when there is none. Good until the next put or remove; never set it to 0. */
uintptr_t *vel_table_find(const struct vel_table *table, uint64_t key);

/* Add a key that is not there yet. VEL_ERR_NOMEM: nothing changed. */
vel_result vel_table_add(struct vel_table *table, uint64_t key, uintptr_t value);

/* Nothing happens when it is not there. */
void vel_table_remove(struct vel_table *table, uint64_t key);

void vel_table_clear(struct vel_table *table);

#endif
