/* SPDX-License-Identifier: MIT */
#ifndef TESTS_E2E_WIRE_SPACE_H
#define TESTS_E2E_WIRE_SPACE_H

/*
 * A network namespace with a loopback and one TUN device `net0`, whose other end is ours. The
 * namespace lives while `ns` is open: nothing is left behind, however the program ends.
 */
struct space {
    int ns;  /* enter it with setns(), or through /proc/PID/fd/N from elsewhere */
    int tun; /* raw IP packets; does not block */
};

/* The addresses are 10.0.0.HOST/24 and fd00::HOST/64. Leaves the calling thread in the new
 * namespace. -1 and errno when the system does not allow it; what is open is in *space then. */
int space_open(unsigned char host, struct space *space);

#endif
