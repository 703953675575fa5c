/* SPDX-License-Identifier: MIT */
#ifndef TESTS_QLOG_QLOG_FILE_H
#define TESTS_QLOG_QLOG_FILE_H

#include <jansson.h>

/*
 * A JSON text sequence, read back: fails the test when a record is not one object between a record
 * separator and a line end.
 */

/* An array of the records in `bytes`; release with json_decref. */
json_t *qlog_records(const char *bytes, size_t size);

/* The same of a file; fails the test when there is none. */
json_t *qlog_file(const char *folder, const char *name);

/* Checks what every trace has: head, names of the form category:event, data, times that do not go
 * back. */
void qlog_check(const json_t *records);

/* How many events have this name. */
size_t qlog_count(const json_t *records, const char *name);
/* The nth of them; NULL: there are fewer. Borrowed. */
json_t *qlog_find(const json_t *records, const char *name, size_t n);

/* Every transport:packet_received of one end is a transport:packet_sent of the other. */
void qlog_check_received(const json_t *receiver, const json_t *sender);

#endif
