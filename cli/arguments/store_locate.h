/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_STORE_LOCATE_H
#define HEDDLE_CLI_ARGUMENTS_STORE_LOCATE_H

/*
 * Which store, and which thread, a command is about.
 *
 *     store    --store; else HEDDLE_STORE; else that of the mount the working directory is in; else the
 * nearest .heddle at or above the working directory thread   the one named on the command line; else that of
 * the mount the working directory is in, if it is of this store; else "main"
 *
 * One that was not named has to belong to who asks (overlay/store/store_owner.h).
 * A store that was moved with its repository learns where that is now (capture/git/moved_base.h).
 *
 * Ownership   hd_location_clear closes the store and frees the names.
 * Threads     One at a time.
 * Errors      -HD_E_STORE_MISSING, -HD_E_STORE_FOREIGN, -HD_E_STORE_VERSION, -HD_E_THREAD_MISSING, -HD_E_NAME_INVALID, errors
 *             of the index.
 */

#include <stdbool.h>

#include "cli/arguments/command.h"
#include "overlay/store/store.h"

struct hd_location {
	struct hd_store *store; /* owned */
	char *thread;           /* owned */
	bool thread_named;      /* by the command line */
	char *below;   /* owned: where one stands in a mount of this store, from its root; NULL elsewhere */
	bool in_mount; /* the working directory is in a mount of this store, and `thread` is that one */
};

/* THREAD is the name the command line gave, or NULL. Whether it exists is not checked. */
int hd_locate(const struct hd_invocation *invocation, const char *thread, struct hd_location *ret_location);

/* The same for a thread that must exist. */
int hd_locate_thread(
	const struct hd_invocation *invocation, const char *thread, struct hd_location *ret_location);

/* Whether an argument that may be a thread or a path is a path: it has a '/' or begins with '.', no name
 * does. */
bool hd_word_is_path(const char *word);

/* PATH made absolute by its text alone, so that it can name something in a dead mount. Fresh memory; NULL:
 * errno. */
char *hd_path_absolute(const char *path);

/* Closes and frees; fine for an empty one. */
void hd_location_clear(struct hd_location *location);

#define HD_AUTO_LOCATION __attribute__((cleanup(hd_location_clear)))

#endif
