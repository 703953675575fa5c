/* SPDX-License-Identifier: MIT */
#include "transport/choice.h"

#include <string.h>

void vel_choices_init(struct vel_choices *choices, enum vel_scheduler scheduler)
{
    *choices = (struct vel_choices){.count = 1, .rows = {{.scheduler = scheduler}}};
}

unsigned vel_choices_find(const struct vel_choices *choices, struct vel_choice choice)
{
    for (unsigned i = 0; i < choices->count; i++)
        if (choices->rows[i].scheduler == choice.scheduler &&
            choices->rows[i].slots == choice.slots)
            return i;
    return VEL_CHOICES;
}

unsigned vel_choices_add(struct vel_choices *choices, struct vel_choice choice, unsigned free)
{
    unsigned number = choices->count;
    if (number < VEL_CHOICES)
        choices->count++;
    else if (free != 0)
        number = (unsigned)__builtin_ctz(free);
    else
        return VEL_CHOICES;
    choices->rows[number] = choice;
    choices->pick[number] = NULL;
    memset(choices->turn[number], 0, sizeof choices->turn[number]);
    return number;
}

void vel_choices_drop_slot(struct vel_choices *choices, unsigned slot)
{
    for (unsigned i = 1; i < choices->count; i++) {
        choices->rows[i].slots &= ~(1U << slot);
        choices->pick[i] = NULL;
        choices->turn[i][slot] = 0;
    }
}
