/* SPDX-License-Identifier: MIT */
/* The published transcripts, byte for byte. After a change of the protocol (which needs a new wire
 * version) write them again: test_handshake_transcript --write spec/transcripts */
#include "handshake/published.h"

#include <string.h>

#include "base/units.h"

enum { TEXT_MAX = 1024 * 1024 };

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fail_msg("cannot open %s", path);
    return file;
}

static void write_files(const char *folder)
{
    for (size_t i = 0; i < TRANSCRIPT_COUNT; i++) {
        struct test_env t;
        test_env_init(&t, 0);
        struct vel_buf text = {.env = &t.env, .limit = TEXT_MAX};
        transcript_write(&transcript_plans[i], NULL, &text);
        FILE *file = open_file(folder, transcript_plans[i].name, "w");
        assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
        fclose(file);
        vel_buf_free(&text);
    }
}

/* VEL-HS-50 */
static void as_published(void **state)
{
    (void)state;
    static char want[TEXT_MAX + 1];
    for (size_t i = 0; i < TRANSCRIPT_COUNT; i++) {
        struct test_env t;
        test_env_init(&t, 0);
        struct vel_buf text = {.env = &t.env, .limit = TEXT_MAX};
        FILE *file = open_file("spec/transcripts", transcript_plans[i].name, "r");
        size_t size = fread(want, 1, TEXT_MAX, file);
        fclose(file);
        want[size] = '\0';
        transcript_write(&transcript_plans[i], want, &text);
        CHECK(transcript_plans[i].name, size == text.len && memcmp(want, text.ptr, size) == 0);
        vel_buf_free(&text);
        test_env_done(&t);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        write_files(argv[2]);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_published)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
