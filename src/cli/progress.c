/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "sys/terminal.h"

enum { FIGURES_MAX = 96, BAR_LEAST = 10, BAR_MOST = 40 };

void vel_progress_start(struct vel_progress *progress, bool always, vel_time now)
{
    progress->enabled = always || vel_is_terminal(STDERR_FILENO);
    progress->started = always ? now - SECOND : now;
}

/* "12.3 MiB" */
static const char *amount(double bytes, char text[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < VEL_COUNT(units); unit++)
        bytes /= 1024;
    snprintf(text, 16, "%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
    return text;
}

static bool total_known(const struct vel_progress *progress)
{
    return progress->expected > 0 && progress->files_known == progress->files;
}

static void figures(const struct vel_progress *progress, vel_time now, char text[FIGURES_MAX])
{
    char received[16], expected[16], rate[16], files[48] = "";
    double seconds = (double)VEL_MAX(now - progress->started, MS) / (double)SECOND;
    amount((double)progress->received, received);
    amount((double)progress->received / seconds, rate);
    if (progress->files > 1)
        snprintf(files, sizeof files, "  %zu/%zu files", progress->files_done, progress->files);
    if (total_known(progress))
        snprintf(text, FIGURES_MAX, "%s of %s  %s/s%s", received,
                 amount((double)progress->expected, expected), rate, files);
    else
        snprintf(text, FIGURES_MAX, "%s  %s/s%s", received, rate, files);
}

const char *vel_progress_text(const struct vel_progress *progress, vel_time now, unsigned width,
                              char *line)
{
    char text[FIGURES_MAX], bar[BAR_MOST + 1];
    figures(progress, now, text);
    width = VEL_MIN(width, VEL_PROGRESS_LINE - 1);
    size_t around = strlen(text) + sizeof "[] 100%  " - 1;
    if (!total_known(progress) || width < around + BAR_LEAST) {
        snprintf(line, VEL_PROGRESS_LINE, "%.*s", (int)width, text);
        return line;
    }
    double share = VEL_MIN((double)progress->received / (double)progress->expected, 1.0);
    size_t bar_width = VEL_MIN(width - around, BAR_MOST);
    size_t filled = (size_t)(share * (double)bar_width);
    memset(bar, '#', filled);
    memset(bar + filled, '.', bar_width - filled);
    bar[bar_width] = '\0';
    snprintf(line, VEL_PROGRESS_LINE, "[%s] %3d%%  %s", bar, (int)(share * 100), text);
    return line;
}

static void draw(struct vel_progress *progress, vel_time now)
{
    char line[VEL_PROGRESS_LINE];
    progress->drawn = now;
    vel_progress_text(progress, now, vel_terminal_width(STDERR_FILENO) - 1, line);
    fprintf(stderr, "\r%s\033[K", line);
}

void vel_progress_update(struct vel_progress *progress, vel_time now)
{
    bool due = now - progress->started >= SECOND && now - progress->drawn >= 100 * MS;
    if (progress->enabled && due)
        draw(progress, now);
}

void vel_progress_finish(struct vel_progress *progress, vel_time now)
{
    if (progress->drawn == 0)
        return;
    draw(progress, now);
    fputc('\n', stderr);
    progress->drawn = 0;
}
