/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_ALTERNATES_H
#define HEDDLE_CAPTURE_GIT_ALTERNATES_H

/*
 * Alternates: the directories of objects that a repository borrows from, as objects/info/alternates names them, and those that these
 * borrow from.
 *
 * Threads     Any. Errors: -HD_E_BASE_MISSING where they are nested deeper than git follows them, -errno, -ENOMEM, EMIT's.
 */

#include <stddef.h>

typedef int (*hd_alternates_emit)(const char *objects, void *payload);

/* Calls EMIT for the directory OBJECTS, and then for each that it borrows from; a negative result ends it and is returned. */
int hd_alternates_each(const char *objects, hd_alternates_emit emit, void *payload);

/*
 * Calls EMIT for each directory that TEXT, the bytes of objects/info/alternates in the directory of objects OBJECTS, names. The
 * bytes, which end in a NUL, are changed.
 */
int hd_alternates_parse(const char *objects, char *text, hd_alternates_emit emit, void *payload);

#endif
