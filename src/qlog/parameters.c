/* SPDX-License-Identifier: MIT */
#include "qlog/record_internal.h"

static void put_cid(struct vel_json *j, const char *key, const struct vel_param_cid *id)
{
    if (id->present)
        vel_json_hex(j, key, vel_cid_slice(&id->cid));
}

static void put_version(struct vel_json *j, const char *key, uint32_t number)
{
    uint8_t bytes[4];
    vel_store_uint(bytes, number, sizeof bytes);
    vel_json_hex(j, key, vel_slice(bytes, sizeof bytes));
}

/* The preferred address without the id's reset token, which would end the connection. */
static void put_preferred(struct vel_json *j, const struct vel_preferred_address *preferred)
{
    if (!preferred->present)
        return;
    vel_json_open(j, "preferred_address", '{');
    if (preferred->ip4.family != VEL_ADDR_NONE)
        vel_qlog_endpoint(j, "ip_v4", "port_v4", &preferred->ip4);
    if (preferred->ip6.family != VEL_ADDR_NONE)
        vel_qlog_endpoint(j, "ip_v6", "port_v6", &preferred->ip6);
    vel_json_hex(j, "connection_id", vel_cid_slice(&preferred->cid));
    vel_json_close(j, '}');
}

static void put_limits(struct vel_json *j, const struct vel_params *p)
{
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"max_idle_timeout", p->max_idle_timeout},
        {"max_udp_payload_size", p->max_udp_payload_size},
        {"ack_delay_exponent", p->ack_delay_exponent},
        {"max_ack_delay", p->max_ack_delay},
        {"active_connection_id_limit", p->active_connection_id_limit},
        {"initial_max_data", p->initial_max_data},
        {"initial_max_stream_data_bidi_local", p->initial_max_stream_data_bidi_local},
        {"initial_max_stream_data_bidi_remote", p->initial_max_stream_data_bidi_remote},
        {"initial_max_stream_data_uni", p->initial_max_stream_data_uni},
        {"initial_max_streams_bidi", p->initial_max_streams_bidi},
        {"initial_max_streams_uni", p->initial_max_streams_uni},
        {"max_datagram_frame_size", p->max_datagram_frame_size},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        vel_json_uint(j, rows[i].key, rows[i].value);
    if (p->initial_max_path_id != VEL_PARAM_ABSENT)
        vel_json_uint(j, "initial_max_path_id", p->initial_max_path_id);
    if (p->min_ack_delay != VEL_PARAM_ABSENT)
        vel_json_uint(j, "min_ack_delay", p->min_ack_delay);
}

void vel_qlog_parameters(const struct vel_qlog_pen *pen, const struct vel_trace_parameters *told)
{
    const struct vel_params *p = told->params;
    struct vel_json *j = pen->j;
    pen->m->ack_exponent[told->remote] = p->ack_delay_exponent;
    vel_qlog_open(pen, "transport:parameters_set");
    vel_json_word(j, "owner", told->remote ? "remote" : "local");
    put_cid(j, "original_destination_connection_id", &p->original_destination_connection_id);
    put_cid(j, "initial_source_connection_id", &p->initial_source_connection_id);
    put_cid(j, "retry_source_connection_id", &p->retry_source_connection_id);
    vel_json_bool(j, "disable_active_migration", p->disable_active_migration);
    vel_json_bool(j, "datagram_copies", p->datagram_copies);
    put_limits(j, p);
    put_preferred(j, &p->preferred_address);
    vel_qlog_close(pen);
}

void vel_qlog_handshake(const struct vel_qlog_pen *pen, const struct vel_handshake_facts *facts)
{
    struct vel_json *j = pen->j;
    const struct vel_version_list *peer = &facts->peer_versions;
    vel_qlog_open(pen, "transport:version_information");
    vel_json_open(j, pen->m->is_client ? "server_versions" : "client_versions", '[');
    for (unsigned i = 0; i < peer->count; i++)
        put_version(j, NULL, peer->items[i]);
    vel_json_close(j, ']');
    put_version(j, "chosen_version", facts->version);
    vel_qlog_close(pen);

    vel_qlog_open(pen, "transport:alpn_information");
    vel_json_text(j, "chosen_alpn", vel_slice(facts->alpn, facts->alpn_len));
    vel_qlog_close(pen);

    vel_qlog_open(pen, "transport:parameters_set");
    if (facts->suite != NULL)
        vel_json_word(j, "tls_cipher", facts->suite);
    if (facts->group != NULL)
        vel_json_word(j, "key_exchange", facts->group);
    if (facts->signature != NULL)
        vel_json_word(j, "signature", facts->signature);
    vel_qlog_close(pen);
}
