/* SPDX-License-Identifier: MIT */
#include "testing/test.h"
#include "transport/conn_internal.h"

#define VELOCITY VEL_VERSION_DRAFT
#define V1 VEL_VERSION_QUIC_V1
#define V2 VEL_VERSION_QUIC_V2

/* A connection with just what the judgement needs. */
struct world {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_config config;
    struct vel_handshake handshake;
    struct vel_opening opening;
    struct vel_conn conn;
};

static void begin(struct world *w, bool is_client, uint32_t version,
                  const struct vel_version_list *versions)
{
    *w = (struct world){0};
    test_env_init(&w->t, 1);
    ASSERT_OK(vel_crypto_new(&w->t.env, &w->crypto));
    w->config = vel_config_default(w->crypto);
    w->config.versions = *versions;
    w->opening.initial_dcid = (struct vel_cid){.len = 8};
    w->conn = (struct vel_conn){.env = &w->t.env,
                                .config = &w->config,
                                .version = vel_version_find(version),
                                .is_client = is_client,
                                .opening = &w->opening,
                                .handshake = &w->handshake};
}

static void end(struct world *w)
{
    struct vel_conn_space *initial = &w->conn.space[VEL_SPACE_INITIAL];
    vel_keys_clear(&initial->read);
    vel_keys_clear(&initial->write);
    vel_keys_clear(&w->opening.other_read);
    vel_crypto_free(w->crypto);
    test_env_done(&w->t);
}

/* VEL-TR-05 and RFC 9368 4: what the peer says must be what happened. */
static void claims_are_compared_with_the_version_in_use(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint32_t version, chosen; /* chosen 0: no version_information */
        bool is_client, followed;
        enum vel_err want;
    } rows[] = {
        {"Velocity as it was", VELOCITY, VELOCITY, true, false, VEL_OK},
        {"Velocity without", VELOCITY, 0, true, false, VEL_ERR_MALFORMED},
        {"Velocity says v1", VELOCITY, V1, true, false, VEL_ERR_MALFORMED},
        {"v1 as it was", V1, V1, true, false, VEL_OK},
        {"v1 without", V1, 0, true, false, VEL_OK},
        {"v1 says v2", V1, V2, true, false, VEL_ERR_UNSUPPORTED},
        {"v1 says Velocity", V1, VELOCITY, true, false, VEL_ERR_UNSUPPORTED},
        {"followed to v2", V2, V2, true, true, VEL_OK},
        {"followed to v2 without", V2, 0, true, true, VEL_ERR_UNSUPPORTED},
        {"followed to v2 says v1", V2, V1, true, true, VEL_ERR_UNSUPPORTED},
        {"server: v1 without", V1, 0, false, false, VEL_OK},
        {"server: v1 says v2", V1, V2, false, false, VEL_ERR_UNSUPPORTED},
        {"server: Velocity says v1", VELOCITY, V1, false, false, VEL_ERR_MALFORMED},
    };
    const struct vel_version_list all = {{VELOCITY, V1, V2}, 3};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct world w;
        begin(&w, rows[i].is_client, rows[i].version, &all);
        w.opening.followed = rows[i].followed;
        const struct vel_version_information info = {.present = rows[i].chosen != 0,
                                                     .chosen = rows[i].chosen,
                                                     .available = {rows[i].chosen},
                                                     .count = 1};
        bool moved = true;
        ASSERT_ERR(rows[i].what, vel_conn_agree_version(&w.conn, &info, &moved), rows[i].want);
        CHECK(rows[i].what, !moved && w.conn.version == vel_version_find(rows[i].version));
        end(&w);
    }
}

