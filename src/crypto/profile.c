/* SPDX-License-Identifier: MIT */
#include "velocity/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/try.h"
#include "base/units.h"
#include "velocity/slice.h"

static const struct {
    const char *name;
    enum vel_profile profile;
} names[] = {
    /* The proper names first, in the order of the enum; then the aliases. */
    {"light", VEL_PROFILE_LIGHT},   {"balanced", VEL_PROFILE_BALANCED},
    {"secure", VEL_PROFILE_SECURE}, {"turbo", VEL_PROFILE_LIGHT},
    {"fast", VEL_PROFILE_LIGHT},    {"fortress", VEL_PROFILE_SECURE},
};

const char *vel_profile_name(enum vel_profile profile)
{
    return names[profile].name;
}

static vel_result parse_name(struct vel_slice text, enum vel_profile *profile)
{
    for (size_t i = 0; i < VEL_COUNT(names); i++) {
        if (vel_slice_equal(text, vel_slice_text(names[i].name))) {
            *profile = names[i].profile;
            return VEL_OK;
        }
    }
    return VEL_ERR_NOT_FOUND;
}

vel_result vel_profile_parse(const char *name, enum vel_profile *profile)
{
    return parse_name(vel_slice_text(name), profile);
}

static bool contains(const struct vel_profile_list *list, enum vel_profile profile)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->items[i] == profile)
            return true;
    return false;
}

vel_result vel_profile_list_parse(const char *text, struct vel_profile_list *list)
{
    struct vel_profile_list made = {0};
    REQUIRE(text[0] != '\0', VEL_ERR_ARGUMENT);
    for (const char *item = text;; item++) {
        size_t len = strcspn(item, ",");
        enum vel_profile profile;
        TRY(parse_name(vel_slice(item, len), &profile));
        REQUIRE(!contains(&made, profile), VEL_ERR_ARGUMENT);
        made.items[made.count++] = profile;
        item += len;
        if (*item == '\0')
            break;
    }
    *list = made;
    return VEL_OK;
}
