/* SPDX-License-Identifier: MIT */
#include "endpoint/table.h"

#include <stdbool.h>

#include "base/try.h"

/* Filled to three quarters at most; halved when an eighth is used. */
enum { SMALLEST = 16, FULL_OF_4 = 3, SPARSE = 8 };

static size_t home(const struct vel_table *table, uint64_t key)
{
    return (size_t)key & (table->capacity - 1);
}

static size_t after(const struct vel_table *table, size_t at)
{
    return (at + 1) & (table->capacity - 1);
}

/* Where the key is, or the free place where it would go. The table is never full. */
static size_t place(const struct vel_table *table, uint64_t key)
{
    size_t at = home(table, key);
    while (table->entries[at].value != 0 && table->entries[at].key != key)
        at = after(table, at);
    return at;
}

static vel_result resize(struct vel_table *table, size_t capacity)
{
    struct vel_table old = *table;
    struct vel_table_entry *entries = vel_alloc(table->env, capacity * sizeof *entries);
    REQUIRE(entries != NULL, VEL_ERR_NOMEM);
    table->entries = entries;
    table->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].value != 0)
            entries[place(table, old.entries[i].key)] = old.entries[i];
    vel_release(old.env, old.entries, old.capacity * sizeof *entries);
    return VEL_OK;
}

uintptr_t *vel_table_find(const struct vel_table *table, uint64_t key)
{
    if (table->count == 0)
        return NULL;
    struct vel_table_entry *entry = &table->entries[place(table, key)];
    return entry->value != 0 ? &entry->value : NULL;
}

vel_result vel_table_add(struct vel_table *table, uint64_t key, uintptr_t value)
{
    VEL_ASSERT(value != 0);
    if (table->capacity == 0)
        TRY(resize(table, SMALLEST));
    else if ((table->count + 1) * 4 > table->capacity * FULL_OF_4)
        TRY(resize(table, table->capacity * 2));
    struct vel_table_entry *entry = &table->entries[place(table, key)];
    VEL_ASSERT(entry->value == 0);
    *entry = (struct vel_table_entry){.key = key, .value = value};
    table->count++;
    return VEL_OK;
}

/* Whether the entry at `at`, whose home is `from`, may move back to `hole`: its probe sequence
 * must pass there. Distances are taken around the ring. */
static bool may_fill(const struct vel_table *table, size_t hole, size_t at, size_t from)
{
    size_t mask = table->capacity - 1;
    return ((at - from) & mask) >= ((at - hole) & mask);
}

/* Close the gap, so that probing needs no tombstones. */
static void fill_hole(struct vel_table *table, size_t hole)
{
    for (size_t at = after(table, hole); table->entries[at].value != 0; at = after(table, at)) {
        if (!may_fill(table, hole, at, home(table, table->entries[at].key)))
            continue;
        table->entries[hole] = table->entries[at];
        hole = at;
    }
    table->entries[hole] = (struct vel_table_entry){.key = 0};
}

void vel_table_remove(struct vel_table *table, uint64_t key)
{
    if (table->count == 0)
        return;
    size_t at = place(table, key);
    if (table->entries[at].value == 0)
        return;
    fill_hole(table, at);
    table->count--;
    /* When there is no memory for a smaller one, the larger one stays. */
    if (table->capacity > SMALLEST && table->count * SPARSE < table->capacity) {
        enum vel_err ignored = resize(table, table->capacity / 2);
        (void)ignored;
    }
}

void vel_table_clear(struct vel_table *table)
{
    if (table->env != NULL)
        vel_release(table->env, table->entries, table->capacity * sizeof *table->entries);
    *table = (struct vel_table){.env = table->env};
}
