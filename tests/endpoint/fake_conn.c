/* SPDX-License-Identifier: MIT */
#include "endpoint/fake_conn.h"

#include "base/try.h"
#include "base/units.h"

unsigned fake_conn_count;

static vel_result make(const struct vel_conn_setup *setup, bool is_client, struct vel_conn **conn)
{
    struct vel_conn *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    made->is_client = is_client;
    made->validated = is_client || setup->address_validated;
    made->deadline = VEL_NEVER;
    made->to_send = is_client;
    fake_conn_count++;
    *conn = made;
    return VEL_OK;
}

vel_result vel_conn_new_client(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn)
{
    (void)now;
    return make(setup, true, conn);
}

vel_result vel_conn_new_server(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn)
{
    (void)now;
    return make(setup, false, conn);
}

void vel_conn_free(struct vel_conn *conn)
{
    if (conn == NULL)
        return;
    fake_conn_count--;
    vel_release(conn->setup.env, conn, sizeof *conn);
}

static void receive(struct vel_conn *conn, enum fake_order order)
{
    conn->received++;
    conn->opened += order != FAKE_JUNK;
    conn->validated |= order == FAKE_VALIDATE || order == FAKE_CONNECT;
    conn->connected |= order == FAKE_CONNECT;
    conn->dead |= order == FAKE_DIE;
    conn->events += order == FAKE_CONNECT || order == FAKE_EVENT || order == FAKE_DIE;
}

void vel_conn_receive_train(struct vel_conn *conn, const struct vel_train *train, vel_time now)
{
    (void)now;
    for (size_t pos = 0; pos < train->len; pos += train->segment) {
        size_t end = pos + VEL_MIN(train->segment, train->len - pos);
        receive(conn, (enum fake_order)train->bytes[end - 1]);
    }
    conn->setup.hooks.wake(conn->setup.hooks.self, conn);
}

vel_result vel_conn_send(struct vel_conn *conn, struct vel_train *train, size_t max_train,
                         vel_time now)
{
    (void)now;
    REQUIRE(conn->to_send > 0, VEL_ERR_AGAIN);
    conn->to_send--;
    conn->sent++;
    train->local = conn->setup.local;
    train->remote = conn->setup.remote;
    train->len = train->segment = max_train < 1200 ? max_train : 1200;
    memset(train->bytes, 0, train->len);
    return VEL_OK;
}

vel_time vel_conn_deadline(const struct vel_conn *conn)
{
    return conn->deadline;
}

void vel_conn_expire_unread(struct vel_conn *conn, vel_time now, vel_time heard)
{
    (void)now, (void)heard;
    conn->expired++;
    conn->probes += conn->fires;
    conn->setup.hooks.wake(conn->setup.hooks.self, conn);
}

bool vel_conn_has_events(const struct vel_conn *conn)
{
    return conn->events > 0;
}

bool vel_conn_is_dead(const struct vel_conn *conn)
{
    return conn->dead;
}

bool vel_conn_wants_work(const struct vel_conn *conn)
{
    return conn->work > 0;
}

void vel_conn_work(struct vel_conn *conn, vel_time now)
{
    (void)now;
    if (conn->work > 0)
        conn->work--;
}

/* Fakes sign nothing. */
bool vel_conn_is_signing(const struct vel_conn *conn)
{
    (void)conn;
    return false;
}

vel_result vel_conn_to_sign(const struct vel_conn *conn, struct vel_to_sign *out)
{
    (void)conn;
    (void)out;
    return VEL_ERR_UNEXPECTED;
}

void vel_conn_take_signature(struct vel_conn *conn, enum vel_err err,
                             const struct vel_signature *signature, vel_time now)
{
    (void)conn;
    (void)err;
    (void)signature;
    (void)now;
}

unsigned vel_conn_probes(const struct vel_conn *conn)
{
    return conn->probes;
}

bool vel_conn_is_validated(const struct vel_conn *conn)
{
    return conn->validated;
}

uint32_t vel_conn_version(const struct vel_conn *conn)
{
    return conn->setup.version;
}

bool vel_conn_is_connected(const struct vel_conn *conn)
{
    return conn->connected;
}

void vel_conn_close(struct vel_conn *conn, uint64_t code, const char *reason)
{
    (void)reason;
    conn->close.code = code;
    conn->setup.hooks.wake(conn->setup.hooks.self, conn);
}

const struct vel_close *vel_conn_close_reason(const struct vel_conn *conn)
{
    return &conn->close;
}

void vel_conn_get_stats(const struct vel_conn *conn, struct vel_conn_stats *stats)
{
    *stats = (struct vel_conn_stats){.packets_received = conn->opened};
}
