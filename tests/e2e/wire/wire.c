/* SPDX-License-Identifier: MIT */
/*
 * Two network namespaces and the wire between them, for tests of real programs on a bad network:
 *
 *     wire [delay=MS] [rate=KBIT] [queue=PACKETS] [drop=PERCENT] [corrupt=PERCENT]
 *          [hole=FROM_MS,LENGTH_MS] [port=FROM_MS,EVERY_MS,TIMES] [addr=FROM_MS,EVERY_MS,TIMES]
 *          [seed=N] [pcap=FILE]
 *
 * The client's side is 10.0.0.2 and fd00::2, the server's 10.0.0.3 and fd00::3. When both exist a
 * line says how to enter them: "ready CLIENT_NAMESPACE SERVER_NAMESPACE", two paths for
 * `nsenter --net=`. It ends at the end of its standard input, and nothing is left behind. Needs
 * root and /dev/net/tun; exit status 77 without.
 *
 * Everything holds for both directions. Losses come one to three in a row. hole: nothing passes
 * meanwhile; port, addr: a NAT gives the client's flows another port, or address as well, and what
 * the server still sends to the one before is lost; their times count from the client's first
 * packet. The capture is what passes the server's end.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire/capture.h"
#include "wire/packet.h"
#include "wire/space.h"

enum { CLIENT = 2, SERVER = 3, LANE_PACKETS = 8192, BURST_MAX = 3, NO_SUPPORT = 77 };
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

struct span {
    uint64_t from, length, times;
};

struct settings {
    uint64_t delay, rate, queue, drop, corrupt, seed;
    struct span hole, port, addr;
    const char *pcap;
};

/* One direction: a first-in first-out queue of packets on their way. */
struct lane {
    int in, out;
    bool up; /* from the client to the server */
    unsigned burst;
    uint64_t free_at; /* when the sending end has put the last packet on the wire */
    size_t head, count;
    struct packet packets[LANE_PACKETS];
};

struct wire {
    struct settings settings;
    uint64_t random;
    uint64_t began; /* 0 before the first packet */
    bool client_ports[65536];
    FILE *pcap;
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t draw(struct wire *wire)
{
    uint64_t x = wire->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool chance(struct wire *wire, uint64_t percent)
{
    return draw(wire) % 100 < percent;
}

/* How many of the span's events have happened. */
static unsigned events(const struct span *span, uint64_t since)
{
    if (span->times == 0 || since < span->from)
        return 0;
    uint64_t count = 1 + (since - span->from) / span->length;
    return (unsigned)(count < span->times ? count : span->times);
}

/* The NAT. Event n exchanges bits of port and address: the same again gives them back. */
static bool translate(struct wire *wire, const struct lane *lane, struct udp_view *view,
                      uint64_t since)
{
    unsigned ports = events(&wire->settings.port, since);
    unsigned addrs = events(&wire->settings.addr, since);
    uint8_t host = (uint8_t)(packet_host(view, lane->up) ^ addrs << 4);
    uint16_t port = (uint16_t)(packet_port(view, lane->up) ^ (ports + addrs));
    if (lane->up)
        wire->client_ports[packet_port(view, true)] = true;
    else if (host != CLIENT || !wire->client_ports[port])
        return false;
    packet_readdress(view, lane->up, host, port);
    return true;
}

static bool lost(struct wire *wire, struct lane *lane, uint64_t since)
{
    const struct span *hole = &wire->settings.hole;
    if (since >= hole->from && since - hole->from < hole->length)
        return true;
    if (wire->settings.drop == 0 || lane->burst == BURST_MAX ||
        !chance(wire, wire->settings.drop)) {
        lane->burst = 0;
        return false;
    }
    lane->burst++;
    return true;
}

/* What the network does to a packet; false: it is gone. */
static bool pass(struct wire *wire, struct lane *lane, struct packet *packet, uint64_t now)
{
    struct udp_view view;
    if (!packet_parse(packet, &view))
        return (packet->bytes[0] >> 4 == 4 && packet->bytes[9] != 17) ||
               (packet->bytes[0] >> 4 == 6 && packet->bytes[24] != 0xff);
    if (wire->began == 0)
        wire->began = now;
    uint64_t since = now - wire->began;
    if (!lane->up)
        capture_packet(wire->pcap, now, packet->bytes, packet->len);
    if (lost(wire, lane, since) || !translate(wire, lane, &view, since))
        return false;
    if (chance(wire, wire->settings.corrupt))
        packet_damage(&view, draw(wire));
    packet_finish(&view);
    return true;
}

static void enqueue(struct wire *wire, struct lane *lane, struct packet *packet, uint64_t now)
{
    const struct settings *settings = &wire->settings;
    if (lane->free_at < now)
        lane->free_at = now;
    if (settings->rate > 0) {
        uint64_t each = (uint64_t)packet->len * 8 * MS / settings->rate;
        if (lane->free_at - now > settings->queue * 1500 * 8 * MS / settings->rate)
            return; /* the queue before the bottleneck is full */
        lane->free_at += each;
    }
    packet->due = lane->free_at + settings->delay;
    lane->count++;
}

static void receive(struct wire *wire, struct lane *lane)
{
    while (lane->count < LANE_PACKETS) {
        struct packet *packet = &lane->packets[(lane->head + lane->count) % LANE_PACKETS];
        ssize_t got = read(lane->in, packet->bytes, sizeof packet->bytes);
        if (got <= 0)
            return;
        packet->len = (size_t)got;
        uint64_t now = now_ns();
        if (pass(wire, lane, packet, now))
            enqueue(wire, lane, packet, now);
    }
}

static void deliver(struct wire *wire, struct lane *lane)
{
    uint64_t now = now_ns();
    while (lane->count > 0 && lane->packets[lane->head].due <= now) {
        const struct packet *packet = &lane->packets[lane->head];
        if (lane->up)
            capture_packet(wire->pcap, now, packet->bytes, packet->len);
        if (write(lane->out, packet->bytes, packet->len) < 0 && errno == EAGAIN)
            return;
        lane->head = (lane->head + 1) % LANE_PACKETS;
        lane->count--;
    }
}

static void carry(struct wire *wire, struct lane *lanes)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO},
                           {.fd = lanes[0].in, .events = POLLIN},
                           {.fd = lanes[1].in, .events = POLLIN}};
    while ((fds[0].revents & (POLLHUP | POLLERR)) == 0) {
        uint64_t due = UINT64_MAX;
        for (size_t i = 0; i < 2; i++)
            if (lanes[i].count > 0 && lanes[i].packets[lanes[i].head].due < due)
                due = lanes[i].packets[lanes[i].head].due;
        uint64_t now = now_ns();
        uint64_t wait = due <= now ? 0 : due - now;
        struct timespec timeout = {(time_t)(wait / SECOND), (long)(wait % SECOND)};
        if (ppoll(fds, 3, due == UINT64_MAX ? NULL : &timeout, NULL) < 0 && errno != EINTR)
            return;
        for (size_t i = 0; i < 2; i++) {
            receive(wire, &lanes[i]);
            deliver(wire, &lanes[i]);
        }
    }
}

