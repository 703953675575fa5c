/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_LIST_H
#define ENDPOINT_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A doubly linked ring through its members: a member embeds one node for each list it can be on,
 * so being listed never allocates. A node that is on no list points at itself.
 */
struct vel_list {
    struct vel_list *next, *prev;
};

/* The struct that embeds `node` as its member `field`. */
#define VEL_LIST_OWNER(node, type, field) ((type *)(void *)((char *)(node) - offsetof(type, field)))

static inline void vel_list_init(struct vel_list *node)
{
    node->next = node->prev = node;
}

/* Also whether a node is on no list. */
static inline bool vel_list_is_empty(const struct vel_list *list)
{
    return list->next == list;
}

static inline void vel_list_remove(struct vel_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    vel_list_init(node);
}

/* Move a node to the end, from wherever it was. */
static inline void vel_list_append(struct vel_list *list, struct vel_list *node)
{
    vel_list_remove(node);
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Append unless it is listed already. */
static inline void vel_list_enqueue(struct vel_list *list, struct vel_list *node)
{
    if (vel_list_is_empty(node))
        vel_list_append(list, node);
}

#endif
