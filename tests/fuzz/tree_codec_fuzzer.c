/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tree objects: what decodes has one encoding only, the bytes it came from. Two spellings of one directory would be
 * two identities of it. What is made of its bytes, with some entries replaced, is what is encoded of the entries; and whatever
 * the bytes are, nothing outside of them is read.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/tree_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every STEP-th entry gets other permissions. */
static void splice(const uint8_t *data, size_t size, struct hd_tree *tree, size_t step)
{
	struct hd_tree_entry *changed = calloc(tree->count + 1, sizeof(*changed));
	struct hd_buffer spliced = {0}, anew = {0};
	size_t count = 0;

	if (!changed)
		abort();
	for (size_t i = step - 1; i < tree->count; i += step) {
		tree->entries[i].mode ^= 0111;
		changed[count++] = tree->entries[i];
	}
	if (hd_tree_splice(data, size, changed, count, &spliced) < 0 ||
		hd_tree_encode(tree->entries, tree->count, &anew) < 0 || spliced.size != anew.size ||
		memcmp(spliced.data, anew.data, anew.size) != 0)
		abort();
	hd_buffer_clear(&spliced);
	hd_buffer_clear(&anew);
	free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_buffer again = {0};
	const struct hd_tree_entry any = {.name = "m", .name_length = 1, .mode = 0040755};
	struct hd_tree tree;

	(void)hd_tree_splice(data, size, &any, 1, &again);
	hd_buffer_clear(&again);
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
	splice(data, size, &tree, 3);
	hd_buffer_clear(&again);
	hd_tree_clear(&tree);
	return 0;
}
