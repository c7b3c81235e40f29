/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/mounts/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"

static int write_file(const char *path, const char *text)
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, path, O_WRONLY, 0);
	int r = fd < 0 ? fd : hd_descriptor_write(fd, text, strlen(text));

	return r < 0 ? hd_fail_in(r, "write %s", path) : 0;
}

/* Each id is itself: files look the same inside and outside. A group is mapped only by who gave up setgroups(2). */
static int map_ids(uid_t uid, gid_t gid)
{
	char line[64];
	int r;

	r = write_file("/proc/self/setgroups", "deny");
	(void)snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	if (r >= 0)
		r = write_file("/proc/self/gid_map", line);
	(void)snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	return r < 0 ? r : write_file("/proc/self/uid_map", line);
}

static int make_slave(void)
{
	hd_lock_assert_none_held("mount");
	return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? hd_errno() : 0;
}

/* In a chroot the root is no mountpoint. Joining a mount namespace leads to its root, from where all can be reached. */
static int make_slave_from_the_root(void)
{
	HD_AUTO_CLOSE int root = hd_file_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	HD_AUTO_CLOSE int working = hd_file_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
	HD_AUTO_CLOSE int namespace = hd_file_open(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0);
	int r;

	if (root < 0 || working < 0 || namespace < 0)
		return root < 0 ? root : working < 0 ? working : namespace;
	if (setns(namespace, CLONE_NEWNS) < 0)
		return hd_errno();
	r = make_slave();
	if (fchdir(root) < 0 || chroot(".") < 0 || fchdir(working) < 0)
		return hd_errno();
	return r;
}

static int bring_loopback_up(void)
{
	HD_AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	hd_lock_assert_none_held("ioctl");
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return hd_errno();
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? hd_errno() : 0;
}

int hd_namespace_enter(bool without_network)
{
	int flags = CLONE_NEWNS | (without_network ? CLONE_NEWNET : 0);
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int r;

	if (unshare(flags) < 0) {
		if (errno != EPERM)
			return hd_fail_errno("make a mount namespace");
		if (unshare(flags | CLONE_NEWUSER) < 0)
			return hd_fail_errno(
				"make a user namespace (the system forbids it to ordinary users, or "
				"this is a chroot or a container)");
		r = map_ids(uid, gid);
		if (r < 0)
			return r;
	}
	r = make_slave();
	if (r == -EINVAL)
		r = make_slave_from_the_root();
	if (r < 0)
		return hd_fail_in(r, "keep mounts from showing outside");
	r = without_network ? bring_loopback_up() : 0;
	return r < 0 ? hd_fail_in(r, "bring the loopback interface up") : 0;
}
