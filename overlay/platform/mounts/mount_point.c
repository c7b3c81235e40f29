/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/mounts/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/mounts/fusermount.h"

/*
 * Attaching and detaching. Root asks the kernel itself; everybody else asks the set-user-id program
 * fusermount3 (fusermount.c), which checks what an ordinary user may do.
 *
 * The kernel's options are those of Documentation/filesystems/fuse.rst. Both ways give the same type, source
 * and flags, so that nobody has to know which one was taken.
 */

static int check_directory(const char *directory)
{
	struct stat st;

	hd_lock_assert_none_held("stat");
	if (directory[0] != '/')
		return hd_fail(EINVAL, "mountpoint '%s' is not absolute", directory);
	if (stat(directory, &st) < 0)
		return hd_fail_errno("mountpoint '%s'", directory);
	if (!S_ISDIR(st.st_mode))
		return hd_fail(ENOTDIR, "mountpoint '%s'", directory);
	return 0;
}

/* The device's number is the same everywhere (linux/miscdevice.h: FUSE_MINOR). */
int hd_mount_point_open_device(void)
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, "/dev/fuse", O_RDWR, 0);
	struct stat st;

	if (fd == -EACCES || fd == -EPERM)
		return hd_fail(HD_E_MOUNT_REFUSED, "open /dev/fuse: %s", hd_error_text(fd));
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		return hd_fail(HD_E_FUSE_DEVICE, "open /dev/fuse: %s", hd_error_text(fd));
	if (fd < 0)
		return hd_fail(fd, "open /dev/fuse");
	hd_lock_assert_none_held("fstat");
	if (fstat(fd, &st) < 0)
		return hd_fail_errno("look at /dev/fuse");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(10, 229))
		return hd_fail(HD_E_FUSE_DEVICE, "what stands at /dev/fuse is not the device");
	return hd_steal_fd(&fd);
}

static int attach_by_kernel(const struct hd_mount_request *request)
{
	HD_AUTO_BUFFER struct hd_buffer options = {0};
	unsigned long flags = (request->read_only ? MS_RDONLY : 0) | (request->suid ? 0 : MS_NOSUID) |
			      (request->dev ? 0 : MS_NODEV) | (request->noatime ? MS_NOATIME : 0) |
			      (request->nodiratime ? MS_NODIRATIME : 0) |
			      (request->strictatime ? MS_STRICTATIME : 0);
	HD_AUTO_CLOSE int fd = -1;

	hd_lock_assert_none_held("mount");
	fd = hd_mount_point_open_device();
	if (fd < 0)
		return fd;
	hd_buffer_printf(&options, "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", fd, (unsigned)S_IFDIR,
		geteuid(), getegid(), request->allow_other ? ",allow_other" : "",
		request->default_permissions ? ",default_permissions" : "");
	hd_buffer_put_u8(&options, 0);
	if (hd_buffer_status(&options) < 0)
		return hd_buffer_status(&options);
	if (mount(request->source, request->directory, "fuse.heddle", flags, options.data) == 0)
		return hd_steal_fd(&fd);
	if (errno == EPERM)
		return hd_fail(HD_E_MOUNT_REFUSED, "mount(2) is not permitted to this process, which needs "
						   "CAP_SYS_ADMIN (a container must be "
						   "given it)");
	return hd_fail_errno("mount on '%s'", request->directory);
}

int hd_mount_point_attach(const struct hd_mount_request *request)
{
	int r;

	hd_lock_assert_none_held("mount");
	r = check_directory(request->directory);
	if (r < 0)
		return r;
	return geteuid() == 0 ? attach_by_kernel(request) : hd_fusermount_attach(request);
}

int hd_mount_point_attach_here(const struct hd_mount_request *request)
{
	int r;

	hd_lock_assert_none_held("mount");
	r = check_directory(request->directory);
	return r < 0 ? r : attach_by_kernel(request);
}

static int detach(const char *directory, int flags)
{
	hd_lock_assert_none_held("unmount");
	if (geteuid() != 0)
		return hd_fusermount_detach(directory, flags & MNT_DETACH);
	return umount2(directory, UMOUNT_NOFOLLOW | flags) < 0 ? hd_errno() : 0;
}

int hd_mount_point_detach(const char *directory, bool lazy)
{
	return detach(directory, lazy ? MNT_DETACH : 0);
}

int hd_mount_point_abandon(const char *directory)
{
	return detach(directory, MNT_DETACH | MNT_FORCE);
}
