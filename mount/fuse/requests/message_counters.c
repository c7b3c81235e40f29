/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Relaxed atomics: a counter orders nothing. One line of counters shared by all request threads is cheap
 * because only one of them is hot at a time (fuse_loop.h).
 */

#include "mount/fuse/requests/message_counters.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define ERRNO_LIMIT 256 /* errno values that are counted one by one */

static const char *const opcode_names[] = {
	[0] = "OTHER",
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_FORGET] = "FORGET",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_RELEASE] = "RELEASE",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_FLUSH] = "FLUSH",
	[FUSE_INIT] = "INIT",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_RELEASEDIR] = "RELEASEDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_ACCESS] = "ACCESS",
	[FUSE_CREATE] = "CREATE",
	[FUSE_INTERRUPT] = "INTERRUPT",
	[FUSE_DESTROY] = "DESTROY",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_BATCH_FORGET] = "BATCH_FORGET",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_READDIRPLUS] = "READDIRPLUS",
	[FUSE_RENAME2] = "RENAME2",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
	[FUSE_SYNCFS] = "SYNCFS",
	[FUSE_TMPFILE] = "TMPFILE",
	/* Younger than the oldest headers that this is built with. */
	[52] = "STATX",
	[53] = "COPY_FILE_RANGE_64",
};

_Static_assert(HD_ARRAY_SIZE(opcode_names) <= HD_MESSAGE_KINDS, "a kind beyond the limit");

struct hd_message_counters {
	_Atomic uint64_t requests[HD_ARRAY_SIZE(opcode_names)];
	_Atomic uint64_t failures[ERRNO_LIMIT + HD_E_END - HD_E_BASE]; /* errno, then codes of our own */
};

const char *hd_message_name(uint32_t opcode)
{
	bool known = opcode < HD_ARRAY_SIZE(opcode_names) && opcode_names[opcode];

	return opcode_names[known ? opcode : 0];
}

struct hd_message_counters *hd_message_counters_new(void)
{
	return calloc(1, sizeof(struct hd_message_counters));
}

void hd_message_counters_free(struct hd_message_counters *counters)
{
	free(counters);
}

void hd_message_counters_request(struct hd_message_counters *counters, uint32_t opcode)
{
	if (opcode >= HD_ARRAY_SIZE(opcode_names) || !opcode_names[opcode])
		opcode = 0;
	atomic_fetch_add_explicit(&counters->requests[opcode], 1, memory_order_relaxed);
}

uint64_t hd_message_counters_failure(struct hd_message_counters *counters, int r)
{
	int code = -r;

	if (code > HD_E_BASE && code < HD_E_END)
		code = ERRNO_LIMIT + code - HD_E_BASE;
	else if (code < 0 || code >= ERRNO_LIMIT)
		code = EIO;
	return atomic_fetch_add_explicit(&counters->failures[code], 1, memory_order_relaxed);
}

/* Adds NAME: VALUE unless it is zero. */
static int put_count(json_t *object, const char *name, const _Atomic uint64_t *counter)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	return value ? json_object_set_new(object, name, json_integer((json_int_t)value)) : 0;
}

json_t *hd_message_counters_json(const struct hd_message_counters *counters)
{
	json_t *messages = json_object();
	json_t *failures = json_object();
	int failed = !messages || !failures;
	size_t i;

	for (i = 0; i < HD_ARRAY_SIZE(opcode_names); i++) {
		if (opcode_names[i])
			failed |= put_count(messages, opcode_names[i], &counters->requests[i]);
	}
	for (i = 1; i < HD_ARRAY_SIZE(counters->failures); i++) {
		int code = i < ERRNO_LIMIT ? (int)i : (int)i - ERRNO_LIMIT + HD_E_BASE;

		if (i != ERRNO_LIMIT)
			failed |= put_count(failures, hd_error_name(code), &counters->failures[i]);
	}
	failed |= json_object_set(messages, "failures", failures);
	json_decref(failures);
	if (!failed)
		return messages;
	json_decref(messages);
	return NULL;
}
