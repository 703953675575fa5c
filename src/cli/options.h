/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velocity/addr.h"
#include "velocity/err.h"
#include "velocity/profile.h"

/*
 * Command line options as a table: one row is the parser, the limits, the default, the help text,
 * the man page and the completion. The row's `parse` decides the type of the field:
 *
 *     vel_parse_flag      bool                     takes no value
 *     vel_parse_text      const char *             low..high: length in bytes
 *     vel_parse_texts     struct vel_texts         may be given again
 *     vel_parse_number    int64_t                  low..high
 *     vel_parse_span      vel_time (int64_t)       "250ms", "10s", "2m", "1.5" (seconds); low..high
 *     vel_parse_profiles  struct vel_profile_list  "secure,balanced"
 *     vel_parse_profile   enum vel_profile         "balanced"
 *     vel_parse_congestion enum vel_congestion     "cubic", "newreno" or "bbr"
 *     vel_parse_scheduler  enum vel_scheduler      "lowest-latency", "round-robin", ...
 *     vel_parse_locals    struct vel_local_list    "192.0.2.1" or "2001:db8::1"; may be given again
 *     vel_parse_alpn      struct vel_alpn_list     "velocity/1,h3,h2,http/1.1", any of them, once
 */
struct vel_option;

/* Checks `value` and stores it in `field`. VEL_ERR_ARGUMENT: not of this kind, or out of limits.
 * VEL_ERR_LIMIT: given too often. */
typedef enum vel_err (*vel_parse_fn)(const struct vel_option *option, const char *value,
                                     void *field);

struct vel_option {
    const char *name; /* long form without dashes */
    char letter;      /* short form; 0: none */
    vel_parse_fn parse;
    size_t offset;        /* of the field in the settings */
    const char *metavar;  /* what the value is, in the help text; NULL for flags */
    const char *fallback; /* default, written as a user would; NULL: a zero field */
    int64_t low, high;    /* limits, as the parser reads them; both 0: none beyond the type's */
    const char *help;     /* one line, no full stop */
};

enum { VEL_TEXTS_MAX = 64 };

/* Values of a repeated option, borrowed from the command line. */
struct vel_texts {
    const char *items[VEL_TEXTS_MAX];
    size_t count;
};

/* Addresses of ours, with port 0. */
enum { VEL_LOCALS_MAX = 4 };
struct vel_local_list {
    struct vel_addr items[VEL_LOCALS_MAX];
    size_t count;
};

/* ALPN names that we speak, constant text. */
enum { VEL_ALPN_KNOWN = 4 };
struct vel_alpn_list {
    const char *names[VEL_ALPN_KNOWN];
    size_t count;
};

enum vel_err vel_parse_flag(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_text(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_texts(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_number(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_span(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_profiles(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_profile(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_congestion(const struct vel_option *option, const char *value, void *field);

enum vel_err vel_parse_scheduler(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_locals(const struct vel_option *option, const char *value, void *field);
enum vel_err vel_parse_alpn(const struct vel_option *option, const char *value, void *field);

/* The option --help, which every command has. */
extern const struct vel_option vel_help_option;

enum { VEL_PROBLEM_MAX = 256, VEL_OPTIONS_MAX = 64 /* of a command */ };

/* Parsed command line. Arguments are moved to the front of argv. */
struct vel_parsed {
    size_t argument_count;
    bool help;                     /* --help was given: nothing else counts */
    bool given[VEL_OPTIONS_MAX];   /* each option of the table, in its order */
    char problem[VEL_PROBLEM_MAX]; /* on failure: what is wrong, for people */
};

/*
 * Fill `settings` (zeroed by the caller) with the defaults, then with what argv says. Options and
 * arguments may be mixed; "--" ends the options; a value follows as "--name VALUE", "--name=VALUE",
 * "-n VALUE" or "-nVALUE"; flags may be joined, "-vk". At most VEL_OPTIONS_MAX options.
 *
 * VEL_ERR_ARGUMENT  unknown option, missing, needless or wrong value; see parsed->problem
 */
vel_result vel_options_parse(const struct vel_option *options, size_t option_count, int argc,
                             char **argv, void *settings, struct vel_parsed *parsed);

#endif
