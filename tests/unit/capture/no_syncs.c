/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

/*
 * For tests that kill a process at each of its system calls: whoever is killed loses nothing that the kernel has. Power cuts
 * are other tests', and these hundreds of syncs nobody's.
 */

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int syncfs(int fd)
{
	(void)fd;
	return 0;
}
