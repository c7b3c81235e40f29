/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_CHECK_H
#define HEDDLE_STORE_OBJECTS_OBJECT_CHECK_H

/*
 * What lies in objects/, each file read whole and compared with its name, and the records of recent/. An object may be
 * in both.
 *
 * A sound store may hold files that are not sound: what was put but not synced when the power went. Nothing that is
 * durable refers to them, and the next put of their bytes replaces them. So this says what is there, not whether it is
 * a problem; overlay/check/check.h knows who refers to what.
 *
 * Threads     As the object store. Ownership: what EMIT is given is borrowed during the call.
 * Errors      -errno of the disk when a directory cannot be listed, or what EMIT returned.
 */

#include "overlay/store/objects/object_id.h"
#include "overlay/store/objects/object_store.h"

struct hd_object_found {
	const char *folder; /* of the store: objects, or recent */
	const char *path;   /* below it; of a record the log's */
	bool is_named; /* an object, which is ID; else the file does not belong here, or is a log that cannot be read */
	struct hd_object_id id;
	int status; /* 0 when sound, -HD_E_OBJECT_CORRUPT (a log too), or why it cannot be read */
};

/* A nonzero result of EMIT ends the listing and is returned. */
typedef int (*hd_object_emit)(const struct hd_object_found *found, void *payload);
int hd_object_store_check(struct hd_object_store *store, hd_object_emit emit, void *payload);

#endif
