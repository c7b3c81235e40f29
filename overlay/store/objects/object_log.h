/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_LOG_H
#define HEDDLE_STORE_OBJECTS_OBJECT_LOG_H

/*
 * Logs of recent objects: small objects begin their life as records behind each other in one file, recent/<number>,
 * and become files of their own later (hd_object_store_settle). Making a thousand of them durable is one fdatasync
 * then, where a thousand files and the directories that name them cost a journal commit of the filesystem each.
 *
 * All processes append to the log with the highest number, one at a time, under a lock; so of two writers whose bytes
 * collide the second one sees the first. Each process keeps a table of what the logs have, and reads on where it
 * stopped when it misses something. A log is only ever appended to, and removed when every object of it has a durable
 * file.
 *
 * A record that a kill or a power cut tore does not verify. It is passed over, by looking for the next header, and
 * harms nobody: what was acknowledged was synced, and so is whole.
 *
 * Inside the object store: for object_*.c and their tests only.
 *
 * Threads     Any. No lock is held during I/O; one thread of a process reads or appends at a time.
 * Errors      -errno of the disk, -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/store/objects/object_id.h"

#define HD_OBJECT_LOG_DIRECTORY "recent"

struct hd_object_store;

/* Where an object's bytes are. */
struct hd_object_place {
	int fd; /* owned by whoever asked */
	uint64_t offset, size;
	bool logged; /* in a log; else the file is the object */
};

/* Opens recent/ below STORE_FD (borrowed during the call), making it if it is missing. Reads nothing yet. */
int hd_object_log_open(int store_fd, struct hd_object_store *store);
void hd_object_log_close(struct hd_object_store *store);

/* 1 with *RET_PLACE, or 0. With REFRESH what others have appended meanwhile is read first. */
int hd_object_log_find(struct hd_object_store *store, const struct hd_object_id *id, bool refresh,
	struct hd_object_place *ret_place);

/*
 * Appends an object that was not found. -EEXIST if it is there by now, in a log or as a file; with FORCE, which is for
 * a damaged one, it is appended all the same and is what is found from now on. -EFBIG: the log is full, or SIZE is
 * too large for it; the object must have a file.
 */
int hd_object_log_append(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool force);

/* One of several objects that are appended at once. */
struct hd_object_pending {
	struct hd_object_id id;
	uint32_t size;
	size_t offset; /* among the records: of its own, whose bytes follow it, up to the next multiple of 8 */
	bool there;    /* set by appending: something has that name, and nothing was appended */
};

/*
 * Appends those of COUNT objects that are not there, whose RECORDS, SIZE bytes, are as they are to be but for the records' heads;
 * what is appended of neighbours by one write. -EFBIG: there is no room for all; then none was appended.
 */
int hd_object_log_append_all(struct hd_object_store *store, uint8_t *records, size_t size,
	struct hd_object_pending *list, size_t count);

/* While held, nobody appends, and nobody gives an object a file: for those who do. */
int hd_object_log_hold(struct hd_object_store *store);
void hd_object_log_let_go(struct hd_object_store *store);
/* With the hold: 1 if a log has the object. */
int hd_object_log_has_held(struct hd_object_store *store, const struct hd_object_id *id);
/* The same for who does not hold them: what others have put since this process has looked may be missing. */
bool hd_object_log_has(struct hd_object_store *store, const struct hd_object_id *id);

/* The next sync must make the log's record of ID durable as well; false if no log has it any more, but a file. */
bool hd_object_log_need(struct hd_object_store *store, const struct hd_object_id *id);

/* Makes the records durable that were appended or needed: one fdatasync. After a failure the next call gives the
 * objects files of their own instead, because the kernel forgets what it could not write. */
int hd_object_log_sync(struct hd_object_store *store);

/* Calls EMIT for each object in a log, for each log that cannot be read (no ID) and for each other file (neither ID nor
 * PLACE); a nonzero result ends that and is returned. */
typedef int (*hd_object_log_emit)(
	const char *path, const struct hd_object_id *id, const struct hd_object_place *place, void *payload);
int hd_object_log_list(struct hd_object_store *store, hd_object_log_emit emit, void *payload);

#endif
