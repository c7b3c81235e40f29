/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The thin calls under the request loop and the supervisor's poll loop.
 *
 * Spinning yields instead of pausing: on a machine with few CPUs the program that will send the next request
 * may be waiting for this very CPU.
 */

#include "overlay/platform/files/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/* A yield that took this long has let somebody else run: alone it takes well under one microsecond. */
#define CONTENDED_NS 8000u

int hd_descriptor_read(int fd, void *buffer, size_t size, size_t *ret_size)
{
	ssize_t n;

	do {
		n = read(fd, buffer, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return hd_errno();
	*ret_size = (size_t)n;
	return 0;
}

int hd_descriptor_read_spinning(int fd, void *buffer, size_t size, uint64_t spin_ns, size_t *ret_size)
{
	uint64_t deadline = 0;
	uint64_t now;
	int r;

	for (;;) {
		r = hd_descriptor_read(fd, buffer, size, ret_size);
		if (r != -EAGAIN || spin_ns == 0)
			return r;
		now = hd_clock_monotonic_ns();
		if (deadline == 0)
			deadline = now + spin_ns;
		else if (now >= deadline)
			return -EAGAIN;
		(void)sched_yield();
		if (hd_clock_monotonic_ns() - now > CONTENDED_NS) {
			/* Whoever ran may have been the one we wait for. */
			r = hd_descriptor_read(fd, buffer, size, ret_size);
			return r == -EAGAIN ? -EBUSY : r;
		}
	}
}

int hd_descriptor_write(int fd, const void *data, size_t size)
{
	ssize_t n;

	do {
		n = write(fd, data, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return hd_errno();
	return (size_t)n == size ? 0 : -EIO;
}

void hd_descriptor_close(int *fd)
{
	hd_cleanup_close(fd);
	*fd = -1;
}

int hd_descriptor_keep_alone(int keep)
{
	if (unshare(CLONE_FILES) < 0)
		return hd_errno();
	if (keep > STDERR_FILENO + 1 && close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0) < 0)
		return hd_errno();
	return close_range((unsigned)keep + 1, ~0u, 0) < 0 ? hd_errno() : 0;
}

unsigned long hd_descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : limit.rlim_cur;
}

int hd_descriptor_pipe(int ret_fds[2])
{
	return pipe2(ret_fds, O_CLOEXEC) < 0 ? hd_errno() : 0;
}

int hd_descriptor_duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? hd_errno() : copy;
}

int hd_descriptor_replace(int number, int fd)
{
	int r;

	do {
		r = dup3(fd, number, O_CLOEXEC);
	} while (r < 0 && (errno == EINTR || errno == EBUSY));
	return r < 0 ? hd_errno() : 0;
}

int hd_descriptor_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return hd_errno();
	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? hd_errno() : 0;
}

int hd_descriptor_wait(const int *fds, size_t n_fds, int timeout_ms, unsigned *ret_ready)
{
	uint64_t deadline = timeout_ms < 0 ? 0 : hd_clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
	struct pollfd polled[HD_DESCRIPTOR_WAIT_LIMIT];
	unsigned ready = 0;
	size_t i;

	hd_lock_assert_none_held("poll");
	if (n_fds > HD_DESCRIPTOR_WAIT_LIMIT)
		return -EINVAL;
	for (i = 0; i < n_fds; i++)
		polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	while (poll(polled, n_fds, timeout_ms) < 0) {
		uint64_t now = hd_clock_monotonic_ns();

		if (errno != EINTR)
			return hd_errno();
		if (timeout_ms >= 0)
			timeout_ms = now < deadline ? (int)((deadline - now) / 1000000u) : 0;
	}
	for (i = 0; i < n_fds; i++) {
		if (polled[i].revents)
			ready |= 1u << i;
	}
	*ret_ready = ready;
	return 0;
}

int hd_descriptor_flag(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? hd_errno() : fd;
}

void hd_descriptor_flag_raise(int fd)
{
	const uint64_t one = 1;

	/* A full counter is as readable as any other. */
	(void)hd_descriptor_write(fd, &one, sizeof(one));
}

bool hd_descriptor_flag_is_raised(int fd)
{
	unsigned ready = 0;

	return hd_descriptor_wait(&fd, 1, 0, &ready) >= 0 && ready != 0;
}
