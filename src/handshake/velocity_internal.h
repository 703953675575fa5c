/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_VELOCITY_INTERNAL_H
#define HANDSHAKE_VELOCITY_INTERNAL_H

#include "crypto/kem.h"
#include "handshake/framer.h"
#include "handshake/handshake.h"
#include "handshake/negotiate.h"
#include "handshake/schedule.h"
#include "handshake/transcript.h"
#include "pki/identity.h"

/* What the next message must be. The rows of a machine say which messages that is. */
enum vel_step {
    VEL_STEP_START,
    /* client */
    VEL_STEP_HELLO,       /* ServerHello or HelloRetryRequest */
    VEL_STEP_HELLO_AGAIN, /* ServerHello after a retry */
    VEL_STEP_EXTENSIONS,  /* EncryptedExtensions */
    VEL_STEP_REQUEST,     /* CertificateRequest or Certificate */
    /* server */
    VEL_STEP_CLIENT_HELLO,
    VEL_STEP_CLIENT_HELLO_AGAIN,
    VEL_STEP_SIGNING, /* our signature is pending: no message may come */
    /* both */
    VEL_STEP_CERTIFICATE,
    VEL_STEP_VERIFY,
    VEL_STEP_FINISHED,
    VEL_STEP_DONE,
    VEL_STEP_COUNT
};

struct vel_velocity;

/* One allowed message in one step (VEL-HS-03). */
struct vel_row {
    enum vel_step step;
    enum vel_message_type type;
    vel_result (*handle)(struct vel_velocity *v, const struct vel_message *message);
};

/* A side of the handshake: its table, how it begins, and what it sends once its signature is
 * there. */
struct vel_machine {
    const struct vel_row *rows;
    size_t count;
    enum vel_step first;
    vel_result (*start)(struct vel_velocity *v);
    vel_result (*finish)(struct vel_velocity *v);
};
extern const struct vel_machine vel_client_machine;
extern const struct vel_machine vel_server_machine;

/* State of one Velocity/1 handshake. */
struct vel_velocity {
    struct vel_handshake base; /* first: the part that the transport sees */
    const struct vel_env *env;
    const struct vel_config *config;
    const struct vel_crypto *crypto;
    const struct vel_machine *machine;
    struct vel_handshake_sink sink;
    bool is_client;
    int64_t unix_time;
    enum vel_step step;

    struct vel_buf params; /* ours */
    struct vel_framer framer;
    struct vel_transcript transcript;
    struct vel_schedule schedule;
    const struct vel_suite *suite;
    const struct vel_group *group;   /* client: of the share we sent last */
    uint8_t random[VEL_RANDOM_SIZE]; /* of the client */

    struct vel_dual_key peer; /* the peer's leaf, from Certificate to CertificateVerify */
    bool send_certificate;    /* client: the server asked for one */
    bool sign;                /* we prove possession of a key */
    bool defer_signature;
    const struct vel_signature *signature; /* deferred, while it is taken */

    /* client */
    uint8_t grease[3];
    struct vel_kem_key *kem;
    struct vel_buf hello; /* first ClientHello, until the hash is known */

    /* server */
    uint8_t first_hello[VEL_HASH_MAX]; /* SHA-256 of what the second must repeat */
};

/* Send a message: transcript, then sink. */
vel_result vel_velocity_send(struct vel_velocity *v, enum vel_level level,
                             struct vel_slice message);

/* Hand both traffic secrets of the HANDSHAKE level to the transport. */
vel_result vel_velocity_handshake_secrets(struct vel_velocity *v);

/* One application secret. */
vel_result vel_velocity_app_secret(struct vel_velocity *v, enum vel_direction direction);

/* Record suite and group in the facts, and start transcript and schedule with the suite's hash. */
vel_result vel_velocity_begin(struct vel_velocity *v, const struct vel_suite *suite);

/* Pass the peer's transport parameters up. */
vel_result vel_velocity_params(struct vel_velocity *v, struct vel_slice params);

void vel_velocity_alpn(struct vel_velocity *v, struct vel_slice name);

/* Both Finished are done: wipe what is not needed any more. */
void vel_velocity_complete(struct vel_velocity *v);

#endif
