/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_DAMAGE_H
#define TESTS_SIM_DAMAGE_H

#include "sim/sim.h"

/* Change a byte of the datagram or, one time in four, cut its end off. */
void sim_damage(struct sim *sim, struct sim_datagram *datagram);

#endif
