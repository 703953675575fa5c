/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CHOICE_H
#define TRANSPORT_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/multipath.h"
#include "velocity/config.h"

/*
 * Which tracks carry a stream or a datagram, and who among them: what the application chose with
 * struct vel_path_choice. Choices are numbered, so that streams and datagrams name theirs with a byte
 * and what waits is queued by it. Number 0 is what nobody chose: the config's scheduler, on any track.
 *
 * A set of choices is the sum of 1 << number. The table exists only in a connection that has chosen.
 */
enum { VEL_CHOICES = VEL_PATH_CHOICES_MAX + 1 };

/* Beside the choices in a set: control frames, which any track may carry, and one does. */
enum { VEL_CHOICE_CONTROL = 1 << VEL_CHOICES };

/* The set of a connection in which nothing was chosen. */
enum { VEL_CHOICE_ALL = 2 * VEL_CHOICE_CONTROL - 1 };

struct vel_choice {
    enum vel_scheduler scheduler;
    unsigned slots; /* set of 1 << slot of its tracks; 0: any */
};

struct vel_track;

struct vel_choices {
    unsigned count; /* numbers below it have a row */
    struct vel_choice rows[VEL_CHOICES];
    struct vel_track *pick[VEL_CHOICES]; /* whose turn it is; [0] is in struct vel_conn */
    uint64_t datagrams[VEL_CHOICES];     /* bytes of them that were sent, by choice */
    uint64_t counted[VEL_CHOICES];       /* bytes of streams and datagrams that are in `turn` */
    uint64_t turn[VEL_CHOICES][VEL_TRACKS_MAX]; /* as in struct vel_track, which has that of [0] */
};

/* With number 0 alone. */
void vel_choices_init(struct vel_choices *choices, enum vel_scheduler scheduler);

/* The number of this choice, if it has one; VEL_CHOICES: it has none. */
unsigned vel_choices_find(const struct vel_choices *choices, struct vel_choice choice);

/* Give a choice a number of its own: a new one, or one of `free`, a set of those that nobody names any
 * more. VEL_CHOICES: there is none left. */
unsigned vel_choices_add(struct vel_choices *choices, struct vel_choice choice, unsigned free);

/* The track of a slot is gone. Who chose it alone has chosen nothing. */
void vel_choices_drop_slot(struct vel_choices *choices, unsigned slot);

/* It may use any, or this one by name. */
static inline bool vel_choice_names(const struct vel_choice *choice, unsigned slot)
{
    return (choice->slots >> slot & 1) != 0;
}

#endif
