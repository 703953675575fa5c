/* SPDX-License-Identifier: MIT */
#include "transport/key_update.h"

#include "base/units.h"
#include "crypto/hash.h"
#include "testing/test.h"
#include "velocity/config.h"

/* Two ends that seal and open packets for each other; what is on the way is kept by the test. */

enum { PTO = 100, PACKET_MAX = 64, NUMBER_SIZE = 4 };

struct end {
    struct vel_keys read, write;
    struct vel_key_update update;
    struct vel_key_phase phase;
    uint64_t next; /* packet number */
    uint64_t largest;
};

struct wire_packet {
    uint8_t bytes[PACKET_MAX];
    size_t size;
    uint64_t number;
};

static struct test_env t;
static struct vel_crypto *crypto;
static struct end a, b;

static void give_secret(struct end *end, enum vel_direction direction, uint8_t which)
{
    const struct vel_suite *suite = &vel_suites[0];
    const struct vel_version *version = vel_version_find(VEL_VERSION_DRAFT);
    struct vel_secret secret = {.bytes = {which}, .len = vel_hash_size(suite->hash)};
    struct vel_keys *keys = direction == VEL_READ ? &end->read : &end->write;
    ASSERT_OK(vel_keys_from_secret(crypto, version, suite, &secret, direction, keys));
    ASSERT_OK(vel_key_update_set_secret(&end->update, version, suite, direction, &secret));
}

static int begin(void **state)
{
    (void)state;
    test_env_init(&t, 3);
    ASSERT_OK(vel_crypto_new(&t.env, &crypto));
    struct end *ends[] = {&a, &b};
    for (uint8_t i = 0; i < 2; i++) {
        *ends[i] = (struct end){.largest = VEL_NUMBER_NONE, .phase = vel_key_phase_begin(0)};
        vel_key_update_init(&ends[i]->update, crypto, &ends[i]->read, &ends[i]->write);
        give_secret(ends[i], VEL_WRITE, i);
        give_secret(ends[i], VEL_READ, 1 - i);
    }
    return 0;
}

static int finish(void **state)
{
    (void)state;
    struct end *ends[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        vel_key_update_clear(&ends[i]->update);
        vel_keys_clear(&ends[i]->read);
        vel_keys_clear(&ends[i]->write);
    }
    vel_crypto_free(crypto);
    test_env_done(&t);
    return 0;
}

static struct wire_packet seal(struct end *end)
{
    struct wire_packet p = {.number = end->next++};
    struct vel_writer w = vel_writer(p.bytes, sizeof p.bytes);
    struct vel_cid dcid = {.len = VEL_CID_OURS};
    vel_packet_write_short(&w, &dcid, vel_key_update_bit(&end->update), p.number, NUMBER_SIZE);
    size_t header = vel_written(&w);
    vel_write_fill(&w, 1, 8);
    size_t payload = vel_written(&w) - header;
    ASSERT_OK(vel_packet_seal(&end->write, 0, p.number, p.bytes, header, NUMBER_SIZE, payload));
    p.size = header + payload + VEL_AEAD_TAG;
    return p;
}

static enum vel_err open_at(struct end *end, struct wire_packet p, vel_time now)
{
    struct vel_opened opened;
    size_t number_offset = 1 + VEL_CID_OURS;
    enum vel_err err = vel_key_update_open(&end->update, &end->phase, 0, end->largest, p.bytes,
                                           number_offset, p.size, &opened);
    if (err != VEL_OK)
        return err;
    assert_int_equal(opened.number, p.number);
    if (end->largest == VEL_NUMBER_NONE || opened.number > end->largest)
        end->largest = opened.number;
    return vel_key_update_received(&end->update, &end->phase, opened.number, end->next, now, PTO);
}

/* A packet each way that acknowledges the newest one of the other side. */
static enum vel_err acknowledge(struct end *from, struct end *to, vel_time now)
{
    vel_key_update_told(&from->update, &from->phase, from->largest);
    uint64_t acked = from->largest;
    enum vel_err err = open_at(to, seal(from), now);
    return err != VEL_OK ? err : vel_key_update_acked(&to->update, &to->phase, acked, now, PTO);
}

