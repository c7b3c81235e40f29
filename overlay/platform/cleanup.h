/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_CLEANUP_H
#define HEDDLE_PLATFORM_CLEANUP_H

/*
 * Ownership helpers: a local marked HD_AUTO_* is released when it leaves scope, on every path.
 *
 * Ownership   HD_STEAL(pointer) and hd_steal_fd(&fd) hand the value on and leave NULL or -1 behind.
 * Errors      The destructors keep errno, so that a failing call's errno survives the scope's end.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define HD_CLEANUP(function) __attribute__((cleanup(function)))

static inline void hd_cleanup_free(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

static inline void hd_cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline int hd_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define HD_AUTO_FREE HD_CLEANUP(hd_cleanup_free)
#define HD_AUTO_CLOSE HD_CLEANUP(hd_cleanup_close)

/* Takes the value out of POINTER and leaves NULL. */
#define HD_STEAL(pointer)                                \
	__extension__({                                  \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

#define HD_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
