/* SPDX-License-Identifier: MIT */
#include "endpoint/fixture.h"
#include "endpoint/limits.h"

/* First flights from a million addresses that are not theirs: what the endpoint keeps stays within
 * its bounds, and who proves an address gets in all the while (VEL-TR-08). */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#elif defined(__has_feature)
#define SLOW (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SLOW 0
#endif

enum { FORGED = SLOW ? 50000 : 1000000, MAX_CONNECTIONS = 600, MAX_HALF_OPEN = 64, EVERY = 5000 };

static struct first_packet forged(struct endpoint_fixture *f)
{
    uint32_t ip;
    struct first_packet packet = {.dcid = {.len = 8}};
    vel_random(&f->t.env, &ip, sizeof ip);
    vel_random(&f->t.env, packet.dcid.bytes, packet.dcid.len);
    packet.from = ip % 2 == 0 ? fixture_ip4(ip, (uint16_t)ip) : fixture_ip6((uint64_t)ip << 16, 1);
    return packet;
}

/* One that answers a Retry. True: it got in. */
static bool good_client(struct endpoint_fixture *f, vel_time now)
{
    struct first_packet packet = forged(f);
    struct vel_packet_header header;
    uint8_t token[128];
    while (fixture_send(f, now))
        continue;
    fixture_first(f, &packet, now);
    if (!fixture_send(f, now) ||
        vel_packet_parse(vel_slice(f->out.bytes, f->out.len), &header) != VEL_OK)
        return false;
    memcpy(token, header.token.ptr, header.token.len);
    packet.token = vel_slice(token, header.token.len);
    packet.dcid = vel_cid(header.scid);
    packet.order = FAKE_CONNECT;
    fixture_first(f, &packet, now);
    struct vel_conn *conn = vel_endpoint_next(f->endpoint);
    if (conn != NULL)
        conn->events = 0;
    return conn != NULL;
}

static void memory_stays_bounded(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, MAX_CONNECTIONS, MAX_HALF_OPEN);
    size_t before = f.t.outstanding;
    unsigned let_in = 0;
    for (unsigned i = 0; i < FORGED; i++) {
        vel_time now = (vel_time)i * US;
        struct first_packet packet = forged(&f);
        fixture_first(&f, &packet, now);
        if (i % 7 == 0)
            fixture_send(&f, now);
        if (i % EVERY == EVERY - 1)
            let_in += good_client(&f, now);
    }
    struct vel_endpoint_stats stats = fixture_stats(&f);
    assert_int_equal(let_in, FORGED / EVERY);
    assert_int_equal(stats.half_open, MAX_HALF_OPEN);
    assert_int_equal(stats.connections, MAX_HALF_OPEN + let_in);

    /* A fake connection and its peer, their routes in a table that is a quarter full, a timer. */
    size_t each = sizeof(struct vel_conn) + 1024;
    assert_true(f.t.outstanding - before < stats.connections * each + 16384);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
