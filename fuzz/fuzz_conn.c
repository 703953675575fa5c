/* SPDX-License-Identifier: MIT */
/*
 * A connection whose peer is hostile and holds the keys. The first byte chooses our side and how far
 * the connection is: at its first Initial, whose keys everybody knows, or established, with multipath
 * agreed on or not, and the scheduler and the congestion control. Then steps: packets of any path with
 * any frames, alone or in trains, from the peer's address or others, key updates, time, sending, and what
 * an application does, and answers to challenges at the peer's own address. Properties: whatever we send
 * opens with the peer's keys, goes to the id of its path and is made of frames that its packet may
 * carry; nobody gets more than three times what came from his address, who has not answered there
 * (nobody else does here); memory stays under a bound however much the peer sends; expiring at the
 * deadline moves the deadline on; the end gives everything back.
 */
#include "base/buf.h"
#include "base/units.h"
#include "pki/issue.h"
#include "testing/fuzz.h"
#include "transport/conn_internal.h"

enum {
    STRANGERS = 8,
    DATAGRAM = 1400,
    WAITING = 16, /* datagrams of a train */
    STEPS_MAX = 200,
    PATH_IDS = 256, /* more than can be used up in so many steps */
    SCHEDULERS = 5,
    MEMORY_MAX = 1024 * 1024, /* for the windows below: streams, records, reassembly, datagrams */
    TODAY = 1794787200
};

static const struct vel_addr here = {.family = VEL_ADDR_MEMORY, .port = 1};
static const struct vel_addr there = {.family = VEL_ADDR_MEMORY, .port = 2};
static const struct vel_cid our_cid = {.len = VEL_CID_OURS, .bytes = "ours----"};
static const struct vel_cid peer_cid = {.len = VEL_CID_OURS, .bytes = "theirs--"};

/* ---- memory that is counted ---- */

static size_t outstanding;

static void *count_alloc(void *self, size_t size)
{
    (void)self;
    outstanding += size;
    return calloc(1, size);
}

static void count_release(void *self, void *memory, size_t size)
{
    (void)self;
    outstanding -= memory != NULL ? size : 0;
    free(memory);
}

/* No challenge is like another: the answer to one must not prove the address of somebody else. */
static uint16_t drawn;

static void draw(void *self, uint8_t *bytes, size_t size)
{
    fuzz_random(self, bytes, size);
    drawn++;
    if (size == VEL_CHALLENGE_SIZE)
        memcpy(bytes, &drawn, sizeof drawn);
}

static const struct vel_env env = {.alloc = count_alloc, .release = count_release, .random = draw};

/* ---- made once ---- */

static struct vel_crypto *crypto;
static struct vel_config server_config, client_config;

