/* SPDX-License-Identifier: MIT */
#include "transport/params.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"

enum param_kind {
    KIND_INTEGER,
    KIND_FLAG,
    KIND_CID,
    KIND_TOKEN, /* the stateless reset token */
    KIND_PREFERRED,
    KIND_VERSIONS
};

/* One row per parameter: id, form, place in struct vel_params, and for integers the allowed
 * range and what an absent one means. RFC 9000 18.2. */
struct row {
    uint64_t id;
    enum param_kind kind;
    bool server_only;
    size_t offset;
    uint64_t low, high, fallback;
};

#define FIELD(name) offsetof(struct vel_params, name)
#define ANY 0, VEL_PARAM_INTEGER_MAX
#define VEL_PARAM_INTEGER_MAX ((UINT64_C(1) << 62) - 1)
#define STREAMS_MAX (UINT64_C(1) << 60)

/* clang-format off */
static const struct row rows[] = {
    {0x00, KIND_CID,       true,  FIELD(original_destination_connection_id), 0, 0, 0},
    {0x01, KIND_INTEGER,   false, FIELD(max_idle_timeout), ANY, 0},
    {0x02, KIND_TOKEN,     true,  FIELD(stateless_reset_token), 0, 0, 0},
    {0x03, KIND_INTEGER,   false, FIELD(max_udp_payload_size), 1200, VEL_PARAM_INTEGER_MAX, 65527},
    {0x04, KIND_INTEGER,   false, FIELD(initial_max_data), ANY, 0},
    {0x05, KIND_INTEGER,   false, FIELD(initial_max_stream_data_bidi_local), ANY, 0},
    {0x06, KIND_INTEGER,   false, FIELD(initial_max_stream_data_bidi_remote), ANY, 0},
    {0x07, KIND_INTEGER,   false, FIELD(initial_max_stream_data_uni), ANY, 0},
    {0x08, KIND_INTEGER,   false, FIELD(initial_max_streams_bidi), 0, STREAMS_MAX, 0},
    {0x09, KIND_INTEGER,   false, FIELD(initial_max_streams_uni), 0, STREAMS_MAX, 0},
    {0x0a, KIND_INTEGER,   false, FIELD(ack_delay_exponent), 0, 20, 3},
    {0x0b, KIND_INTEGER,   false, FIELD(max_ack_delay), 0, (1 << 14) - 1, 25},
    {0x0c, KIND_FLAG,      false, FIELD(disable_active_migration), 0, 0, 0},
    {0x0d, KIND_PREFERRED, true,  FIELD(preferred_address), 0, 0, 0},
    {0x0e, KIND_INTEGER,   false, FIELD(active_connection_id_limit), 2, VEL_PARAM_INTEGER_MAX, 2},
    {0x0f, KIND_CID,       false, FIELD(initial_source_connection_id), 0, 0, 0},
    {0x10, KIND_CID,       true,  FIELD(retry_source_connection_id), 0, 0, 0},
    {0x11, KIND_VERSIONS,  false, FIELD(version_information), 0, 0, 0}, /* RFC 9368 */
    {0x20, KIND_INTEGER,   false, FIELD(max_datagram_frame_size), ANY, 0}, /* RFC 9221 */
    {0x3e, KIND_INTEGER,   false, FIELD(initial_max_path_id), 0, UINT32_MAX, VEL_PARAM_ABSENT},
    {0x56553130, KIND_FLAG, false, FIELD(datagram_copies), 0, 0, 0}, /* VEL-TR-57 */
    {0xff04de1b, KIND_INTEGER, false, FIELD(min_ack_delay), ANY, VEL_PARAM_ABSENT},
};
/* clang-format on */

static void *field(struct vel_params *params, const struct row *row)
{
    return (uint8_t *)params + row->offset;
}

static const void *const_field(const struct vel_params *params, const struct row *row)
{
    return (const uint8_t *)params + row->offset;
}

struct vel_params vel_params_default(void)
{
    struct vel_params params = {0};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        if (rows[i].kind == KIND_INTEGER)
            *(uint64_t *)field(&params, &rows[i]) = rows[i].fallback;
    }
    return params;
}

/* ---- encoding ---- */

static void write_integer(struct vel_writer *w, uint64_t id, uint64_t value)
{
    vel_write_varint(w, id);
    vel_write_varint(w, vel_varint_size(value));
    vel_write_varint(w, value);
}

