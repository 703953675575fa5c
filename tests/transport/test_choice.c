/* SPDX-License-Identifier: MIT */
#include "transport/choice.h"

#include "base/units.h"
#include "transport/streams_pair.h"

/* VEL-TR-56: choices are numbered, and numbers are given again. */
static void choices_have_numbers(void **state)
{
    (void)state;
    struct vel_choices choices;
    vel_choices_init(&choices, VEL_SCHEDULE_BEST_PATH);
    struct vel_choice plain = {.scheduler = VEL_SCHEDULE_BEST_PATH};
    assert_int_equal(vel_choices_find(&choices, plain), 0);
    for (unsigned i = 1; i < VEL_CHOICES; i++) {
        struct vel_choice choice = {.slots = i};
        assert_int_equal(vel_choices_find(&choices, choice), VEL_CHOICES);
        assert_int_equal(vel_choices_add(&choices, choice, 0), i);
        assert_int_equal(vel_choices_find(&choices, choice), i);
    }
    struct vel_choice another = {.scheduler = VEL_SCHEDULE_REDUNDANT, .slots = 3};
    assert_int_equal(vel_choices_add(&choices, another, 0), VEL_CHOICES);
    assert_int_equal(vel_choices_add(&choices, another, 1 << 4 | 1 << 6), 4);
    assert_int_equal(vel_choices_find(&choices, (struct vel_choice){.slots = 4}), VEL_CHOICES);

    /* A slot that is gone is named no more; a choice that named no other names none. */
    assert_true(vel_choice_names(&choices.rows[4], 1));
    vel_choices_drop_slot(&choices, 1);
    assert_false(vel_choice_names(&choices.rows[4], 1));
    assert_true(vel_choice_names(&choices.rows[4], 0));
    assert_int_equal(choices.rows[2].slots, 0);
}

enum { STREAMS = 4, PIECE = 3000, SLICE = 100 };

static void write_streams(struct pair *pair, uint64_t ids[STREAMS])
{
    static const uint8_t bytes[PIECE];
    struct vel_streams *streams = pair->side[PAIR_CLIENT].streams;
    for (unsigned i = 0; i < STREAMS; i++) {
        size_t accepted;
        ASSERT_OK(vel_streams_open(streams, false, &ids[i]));
        ASSERT_OK(vel_streams_choose(streams, ids[i], i == 1 ? 2 : 0));
        ASSERT_OK(vel_streams_write(streams, ids[i], vel_slice(bytes, PIECE), false, &accepted));
        assert_int_equal(accepted, PIECE);
    }
}

/* Where all may leave, who chose has the same turns as who did not. */
static void they_take_turns_as_if_they_had_not_chosen(void **state)
{
    (void)state;
    struct pair pair;
    pair_begin(&pair);
    uint64_t ids[STREAMS];
    ASSERT_OK(vel_streams_have_choices(pair.side[PAIR_CLIENT].streams));
    write_streams(&pair, ids);
    for (unsigned i = 0; i < 3 * STREAMS; i++) {
        struct pair_packet packet;
        struct vel_frame frame;
        ASSERT_OK(pair_write(&pair, PAIR_CLIENT, SLICE, &packet));
        assert_true(pair_find_frame(&packet, VEL_FRAME_STREAM, &frame) &&
                    frame.stream.data.len > 0);
        assert_int_equal(frame.stream.id, ids[i % STREAMS]);
        ASSERT_OK(pair_acked(&pair, &packet));
    }
    pair_free(&pair);
}

/* What belongs to another track is not even asked for, and is counted by itself. */
static void they_wait_apart(void **state)
{
    (void)state;
    struct pair pair;
    pair_begin(&pair);
    struct vel_streams *streams = pair.side[PAIR_CLIENT].streams;
    uint64_t ids[STREAMS];
    ASSERT_OK(vel_streams_have_choices(streams));
    write_streams(&pair, ids);
    assert_int_equal(vel_streams_unsent(streams, 0), (STREAMS - 1) * PIECE);
    assert_int_equal(vel_streams_unsent(streams, 2), PIECE);
    assert_true(vel_streams_want_send(streams, 1 << 2));
    assert_false(vel_streams_want_send(streams, VEL_CHOICE_CONTROL | 1 << 1));
    assert_int_equal(vel_streams_first_choice(streams, 1 << 2 | 1 << 5), 2);
    assert_true(vel_streams_any_of(streams, 2));
    ASSERT_OK(vel_streams_choose(streams, ids[1], 5));
    assert_false(vel_streams_any_of(streams, 2) || vel_streams_want_send(streams, 1 << 2));
    assert_int_equal(vel_streams_unsent(streams, 5), PIECE);
    ASSERT_OK(vel_streams_reset(streams, ids[1], 0));
    assert_int_equal(vel_streams_unsent(streams, 5), 0);
    assert_int_equal(vel_streams_choose(streams, 4000, 0), VEL_ERR_NOT_FOUND);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_have_numbers),
        cmocka_unit_test(they_take_turns_as_if_they_had_not_chosen),
        cmocka_unit_test(they_wait_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