static void make_configs(void)
{
    static const char *const names[] = {"localhost"};
    static struct vel_slice alpn;
    struct vel_buf chain = {.env = &fuzz_env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf key = {.env = &fuzz_env, .limit = VEL_KEY_PEM_MAX};
    struct vel_identity *identity = NULL;
    struct vel_trust *trust = NULL;
    struct vel_cert_order order = {
        .names = names,
        .name_count = 1,
        .classical = vel_order_classical(VEL_PROFILE_BALANCED),
        .profile = VEL_PROFILE_BALANCED,
        .not_before = TODAY - 60,
        .validity = 86400,
        .mode = VEL_SIGN_DETERMINISTIC,
    };
    FUZZ_CHECK(vel_crypto_new(&fuzz_env, &crypto) == VEL_OK);
    FUZZ_CHECK(vel_cert_issue(&fuzz_env, crypto, &order, NULL, &chain, &key) == VEL_OK);
    FUZZ_CHECK(vel_identity_parse(&fuzz_env, crypto, vel_buf_slice(&chain), vel_buf_slice(&key),
                                  &identity) == VEL_OK);
    FUZZ_CHECK(vel_trust_new(&fuzz_env, crypto, &trust) == VEL_OK);
    FUZZ_CHECK(vel_trust_add_pem(trust, vel_buf_slice(&chain)) == VEL_OK);
    vel_buf_free(&chain);
    vel_buf_free(&key);

    struct vel_config config = vel_config_default(crypto);
    alpn = vel_slice_text("test");
    config.alpn = &alpn;
    config.alpn_count = 1;
    config.unix_offset = TODAY;
    config.deterministic = true;
    config.limits.max_data = 64 * KIB;
    config.limits.max_stream_data = 32 * KIB;
    config.limits.max_streams_bidi = 4;
    config.limits.max_streams_uni = 4;
    config.limits.max_send_buffer = 16 * KIB;
    config.limits.max_datagram_frame_size = 1200;
    server_config = client_config = config;
    server_config.identity = identity;
    client_config.trust = trust;
    client_config.server_name = names[0];
}

/* ---- one run ---- */

struct run {
    struct vel_conn *conn;
    struct vel_keys read, write; /* the peer's */
    struct vel_key_update update;
    struct vel_key_phase phase[PATH_IDS];
    enum vel_packet_type type;
    uint64_t number; /* next one of the peer's packets */
    vel_time now;
    struct vel_cid dcid;                   /* that the peer sends to */
    uint8_t challenge[VEL_CHALLENGE_SIZE]; /* the last one that reached the peer's address */
    uint32_t challenge_path;
    uint64_t in[STRANGERS], out[STRANGERS]; /* bytes, by address; the first is the peer's */
    struct vel_train waiting;               /* has not arrived yet: packets join it */
    uint8_t waiting_bytes[WAITING * DATAGRAM];
};

/* The peer's address, or another port or host. */
static struct vel_addr address(unsigned which)
{
    struct vel_addr addr = there;
    addr.port = (uint16_t)(addr.port + which);
    addr.ip[0] = (uint8_t)(which / 2);
    return addr;
}

static void count_sent(struct run *run, const struct vel_train *train)
{
    for (unsigned i = 1; i < STRANGERS; i++) {
        struct vel_addr addr = address(i);
        if (vel_addr_equal(&addr, &train->remote))
            run->out[i] += train->len;
        FUZZ_CHECK(run->out[i] <= 3 * run->in[i]);
    }
}

static void on_wake(void *self, struct vel_conn *conn)
{
    (void)self, (void)conn;
}

static enum vel_err on_issue_cid(void *self, struct vel_conn *conn, struct vel_cid *cid,
                                 uint8_t reset_token[16])
{
    (void)conn;
    uint64_t *issued = self;
    *cid = our_cid;
    cid->bytes[7] = (uint8_t)++*issued;
    memset(reset_token, 7, VEL_RESET_TOKEN);
    return VEL_OK;
}

static void on_retire_cid(void *self, struct vel_conn *conn, const struct vel_cid *cid)
{
    (void)self, (void)conn, (void)cid;
}

static void begin(struct run *run, bool is_client, uint64_t *issued)
{
    struct vel_conn_setup setup = {
        .env = &env,
        .config = is_client ? &client_config : &server_config,
        .hooks = {.wake = on_wake,
                  .issue_cid = on_issue_cid,
                  .retire_cid = on_retire_cid,
                  .self = issued},
        .version = VEL_VERSION_DRAFT,
        .local = here,
        .remote = there,
        .scid = our_cid,
        .peer_cid = peer_cid,
        .original_dcid = peer_cid,
        .initial_dcid = peer_cid,
    };
    FUZZ_CHECK((is_client ? vel_conn_new_client : vel_conn_new_server)(&setup, run->now,
                                                                       &run->conn) == VEL_OK);
    run->dcid = our_cid;
    run->type = VEL_PACKET_INITIAL;
    const struct vel_cid *dcid = is_client ? &run->conn->opening->original_dcid : &peer_cid;
    FUZZ_CHECK(vel_keys_initial(crypto, run->conn->version, dcid, !is_client, &run->read,
                                &run->write) == VEL_OK);
}

static void begin_phases(struct run *run, uint32_t but)
{
    for (uint32_t path = 0; path < PATH_IDS; path++)
        if (path != but)
            run->phase[path] = vel_key_phase_begin(run->number);
}

/* Every path identifier has an id of the peer, who takes ACK_FREQUENCY. */
static void supply_paths(struct run *run)
{
    const uint8_t token[VEL_RESET_TOKEN] = {9};
    VEL_TRACKS_EACH(track, run->conn)
    {
        struct vel_cid cid = peer_cid;
        cid.bytes[0] = (uint8_t)track->id;
        if (track->id != 0)
            FUZZ_CHECK(vel_cids_on_new(&track->cids, 0, 0, &cid, token) == VEL_OK);
    }
    vel_ack_request_init(&run->conn->ack_request, MS, 25 * MS);
}

/* As after a handshake, without its cost. */
static void establish(struct run *run, bool multipath)
{
    struct vel_conn *conn = run->conn;
    struct vel_conn_space *app = &conn->space[VEL_SPACE_APP];
    const struct vel_suite *suite = &vel_suites[0];
    struct vel_secret secret = {.bytes = {1}, .len = vel_hash_size(suite->hash)};
    const struct {
        enum vel_direction direction;
        struct vel_keys *keys;
    } all[] = {{VEL_READ, &app->read},
               {VEL_WRITE, &app->write},
               {VEL_READ, &run->read},
               {VEL_WRITE, &run->write}};
    vel_keys_clear(&run->read);
    vel_keys_clear(&run->write);
    vel_key_update_init(&run->update, crypto, &run->read, &run->write);
    begin_phases(run, PATH_IDS);
    for (size_t i = 0; i < VEL_COUNT(all); i++) {
        struct vel_key_update *update = i < 2 ? &conn->key_update : &run->update;
        FUZZ_CHECK(vel_keys_from_secret(crypto, conn->version, suite, &secret, all[i].direction,
                                        all[i].keys) == VEL_OK);
        FUZZ_CHECK(vel_key_update_set_secret(update, conn->version, suite, all[i].direction,
                                             &secret) == VEL_OK);
    }
    struct vel_params params = vel_params_default();
    params.initial_max_data = 64 * KIB;
    params.initial_max_stream_data_bidi_local = 16 * KIB;
    params.initial_max_stream_data_bidi_remote = 16 * KIB;
    params.initial_max_stream_data_uni = 16 * KIB;
    params.initial_max_streams_bidi = 4;
    params.initial_max_streams_uni = 4;
    conn->datagrams.peer_max = 1000;
    vel_streams_set_peer_params(conn->streams, &params);
    conn->peer_cid_limit = 4;
    conn->peer_max_udp_payload = params.max_udp_payload_size;
    conn->peer_ack_delay_unit = 8 * US;
    conn->peer_params_known = true;
    conn->aead = suite->aead;
    vel_cids_set_peer(&conn->first.cids, &peer_cid);
    if (multipath) {
        vel_multipath_init(&conn->multipath, 4);
        vel_multipath_agree(&conn->multipath, 3);
        conn->datagrams.peer_takes_copies = true;
    }
    FUZZ_CHECK(vel_life_step(&conn->life, VEL_LIFE_CONNECTED));
    vel_conn_confirm(conn, run->now);
    if (multipath)
        supply_paths(run);
    run->type = VEL_PACKET_ONE_RTT;
}

/* An id of ours for a path, if it has one; else the one that the peer has used all along. */
static struct vel_cid id_for(const struct run *run, unsigned slot)
{
    const struct vel_track *track = run->conn->tracks[slot % VEL_TRACKS_MAX];
    bool other = track != NULL && track->id != 0 && track->cids.local[0].in_use;
    return other ? track->cids.local[0].cid : run->dcid;
}

/* The path that a packet to this id is of. */
static uint32_t path_of(const struct run *run, const struct vel_cid *dcid)
{
    const struct vel_track *track = NULL;
    if (run->conn->multipath.agreed)
        track = vel_conn_track_by_cid(run->conn, vel_cid_slice(dcid));
    return track != NULL ? track->id : vel_conn_track(run->conn)->id;
}

/* The train arrives. */
static void arrive(struct run *run)
{
    struct vel_train train = run->waiting;
    run->waiting.len = 0;
    if (train.len > 0)
        vel_conn_receive_train(run->conn, &train, run->now);
}

/* Put a datagram behind those that wait, if it is like them; `more`: another one may follow. */
static void join(struct run *run, const struct vel_addr *from, uint8_t ecn, struct vel_slice packet,
                 bool more)
{
    struct vel_train *train = &run->waiting;
    bool fits = vel_addr_equal(&train->remote, from) && train->ecn == ecn &&
                packet.len <= train->segment &&
                train->len + packet.len <= sizeof run->waiting_bytes;
    if (train->len > 0 && !fits)
        arrive(run);
    if (train->len == 0)
        *train = (struct vel_train){.local = here,
                                    .remote = *from,
                                    .bytes = run->waiting_bytes,
                                    .segment = packet.len,
                                    .ecn = ecn};
    memcpy(train->bytes + train->len, packet.ptr, packet.len);
    train->len += packet.len;
    if (!more || packet.len < train->segment)
        arrive(run);
}

static void step_receive(struct run *run, struct vel_slice frames, uint8_t ecn, unsigned from,
                         unsigned slot)
{
    struct vel_cid dcid = id_for(run, slot);
    uint32_t path = path_of(run, &dcid);
    uint8_t packet[DATAGRAM];
    struct vel_writer w = vel_writer(packet, sizeof packet - VEL_AEAD_TAG);
    if (run->type == VEL_PACKET_INITIAL)
        vel_packet_write_long(&w, run->conn->version, run->type, &dcid, &peer_cid,
                              (struct vel_slice){0}, run->number, 4);
    else
        vel_packet_write_short(&w, &dcid, vel_key_update_bit(&run->update), run->number, 4);
    size_t header = vel_written(&w);
    vel_write_bytes(&w, vel_slice(frames.ptr, VEL_MIN(frames.len, vel_room(&w))));
    size_t payload = vel_written(&w) - header;
    FUZZ_CHECK(vel_packet_seal(&run->write, path, run->number, packet, header, 4, payload) ==
               VEL_OK);
    run->number += 1 + ecn / 4;
    size_t size = header + payload + VEL_AEAD_TAG;
    struct vel_addr addr = address(from);
    run->in[from] += size;
    join(run, &addr, ecn % 4, vel_slice(packet, size), (slot & 8) != 0);
}

static void step_update(struct run *run)
{
    if (run->type != VEL_PACKET_ONE_RTT)
        return;
    FUZZ_CHECK(vel_key_update_begin(&run->update) == VEL_OK);
    begin_phases(run, PATH_IDS);
}

/* Follows our key updates, which must be in turn; begins some itself, in turn or not. */
static bool open_on(struct run *run, uint32_t path, const struct vel_packet_header *h,
                    uint8_t *bytes, struct vel_opened *opened)
{
    if (h->type != VEL_PACKET_ONE_RTT)
        return vel_packet_open(&run->read, 0, VEL_NUMBER_NONE, bytes, h->number_offset, h->size,
                               opened) == VEL_OK;
    FUZZ_CHECK(path < PATH_IDS);
    uint64_t count = run->update.count;
    run->update.told = true;
    if (vel_key_update_open(&run->update, &run->phase[path], path, VEL_NUMBER_NONE, bytes,
                            h->number_offset, h->size, opened) != VEL_OK)
        return false;
    FUZZ_CHECK(vel_key_update_received(&run->update, &run->phase[path], opened->number, run->number,
                                       run->now, MS) == VEL_OK);
    if (run->update.count != count)
        begin_phases(run, path);
    return true;
}

/* The peer gave ids of any length, so it reads its own short headers. False: it goes to another id. */
static bool parse_as_peer(const struct vel_cid *dcid, struct vel_slice datagram,
                          struct vel_packet_header *h)
{
    if (datagram.ptr[0] & VEL_BIT_LONG) {
        FUZZ_CHECK(vel_packet_parse(datagram, h) == VEL_OK);
    } else {
        if (datagram.len <= 1u + dcid->len)
            return false;
        *h = (struct vel_packet_header){
            .type = VEL_PACKET_ONE_RTT,
            .dcid = vel_slice(datagram.ptr + 1, dcid->len),
            .number_offset = 1u + dcid->len,
            .size = datagram.len,
        };
    }
    return vel_slice_equal(h->dcid, vel_cid_slice(dcid));
}

/* A packet as the peer sees it: several paths may be between the same addresses, with the same ids. */
struct seen {
    struct vel_packet_header h;
    uint32_t path;
    bool opened;
    uint8_t bytes[VEL_TRAIN_MAX];
    struct vel_opened packet;
};

/* False: it goes to no id that the peer has given for a path between these addresses. */
static bool see(struct run *run, const struct vel_train *train, struct vel_slice datagram,
                struct seen *seen)
{
    bool ahead = run->update.count > run->conn->key_update.count + 1; /* too far to read us */
    bool addressed = false;
    VEL_TRACKS_EACH(track, run->conn)
    {
        VEL_PATHS_EACH(path, &track->paths)
        {
            const struct vel_cid *dcid = vel_cids_peer(&track->cids, path->peer_cid);
            if (dcid == NULL || !vel_addr_equal(&path->local, &train->local) ||
                !vel_addr_equal(&path->remote, &train->remote) ||
                !parse_as_peer(dcid, datagram, &seen->h))
                continue;
            addressed = true;
            seen->path = track->id;
            memcpy(seen->bytes, datagram.ptr, datagram.len);
            seen->opened = seen->h.type == run->type && !ahead &&
                           open_on(run, track->id, &seen->h, seen->bytes, &seen->packet);
            if (seen->opened)
                return true;
        }
    }
    return addressed && (ahead || seen->h.type != run->type);
}

static void read_frames(struct run *run, const struct vel_train *train, const struct seen *seen)
{
    struct vel_reader r = vel_reader(seen->packet.payload);
    struct vel_frame frame;
    FUZZ_CHECK(vel_left(&r) > 0);
    while (vel_left(&r) > 0) {
        FUZZ_CHECK(vel_frame_read(&r, seen->h.type, &frame) == VEL_OK);
        if (frame.type != VEL_FRAME_PATH_CHALLENGE || !vel_addr_equal(&train->remote, &there))
            continue;
        memcpy(run->challenge, frame.path_data, sizeof run->challenge);
        run->challenge_path = seen->path;
    }
}

/* The peer can read it: every packet of its level opens and every frame parses. */
static void check_datagram(struct run *run, const struct vel_train *train,
                           struct vel_slice datagram)
{
    static struct seen seen;
    while (datagram.len > 0) {
        seen.opened = false;
        FUZZ_CHECK(see(run, train, datagram, &seen));
        if (seen.opened)
            read_frames(run, train, &seen);
        datagram = vel_slice(datagram.ptr + seen.h.size, datagram.len - seen.h.size);
    }
}

static void step_send(struct run *run)
{
    static uint8_t bytes[VEL_TRAIN_MAX];
    for (int i = 0; i < 50; i++) {
        struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
        if (vel_conn_send(run->conn, &train, sizeof bytes, run->now) != VEL_OK)
            return;
        FUZZ_CHECK(train.len > 0 && train.len <= sizeof bytes && train.segment > 0);
        count_sent(run, &train);
        for (size_t pos = 0; pos < train.len; pos += train.segment) {
            size_t size = VEL_MIN(train.segment, train.len - pos);
            check_datagram(run, &train, vel_slice(bytes + pos, size));
        }
    }
    FUZZ_CHECK(false); /* sends without end */
}

/* The peer is where it says. */
static void step_answer(struct run *run)
{
    uint8_t bytes[16];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    struct vel_frame frame = {.type = VEL_FRAME_PATH_RESPONSE};
    unsigned slot = vel_multipath_slot(&run->conn->multipath, run->challenge_path);
    memcpy(frame.path_data, run->challenge, sizeof frame.path_data);
    vel_frame_write(&w, &frame);
    if (run->type == VEL_PACKET_ONE_RTT && slot < VEL_TRACKS_MAX)
        step_receive(run, vel_writer_slice(&w), 0, 0, slot);
}

static void step_expire(struct run *run)
{
    for (int i = 0; i < 20; i++) {
        vel_time deadline = vel_conn_deadline(run->conn);
        if (deadline > run->now)
            return;
        vel_conn_expire(run->conn, run->now);
        step_send(run);
    }
    FUZZ_CHECK(false); /* a deadline that does not move */
}

static enum vel_err use_paths(struct run *run, uint8_t which)
{
    const struct vel_addr local = {.family = VEL_ADDR_MEMORY, .port = (uint16_t)(which % 4)};
    uint32_t path;
    if (which < 128)
        return vel_conn_migrate(run->conn, &local);
    if (which < 192)
        return vel_conn_open_path(run->conn, &local, &path);
    if (which < 224)
        return vel_conn_abandon_path(run->conn, which % 8);
    return vel_conn_set_path_backup(run->conn, which % 8, (which & 8) != 0);
}

/* For a stream, or a datagram; paths that are not there, too. */
static enum vel_err choose_paths(struct run *run, uint8_t which)
{
    static const uint8_t data[UINT8_MAX];
    const struct vel_path_choice choice = {.scheduler = (enum vel_scheduler)(which % SCHEDULERS),
                                           .count = which / 5 % 3,
                                           .paths = {which / 15 % 5, which / 75}};
    if (which % 2 == 0)
        return vel_stream_set_paths(run->conn, which / 2 % 16, which < 240 ? &choice : NULL);
    return vel_conn_send_datagram_by(run->conn, vel_slice(data, which), which % 8, VEL_NEVER,
                                     &choice, NULL);
}

static void step_application(struct run *run, uint8_t what, uint8_t which)
{
    uint64_t stream = which % 32;
    struct vel_slice bytes = {0};
    bool fin = false;
    size_t accepted = 0;
    static const uint8_t data[3000];
    enum vel_err ignored = VEL_OK;
    switch (what % 10) {
    case 0:
        if (vel_stream_read(run->conn, stream, &bytes, &fin) == VEL_OK)
            ignored = vel_stream_consume(run->conn, stream, bytes.len);
        break;
    case 1:
        ignored = vel_stream_write(run->conn, stream, vel_slice(data, sizeof data), which > 200,
                                   &accepted);
        break;
    case 2:
        ignored = vel_stream_open(run->conn, which & 1, &stream);
        break;
    case 3:
        ignored = vel_stream_reset(run->conn, stream, which);
        break;
    case 4:
        ignored = vel_stream_stop(run->conn, stream, which);
        break;
    case 5:
        ignored = vel_conn_update_keys(run->conn);
        break;
    case 6:
        ignored = vel_conn_send_datagram(run->conn, vel_slice(data, which * 5u), which % 8,
                                         run->now + which * MS, NULL);
        break;
    case 7:
        ignored = vel_conn_receive_datagram(run->conn, &bytes);
        break;
    case 8:
        ignored = use_paths(run, which);
        break;
    default:
        if (which > 250)
            vel_conn_close(run->conn, which, "bye");
        else
            ignored = choose_paths(run, which);
        break;
    }
    (void)ignored;
}

static void take_events(struct run *run)
{
    struct vel_event event;
    for (int i = 0; vel_conn_next_event(run->conn, &event); i++)
        FUZZ_CHECK(i < 100);
}

static void step(struct run *run, struct vel_reader *r)
{
    uint8_t what = (uint8_t)vel_read_uint(r, 1);
    uint8_t detail = (uint8_t)vel_read_uint(r, 1);
    if (what >= 0xa0)
        arrive(run);
    if (what < 0x08) {
        step_update(run);
    } else if (what < 0xa0) {
        /* Now and then from elsewhere, to the id that it used or to another one. */
        unsigned from = what >= 0x80 ? what % STRANGERS : 0;
        run->dcid.bytes[6] = what >= 0x90 ? detail % 4 : our_cid.bytes[6];
        step_receive(run, vel_read_vector(r, 1), detail, from, what);
    } else if (what < 0xc0) {
        run->now += (vel_time)1 << detail % 36;
        step_expire(run);
    } else if (what < 0xd8) {
        step_send(run);
    } else if (what < 0xe0) {
        step_answer(run);
    } else {
        step_application(run, what, detail);
    }
    take_events(run);
    FUZZ_CHECK(outstanding < MEMORY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (crypto == NULL)
        make_configs();
    if (size == 0)
        return 0;
    struct run run = {.now = SECOND};
    uint64_t issued = 0;
    drawn = 0;
    server_config.congestion = client_config.congestion = data[0] & 8 ? VEL_CC_BBR : VEL_CC_CUBIC;
    server_config.scheduler = client_config.scheduler =
        (enum vel_scheduler)((data[0] >> 4) % SCHEDULERS);
    begin(&run, data[0] & 1, &issued);
    if (data[0] & 2)
        establish(&run, (data[0] & 4) != 0);
    struct vel_reader r = vel_reader(vel_slice(data + 1, size - 1));
    for (int i = 0; i < STEPS_MAX && vel_left(&r) > 0 && vel_read_ok(&r); i++)
        step(&run, &r);
    arrive(&run);
    vel_conn_free(run.conn);
    vel_key_update_clear(&run.update);
    vel_keys_clear(&run.read);
    vel_keys_clear(&run.write);
    FUZZ_CHECK(outstanding == 0);
    return 0;
}