static bool may_begin(struct end *end, vel_time now)
{
    vel_key_update_expire(&end->update, now);
    return vel_key_update_is_allowed(&end->update);
}

static void begin_update(struct end *end)
{
    ASSERT_OK(vel_key_update_begin(&end->update));
    end->phase = vel_key_phase_begin(end->next);
}

/* VEL-TR-21: begun, followed, confirmed, and again only three probe time-outs later. */
static void an_update_takes_a_round_trip(void **state)
{
    (void)state;
    ASSERT_OK(open_at(&b, seal(&a), 0));
    ASSERT_OK(acknowledge(&b, &a, 0));
    assert_true(vel_key_update_is_allowed(&a.update));
    for (unsigned generation = 1; generation <= 5; generation++) {
        vel_time now = generation * 1000;
        assert_true(may_begin(&a, now));
        begin_update(&a);
        assert_false(may_begin(&a, now));
        assert_int_equal(vel_key_update_bit(&a.update) != 0, generation % 2);
        ASSERT_OK(open_at(&b, seal(&a), now));
        assert_int_equal(b.update.count, generation);
        assert_int_equal(vel_key_update_bit(&b.update), vel_key_update_bit(&a.update));
        assert_false(may_begin(&b, now));
        ASSERT_OK(acknowledge(&b, &a, now));
        assert_false(may_begin(&a, now + 3 * PTO - 1));
        assert_true(may_begin(&a, now + 3 * PTO));
        ASSERT_OK(acknowledge(&a, &b, now));
        assert_int_equal(a.update.count, generation);
    }
}

/* VEL-TR-22: what was overtaken opens with the old keys until they are wiped. */
static void packets_across_the_update_are_reordered(void **state)
{
    (void)state;
    struct wire_packet early = seal(&a), late = seal(&a);
    begin_update(&a);
    struct wire_packet first = seal(&a), second = seal(&a);
    ASSERT_OK(open_at(&b, second, 0));
    assert_int_equal(b.update.count, 1);
    ASSERT_OK(open_at(&b, early, 1));
    assert_int_equal(b.update.opened, VEL_KEYS_LAST);
    ASSERT_OK(open_at(&b, first, 2));
    assert_int_equal(b.update.count, 1);
    assert_int_equal(vel_key_update_deadline(&b.update), 3 * PTO);
    vel_key_update_expire(&b.update, 3 * PTO - 1);
    assert_non_null(b.update.last);
    vel_key_update_expire(&b.update, 3 * PTO);
    assert_null(b.update.last);
    assert_int_equal(vel_key_update_deadline(&b.update), VEL_NEVER);
    ASSERT_ERR("old", open_at(&b, late, 400), VEL_ERR_AUTH);
}

static void rest(void)
{
    vel_key_update_rest(&a.update);
    vel_key_update_rest(&b.update);
}

/* A quiet connection's keys rest: everything opens as before, and any packet wakes all that open. */
static void keys_at_rest_wake_together(void **state)
{
    (void)state;
    rest();
    struct wire_packet early = seal(&a), forged = seal(&a);
    forged.bytes[forged.size - 1] ^= 1;
    ASSERT_ERR("forged", open_at(&b, forged, 0), VEL_ERR_AUTH);
    assert_false(b.update.asleep);
    rest();
    begin_update(&a);
    rest();
    ASSERT_OK(open_at(&b, seal(&a), 0));
    assert_false(b.update.asleep);
    assert_int_equal(b.update.opened, VEL_KEYS_THIS);
    assert_int_equal(b.update.count, 1);
    rest();
    ASSERT_OK(open_at(&b, early, 1));
    assert_int_equal(b.update.opened, VEL_KEYS_LAST);
    ASSERT_OK(open_at(&a, seal(&b), 1));
}

