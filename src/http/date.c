/* SPDX-License-Identifier: MIT */
#include "http/date.h"

#include <stdio.h>

#include "base/reader.h"
#include "base/try.h"

enum { DAY = 86400, YEAR_MIN = 1, YEAR_MAX = 9999 };
#define SECONDS_MIN (-INT64_C(62135596800)) /* 0001-01-01 00:00:00 */
#define SECONDS_MAX INT64_C(253402300799)   /* 9999-12-31 23:59:59 */

static const char day_names[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct date {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
};

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of_month(int64_t year, unsigned month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* Days from 0001-01-01 to the first of January of `year`. */
static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

static int64_t days_since_year_one(struct date date)
{
    int64_t days = days_before_year(date.year) + date.day - 1;
    for (unsigned month = 1; month < date.month; month++)
        days += days_of_month(date.year, month);
    return days;
}

static struct date date_of_days(int64_t days)
{
    /* 366 days a year never overshoot; the true year is a few more. */
    struct date date = {.year = days / 366 + 1, .month = 1};
    while (days >= days_before_year(date.year + 1))
        date.year++;
    days -= days_before_year(date.year);
    while (days >= days_of_month(date.year, date.month))
        days -= days_of_month(date.year, date.month++);
    date.day = (unsigned)days + 1;
    return date;
}

void vel_http_date_write(int64_t unix_seconds, char text[VEL_HTTP_DATE_SIZE])
{
    if (unix_seconds < SECONDS_MIN)
        unix_seconds = SECONDS_MIN;
    if (unix_seconds > SECONDS_MAX)
        unix_seconds = SECONDS_MAX;
    uint64_t seconds = (uint64_t)(unix_seconds - SECONDS_MIN);
    uint64_t days = seconds / DAY;
    unsigned second = (unsigned)(seconds % DAY);
    struct date date = date_of_days((int64_t)days);
    snprintf(text, VEL_HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", day_names[days % 7],
             date.day % 100, month_names[date.month - 1], (unsigned)date.year % 10000,
             second / 3600, second / 60 % 60, second % 60);
}

/* ---- reading: each function takes its part from the front or fails the reader ---- */

static void take_text(struct vel_reader *r, const char *text)
{
    struct vel_slice wanted = vel_slice_text(text);
    if (!vel_slice_equal(vel_read_bytes(r, wanted.len), wanted))
        r->failed = true;
}

static unsigned take_number(struct vel_reader *r, size_t digits)
{
    struct vel_slice bytes = vel_read_bytes(r, digits);
    unsigned value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] < '0' || bytes.ptr[i] > '9')
            r->failed = true;
        value = value * 10 + (unsigned)(bytes.ptr[i] - '0') % 10;
    }
    return value;
}

static unsigned take_month(struct vel_reader *r)
{
    struct vel_slice name = vel_read_bytes(r, 3);
    for (unsigned month = 0; month < 12; month++)
        if (vel_slice_equal(name, vel_slice_text(month_names[month])))
            return month + 1;
    r->failed = true;
    return 1;
}

static unsigned take_clock(struct vel_reader *r)
{
    unsigned hour = take_number(r, 2);
    take_text(r, ":");
    unsigned minute = take_number(r, 2);
    take_text(r, ":");
    unsigned second = take_number(r, 2);
    if (hour > 23 || minute > 59 || second > 60)
        r->failed = true;
    return hour * 3600 + minute * 60 + second;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" from after the comma. */
static unsigned take_fixdate(struct vel_reader *r, struct date *date)
{
    take_text(r, ", ");
    date->day = take_number(r, 2);
    take_text(r, " ");
    date->month = take_month(r);
    take_text(r, " ");
    date->year = take_number(r, 4);
    take_text(r, " ");
    unsigned clock = take_clock(r);
    take_text(r, " GMT");
    return clock;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" from after "Sun". Two-digit years: 70 to 99 are 19xx, as such
 * dates stopped being written. */
static unsigned take_rfc850(struct vel_reader *r, struct date *date)
{
    while (vel_left(r) > 0 && *r->pos != ',')
        r->pos++;
    take_text(r, ", ");
    date->day = take_number(r, 2);
    take_text(r, "-");
    date->month = take_month(r);
    take_text(r, "-");
    unsigned year = take_number(r, 2);
    date->year = year < 70 ? 2000 + year : 1900 + year;
    take_text(r, " ");
    unsigned clock = take_clock(r);
    take_text(r, " GMT");
    return clock;
}

/* "Sun Nov  6 08:49:37 1994" from after "Sun". */
static unsigned take_asctime(struct vel_reader *r, struct date *date)
{
    take_text(r, " ");
    date->month = take_month(r);
    take_text(r, " ");
    bool padded = vel_left(r) > 0 && *r->pos == ' ';
    if (padded)
        take_text(r, " ");
    date->day = take_number(r, padded ? 1 : 2);
    take_text(r, " ");
    unsigned clock = take_clock(r);
    take_text(r, " ");
    date->year = take_number(r, 4);
    return clock;
}

vel_result vel_http_date_parse(struct vel_slice text, int64_t *unix_seconds)
{
    struct vel_reader r = vel_reader(text);
    struct date date = {0};
    unsigned clock;
    bool known_day = false;
    struct vel_slice day = vel_read_bytes(&r, 3);
    for (size_t i = 0; i < 7; i++)
        known_day = known_day || vel_slice_equal(day, vel_slice_text(day_names[i]));
    REQUIRE(known_day && vel_left(&r) > 0, VEL_ERR_MALFORMED);
    if (*r.pos == ',')
        clock = take_fixdate(&r, &date);
    else if (*r.pos == ' ')
        clock = take_asctime(&r, &date);
    else
        clock = take_rfc850(&r, &date);
    REQUIRE(vel_read_done(&r), VEL_ERR_MALFORMED);
    REQUIRE(date.year >= YEAR_MIN && date.year <= YEAR_MAX, VEL_ERR_MALFORMED);
    REQUIRE(date.day >= 1 && date.day <= days_of_month(date.year, date.month), VEL_ERR_MALFORMED);
    *unix_seconds = days_since_year_one(date) * DAY + clock + SECONDS_MIN;
    return VEL_OK;
}
