/* SPDX-License-Identifier: MIT */
#include "sim/scene.h"

#include "sim/credentials.h"

struct scene *scene_new(uint64_t seed, enum vel_profile profile)
{
    struct scene *scene = calloc(1, sizeof *scene);
    EXPECT(scene != NULL);
    scene->sim = sim_new(seed);
    peer_init(&scene->client, scene->sim, true, seed);
    peer_init(&scene->server, scene->sim, false, seed);
    const struct credentials *credentials = credentials_of(profile);
    scene->server.config.identity = credentials->leaf;
    scene->server.config.profiles =
        (struct vel_profile_list){{VEL_PROFILE_SECURE, VEL_PROFILE_BALANCED, VEL_PROFILE_LIGHT}, 3};
    scene->client.config.trust = credentials->trust;
    scene->client.config.profiles = (struct vel_profile_list){{profile}, 1};
    scene->client.config.tls = credentials->client_tls;
    scene->server.config.tls = credentials->server_tls;
    scene->client.config.versions = (struct vel_version_list){{scenario_version()}, 1};
    scene->server.config.versions =
        (struct vel_version_list){{VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1}, 3};
    return scene;
}

void scene_start(struct scene *scene, const struct ask *ask)
{
    if (ask != NULL)
        scene->client.ask = *ask;
    peer_start(&scene->server);
    peer_start(&scene->client);
}

vel_time scene_elapsed(const struct scene *scene)
{
    return sim_now(scene->sim) - SIM_START;
}

void scene_run(struct scene *scene, vel_time span)
{
    vel_time until = sim_now(scene->sim) + span;
    while (sim_step(scene->sim, until))
        continue;
}

/* Step until `reached` holds. */
static void run_to(struct scene *scene, bool (*reached)(const struct scene *scene), vel_time limit,
                   const char *what)
{
    vel_time until = sim_now(scene->sim) + limit;
    while (!reached(scene)) {
        if (sim_step(scene->sim, until) || reached(scene))
            continue;
        scenario_fail(__FILE__, __LINE__,
                      "%s not reached in %lld ms: client %s, received %llu of its %u streams "
                      "(%u finished), closed %s; server received %llu, closed %s",
                      what, (long long)(limit / MS),
                      scene->client.connected ? "connected" : "not connected",
                      (unsigned long long)scene->client.exchange.received,
                      scene->client.ask.streams, scene->client.exchange.finished,
                      scene->client.closed ? scene->client.close.reason : "no",
                      (unsigned long long)scene->server.exchange.received,
                      scene->server.closed ? scene->server.close.reason : "no");
    }
}

static bool is_connected(const struct scene *scene)
{
    return scene->client.connected && scene->server.connected;
}

/* The server, too: it may be last when the client only sends. */
static bool is_finished(const struct scene *scene)
{
    return scene->client.connected && exchange_is_done(&scene->client.exchange) &&
           scene->server.exchange.finished >= scene->client.exchange.ask.streams;
}

static bool is_closed(const struct scene *scene)
{
    return scene->client.closed && (scene->server.closed || scene->server.connections == 0);
}

void scene_connect(struct scene *scene, vel_time limit)
{
    run_to(scene, is_connected, limit, "connection");
}

void scene_finish(struct scene *scene, vel_time limit)
{
    run_to(scene, is_finished, limit, "completion");
}

void scene_wait_closed(struct scene *scene, vel_time limit)
{
    run_to(scene, is_closed, limit, "closure");
}

void scene_free(struct scene *scene)
{
    peer_free(&scene->client);
    peer_free(&scene->server);
    sim_free(scene->sim);
    free(scene);
}
