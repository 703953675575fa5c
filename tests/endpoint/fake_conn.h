/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ENDPOINT_FAKE_CONN_H
#define TESTS_ENDPOINT_FAKE_CONN_H

#include "transport/conn.h"

/*
 * Connections without a transport, in place of the real ones: they do what the last byte of each
 * datagram says, so that a test of the endpoint is a few lines. Linked into a test, they take the
 * place of the whole of transport/conn.c.
 */
enum fake_order {
    FAKE_NOTHING = 0,
    FAKE_JUNK = 'j',     /* a packet that does not open */
    FAKE_VALIDATE = 'v', /* the peer's address is proved */
    FAKE_CONNECT = 'c',  /* the handshake is complete: validated, one event */
    FAKE_EVENT = 'e',    /* one event */
    FAKE_DIE = 'd'       /* dead, with the event that says so */
};

struct vel_conn {
    struct vel_conn_setup setup;
    bool is_client;
    bool validated, connected, dead;
    unsigned events;   /* waiting */
    unsigned received; /* datagrams */
    unsigned opened;   /* of them not junk */
    unsigned to_send;  /* trains that wait */
    unsigned sent;
    unsigned expired;
    unsigned probes; /* each time it expires, `fires` more */
    unsigned fires;
    unsigned work; /* that waits */
    vel_time deadline;
    struct vel_close close;
};

/* Fakes alive. */
extern unsigned fake_conn_count;

#endif
