/* SPDX-License-Identifier: MIT */
#include "transport/paths.h"

#include "base/units.h"
#include "testing/test.h"

static struct vel_addr addr(uint8_t ip, uint16_t port)
{
    return (struct vel_addr){.family = VEL_ADDR_MEMORY, .ip = {ip}, .port = port};
}

static struct vel_path path_to(uint8_t ip, uint16_t port)
{
    struct vel_addr local = addr(1, 443), remote = addr(ip, port);
    struct vel_path path;
    vel_path_init(&path, &local, &remote, false, 0);
    return path;
}

static void start(struct vel_paths *paths)
{
    struct vel_path first = path_to(9, 1000);
    vel_paths_init(paths, &first);
}

static void addresses_lead_to_paths(void **state)
{
    (void)state;
    struct vel_paths paths;
    start(&paths);
    struct vel_path second = path_to(9, 1001);
    struct vel_path *added = vel_paths_add(&paths, &second);
    struct vel_addr local = addr(1, 443), other = addr(2, 443), first = addr(9, 1000);
    struct vel_addr new_port = addr(9, 1001), nowhere = addr(8, 1000);
    assert_ptr_equal(vel_paths_find(&paths, &local, &first), paths.active);
    assert_ptr_equal(vel_paths_find(&paths, &local, &new_port), added);
    assert_null(vel_paths_find(&paths, &local, &nowhere));
    assert_null(vel_paths_find(&paths, &other, &first));
    paths.active->local = addr(0, 443); /* a wildcard */
    assert_ptr_equal(vel_paths_find(&paths, &other, &first), paths.active);
    assert_ptr_equal(vel_paths_by_id(&paths, added->id), added);
    assert_null(vel_paths_by_id(&paths, 77));
}

static void a_wildcard_stands_only_for_what_nobody_names(void **state)
{
    (void)state;
    struct vel_paths paths;
    start(&paths);
    paths.active->local = addr(0, 443);
    struct vel_path named = path_to(9, 1000);
    named.local = addr(2, 443);
    struct vel_path *added = vel_paths_add(&paths, &named);
    struct vel_addr other = addr(3, 443);
    assert_ptr_equal(vel_paths_find(&paths, &named.local, &named.remote), added);
    assert_ptr_equal(vel_paths_find(&paths, &other, &named.remote), paths.active);
    assert_ptr_equal(vel_paths_find_exactly(&paths, &paths.active->local, &named.remote),
                     paths.active);
    assert_null(vel_paths_find_exactly(&paths, &other, &named.remote));
}

static void the_table_is_small_and_keeps_what_matters(void **state)
{
    (void)state;
    struct vel_paths paths;
    start(&paths);
    assert_null(vel_paths_dispensable(&paths));
    uint16_t port = 2000;
    struct vel_path more = path_to(9, port);
    while (vel_paths_add(&paths, &more) != NULL)
        more = path_to(9, ++port);
    assert_int_equal(port, 2000 + VEL_PATHS_MAX - 1);

    struct vel_path *oldest = vel_paths_dispensable(&paths);
    assert_int_equal(oldest->remote.port, 2000);
    paths.target = oldest;
    assert_int_equal(vel_paths_dispensable(&paths)->remote.port, 2001);
    vel_paths_remove(&paths, oldest);
    assert_null(paths.target);
    struct vel_path *again = vel_paths_add(&paths, &more);
    assert_int_equal(again->id, VEL_PATHS_MAX + 1); /* ids are never used again */
}

static void ids_of_the_peer_may_be_shared(void **state)
{
    (void)state;
    struct vel_paths paths;
    start(&paths);
    struct vel_path second = path_to(9, 1001);
    struct vel_path *added = vel_paths_add(&paths, &second);
    assert_true(vel_paths_share_cid(&paths, added));
    added->peer_cid = 1;
    assert_false(vel_paths_share_cid(&paths, added));
}

static void the_nearest_deadline_counts(void **state)
{
    (void)state;
    struct vel_paths paths;
    start(&paths);
    assert_true(vel_paths_deadline(&paths) == VEL_NEVER);
    struct vel_path second = path_to(9, 1001);
    struct vel_path *added = vel_paths_add(&paths, &second);
    added->drop_at = 3 * SECOND;
    assert_true(vel_paths_deadline(&paths) == 3 * SECOND);
    vel_validation_start(&paths.active->validation, 10 * MS, 0);
    assert_true(vel_paths_deadline(&paths) < 3 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_lead_to_paths),
        cmocka_unit_test(a_wildcard_stands_only_for_what_nobody_names),
        cmocka_unit_test(the_table_is_small_and_keeps_what_matters),
        cmocka_unit_test(ids_of_the_peer_may_be_shared),
        cmocka_unit_test(the_nearest_deadline_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
