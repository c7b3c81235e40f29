/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"

/* What the host knows about a filesystem: whether its calls can hang, and its space. */

/* statfs(2) and linux/magic.h; written out because no header has them all. */
static const unsigned long stalling_types[] = {
	0x65735546, /* FUSE, also virtiofs */
	0x6969,     /* NFS */
	0x517b,     /* SMB */
	0xff534d42, /* CIFS */
	0xfe534d42, /* SMB2 */
	0x01021997, /* 9P */
	0x00c36400, /* Ceph */
	0x5346414f, /* OpenAFS */
	0x6b414653, /* AFS */
	0x73757245, /* Coda */
	0x0bd00bd0, /* Lustre */
	0x47504653, /* GPFS */
	0x01161970, /* GFS2 */
	0x7461636f, /* OCFS2 */
	0x19830326, /* BeeGFS */
	0x786f4256, /* VirtualBox shared folders */
};

bool hd_file_may_stall(int fd)
{
	struct statfs st;

	hd_lock_assert_none_held("fstatfs");
	/* A filesystem that cannot even say what it is gets no trust. */
	if (fstatfs(fd, &st) < 0)
		return true;
	for (size_t i = 0; i < HD_ARRAY_SIZE(stalling_types); i++)
		if (((unsigned long)st.f_type & 0xffffffffu) == stalling_types[i])
			return true;
	return false;
}

int hd_file_space(int fd, struct hd_filesystem_space *ret_space)
{
	struct statvfs st;
	uint64_t unit;

	hd_lock_assert_none_held("fstatvfs");
	while (fstatvfs(fd, &st) < 0)
		if (errno != EINTR)
			return hd_errno();
	unit = st.f_frsize ? st.f_frsize : st.f_bsize;
	*ret_space = (struct hd_filesystem_space){
		.total_bytes = st.f_blocks * unit,
		.free_bytes = st.f_bfree * unit,
		.available_bytes = st.f_bavail * unit,
		.total_files = st.f_files,
		.free_files = st.f_ffree,
	};
	return 0;
}
