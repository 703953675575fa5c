/* SPDX-License-Identifier: MIT */
#include "web/types.h"

#include <stdbool.h>
#include <string.h>

#include "base/units.h"

#define UTF8 "; charset=utf-8"

static const struct {
    const char *extension;
    const char *type;
} types[] = {
    {"html", "text/html" UTF8},
    {"htm", "text/html" UTF8},
    {"css", "text/css" UTF8},
    {"js", "text/javascript" UTF8},
    {"mjs", "text/javascript" UTF8},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"xml", "application/xml"},
    {"xhtml", "application/xhtml+xml"},
    {"atom", "application/atom+xml"},
    {"rss", "application/rss+xml"},
    {"txt", "text/plain" UTF8},
    {"log", "text/plain" UTF8},
    {"md", "text/markdown" UTF8},
    {"rst", "text/plain" UTF8},
    {"csv", "text/csv" UTF8},
    {"ics", "text/calendar" UTF8},
    {"vtt", "text/vtt" UTF8},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/vnd.microsoft.icon"},
    {"bmp", "image/bmp"},
    {"tiff", "image/tiff"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"wav", "audio/wav"},
    {"flac", "audio/flac"},
    {"m4a", "audio/mp4"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"mov", "video/quicktime"},
    {"pdf", "application/pdf"},
    {"epub", "application/epub+zip"},
    {"wasm", "application/wasm"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
    {"bz2", "application/x-bzip2"},
    {"xz", "application/x-xz"},
    {"zst", "application/zstd"},
    {"7z", "application/x-7z-compressed"},
    {"deb", "application/vnd.debian.binary-package"},
};

static bool same_without_case(const char *name, const char *lower)
{
    for (; *lower != '\0'; name++, lower++)
        if (*name != *lower && !(*name >= 'A' && *name <= 'Z' && *name + ('a' - 'A') == *lower))
            return false;
    return *name == '\0';
}

const char *vel_web_type(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash == NULL ? name : slash, '.');
    if (dot != NULL)
        for (size_t i = 0; i < VEL_COUNT(types); i++)
            if (same_without_case(dot + 1, types[i].extension))
                return types[i].type;
    return "application/octet-stream";
}
