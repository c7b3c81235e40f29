/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/sockets/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process.h"

/*
 * Making Unix sockets: addresses, listening, connecting, and who is at the other end. socket_frame.c moves
 * frames.
 *
 * The socket file has mode 0600 from its birth: bind(2) gives the new inode the mode of the socket's own
 * inode, which fchmod can set beforehand. A umask would be the whole process's, and chmod afterwards leaves a
 * gap.
 */

struct address {
	struct sockaddr_un native;
	int directory_fd; /* owned, -1 for short paths; must stay open while the address is used */
};

static void close_address(struct address *address)
{
	hd_cleanup_close(&address->directory_fd);
}

static int make_address(const char *path, struct address *address)
{
	const char *name = strrchr(path, '/');
	HD_AUTO_FREE char *directory = NULL;
	int n;

	address->native = (struct sockaddr_un){.sun_family = AF_UNIX};
	address->directory_fd = -1;
	if (!*path)
		return -ENOENT;
	if (strlen(path) < sizeof(address->native.sun_path)) {
		(void)stpcpy(address->native.sun_path, path);
		return 0;
	}
	if (!name)
		return -ENAMETOOLONG;
	directory = strndup(path, name == path ? 1 : (size_t)(name - path));
	if (!directory)
		return -ENOMEM;
	address->directory_fd = hd_file_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0);
	if (address->directory_fd < 0)
		return address->directory_fd;
	n = snprintf(address->native.sun_path, sizeof(address->native.sun_path), "/proc/self/fd/%d%s",
		address->directory_fd, name);
	return (size_t)n < sizeof(address->native.sun_path) ? 0 : -ENAMETOOLONG;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? hd_errno() : fd;
}

/* A peer that stops reading must not hold a thread of ours for ever. */
static int limit_sending(int fd)
{
	struct timeval timeout = {.tv_sec = HD_SOCKET_SEND_TIMEOUT_S};

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ? hd_errno() : 0;
}

static int connect_address(const struct address *address)
{
	HD_AUTO_CLOSE int fd = new_socket();
	int r;

	hd_lock_assert_none_held("connect");
	if (fd < 0)
		return fd;
	r = limit_sending(fd);
	if (r < 0)
		return r;
	while (connect(fd, (const struct sockaddr *)&address->native, sizeof(address->native)) < 0)
		if (errno != EINTR)
			return errno == EAGAIN ? -HD_E_CONTROL_TIMEOUT : hd_errno();
	return hd_steal_fd(&fd);
}

int hd_socket_connect(const char *path)
{
	HD_CLEANUP(close_address) struct address address;
	int r;

	hd_lock_assert_none_held("connect");
	r = make_address(path, &address);
	return r < 0 ? r : connect_address(&address);
}

/* Removes a socket file that nobody listens at. connect(2) answers ECONNREFUSED for other files too; they
 * stay. */
static int remove_dead_socket(const struct address *address)
{
	const char *path = address->native.sun_path;
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;

	hd_lock_assert_none_held("lstat");
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : hd_errno();
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = connect_address(address);
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? hd_errno() : 0;
}

static int bind_address(int fd, const struct address *address)
{
	hd_lock_assert_none_held("bind");
	return bind(fd, (const struct sockaddr *)&address->native, sizeof(address->native)) < 0 ? hd_errno()
												: 0;
}

int hd_socket_listen(const char *path)
{
	HD_CLEANUP(close_address) struct address address;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	hd_lock_assert_none_held("bind");
	r = make_address(path, &address);
	if (r < 0)
		return r;
	fd = new_socket();
	if (fd < 0)
		return fd;
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return hd_errno();
	r = bind_address(fd, &address);
	if (r == -EADDRINUSE) {
		r = remove_dead_socket(&address);
		if (r == 0)
			r = bind_address(fd, &address);
	}
	if (r < 0)
		return r;
	if (listen(fd, SOMAXCONN) < 0)
		return hd_errno();
	return hd_steal_fd(&fd);
}

int hd_socket_accept(int listen_fd)
{
	HD_AUTO_CLOSE int fd = -1;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r;

	hd_lock_assert_none_held("accept");
	do
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return hd_errno();
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return hd_errno();
	if (peer.uid != geteuid() && peer.uid != 0)
		return -EPERM;
	r = limit_sending(fd);
	return r < 0 ? r : hd_steal_fd(&fd);
}

int hd_socket_watch_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return hd_errno();
	/* 0: a process of another pid namespace. */
	return peer.pid > 0 ? hd_process_watch(peer.pid) : -ESRCH;
}

int hd_socket_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds) < 0 ? hd_errno() : 0;
}
