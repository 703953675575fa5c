/* SPDX-License-Identifier: MIT */
#include "pki/time.h"

#include <stdio.h>

#include "pki/der.h"

enum { DAY = 24 * 60 * 60, DAYS_OF_400_YEARS = 146097 };

/* Days are counted from year 0; the Gregorian calendar repeats after 400 years. */
#define SECONDS_TO_1950 INT64_C(-631152000)
#define SECONDS_TO_2050 INT64_C(2524608000)
#define SECONDS_TO_YEAR_0 INT64_C(-62167219200)

struct date {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(int64_t year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/* Days from 1 January of year 0 to 1 January of `year`. */
static int64_t days_before(int64_t year)
{
    int64_t past = year - 1;
    return year == 0 ? 0 : year * 365 + past / 4 - past / 100 + past / 400 + 1;
}

static int64_t days_of(struct date date)
{
    int64_t days = days_before(date.year) + date.day - 1;
    for (unsigned month = 1; month < date.month; month++)
        days += days_in(date.year, month);
    return days;
}

static struct date date_of(int64_t days)
{
    struct date date = {.year = days * 400 / DAYS_OF_400_YEARS, .month = 1};
    while (days_before(date.year + 1) <= days)
        date.year++;
    while (days_before(date.year) > days)
        date.year--;
    days -= days_before(date.year);
    while (days >= days_in(date.year, date.month))
        days -= days_in(date.year, date.month++);
    date.day = (unsigned)days + 1;
    return date;
}

/* `count` decimal digits. */
static unsigned read_digits(struct vel_reader *r, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t digit = vel_read_uint(r, 1) - '0';
        if (digit > 9)
            r->failed = true;
        value = value * 10 + (unsigned)(digit % 10);
    }
    return value;
}

static int64_t read_year(struct vel_reader *r, uint8_t tag)
{
    if (tag == VEL_DER_TIME)
        return read_digits(r, 4);
    unsigned year = read_digits(r, 2);
    return year < 50 ? 2000 + year : 1900 + year;
}

int64_t vel_read_time(struct vel_reader *r)
{
    uint8_t tag = vel_der_next(r, VEL_DER_UTC_TIME) ? VEL_DER_UTC_TIME : VEL_DER_TIME;
    struct vel_reader text = vel_der_enter(r, tag);

    struct date date = {.year = read_year(&text, tag)};
    date.month = read_digits(&text, 2);
    date.day = read_digits(&text, 2);
    unsigned hour = read_digits(&text, 2);
    unsigned minute = read_digits(&text, 2);
    unsigned second = read_digits(&text, 2);
    bool zulu = vel_read_uint(&text, 1) == 'Z';

    bool ok = vel_read_done(&text) && zulu && date.month >= 1 && date.month <= 12 &&
              date.day >= 1 && date.day <= days_in(date.year, date.month) && hour < 24 &&
              minute < 60 && second < 60;
    if (!ok) {
        r->failed = true;
        return 0;
    }
    return SECONDS_TO_YEAR_0 + days_of(date) * DAY + hour * 3600 + minute * 60 + second;
}

static void write_digits(struct vel_writer *w, int64_t value, unsigned count)
{
    for (int64_t scale = count == 4 ? 1000 : 10; scale > 0; scale /= 10)
        vel_write_uint(w, (uint64_t)('0' + value / scale % 10), 1);
}

void vel_write_time(struct vel_writer *w, int64_t unix_time)
{
    if (unix_time < SECONDS_TO_1950 || unix_time > VEL_CERT_TIME_MAX) {
        w->failed = true;
        return;
    }
    int64_t since_0 = unix_time - SECONDS_TO_YEAR_0;
    struct date date = date_of(since_0 / DAY);
    int64_t second = since_0 % DAY;
    bool general = unix_time >= SECONDS_TO_2050;

    uint8_t *mark = vel_der_begin(w, general ? VEL_DER_TIME : VEL_DER_UTC_TIME);
    write_digits(w, general ? date.year : date.year % 100, general ? 4 : 2);
    write_digits(w, date.month, 2);
    write_digits(w, date.day, 2);
    write_digits(w, second / 3600, 2);
    write_digits(w, second / 60 % 60, 2);
    write_digits(w, second % 60, 2);
    vel_write_uint(w, 'Z', 1);
    vel_der_end(w, mark);
}

void vel_time_text(int64_t unix_time, char text[VEL_TIME_TEXT])
{
    if (unix_time < SECONDS_TO_YEAR_0 || unix_time > VEL_CERT_TIME_MAX) {
        memcpy(text, "?", 2);
        return;
    }
    int64_t since_0 = unix_time - SECONDS_TO_YEAR_0;
    struct date date = date_of(since_0 / DAY);
    unsigned second = (unsigned)(since_0 % DAY);
    snprintf(text, VEL_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)date.year % 10000,
             date.month, date.day, second / 3600 % 24, second / 60 % 60, second % 60);
}
