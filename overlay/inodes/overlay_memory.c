/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/arena.h"
#include "overlay/hot/hot_tier.h"
#include "overlay/overlay.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/* Apart from overlay.c: who holds the memory for others needs nothing of what is done in it. */

int hd_overlay_memory(int *ret_arena_fd, int *ret_hot_fd)
{
	HD_AUTO_CLOSE int arena_fd = hd_memory_file_create("heddle-arena", hd_arena_size());
	HD_AUTO_CLOSE int hot_fd = -1;

	if (arena_fd < 0)
		return hd_fail_in(arena_fd, "make the overlay's memory");
	hot_fd = hd_memory_file_create("heddle-hot", hd_hot_file_size());
	if (hot_fd < 0)
		return hd_fail_in(hot_fd, "make the hot tier's memory");
	*ret_arena_fd = hd_steal_fd(&arena_fd);
	*ret_hot_fd = hd_steal_fd(&hot_fd);
	return 0;
}
