/* SPDX-License-Identifier: MIT */
#include "transport/frame.h"

#include "base/try.h"
#include "base/units.h"
#include "transport/frame_internal.h"

static vel_result read_padding(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    for (f->padding = 1; vel_left(r) > 0 && *r->pos == VEL_FRAME_PADDING; f->padding++)
        r->pos++;
    return VEL_OK;
}

static vel_result read_nothing(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)r, (void)flags, (void)f;
    return VEL_OK;
}

/* One gap and length pair under a range that starts at `*low`; false when it leaves the numbers.
 * RFC 9000 19.3.1: largest of the next range = lowest of this one - gap - 2. */
static bool read_ack_range(struct vel_reader *r, uint64_t *low, struct vel_range *range)
{
    uint64_t gap = vel_read_varint(r);
    uint64_t length = vel_read_varint(r);
    if (!vel_read_ok(r) || *low < gap + 2 || *low - gap - 2 < length)
        return false;
    range->end = *low - gap - 1;
    range->start = range->end - 1 - length;
    *low = range->start;
    return true;
}

static vel_result read_ack(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    struct vel_frame_ack *ack = &f->ack;
    ack->largest = vel_read_varint(r);
    ack->delay = vel_read_varint(r);
    ack->range_count = vel_read_varint(r);
    ack->first_range = vel_read_varint(r);
    REQUIRE(ack->first_range <= ack->largest, VEL_ERR_MALFORMED);

    const uint8_t *ranges = r->pos;
    uint64_t low = ack->largest - ack->first_range;
    for (uint64_t i = 0; i < ack->range_count; i++) {
        struct vel_range ignored;
        REQUIRE(read_ack_range(r, &low, &ignored), VEL_ERR_MALFORMED);
    }
    ack->ranges = vel_slice(ranges, (size_t)(r->pos - ranges));

    ack->has_ecn = (flags & FLAG_ACK_ECN) != 0;
    if (ack->has_ecn) {
        ack->ecn.ect0 = vel_read_varint(r);
        ack->ecn.ect1 = vel_read_varint(r);
        ack->ecn.ce = vel_read_varint(r);
    }
    return VEL_OK;
}

