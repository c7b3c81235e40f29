/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_REPLACED_FILES_H
#define HEDDLE_MOUNT_ANSWERS_REPLACED_FILES_H

/*
 * Replaced files: those that became others under a mount, of which the kernel has to be shown the size.
 *
 * Kernels append where they believe a file to end, and do not ask before: so these files are looked at, once, before anybody
 * is told that they were replaced. Where the kernel keeps sizes itself it takes more than a look (decision 0022). The command that
 * had them replaced does it: a worker cannot, because it would wait for itself, and could not be killed. If the command dies before
 * it said so ("shown"), the worker has a process do it that outlives both.
 *
 * Meanwhile no other tree comes into the mount, which would be given the sizes of this one. Nobody may be kept waiting for ever: who
 * shows looks before each file whether it still may.
 *
 * Best effort: it takes a mount that can be seen from here, and the right to write the file.
 *
 * Ownership   Everything is borrowed. Threads: any. Blocks on the mount.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether REPLY tells of any. */
bool hd_replaced_files_any(const json_t *reply);

/* Looks at all that REPLY tells of, in the mount of THREAD, as long as MAY_SHOW says so. */
void hd_replaced_files_show(const char *store_path, const char *thread, const json_t *reply,
	bool (*may_show)(void *payload), void *payload);

/* The same in a process of its own, for LIMIT_NS; *RET_FD is at its end when the process has ended. */
int hd_replaced_files_show_aside(
	const char *store_path, const char *thread, const json_t *reply, uint64_t limit_ns, int *ret_fd);

#endif
