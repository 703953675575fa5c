/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/try.h"
#include "cli/get_internal.h"
#include "cli/state.h"
#include "client/pin_store.h"
#include "velocity/system.h"

/* ---- pins ---- */

static vel_result pins_path(const struct vel_get *get, char path[VEL_PATH_TEXT])
{
    if (get->settings->pins == NULL)
        return vel_state_path(NULL, "pins", path);
    int length = snprintf(path, VEL_PATH_TEXT, "%s", get->settings->pins);
    REQUIRE(length > 0 && length < VEL_PATH_TEXT, VEL_ERR_ARGUMENT);
    return VEL_OK;
}

static const char *why_no_store(enum vel_err err)
{
    if (err == VEL_ERR_IO)
        return strerror(errno);
    return err == VEL_ERR_MALFORMED ? "it is damaged; without it nobody knows which servers are "
                                      "pinned, so mend or remove it"
                                    : vel_err_text(err);
}

/* --insecure neither uses pins nor changes them (VEL-FB-41). */
static vel_result is_pinned(struct vel_get *get, bool *pinned)
{
    char path[VEL_PATH_TEXT] = "";
    struct vel_pins *pins = NULL;
    int64_t unix_now = vel_clock_unix();
    if (get->settings->insecure || get->origin.plain)
        return VEL_OK;
    enum vel_err err = pins_path(get, path);
    if (err == VEL_OK)
        err = vel_pin_store_load(&get->env, path, unix_now, &pins);
    if (err != VEL_OK) {
        vel_get_failed(get, VEL_EXIT_CA_FILE, "pins %s: %s", path, why_no_store(err));
        return err;
    }
    *pinned = vel_pins_hold(pins, get->origin.host, get->origin.port, unix_now);
    vel_pins_free(pins);
    return VEL_OK;
}

void vel_get_note_pin(struct vel_get *get, const struct vel_response *response)
{
    const struct vel_attempt_facts *facts = &get->facts;
    if (facts->rung != VEL_RUNG_VELOCITY || !facts->handshake.peer_authenticated ||
        get->settings->insecure)
        return;
    if (vel_pin_of_response(response, &get->pin_max_age) == VEL_OK)
        get->pin_noted = true;
}

static void keep_pin(struct vel_get *get)
{
    char path[VEL_PATH_TEXT] = "";
    enum vel_err err = pins_path(get, path);
    if (err == VEL_OK)
        err = vel_pin_store_set(&get->env, path, get->origin.host, get->origin.port,
                                get->pin_max_age, vel_clock_unix());
    if (err != VEL_OK)
        fprintf(stderr, "velocity client get: the pin of this server was not kept: %s: %s\n", path,
                why_no_store(err));
}

/* ---- the guard of one connection ---- */

vel_result vel_get_guard_open(struct vel_get *get, struct vel_connector_setup *setup)
{
    struct vel_guard_setup guard = {
        .env = &get->env,
        .config = &get->config,
        .host = get->origin.host,
        .authority = get->origin.authority,
        .port = get->origin.port,
        .expected = setup->ladder.outcome.velocity_until > vel_clock_unix(),
    };
    TRY(is_pinned(get, &guard.pinned));
    vel_guard_free(get->guard);
    get->guard = NULL;
    TRY(vel_guard_new(&guard, &get->guard));
    get->pinned = guard.pinned;
    setup->acceptor = vel_guard_acceptor(get->guard);
    setup->ladder.pinned = guard.pinned;
    return VEL_OK;
}

void vel_get_guard_close(struct vel_get *get)
{
    if (get->pin_noted)
        keep_pin(get);
    get->pin_noted = false;
}

const struct vel_guard_finding *vel_get_finding(const struct vel_get *get)
{
    const struct vel_ladder *ladder = &get->ladder;
    if (get->guard == NULL || ladder->state == VEL_LADDER_SEARCHING)
        return NULL;
    enum vel_rung rung = ladder->state == VEL_LADDER_WON ? ladder->winner : ladder->culprit;
    const struct vel_guard_finding *finding = vel_guard_finding(get->guard, rung);
    return finding->judged ? finding : NULL;
}

/* ---- what is told about it ---- */

static bool has_valid_record(const struct vel_guard_finding *finding)
{
    return finding->evidence.record == VEL_RECORD_WITHOUT_VELOCITY ||
           finding->evidence.record == VEL_RECORD_WITH_VELOCITY;
}

void vel_report_guard(const struct vel_get *get)
{
    const struct vel_guard_finding *finding = vel_get_finding(get);
    if (get->pinned)
        fprintf(stderr, "* this server is pinned to Velocity/1\n");
    if (finding != NULL && has_valid_record(finding))
        fprintf(stderr,
                "* fallback record: both signatures verified, bound to this connection; the "
                "server's reason: %s\n",
                vel_fallback_name(finding->says.reason));
}

static const char *const list_names[VEL_LIST_COUNT] = {
    [VEL_LIST_ABSENT] = "absent",
    [VEL_LIST_WITHOUT_VELOCITY] = "without_velocity",
    [VEL_LIST_WITH_VELOCITY] = "with_velocity",
};

static json_t *text(const char *value)
{
    return value == NULL ? json_null() : json_string(value);
}

json_t *vel_get_guard_json(const struct vel_get *get)
{
    const struct vel_guard_finding *finding = vel_get_finding(get);
    if (finding == NULL)
        return json_null();
    const struct vel_downgrade_evidence *evidence = &finding->evidence;
    bool valid = has_valid_record(finding);
    bool invalid = evidence->record == VEL_RECORD_INVALID;
    json_t *made = json_object();
    json_object_set_new(made, "rung", text(vel_rung_name(evidence->rung)));
    json_object_set_new(made, "accepted", json_boolean(finding->verdict == VEL_DOWNGRADE_ACCEPT));
    json_object_set_new(made, "reason", text(vel_downgrade_why_name(finding->why)));
    json_object_set_new(made, "pinned", json_boolean(evidence->pinned));
    json_object_set_new(made, "expected", json_boolean(evidence->expected));
    json_object_set_new(made, "version_negotiation", json_boolean(evidence->version_negotiation));
    json_object_set_new(made, "version_list", text(list_names[evidence->list]));
    json_object_set_new(made, "record", text(vel_guard_record_name(evidence->record)));
    json_object_set_new(made, "record_check",
                        valid || invalid ? text(vel_fallback_check_name(finding->record.check))
                                         : json_null());
    json_object_set_new(made, "record_reason",
                        valid ? text(vel_fallback_name(finding->says.reason)) : json_null());
    json_object_set_new(made, "retry_velocity_s",
                        valid ? json_integer(finding->says.retry_velocity) : json_null());
    return made;
}
