/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/reserve.h"

#include <stdlib.h>

#include "overlay/platform/files/descriptor.h"

/*
 * Each descriptor is of a file of its own and no copy of one: what the machine has too few of are files (ENFILE), what the
 * process has too few of are descriptors (EMFILE), and giving one of these up gives back both.
 *
 * The memory is less than what free(3) gives back to the system (M_TRIM_THRESHOLD, 128 KiB): it stays for the next who
 * asks in this process.
 */

#define MEMORY_SIZE 65536u

void hd_reserve_init(struct hd_reserve *reserve)
{
	for (int i = 0; i < HD_RESERVE_DESCRIPTORS; i++)
		reserve->fds[i] = -1;
	reserve->memory = NULL;
}

void hd_reserve_fill(struct hd_reserve *reserve)
{
	if (!reserve->memory)
		reserve->memory = malloc(MEMORY_SIZE);
	for (int i = 0; i < HD_RESERVE_DESCRIPTORS; i++) {
		int fd = reserve->fds[i] < 0 ? hd_descriptor_flag() : reserve->fds[i];

		if (fd < 0)
			return;
		reserve->fds[i] = fd;
	}
}

bool hd_reserve_is_full(const struct hd_reserve *reserve)
{
	for (int i = 0; i < HD_RESERVE_DESCRIPTORS; i++)
		if (reserve->fds[i] < 0)
			return false;
	return reserve->memory;
}

bool hd_reserve_release(struct hd_reserve *reserve)
{
	bool had = false;

	free(reserve->memory);
	reserve->memory = NULL;
	for (int i = 0; i < HD_RESERVE_DESCRIPTORS; i++) {
		had = had || reserve->fds[i] >= 0;
		hd_descriptor_close(&reserve->fds[i]);
	}
	return had;
}
