/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tree objects: what decodes has one encoding only, the bytes it came from. Two spellings of one directory would be
 * two identities of it.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/tree_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_buffer again = {0};
	struct hd_tree tree;

	if (hd_tree_decode(data, size, &tree) < 0)
		return 0;
	for (size_t i = 0; i < tree.count; i++) {
		const struct hd_tree_entry *entry = &tree.entries[i];

		if (entry->name_length == 0 || entry->name_length > 255 ||
			memchr(entry->name, '/', entry->name_length) != NULL ||
			memchr(entry->name, '\0', entry->name_length) != NULL)
			abort();
	}
	if (hd_tree_encode(tree.entries, tree.count, &again) < 0 || again.size != size ||
		memcmp(again.data, data, size) != 0)
		abort();
	hd_buffer_clear(&again);
	hd_tree_clear(&tree);
	return 0;
}
