/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PARTS_LARGE_FILES_H
#define HEDDLE_MOUNT_PARTS_LARGE_FILES_H

/*
 * Large files: memory files that single files have, named by a slot; they come and go while a mount is served. The
 * worker announces each to the supervisor, and that to the keeper, so that they outlive it.
 *
 *     {"op":"hold","slot":N,"serial":N} + descriptor        {"op":"drop","slot":N,"serial":N}
 *
 * What is said of one slot is numbered, because a worker tells a new supervisor of everything while its threads go on:
 * of two messages the one with the higher serial counts, in whatever order they come.
 *
 * Threads     Announcements: any. A list: its owner's.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- in the worker ---- */

struct hd_announcements;

/* LINK_FD is where they go; it may become another connection meanwhile. */
int hd_announcements_new(int link_fd, struct hd_announcements **ret_announcements);
/* NULL is fine. */
void hd_announcements_free(struct hd_announcements *announcements);
/* A hold_large of overlay.h; PAYLOAD is the announcements. Before it returns 0 the descriptor is in the link's queue. */
int hd_announce(void *payload, uint32_t slot, int fd);
/* Everything that is there, once more. */
void hd_announce_all(struct hd_announcements *announcements);

/* ---- in the supervisor and in the keeper ---- */

struct hd_held_file {
	uint32_t slot;
	uint64_t serial;
	int fd;       /* owned; -1: there is none any more */
	bool lacking; /* there is one, and it did not come: no descriptor was left for it */
};

struct hd_held_files {
	struct hd_held_file *files; /* owned array */
	size_t count, capacity;
};

/* What MESSAGE says; takes *FD if it keeps it. False when something newer is known. */
bool hd_held_files_hear(struct hd_held_files *held, const json_t *message, int *fd);
/* How many there are that did not come. */
size_t hd_held_files_lacking(const struct hd_held_files *held);
/* The serials begin anew: another worker announces. */
void hd_held_files_restart(struct hd_held_files *held);
/* Closes all. */
void hd_held_files_clear(struct hd_held_files *held);

#endif
