/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/talk.h"

/* Slow clients of every version (velocity/http.h): heads and bodies that come in drops. */

/* An upload to a server, of one version. */
struct upload {
    struct talk talk;
    const struct version *version;
    uint64_t stream;
    uint64_t sent;
};

struct version {
    const char *name;
    void (*start)(struct upload *u);
    void (*begin)(struct upload *u);                                   /* the next request's head */
    void (*give)(struct upload *u, const uint8_t *bytes, size_t size); /* of its body */
};

/* What it answers is thrown away. */
static void hear(struct talk *t)
{
    struct vel_slice bytes;
    while ((bytes = vel_http_output(t->server, t->now)).len > 0)
        vel_http_output_taken(t->server, bytes.len, t->now);
}

static void say(struct talk *t, struct vel_slice bytes)
{
    size_t taken;
    vel_http_receive(t->server, bytes, &taken, t->now);
    hear(t);
}

/* ---- HTTP/1.1 ---- */

static void h1_start(struct upload *u)
{
    talk_start_bytes(&u->talk, VEL_HTTP_1_1);
}

static void h1_begin(struct upload *u)
{
    say(&u->talk, vel_slice_text("POST /upload HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: 10000000\r\n\r\n"));
}

static void h1_give(struct upload *u, const uint8_t *bytes, size_t size)
{
    say(&u->talk, vel_slice(bytes, size));
}

/* ---- HTTP/2 ---- */

static void h2_start(struct upload *u)
{
    talk_start_bytes(&u->talk, VEL_HTTP_2);
    say(&u->talk, vel_slice("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0", 33));
    u->stream = (uint64_t)-1;
}

