/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_DESCRIPTOR_H
#define HEDDLE_PLATFORM_FILES_DESCRIPTOR_H

/*
 * Descriptors that carry messages rather than files: devices, pipes, event counters.
 *
 * Ownership   Returned descriptors are close-on-exec and belong to the caller.
 * Threads     Any. Errors: -errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One read(2), repeated on EINTR; 0 bytes at the end of a stream. -EAGAIN when non-blocking and nothing is
 * there. */
int hd_descriptor_read(int fd, void *buffer, size_t size, size_t *ret_size);

/*
 * hd_descriptor_read on a non-blocking descriptor that, while nothing is there, yields the CPU and tries
 * again for up to SPIN_NS before it answers -EAGAIN. -EBUSY as soon as another program wanted the
 * CPU, which then has a better use.
 */
int hd_descriptor_read_spinning(int fd, void *buffer, size_t size, uint64_t spin_ns, size_t *ret_size);

/* One write(2) of a message that must be taken whole: -EIO if it was not. */
int hd_descriptor_write(int fd, const void *data, size_t size);

/* Closes *FD unless it is negative, and leaves -1. errno is kept. For what ends before its scope does. */
void hd_descriptor_close(int *fd);

/*
 * From now on the calling thread has descriptors of its own, as they are now: KEEP and the standard ones. So the others, and locks
 * that they hold, end with the rest of the process, wherever the thread waits by then.
 */
int hd_descriptor_keep_alone(int keep);

/* How many this process may have: what its limit is now. */
unsigned long hd_descriptor_limit(void);

int hd_descriptor_pipe(int ret_fds[2]);
int hd_descriptor_duplicate(int fd);
/* Makes NUMBER, which is open, another descriptor of what FD is, in one step: dup3(2). */
int hd_descriptor_replace(int number, int fd);
int hd_descriptor_set_blocking(int fd, bool blocking);

/* At most this many at once. */
#define HD_DESCRIPTOR_WAIT_LIMIT 16
/*
 * Waits until one of FDS is readable, at its end or broken; negative ones are skipped. Bit i of *RET_READY
 * stands for FDS[i]; 0 when TIMEOUT_MS (-1: none) passed. Signals do not end the wait.
 */
int hd_descriptor_wait(const int *fds, size_t n_fds, int timeout_ms, unsigned *ret_ready);

/* A flag to wait for: readable from the first raise on, for ever. */
int hd_descriptor_flag(void);
void hd_descriptor_flag_raise(int fd);
/* Whether it was; of other descriptors, whether they are readable. Does not wait. */
bool hd_descriptor_flag_is_raised(int fd);

#endif
