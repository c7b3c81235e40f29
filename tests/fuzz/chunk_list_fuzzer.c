/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chunk lists, of files that are stored in pieces: the runs of one that is accepted lie one behind the other, none is empty,
 * and together they are the whole file.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>

#include "overlay/store/objects/chunk_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int follow(const struct hd_chunk_run *run, void *payload)
{
	uint64_t *end = payload;

	if (run->first != *end || run->end <= run->first)
		abort();
	*end = run->end;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t end = 0, total = 0, again = 0;

	if (hd_chunk_list_decode(data, size, follow, &end, &total) < 0)
		return 0;
	if (end != hd_chunk_count(total) || hd_chunk_list_decode(data, size, NULL, NULL, &again) != 0 ||
		again != total)
		abort();
	return 0;
}