static void write_bytes(struct vel_writer *w, uint64_t id, struct vel_slice bytes)
{
    vel_write_varint(w, id);
    vel_write_varint(w, bytes.len);
    vel_write_bytes(w, bytes);
}

/* RFC 9000 18.2 figure 22; an address that is not offered is all zero. */
static void write_preferred(struct vel_writer *w, uint64_t id,
                            const struct vel_preferred_address *p)
{
    enum { IP4_SIZE = 4, IP6_SIZE = 16, PORT_SIZE = 2 };
    size_t size = IP4_SIZE + PORT_SIZE + IP6_SIZE + PORT_SIZE + 1 + p->cid.len + VEL_RESET_TOKEN;
    vel_write_varint(w, id);
    vel_write_varint(w, size);
    vel_write_bytes(w, vel_slice(p->ip4.ip, IP4_SIZE));
    vel_write_uint(w, p->ip4.port, PORT_SIZE);
    vel_write_bytes(w, vel_slice(p->ip6.ip, IP6_SIZE));
    vel_write_uint(w, p->ip6.port, PORT_SIZE);
    vel_write_uint(w, p->cid.len, 1);
    vel_write_bytes(w, vel_cid_slice(&p->cid));
    vel_write_bytes(w, vel_slice(p->reset_token, VEL_RESET_TOKEN));
}

static void write_versions(struct vel_writer *w, uint64_t id,
                           const struct vel_version_information *v)
{
    vel_write_varint(w, id);
    vel_write_varint(w, sizeof v->chosen * (1 + v->count));
    vel_write_uint(w, v->chosen, sizeof v->chosen);
    for (size_t i = 0; i < v->count; i++)
        vel_write_uint(w, v->available[i], sizeof v->available[i]);
}

static void write_row(struct vel_writer *w, const struct vel_params *params, const struct row *row)
{
    const void *value = const_field(params, row);
    const struct vel_param_cid *cid = value;
    switch (row->kind) {
    case KIND_INTEGER:
        if (*(const uint64_t *)value != row->fallback)
            write_integer(w, row->id, *(const uint64_t *)value);
        return;
    case KIND_FLAG:
        if (*(const bool *)value)
            write_bytes(w, row->id, (struct vel_slice){0});
        return;
    case KIND_CID:
        if (cid->present)
            write_bytes(w, row->id, vel_cid_slice(&cid->cid));
        return;
    case KIND_TOKEN:
        if (params->has_stateless_reset_token)
            write_bytes(w, row->id, vel_slice(value, VEL_RESET_TOKEN));
        return;
    case KIND_PREFERRED:
        if (params->preferred_address.present)
            write_preferred(w, row->id, value);
        return;
    case KIND_VERSIONS:
        if (params->version_information.present)
            write_versions(w, row->id, value);
        return;
    }
}

/* A parameter that means nothing, so that peers keep ignoring what they do not know (18.1). */
static void write_reserved(struct vel_writer *w, const struct vel_env *env)
{
    uint8_t random[2 + 8];
    vel_random(env, random, sizeof random);
    uint64_t id = 31 * (UINT64_C(1) + random[0]) + 27;
    write_bytes(w, id, vel_slice(random + 2, random[1] % 8));
}

void vel_params_encode(const struct vel_params *params, bool from_client, const struct vel_env *env,
                       struct vel_writer *w)
{
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        if (!from_client || !rows[i].server_only)
            write_row(w, params, &rows[i]);
    }
    write_reserved(w, env);
}

/* ---- decoding ---- */

static vel_result read_integer(struct vel_reader *r, const struct row *row, uint64_t *out)
{
    uint64_t value = vel_read_varint(r);
    REQUIRE(value >= row->low && value <= row->high, VEL_ERR_MALFORMED);
    *out = value;
    return VEL_OK;
}

static vel_result read_cid(struct vel_reader *r, struct vel_cid *cid)
{
    struct vel_slice bytes = vel_read_rest(r);
    REQUIRE(bytes.len <= VEL_CID_MAX, VEL_ERR_MALFORMED);
    *cid = vel_cid(bytes);
    return VEL_OK;
}

static vel_result read_token(struct vel_reader *r, uint8_t token[VEL_RESET_TOKEN])
{
    struct vel_slice bytes = vel_read_bytes(r, VEL_RESET_TOKEN);
    REQUIRE(vel_read_ok(r), VEL_ERR_MALFORMED);
    memcpy(token, bytes.ptr, VEL_RESET_TOKEN);
    return VEL_OK;
}

