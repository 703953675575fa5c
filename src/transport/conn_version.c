/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "transport/conn_internal.h"

/*
 * Versions of one connection (RFC 9368). QUIC v1 and v2 are compatible: a server may answer a hello
 * of the one in the other, when the client offered both, and the client follows its first packet.
 * Velocity/1 has another handshake and is compatible with nothing.
 */

static bool offers(const struct vel_version_information *info, uint32_t number)
{
    for (size_t i = 0; i < info->count; i++)
        if (info->available[i] == number)
            return true;
    return false;
}

/* The client lists what its first flight is compatible with, a server all that it serves (RFC 9368
 * 3). */
void vel_conn_fill_versions(const struct vel_conn *conn, struct vel_version_information *out)
{
    const struct vel_version_list *list = &conn->config->versions;
    *out = (struct vel_version_information){.present = true, .chosen = conn->version->number};
    for (unsigned i = 0; i < list->count; i++) {
        const struct vel_version *version = vel_version_find(list->items[i]);
        if (version != NULL && (!conn->is_client || vel_version_compatible(version, conn->version)))
            out->available[out->count++] = version->number;
    }
    if (!offers(out, out->chosen))
        out->available[out->count++] = out->chosen;
}

/* The compatible version that we want most among those of the client. */
static const struct vel_version *choose(const struct vel_conn *conn,
                                        const struct vel_version_information *info)
{
    const struct vel_version_list *list = &conn->config->versions;
    for (unsigned i = 0; i < list->count; i++) {
        const struct vel_version *version = vel_version_find(list->items[i]);
        if (version != NULL && vel_version_compatible(version, conn->version) &&
            offers(info, version->number))
            return version;
    }
    return conn->version;
}

/* Initial keys of another version of this connection. */
static vel_result other_keys(struct vel_conn *conn, const struct vel_version *version,
                             struct vel_keys *read, struct vel_keys *write)
{
    return vel_keys_initial(conn->config->crypto, version, &conn->opening->initial_dcid,
                            conn->is_client, read, write);
}

/* From now on all that we send is of the new version; the client's packets of the old one are read
 * until it has followed (RFC 9369 4.1). */
static vel_result move_server(struct vel_conn *conn, const struct vel_version *version)
{
    struct vel_conn_space *initial = &conn->space[VEL_SPACE_INITIAL];
    struct vel_keys read = {0};
    struct vel_keys write = {0};
    TRY(other_keys(conn, version, &read, &write));
    conn->opening->other_version = conn->version;
    conn->opening->other_read = initial->read;
    vel_keys_clear(&initial->write);
    initial->read = read;
    initial->write = write;
    conn->version = version;
    return VEL_OK;
}

/* Known versions of the peer's list, for whoever looks for a downgrade (VEL-TR-05). */
static void note_versions(struct vel_conn *conn, const struct vel_version_information *info)
{
    struct vel_version_list *list = &conn->handshake->facts.peer_versions;
    for (size_t i = 0; i < info->count && list->count < VEL_VERSIONS_MAX; i++)
        if (vel_version_find(info->available[i]) != NULL)
            list->items[list->count++] = info->available[i];
}

vel_result vel_conn_agree_version(struct vel_conn *conn, const struct vel_version_information *info,
                                  bool *moved)
{
    *moved = false;
    bool switched = conn->opening->followed;
    REQUIRE(info->present || (conn->version->tls && !switched),
            conn->version->tls ? VEL_ERR_UNSUPPORTED : VEL_ERR_MALFORMED);
    if (!info->present)
        return VEL_OK;
    REQUIRE(info->chosen == conn->version->number,
            conn->version->tls ? VEL_ERR_UNSUPPORTED : VEL_ERR_MALFORMED);
    note_versions(conn, info);
    if (conn->is_client)
        return VEL_OK;
    const struct vel_version *wanted = choose(conn, info);
    if (wanted == conn->version)
        return VEL_OK;
    TRY(move_server(conn, wanted));
    *moved = true;
    return VEL_OK;
}

/* ---- packets ---- */

/* A client follows once, before it has read a ServerHello, to a version that it offered. */
static bool client_may_follow(const struct vel_conn *conn, const struct vel_version *version)
{
    const struct vel_opening *opening = conn->opening;
    if (!conn->is_client || opening == NULL || !vel_version_compatible(version, conn->version) ||
        vel_keys_ready(&conn->space[VEL_SPACE_HANDSHAKE].read))
        return false;
    struct vel_version_information offered;
    vel_conn_fill_versions(conn, &offered);
    return !opening->followed && offers(&offered, version->number);
}

bool vel_conn_admits_version(const struct vel_conn *conn, const struct vel_packet_header *header)
{
    const struct vel_version *version = header->version;
    if (version == NULL || version == conn->version)
        return true;
    if (header->type == VEL_PACKET_HANDSHAKE) /* held, until an Initial of that version comes */
        return client_may_follow(conn, version);
    if (header->type != VEL_PACKET_INITIAL || conn->opening == NULL)
        return false;
    return conn->is_client ? client_may_follow(conn, version)
                           : version == conn->opening->other_version &&
                                 vel_keys_ready(&conn->opening->other_read);
}

vel_result vel_conn_open_other_version(struct vel_conn *conn,
                                       const struct vel_packet_header *header, uint8_t *packet,
                                       struct vel_opened *opened)
{
    struct vel_opening *opening = conn->opening;
    const struct vel_acks *acks = &conn->first.space[VEL_SPACE_INITIAL].acks;
    uint64_t largest = acks->received.count == 0 ? VEL_NUMBER_NONE : acks->largest;
    if (!conn->is_client)
        return vel_packet_open(&opening->other_read, 0, largest, packet, header->number_offset,
                               header->size, opened);

    OWNED(vel_keys_clear) struct vel_keys read = {0};
    OWNED(vel_keys_clear) struct vel_keys write = {0};
    TRY(other_keys(conn, header->version, &read, &write));
    TRY(vel_packet_open(&read, 0, largest, packet, header->number_offset, header->size, opened));
    struct vel_conn_space *initial = &conn->space[VEL_SPACE_INITIAL];
    vel_keys_clear(&initial->read);
    vel_keys_clear(&initial->write);
    initial->read = read;
    initial->write = write;
    read = write = (struct vel_keys){0};
    opening->followed = true;
    conn->version = header->version;
    conn->handshake->facts.version = header->version->number;
    return VEL_OK;
}

void vel_conn_leave_other_version(struct vel_conn *conn, const struct vel_packet_header *header)
{
    if (conn->opening != NULL && header->version == conn->version)
        vel_keys_clear(&conn->opening->other_read);
}