/* Without keys there is nothing to put to rest. */
static void no_keys_rest_as_well(void **state)
{
    (void)state;
    struct vel_keys none = {0};
    struct vel_key_update update;
    vel_key_update_init(&update, crypto, &none, &none);
    vel_key_update_rest(&update);
    vel_key_update_clear(&update);
}

/* Who begins reads old packets as long as none of the new ones came. */
static void old_keys_wait_for_the_answer(void **state)
{
    (void)state;
    struct wire_packet before = seal(&b);
    begin_update(&a);
    vel_key_update_expire(&a.update, 1000000);
    ASSERT_OK(open_at(&a, before, 1000000));
    assert_int_equal(a.update.opened, VEL_KEYS_LAST);
}

/* Both begin at once: that is one update. */
static void both_begin_at_once(void **state)
{
    (void)state;
    begin_update(&a);
    begin_update(&b);
    ASSERT_OK(open_at(&b, seal(&a), 0));
    ASSERT_OK(open_at(&a, seal(&b), 0));
    assert_int_equal(a.update.count, 1);
    assert_int_equal(b.update.count, 1);
}

/* 6.2: a second update before the first one was answered. */
static void haste_is_an_error(void **state)
{
    (void)state;
    begin_update(&a);
    ASSERT_OK(open_at(&b, seal(&a), 0));
    begin_update(&a);
    ASSERT_ERR("twice", open_at(&b, seal(&a), 0), VEL_ERR_UNEXPECTED);
    assert_int_equal(b.update.count, 1);
}

/* 6.4: a generation that begins below what the one before has sealed. */
static void keys_that_go_back_are_an_error(void **state)
{
    (void)state;
    uint64_t reused = a.next++;
    ASSERT_OK(open_at(&b, seal(&a), 0));
    begin_update(&a);
    a.next = reused;
    ASSERT_ERR("back", open_at(&b, seal(&a), 0), VEL_ERR_UNEXPECTED);
}

/* 6.2: new keys are not acknowledged under old ones. */
static void an_old_packet_cannot_confirm(void **state)
{
    (void)state;
    struct wire_packet old = seal(&b);
    (void)seal(&a);
    begin_update(&a);
    (void)seal(&a);
    ASSERT_OK(open_at(&a, old, 0));
    ASSERT_ERR("old", vel_key_update_acked(&a.update, &a.phase, a.phase.first_sent, 0, PTO),
               VEL_ERR_UNEXPECTED);
    ASSERT_OK(vel_key_update_acked(&a.update, &a.phase, a.phase.first_sent - 1, 0, PTO));
}

/* 9.5: a forged phase bit changes nothing, and is refused like any other forgery. */
static void a_forged_phase_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct wire_packet p = seal(&a);
        p.bytes[0] ^= VEL_BIT_KEY_PHASE;
        ASSERT_ERR("forged", open_at(&b, p, 0), VEL_ERR_AUTH);
    }
    assert_int_equal(b.update.count, 0);
    ASSERT_OK(open_at(&b, seal(&a), 0));
}

/* RFC 9001 6: header protection keys are not updated. */
static void the_header_mask_stays(void **state)
{
    (void)state;
    struct vel_header_mask *read = a.read.mask, *write = a.write.mask;
    begin_update(&a);
    assert_ptr_equal(read, a.read.mask);
    assert_ptr_equal(write, a.write.mask);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ENDS(an_update_takes_a_round_trip),
        WITH_ENDS(packets_across_the_update_are_reordered),
        WITH_ENDS(keys_at_rest_wake_together),
        WITH_ENDS(no_keys_rest_as_well),
        WITH_ENDS(old_keys_wait_for_the_answer),
        WITH_ENDS(both_begin_at_once),
        WITH_ENDS(haste_is_an_error),
        WITH_ENDS(keys_that_go_back_are_an_error),
        WITH_ENDS(an_old_packet_cannot_confirm),
        WITH_ENDS(a_forged_phase_changes_nothing),
        WITH_ENDS(the_header_mask_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
