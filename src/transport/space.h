/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_SPACE_H
#define TRANSPORT_SPACE_H

/* Packet number spaces, RFC 9000 12.3. 0-RTT and 1-RTT packets share VEL_SPACE_APP. */
enum vel_space { VEL_SPACE_INITIAL, VEL_SPACE_HANDSHAKE, VEL_SPACE_APP, VEL_SPACE_COUNT };

#endif
