/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/sockets/socket.h"

/*
 * Frames on stream sockets.
 *
 * A descriptor travels with the first byte of its frame, and the receiver looks for one there and nowhere
 * else: the kernel drops descriptors that arrive where no room for them is offered, so a peer cannot fill our
 * table with them. The receiver polls against one deadline for the whole frame; a peer that sends a byte now
 * and then gains nothing.
 */

#define HEADER_SIZE 4u
#define PASSED_LIMIT 8 /* more than one is a violation, but all must be closed */
#define MEMORY_PATIENCE_NS 5000000000u
#define MEMORY_PAUSE_NS 10000000u
#define NO_DEADLINE UINT64_MAX

union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(PASSED_LIMIT * sizeof(int))];
};

static void attach_descriptor(struct msghdr *message, union control *control, int fd)
{
	struct cmsghdr *header;

	memset(control, 0, sizeof(*control));
	message->msg_control = control->bytes;
	message->msg_controllen = CMSG_SPACE(sizeof(fd));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

static void advance(struct iovec parts[2], size_t size)
{
	for (int i = 0; i < 2; i++) {
		size_t step = size < parts[i].iov_len ? size : parts[i].iov_len;

		parts[i].iov_base = (char *)parts[i].iov_base + step;
		parts[i].iov_len -= step;
		size -= step;
	}
}

int hd_socket_send(int fd, const void *data, size_t size, int passed_fd)
{
	uint8_t header[HEADER_SIZE] = {
		(uint8_t)size,
		(uint8_t)(size >> 8),
		(uint8_t)(size >> 16),
		(uint8_t)(size >> 24),
	};
	struct iovec parts[2] = {
		{.iov_base = header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = size},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	union control control;

	hd_lock_assert_none_held("send a frame");
	if (size > HD_FRAME_LIMIT)
		return -EMSGSIZE;
	if (passed_fd >= 0)
		attach_descriptor(&message, &control, passed_fd);
	while (parts[0].iov_len || parts[1].iov_len) {
		ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -HD_E_CONTROL_TIMEOUT : hd_errno();
		advance(parts, (size_t)n);
		message.msg_control = NULL;
		message.msg_controllen = 0;
	}
	return 0;
}

static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	hd_lock_assert_none_held("poll");
	for (;;) {
		int wait_ms = -1;
		int n;

		if (deadline_ns != NO_DEADLINE) {
			uint64_t now_ns = hd_clock_monotonic_ns();
			uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

			wait_ms = (int)((left_ns + 999999) / 1000000);
		}
		n = poll(&poller, 1, wait_ms);
		if (n > 0)
			return 0;
		if (n == 0)
			return -HD_E_CONTROL_TIMEOUT;
		if (errno != EINTR)
			return hd_errno();
	}
}

/*
 * Keeps the first descriptor of MESSAGE; false when there is more than one. One for which this process has no room is
 * gone, without a word but MSG_CTRUNC: then there is none, and the frame is as good as any.
 */
static bool take_descriptor(struct msghdr *message, int *passed_fd)
{
	size_t n_passed = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t n;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			if (n_passed++ == 0)
				*passed_fd = fd;
			else
				(void)close(fd);
		}
	}
	return n_passed <= 1;
}

/* One recvmsg of up to SIZE bytes; PASSED_FD may be NULL. The number of bytes, 0 at the stream's end. */
static ssize_t receive_some(int fd, void *buffer, size_t size, int *passed_fd)
{
	struct iovec part = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control;
	ssize_t n;

	hd_lock_assert_none_held("recvmsg");
	if (passed_fd) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
	}
	n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return hd_errno();
	if (passed_fd && !take_descriptor(&message, passed_fd))
		return -HD_E_CONTROL_PROTOCOL;
	return n;
}

/* Memory that is short passes, a stream of which something is missing does not: true, after a pause, to try again. */
static bool await_memory(int code, uint64_t *since_ns)
{
	uint64_t now_ns = hd_clock_monotonic_ns();

	if (code != -ENOMEM && code != -ENOBUFS)
		return false;
	if (*since_ns == 0)
		*since_ns = now_ns;
	if (now_ns - *since_ns > MEMORY_PATIENCE_NS)
		return false;
	hd_clock_sleep_ns(MEMORY_PAUSE_NS);
	return true;
}

/* Exactly SIZE bytes. -ECONNRESET when the stream ends before the first. */
static int receive_all(int fd, void *buffer, size_t size, uint64_t deadline_ns, int *passed_fd)
{
	uint64_t short_since_ns = 0;
	size_t done = 0;

	while (done < size) {
		ssize_t n;
		int r = wait_readable(fd, deadline_ns);

		if (r < 0)
			return r;
		n = receive_some(fd, (char *)buffer + done, size - done, done == 0 ? passed_fd : NULL);
		if (n == -EINTR || n == -EAGAIN || await_memory((int)n, &short_since_ns))
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return done ? -HD_E_CONTROL_PROTOCOL : -ECONNRESET;
		done += (size_t)n;
	}
	return 0;
}

static int receive_frame(int fd, uint64_t deadline_ns, char **ret_data, size_t *ret_size, int *passed_fd)
{
	HD_AUTO_FREE char *data = NULL;
	uint8_t header[HEADER_SIZE];
	uint64_t short_since_ns = 0;
	uint32_t size;
	int r;

	r = receive_all(fd, header, sizeof(header), deadline_ns, passed_fd);
	if (r < 0)
		return r;
	size = (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 |
	       (uint32_t)header[3] << 24;
	if (size > HD_FRAME_LIMIT)
		return -HD_E_CONTROL_PROTOCOL;
	do
		data = malloc((size_t)size + 1);
	while (!data && await_memory(-ENOMEM, &short_since_ns));
	if (!data)
		return -ENOMEM;
	r = receive_all(fd, data, size, deadline_ns, NULL);
	if (r == -ECONNRESET)
		return -HD_E_CONTROL_PROTOCOL;
	if (r < 0)
		return r;
	data[size] = '\0';
	*ret_data = HD_STEAL(data);
	*ret_size = size;
	return 0;
}

int hd_socket_receive(int fd, int timeout_ms, char **ret_data, size_t *ret_size, int *ret_fd)
{
	uint64_t deadline_ns = NO_DEADLINE;
	HD_AUTO_CLOSE int passed_fd = -1;
	int r;

	hd_lock_assert_none_held("receive a frame");
	if (timeout_ms >= 0)
		deadline_ns = hd_clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
	r = receive_frame(fd, deadline_ns, ret_data, ret_size, &passed_fd);
	if (r < 0)
		return r;
	if (ret_fd)
		*ret_fd = hd_steal_fd(&passed_fd);
	return 0;
}
