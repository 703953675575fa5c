/* SPDX-License-Identifier: MIT */
/*
 * Request targets into names of files. Properties: what parses is a relative path of plain names
 * (no ".", no "..", no empty one, no control byte, no backslash); written as a URL reference it
 * parses to the same. The same bytes as a Range, a date or a condition: a range lies within the
 * file, a condition gives one of three statuses.
 */
#include <string.h>

#include "http/date.h"
#include "testing/fuzz.h"
#include "web/path.h"
#include "web/range.h"
#include "web/types.h"
#include "web/validators.h"

static void check_name(const char *name, size_t len)
{
    FUZZ_CHECK(len > 0 && !(len == 1 && name[0] == '.'));
    FUZZ_CHECK(!(len == 2 && name[0] == '.' && name[1] == '.'));
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK((unsigned char)name[i] >= 0x20 && name[i] != 0x7f && name[i] != '\\');
}

static void check_path(const struct vel_web_path *path)
{
    FUZZ_CHECK(strlen(path->name) == path->len && path->len <= VEL_WEB_PATH_MAX);
    for (const char *at = path->name; path->len > 0;) {
        size_t len = strcspn(at, "/");
        check_name(at, len);
        if (at[len] == '\0')
            return;
        at += len + 1;
    }
}

static void check_round_trip(const struct vel_web_path *path)
{
    static char text[3 * VEL_WEB_PATH_MAX + 8];
    static struct vel_web_path again;
    FUZZ_CHECK(vel_web_path_write(path, path->folder, text, sizeof text) == VEL_OK);
    FUZZ_CHECK(vel_web_path_parse(vel_slice_text(text), &again) == VEL_OK);
    FUZZ_CHECK(strcmp(again.name, path->name) == 0 && again.folder == path->folder);
}

static void check_range(struct vel_slice value)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t first, count;
        if (vel_range_parse(value, sizes[i], &first, &count) != VEL_RANGE_PART)
            continue;
        FUZZ_CHECK(count > 0 && first < sizes[i] && count <= sizes[i] - first);
    }
}

static void check_conditions(struct vel_slice value)
{
    static const char *const names[] = {"if-match", "if-none-match", "if-modified-since",
                                        "if-unmodified-since", "if-range"};
    struct vel_validators have = vel_validators_of(1, 2, 3);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct vel_field field = {vel_slice_text(names[i]), value};
        struct vel_fields fields = {.items = &field, .count = 1};
        unsigned status = vel_conditions(fields, &have, true);
        FUZZ_CHECK(status == 200 || status == 304 || status == 412);
        (void)vel_range_applies(fields, &have);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vel_web_path path;
    struct vel_slice target = vel_slice(data, size);
    int64_t seconds;
    if (vel_web_path_parse(target, &path) == VEL_OK) {
        check_path(&path);
        check_round_trip(&path);
        FUZZ_CHECK(vel_web_type(path.name) != NULL);
    }
    check_range(target);
    check_conditions(target);
    if (vel_http_date_parse(target, &seconds) == VEL_OK) {
        char text[VEL_HTTP_DATE_SIZE];
        vel_http_date_write(seconds, text);
    }
    return 0;
}