/* "a,b,c" of milliseconds and, last, a count. */
static bool read_span(const char *text, struct span *span)
{
    unsigned long long from = 0, length = 0, times = 1;
    if (sscanf(text, "%llu,%llu,%llu", &from, &length, &times) < 2 || length == 0)
        return false;
    *span = (struct span){from * MS, length * MS, times};
    return true;
}

static bool read_setting(const char *text, struct settings *settings)
{
    const struct {
        const char *name;
        uint64_t *number, scale;
        struct span *span;
    } rows[] = {
        {"delay=", &settings->delay, MS, NULL},    {"rate=", &settings->rate, 1, NULL},
        {"queue=", &settings->queue, 1, NULL},     {"drop=", &settings->drop, 1, NULL},
        {"corrupt=", &settings->corrupt, 1, NULL}, {"seed=", &settings->seed, 1, NULL},
        {"hole=", NULL, 0, &settings->hole},       {"port=", NULL, 0, &settings->port},
        {"addr=", NULL, 0, &settings->addr},
    };
    if (strncmp(text, "pcap=", 5) == 0) {
        settings->pcap = text + 5;
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].name);
        if (strncmp(text, rows[i].name, len) != 0)
            continue;
        if (rows[i].span != NULL)
            return read_span(text + len, rows[i].span);
        *rows[i].number = strtoull(text + len, NULL, 10) * rows[i].scale;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    static struct wire wire = {.settings = {.queue = 25}};
    static struct lane lanes[2];
    for (int i = 1; i < argc; i++)
        if (!read_setting(argv[i], &wire.settings)) {
            fprintf(stderr, "wire: not a setting: %s\n", argv[i]);
            return 2;
        }
    wire.random = wire.settings.seed;
    struct space client, server;
    if (space_open(CLIENT, &client) != 0 || space_open(SERVER, &server) != 0) {
        fprintf(stderr, "wire: no network namespaces with TUN devices: %s\n", strerror(errno));
        return NO_SUPPORT;
    }
    if (wire.settings.pcap != NULL && (wire.pcap = capture_open(wire.settings.pcap)) == NULL) {
        fprintf(stderr, "wire: %s: %s\n", wire.settings.pcap, strerror(errno));
        return 2;
    }
    lanes[0].in = lanes[1].out = client.tun;
    lanes[1].in = lanes[0].out = server.tun;
    lanes[0].up = true;
    printf("ready /proc/%d/fd/%d /proc/%d/fd/%d\n", (int)getpid(), client.ns, (int)getpid(),
           server.ns);
    fflush(stdout);
    carry(&wire, lanes);
    return wire.pcap != NULL && fclose(wire.pcap) != 0 ? 2 : 0;
}