/* All zero means that there is none of this family. */
static struct vel_addr read_address(struct vel_reader *r, enum vel_addr_family family, size_t size)
{
    static const uint8_t zeroes[16];
    struct vel_slice ip = vel_read_bytes(r, size);
    uint16_t port = (uint16_t)vel_read_uint(r, 2);
    struct vel_addr address = {0};
    if (!vel_read_ok(r) || (port == 0 && memcmp(ip.ptr, zeroes, size) == 0))
        return address;
    address.family = (uint8_t)family;
    address.port = port;
    memcpy(address.ip, ip.ptr, size);
    return address;
}

static vel_result read_preferred(struct vel_reader *r, struct vel_preferred_address *p)
{
    p->ip4 = read_address(r, VEL_ADDR_IP4, 4);
    p->ip6 = read_address(r, VEL_ADDR_IP6, 16);
    struct vel_reader cid = vel_reader(vel_read_vector(r, 1));
    TRY(read_cid(&cid, &p->cid));
    TRY(read_token(r, p->reset_token));
    REQUIRE(p->cid.len > 0, VEL_ERR_MALFORMED);
    p->present = true;
    return VEL_OK;
}

/* RFC 9368 section 4: version 0 is no version, and a client's list holds its choice. */
static vel_result read_versions(struct vel_reader *r, bool from_client,
                                struct vel_version_information *v)
{
    v->chosen = (uint32_t)vel_read_uint(r, sizeof v->chosen);
    REQUIRE(v->chosen != 0, VEL_ERR_MALFORMED);
    REQUIRE(vel_left(r) / sizeof v->chosen <= VEL_PARAMS_VERSIONS, VEL_ERR_LIMIT);
    bool listed = false;
    while (vel_left(r) > 0) {
        uint32_t version = (uint32_t)vel_read_uint(r, sizeof version);
        REQUIRE(version != 0, VEL_ERR_MALFORMED);
        v->available[v->count++] = version;
        listed |= version == v->chosen;
    }
    REQUIRE(listed || !from_client, VEL_ERR_MALFORMED);
    v->present = true;
    return VEL_OK;
}

static vel_result read_row(struct vel_reader *r, bool from_client, const struct row *row,
                           struct vel_params *params)
{
    void *value = field(params, row);
    struct vel_param_cid *cid = value;
    switch (row->kind) {
    case KIND_INTEGER:
        return read_integer(r, row, value);
    case KIND_FLAG:
        *(bool *)value = true;
        return VEL_OK;
    case KIND_CID:
        cid->present = true;
        return read_cid(r, &cid->cid);
    case KIND_TOKEN:
        params->has_stateless_reset_token = true;
        return read_token(r, value);
    case KIND_PREFERRED:
        return read_preferred(r, value);
    case KIND_VERSIONS:
        return read_versions(r, from_client, value);
    }
    return VEL_ERR_UNSUPPORTED;
}

static size_t find_row(uint64_t id)
{
    size_t i = 0;
    while (i < VEL_COUNT(rows) && rows[i].id != id)
        i++;
    return i;
}

vel_result vel_params_decode(struct vel_slice bytes, bool from_client, struct vel_params *params)
{
    struct vel_params made = vel_params_default();
    struct vel_reader r = vel_reader(bytes);
    bool seen[VEL_COUNT(rows)] = {false};
    while (vel_left(&r) > 0 && vel_read_ok(&r)) {
        size_t i = find_row(vel_read_varint(&r));
        struct vel_reader value = vel_reader(vel_read_bytes(&r, vel_read_varint(&r)));
        REQUIRE(vel_read_ok(&r), VEL_ERR_MALFORMED);
        if (i == VEL_COUNT(rows))
            continue; /* unknown: 7.4.2 */
        REQUIRE(!seen[i], VEL_ERR_MALFORMED);
        REQUIRE(!from_client || !rows[i].server_only, VEL_ERR_MALFORMED);
        seen[i] = true;
        TRY(read_row(&value, from_client, &rows[i], &made));
        REQUIRE(vel_read_done(&value), VEL_ERR_MALFORMED);
    }
    uint64_t most = made.max_ack_delay * 1000;
    REQUIRE(made.min_ack_delay == VEL_PARAM_ABSENT || made.min_ack_delay <= most,
            VEL_ERR_MALFORMED);
    *params = made;
    return VEL_OK;
}