static vel_result read_reset(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->reset.id = vel_read_varint(r);
    f->reset.code = vel_read_varint(r);
    f->reset.final_size = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_stop(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->stop.id = vel_read_varint(r);
    f->stop.code = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_crypto(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->crypto.offset = vel_read_varint(r);
    f->crypto.data = vel_read_bytes(r, vel_read_varint(r));
    REQUIRE(f->crypto.data.len <= VEL_VARINT_LAST - f->crypto.offset, VEL_ERR_MALFORMED);
    return VEL_OK;
}

static vel_result read_token(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->token = vel_read_bytes(r, vel_read_varint(r));
    return f->token.len > 0 ? VEL_OK : VEL_ERR_MALFORMED;
}

static inline vel_result read_data(struct vel_reader *r, unsigned flags, struct vel_frame_stream *s)
{
    s->id = vel_read_varint(r);
    s->offset = flags & FLAG_STREAM_OFF ? vel_read_varint(r) : 0;
    uint64_t size = flags & FLAG_STREAM_LEN ? vel_read_varint(r) : vel_left(r);
    s->data = vel_read_bytes(r, size);
    s->fin = (flags & FLAG_STREAM_FIN) != 0;
    REQUIRE(s->data.len <= VEL_VARINT_LAST - s->offset, VEL_ERR_MALFORMED);
    return VEL_OK;
}

static vel_result read_stream(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    return read_data(r, flags, &f->stream);
}

static vel_result read_limit(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->limit = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_stream_limit(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->stream_limit.id = vel_read_varint(r);
    f->stream_limit.limit = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_streams(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    f->streams.bidirectional = (flags & FLAG_UNIDIRECTIONAL) == 0;
    f->streams.limit = vel_read_varint(r);
    return f->streams.limit <= VEL_STREAMS_LAST ? VEL_OK : VEL_ERR_MALFORMED;
}

static vel_result read_new_cid(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    struct vel_frame_new_cid *n = &f->new_cid;
    n->sequence = vel_read_varint(r);
    n->retire_prior_to = vel_read_varint(r);
    struct vel_slice cid = vel_read_vector(r, 1);
    struct vel_slice token = vel_read_bytes(r, VEL_RESET_TOKEN);
    REQUIRE(vel_read_ok(r), VEL_ERR_MALFORMED);
    REQUIRE(cid.len >= 1 && cid.len <= VEL_CID_MAX, VEL_ERR_MALFORMED);
    REQUIRE(n->retire_prior_to <= n->sequence, VEL_ERR_MALFORMED);
    n->cid = vel_cid(cid);
    memcpy(n->reset_token, token.ptr, VEL_RESET_TOKEN);
    return VEL_OK;
}

static vel_result read_sequence(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->sequence = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_path(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    struct vel_slice data = vel_read_bytes(r, VEL_PATH_DATA);
    REQUIRE(vel_read_ok(r), VEL_ERR_MALFORMED);
    memcpy(f->path_data, data.ptr, VEL_PATH_DATA);
    return VEL_OK;
}

/* ---- multipath ---- */

static vel_result read_path_ack(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    f->path_id = vel_read_varint(r);
    return read_ack(r, flags, f);
}

static vel_result read_path_abandon(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->path_id = vel_read_varint(r);
    f->code = vel_read_varint(r);
    return VEL_OK;
}

static vel_result read_path_new_cid(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    f->path_id = vel_read_varint(r);
    return read_new_cid(r, flags, f);
}

static vel_result read_path_sequence(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    f->path_id = vel_read_varint(r);
    return read_sequence(r, flags, f);
}

static vel_result read_close(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    f->close.application = (flags & FLAG_APPLICATION) != 0;
    f->close.code = vel_read_varint(r);
    f->close.frame_type = f->close.application ? 0 : vel_read_varint(r);
    f->close.reason = vel_read_bytes(r, vel_read_varint(r));
    return VEL_OK;
}

static vel_result read_datagram(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    uint64_t size = flags & FLAG_DATAGRAM_LEN ? vel_read_varint(r) : vel_left(r);
    f->datagram = vel_read_bytes(r, size);
    return VEL_OK;
}

static vel_result read_datagram_copy(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->copy.number = vel_read_varint(r);
    f->copy.bytes = vel_read_bytes(r, vel_read_varint(r));
    return VEL_OK;
}

static vel_result read_ack_frequency(struct vel_reader *r, unsigned flags, struct vel_frame *f)
{
    (void)flags;
    f->ack_frequency.sequence = vel_read_varint(r);
    f->ack_frequency.threshold = vel_read_varint(r);
    f->ack_frequency.max_delay = vel_read_varint(r);
    f->ack_frequency.reordering = vel_read_varint(r);
    return VEL_OK;
}

/* Packet types a frame may be in; the letters of RFC 9000 table 3. */
enum {
    I = 1 << VEL_PACKET_INITIAL,
    H = 1 << VEL_PACKET_HANDSHAKE,
    Z = 1 << VEL_PACKET_ZERO_RTT,
    O = 1 << VEL_PACKET_ONE_RTT
};

#define INDEX(type) VEL_FRAME_INDEX(VEL_FRAME_##type)

struct row {
    vel_result (*read)(struct vel_reader *r, unsigned flags, struct vel_frame *f);
    uint8_t flags;           /* low bits of the type that are flags */
    uint8_t flag_allowed_in; /* where the frame may have flags; differs for CONNECTION_CLOSE */
    struct vel_frame_kind kind;
};

/* RFC 9000 12.4: allowed in, ack-eliciting, in flight, probing. RETIRE_CONNECTION_ID and
 * PATH_RESPONSE cannot be in 0-RTT, since they answer what only 1-RTT packets carry (12.5). */
/* clang-format off */
static const struct row rows[VEL_FRAME_INDEXES] = {
    [0x00] = {read_padding,      0, 0,         {"PADDING",             I | H | Z | O, false, true,  true}},
    [0x01] = {read_nothing,      0, 0,         {"PING",                I | H | Z | O, true,  true,  false}},
    [0x02] = {read_ack,          1, I | H | O, {"ACK",                 I | H | O,     false, false, false}},
    [0x04] = {read_reset,        0, 0,         {"RESET_STREAM",        Z | O,         true,  true,  false}},
    [0x05] = {read_stop,         0, 0,         {"STOP_SENDING",        Z | O,         true,  true,  false}},
    [0x06] = {read_crypto,       0, 0,         {"CRYPTO",              I | H | O,     true,  true,  false}},
    [0x07] = {read_token,        0, 0,         {"NEW_TOKEN",           O,             true,  true,  false}},
    [0x08] = {read_stream,       7, Z | O,     {"STREAM",              Z | O,         true,  true,  false}},
    [0x10] = {read_limit,        0, 0,         {"MAX_DATA",            Z | O,         true,  true,  false}},
    [0x11] = {read_stream_limit, 0, 0,         {"MAX_STREAM_DATA",     Z | O,         true,  true,  false}},
    [0x12] = {read_streams,      1, Z | O,     {"MAX_STREAMS",         Z | O,         true,  true,  false}},
    [0x14] = {read_limit,        0, 0,         {"DATA_BLOCKED",        Z | O,         true,  true,  false}},
    [0x15] = {read_stream_limit, 0, 0,         {"STREAM_DATA_BLOCKED", Z | O,         true,  true,  false}},
    [0x16] = {read_streams,      1, Z | O,     {"STREAMS_BLOCKED",     Z | O,         true,  true,  false}},
    [0x18] = {read_new_cid,      0, 0,         {"NEW_CONNECTION_ID",   Z | O,         true,  true,  true}},
    [0x19] = {read_sequence,     0, 0,         {"RETIRE_CONNECTION_ID", O,            true,  true,  false}},
    [0x1a] = {read_path,         0, 0,         {"PATH_CHALLENGE",      Z | O,         true,  true,  true}},
    [0x1b] = {read_path,         0, 0,         {"PATH_RESPONSE",       O,             true,  true,  true}},
    [0x1c] = {read_close,        1, Z | O,     {"CONNECTION_CLOSE",    I | H | Z | O, false, true,  false}},
    [0x1e] = {read_nothing,      0, 0,         {"HANDSHAKE_DONE",      O,             true,  true,  false}},
    [0x1f] = {read_nothing,      0, 0,         {"IMMEDIATE_ACK",       O,             true,  true,  false}},
    [0x30] = {read_datagram,     1, Z | O,     {"DATAGRAM",            Z | O,         true,  true,  false}},
    [0x3e] = {read_path_ack,     1, O,         {"PATH_ACK",            O,             false, false, false}},
    [INDEX(DATAGRAM_COPY)] =
        {read_datagram_copy,     0, 0,         {"DATAGRAM_COPY",       O,             true,  true,  false}},
    [INDEX(PATH_ABANDON)] =
        {read_path_abandon,      0, 0,         {"PATH_ABANDON",        O,             true,  true,  false}},
    [INDEX(PATH_STATUS_BACKUP)] =
        {read_path_sequence,     0, 0,         {"PATH_STATUS_BACKUP",  O,             true,  true,  false}},
    [INDEX(PATH_STATUS_AVAILABLE)] =
        {read_path_sequence,     0, 0,         {"PATH_STATUS_AVAILABLE", O,           true,  true,  false}},
    [INDEX(PATH_NEW_CONNECTION_ID)] =
        {read_path_new_cid,      0, 0,         {"PATH_NEW_CONNECTION_ID", O,          true,  true,  true}},
    [INDEX(PATH_RETIRE_CONNECTION_ID)] =
        {read_path_sequence,     0, 0,         {"PATH_RETIRE_CONNECTION_ID", O,       true,  true,  false}},
    [INDEX(MAX_PATH_ID)] =
        {read_limit,             0, 0,         {"MAX_PATH_ID",         O,             true,  true,  false}},
    [INDEX(PATHS_BLOCKED)] =
        {read_limit,             0, 0,         {"PATHS_BLOCKED",       O,             true,  true,  false}},
    [INDEX(PATH_CIDS_BLOCKED)] =
        {read_path_sequence,     0, 0,         {"PATH_CIDS_BLOCKED",   O,             true,  true,  false}},
    [INDEX(ACK_FREQUENCY)] =
        {read_ack_frequency,     0, 0,         {"ACK_FREQUENCY",       O,             true,  true,  false}},
};
/* clang-format on */

static bool has_row(uint64_t type)
{
    bool listed = type < 0x40 || type == VEL_FRAME_ACK_FREQUENCY ||
                  type == VEL_FRAME_DATAGRAM_COPY ||
                  (type >= VEL_FRAME_PATH_ABANDON && type <= VEL_FRAME_PATH_CIDS_BLOCKED);
    return listed && rows[VEL_FRAME_INDEX(type)].read != NULL;
}

/* Row of a wire type, which is the row's type plus flags; NULL when there is none. */
static const struct row *find_row(uint64_t wire, enum vel_frame_type *type, unsigned *flags)
{
    static const uint8_t masks[] = {0, 1, 7};
    for (size_t i = 0; i < VEL_COUNT(masks); i++) {
        uint64_t base = wire & ~(uint64_t)masks[i];
        if (!has_row(base))
            continue;
        const struct row *row = &rows[VEL_FRAME_INDEX(base)];
        *type = (enum vel_frame_type)base;
        *flags = (unsigned)(wire - base);
        return (*flags & ~(unsigned)row->flags) == 0 ? row : NULL;
    }
    return NULL;
}

const struct vel_frame_kind *vel_frame_kind(enum vel_frame_type type)
{
    return &rows[VEL_FRAME_INDEX(type)].kind;
}

vel_result vel_frame_read(struct vel_reader *r, enum vel_packet_type packet,
                          struct vel_frame *frame)
{
    struct vel_reader in = *r;
    uint64_t wire = vel_read_varint(&in);
    REQUIRE(vel_read_ok(&in), VEL_ERR_MALFORMED);
    REQUIRE((size_t)(in.pos - r->pos) == vel_varint_size(wire), VEL_ERR_UNEXPECTED);

    unsigned flags = 0;
    struct vel_frame f = {0};
    const struct row *row = find_row(wire, &f.type, &flags);
    REQUIRE(row != NULL, VEL_ERR_MALFORMED);
    unsigned allowed_in = flags != 0 ? row->flag_allowed_in : row->kind.allowed_in;
    REQUIRE(allowed_in & 1u << packet, VEL_ERR_UNEXPECTED);

    TRY(row->read(&in, flags, &f));
    REQUIRE(vel_read_ok(&in), VEL_ERR_MALFORMED);
    *r = in;
    *frame = f;
    return VEL_OK;
}

vel_result vel_frame_read_stream(struct vel_reader *r, struct vel_frame_stream *stream)
{
    struct vel_reader in = *r;
    struct vel_frame_stream s;
    unsigned flags = (unsigned)vel_read_uint(&in, 1) & ~(unsigned)VEL_FRAME_STREAM;
    TRY(read_data(&in, flags, &s));
    REQUIRE(vel_read_ok(&in), VEL_ERR_MALFORMED);
    *r = in;
    *stream = s;
    return VEL_OK;
}

struct vel_ack_walk vel_ack_walk(const struct vel_frame_ack *ack)
{
    return (struct vel_ack_walk){
        .r = vel_reader(ack->ranges),
        .left = ack->range_count,
        .range = {ack->largest - ack->first_range, ack->largest + 1},
    };
}

bool vel_ack_next(struct vel_ack_walk *walk, struct vel_range *range)
{
    if (walk->range.end == 0) /* handed out the last one */
        return false;
    *range = walk->range;
    uint64_t low = range->start;
    if (walk->left == 0 || !read_ack_range(&walk->r, &low, &walk->range))
        walk->range.end = 0;
    else
        walk->left--;
    return true;
}