/* RFC 9368 2.3: the server's wish among what is compatible; never between Velocity/1 and QUIC. */
static void server_moves_to_what_it_wants_most(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint32_t version;
        struct vel_version_list served, offered;
        uint32_t want;
    } rows[] = {
        {"wants v2", V1, {{VELOCITY, V2, V1}, 3}, {{V1, V2}, 2}, V2},
        {"wants v1", V2, {{V1, V2}, 2}, {{V2, V1}, 2}, V1},
        {"v2 is not offered", V1, {{V2, V1}, 2}, {{V1}, 1}, V1},
        {"v2 is not served", V1, {{VELOCITY, V1}, 2}, {{V1, V2}, 2}, V1},
        {"a client that lists Velocity", V1, {{VELOCITY, V1}, 2}, {{V1, VELOCITY}, 2}, V1},
        {"a Velocity client that lists v1",
         VELOCITY,
         {{V1, VELOCITY}, 2},
         {{VELOCITY, V1}, 2},
         VELOCITY},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct world w;
        begin(&w, false, rows[i].version, &rows[i].served);
        struct vel_version_information info = {.present = true, .chosen = rows[i].version};
        for (; info.count < rows[i].offered.count; info.count++)
            info.available[info.count] = rows[i].offered.items[info.count];
        bool moved = false;
        ASSERT_OK(vel_conn_agree_version(&w.conn, &info, &moved));
        CHECK(rows[i].what, w.conn.version->number == rows[i].want);
        CHECK(rows[i].what, moved == (rows[i].want != rows[i].version));
        CHECK(rows[i].what, w.handshake.facts.peer_versions.count == info.count);
        end(&w);
    }
}

/* A client lists what its hello is good for; a server everything (RFC 9368 3). */
static void what_each_end_lists(void **state)
{
    (void)state;
    const struct vel_version_list all = {{VELOCITY, V2, V1}, 3};
    const struct {
        const char *what;
        bool is_client;
        uint32_t version;
        struct vel_version_list want;
    } rows[] = {
        {"client, Velocity", true, VELOCITY, {{VELOCITY}, 1}},
        {"client, v1", true, V1, {{V2, V1}, 2}},
        {"server, v1", false, V1, {{VELOCITY, V2, V1}, 3}},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct world w;
        struct vel_version_information info;
        begin(&w, rows[i].is_client, rows[i].version, &all);
        vel_conn_fill_versions(&w.conn, &info);
        CHECK(rows[i].what, info.present && info.chosen == rows[i].version);
        CHECK(rows[i].what, info.count == rows[i].want.count);
        for (size_t k = 0; k < info.count; k++)
            CHECK(rows[i].what, info.available[k] == rows[i].want.items[k]);
        end(&w);
    }
}

/* VEL-TR-06 */
static void other_versions_are_dropped(void **state)
{
    (void)state;
    const struct vel_version_list quic = {{V1, V2}, 2};
    const struct vel_version_list v1_only = {{V1}, 1};
    const struct {
        const char *what;
        bool is_client;
        uint32_t version, seen;
        enum vel_packet_type type;
        const struct vel_version_list *versions;
        bool followed, want;
    } rows[] = {
        {"same", true, V1, V1, VEL_PACKET_INITIAL, &quic, false, true},
        {"offered", true, V1, V2, VEL_PACKET_INITIAL, &quic, false, true},
        {"early Handshake", true, V1, V2, VEL_PACKET_HANDSHAKE, &quic, false, true},
        {"Retry", true, V1, V2, VEL_PACKET_RETRY, &quic, false, false},
        {"not offered", true, V1, V2, VEL_PACKET_INITIAL, &v1_only, false, false},
        {"back again", true, V2, V1, VEL_PACKET_INITIAL, &quic, true, false},
        {"Velocity", true, V1, VELOCITY, VEL_PACKET_INITIAL, &quic, false, false},
        {"from Velocity", true, VELOCITY, V1, VEL_PACKET_INITIAL, &quic, false, false},
        {"at a server that stayed", false, V1, V2, VEL_PACKET_INITIAL, &quic, false, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct world w;
        begin(&w, rows[i].is_client, rows[i].version, rows[i].versions);
        w.opening.followed = rows[i].followed;
        const struct vel_packet_header header = {.type = rows[i].type,
                                                 .version = vel_version_find(rows[i].seen)};
        CHECK(rows[i].what, vel_conn_admits_version(&w.conn, &header) == rows[i].want);
        w.conn.opening = NULL;
        CHECK(rows[i].what,
              vel_conn_admits_version(&w.conn, &header) == (rows[i].seen == rows[i].version));
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_compared_with_the_version_in_use),
        cmocka_unit_test(server_moves_to_what_it_wants_most),
        cmocka_unit_test(what_each_end_lists),
        cmocka_unit_test(other_versions_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