static void h2_frame(struct upload *u, uint8_t type, uint8_t flags, const void *payload,
                     size_t size)
{
    uint8_t bytes[9 + 16384] = {
        (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type, flags, 0, 0, 0,
        (uint8_t)u->stream};
    assert_true(size <= 16384);
    memcpy(bytes + 9, payload, size);
    say(&u->talk, vel_slice(bytes, 9 + size));
}

static void h2_begin(struct upload *u)
{
    /* POST https "/upload" "x" */
    static const char head[] = "\x83\x87\x04\x07/upload\x01\x01x";
    u->stream += 2;
    h2_frame(u, 1, 4, head, sizeof head - 1);
}

static void h2_give(struct upload *u, const uint8_t *bytes, size_t size)
{
    h2_frame(u, 0, 0, bytes, size);
}

/* ---- HTTP/3 ---- */

static void h3_start(struct upload *u)
{
    talk_start_server(&u->talk, MIB);
    u->talk.now = 1;
    u->stream = (uint64_t)-4;
}

static void h3_say(struct upload *u, const void *bytes, size_t size)
{
    vel_http_expire(u->talk.server, u->talk.now);
    fake_write(&u->talk.pair, FAKE_CLIENT, u->stream, vel_slice(bytes, size), false);
    fake_run(&u->talk.pair, NULL, u->talk.server);
}

static void h3_begin(struct upload *u)
{
    static const char head[] = "\x01\x10\0\0\xd4\xd7\x51\x07/upload\x50\x01x";
    u->stream += 4;
    h3_say(u, head, sizeof head - 1);
}

static void h3_give(struct upload *u, const uint8_t *bytes, size_t size)
{
    uint8_t header[3] = {0, (uint8_t)(0x40 | size >> 8), (uint8_t)size};
    assert_true(size < 0x4000);
    h3_say(u, header, sizeof header);
    h3_say(u, bytes, size);
}

static const struct version versions[] = {
    {"http/1.1", h1_start, h1_begin, h1_give},
    {"h2", h2_start, h2_begin, h2_give},
    {"h3", h3_start, h3_begin, h3_give},
};

/* ---- all of them ---- */

static void start(struct upload *u, const struct version *version)
{
    *u = (struct upload){.version = version};
    version->start(u);
    version->begin(u);
    assert_int_equal(vel_http_active(u->talk.server), 1);
}

static void give(struct upload *u, size_t size)
{
    uint8_t bytes[8192];
    assert_true(size <= sizeof bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = talk_pattern(u->sent + i);
    if (size > 0)
        u->version->give(u, bytes, size);
    u->sent += size;
}

static void pass(struct upload *u, vel_time time)
{
    u->talk.now += time;
    vel_http_expire(u->talk.server, u->talk.now);
}

static bool is_running(const struct upload *u)
{
    return vel_http_active(u->talk.server) > 0;
}

static void a_body_has_to_come_at_a_minimum_rate(void **state)
{
    (void)state;
    enum { FOR_EVER = 600 };
    static const struct {
        const char *what;
        size_t bytes;
        int every;    /* seconds */
        int from, to; /* seconds in which it is cut off */
    } rows[] = {
        {"silence", 0, 1, 30, 30},
        {"a byte for each time-out", 1, 29, 30, 31},
        {"a byte a second", 1, 1, 30, 31},
        {"half of the rate", VEL_HTTP_MIN_RATE / 2, 1, 58, 61},
        {"half of it, in bursts", VEL_HTTP_MIN_RATE * 10, 20, 30, 61},
        {"the rate", VEL_HTTP_MIN_RATE, 1, FOR_EVER, 0},
        {"the rate, in bursts", VEL_HTTP_MIN_RATE * 29, 29, FOR_EVER, 0},
    };
    for (size_t v = 0; v < VEL_COUNT(versions); v++)
        for (size_t i = 0; i < VEL_COUNT(rows); i++) {
            struct upload u;
            int second = 0;
            start(&u, &versions[v]);
            while (second < FOR_EVER && is_running(&u)) {
                pass(&u, SECOND);
                second++;
                if (is_running(&u) && second % rows[i].every == 0)
                    give(&u, rows[i].bytes);
            }
            bool late = rows[i].to != 0 && second > rows[i].to;
            if (second < rows[i].from || late)
                fail_msg("%s, %s: cut off after %d s", versions[v].name, rows[i].what, second);
            CHECK(rows[i].what, (rows[i].to == 0) == is_running(&u));
            CHECK(rows[i].what, u.talk.server_closed == !is_running(&u));
            talk_end(&u.talk);
        }
}

/* The deadline is told, and nothing happens before it. */
static void the_deadline_of_a_body_is_exact(void **state)
{
    (void)state;
    for (size_t v = 0; v < VEL_COUNT(versions); v++) {
        struct upload u;
        start(&u, &versions[v]);
        vel_time begun = u.talk.now;
        for (int i = 0; i < 10 && is_running(&u); i++) {
            vel_time due = vel_http_deadline(u.talk.server);
            CHECK(versions[v].name, due > u.talk.now && due <= begun + 30 * SECOND);
            pass(&u, due - 1 - u.talk.now);
            CHECK(versions[v].name, is_running(&u));
            pass(&u, 1);
        }
        CHECK(versions[v].name, !is_running(&u) && u.talk.now == begun + 30 * SECOND);
        talk_end(&u.talk);
    }
}

static struct vel_exchange *seen; /* by the server */

static void remember(void *self, struct vel_exchange *exchange)
{
    (void)self;
    seen = exchange;
}

/* A client is not to blame for what the application does not take. */
static void a_paused_body_owes_nothing(void **state)
{
    (void)state;
    struct upload u = {.version = &versions[1], .talk = {.now = 1}, .stream = (uint64_t)-1};
    test_env_init(&u.talk.env, 7);
    struct vel_http_stream_setup setup = talk_setup(&u.talk, VEL_HTTP_2, false);
    setup.events = (struct vel_http_events){.head = remember};
    ASSERT_OK(vel_http_new_on_stream(&setup, u.talk.now, &u.talk.server));
    say(&u.talk, vel_slice("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0", 33));
    h2_begin(&u);
    vel_exchange_pause(seen);
    give(&u, 1);
    pass(&u, 1000 * SECOND);
    assert_true(is_running(&u));
    vel_exchange_resume(seen);
    hear(&u.talk);
    pass(&u, 30 * SECOND - 1);
    assert_true(is_running(&u));
    pass(&u, 1);
    assert_false(is_running(&u));
    vel_http_free(u.talk.server);
    test_env_done(&u.talk.env);
}

/* Clients send bodies one after the other: as long as one moves, the others may wait. */
static void one_body_that_moves_is_enough(void **state)
{
    (void)state;
    for (size_t v = 1; v < VEL_COUNT(versions); v++) {
        struct upload u;
        start(&u, &versions[v]);
        u.version->begin(&u);
        for (int i = 0; i < 100; i++) {
            pass(&u, SECOND);
            give(&u, VEL_HTTP_MIN_RATE);
        }
        CHECK(versions[v].name, vel_http_active(u.talk.server) == 2);
        pass(&u, 30 * SECOND);
        CHECK(versions[v].name, vel_http_active(u.talk.server) == 0);
        CHECK(versions[v].name, u.talk.server_closed == 2);
        talk_end(&u.talk);
    }
}

/* A stream for each time-out does not help either. */
static void new_requests_bring_no_patience(void **state)
{
    (void)state;
    for (size_t v = 1; v < VEL_COUNT(versions); v++) {
        struct upload u;
        start(&u, &versions[v]);
        pass(&u, 29 * SECOND);
        u.version->begin(&u);
        CHECK(versions[v].name, vel_http_active(u.talk.server) == 2);
        pass(&u, SECOND);
        CHECK(versions[v].name, vel_http_active(u.talk.server) == 0);
        talk_end(&u.talk);
    }
}

/* ---- heads of HTTP/3; those of the others are in their own tests ---- */

static void a_head_of_http3_has_ten_seconds_in_all(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"", "\x01", "\x01\x10", "\x01\x10\0\0\xd4"};
    static const size_t sizes[] = {0, 1, 2, 5};
    for (size_t i = 0; i < VEL_COUNT(sizes); i++) {
        struct upload u = {.version = &versions[2]};
        h3_start(&u);
        u.stream = 0;
        h3_say(&u, beginnings[i], sizes[i]);
        for (int second = 1; second < 10; second++) {
            pass(&u, SECOND);
            h3_say(&u, "", 0);
            assert_true(is_running(&u));
            assert_true(vel_http_deadline(u.talk.server) <= 1 + 10 * SECOND);
        }
        pass(&u, SECOND);
        assert_false(is_running(&u));
        assert_false(u.talk.pair.closed);
        assert_int_equal(u.talk.server_closed, 0); /* nobody heard of it */
        assert_true(fake_find(&u.talk.pair, 0)->from[FAKE_CLIENT].stopped);
        assert_int_equal(vel_http_deadline(u.talk.server), VEL_NEVER);
        talk_end(&u.talk);
    }
}

/* A session that is told the time late counts from there. */
static void patience_begins_when_the_time_is_told(void **state)
{
    (void)state;
    struct upload u = {.version = &versions[2]};
    h3_start(&u);
    fake_write(&u.talk.pair, FAKE_CLIENT, 0, vel_slice_text("\x01"), false);
    fake_run(&u.talk.pair, NULL, u.talk.server);
    pass(&u, 1000 * SECOND);
    assert_true(is_running(&u));
    pass(&u, 10 * SECOND);
    assert_false(is_running(&u));
    talk_end(&u.talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_to_come_at_a_minimum_rate),
        cmocka_unit_test(the_deadline_of_a_body_is_exact),
        cmocka_unit_test(a_paused_body_owes_nothing),
        cmocka_unit_test(one_body_that_moves_is_enough),
        cmocka_unit_test(new_requests_bring_no_patience),
        cmocka_unit_test(a_head_of_http3_has_ten_seconds_in_all),
        cmocka_unit_test(patience_begins_when_the_time_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
