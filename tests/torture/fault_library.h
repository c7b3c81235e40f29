/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_FAULT_LIBRARY_H
#define HEDDLE_TESTS_TORTURE_FAULT_LIBRARY_H

/*
 * What fault_library.c offers to the program that it is preloaded into, which finds it by dlsym(3): calls of one kind
 * fail, one or all from it on, in whatever thread. A child inherits the plan of its parent.
 *
 * Kinds are groups of calls: FAULT_WRITE is write, pwrite and writev, and so on.
 */

#include <stdbool.h>

#define FAULT_KINDS(x)                                                                                       \
	x(MALLOC, "malloc") x(OPEN, "open") x(READ, "read") x(WRITE, "write") x(SYNC, "fsync")               \
		x(RENAME, "rename") x(LINK, "link") x(UNLINK, "unlink") x(MKDIR, "mkdir")                    \
			x(TRUNCATE, "ftruncate") x(ALLOCATE, "fallocate") x(MMAP, "mmap")                    \
				x(MEMFD, "memfd_create") x(STAT, "stat") x(DIRECTORY, "readdir")             \
					x(DUP, "dup") x(LOCK, "flock") x(THREAD, "pthread_create")           \
						x(SEND, "sendmsg") x(RECEIVE, "recvmsg") x(SOCKET, "socket") \
							x(PIPE, "pipe") x(FORK, "fork")

enum fault_kind {
#define FAULT_ENUM(kind, text) FAULT_##kind,
	FAULT_KINDS(FAULT_ENUM)
#undef FAULT_ENUM
		FAULT_KIND_COUNT
};

struct fault_plan {
	bool active;  /* calls are counted, and fail as planned */
	int kind;     /* which fail; -1: none */
	long number;  /* the first that fails, from 1 */
	bool forever; /* and all behind it */
	long limit;   /* so many fail; 0: no limit */
	bool lies; /* writes, renames and links that fail say that they succeeded: for showing that it is noticed */
	int code; /* errno */
	long counts[FAULT_KIND_COUNT];
	long failed; /* how many did */
};

/* The one plan; "fault_plan_get" of dlsym(3). */
struct fault_plan *fault_plan_get(void);

#endif
