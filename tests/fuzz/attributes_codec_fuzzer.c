/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attribute objects: what decodes encodes to the same bytes, and its extended attributes lie within them. What is
 * made of the bytes, with some entries replaced, is what is encoded of the entries; whatever the bytes are.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/tree_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every STEP-th entry gets another owner and time, or the times of its birth. */
static void splice(const uint8_t *data, size_t size, struct hd_attributes_list *list, size_t step)
{
	struct hd_attribute_entry *changed = calloc(list->count + 1, sizeof(*changed));
	struct hd_buffer spliced = {0}, anew = {0};
	size_t count = 0;

	if (!changed)
		abort();
	for (size_t i = step - 1; i < list->count; i += step) {
		struct hd_attribute_entry *entry = &list->entries[i];

		if (i % 2)
			entry->modify_time = entry->change_time = entry->access_time = entry->birth_time;
		else
			entry->change_time.tv_sec ^= 1;
		entry->uid ^= (uint32_t)i & 4;
		changed[count++] = *entry;
	}
	if (hd_attributes_splice(data, size, changed, count, &spliced) < 0 ||
		hd_attributes_encode(list->entries, list->count, &anew) < 0 || spliced.size != anew.size ||
		memcmp(spliced.data, anew.data, anew.size) != 0)
		abort();
	hd_buffer_clear(&spliced);
	hd_buffer_clear(&anew);
	free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_attributes_list list;
	struct hd_buffer again = {0};
	const struct hd_attribute_entry any = {.name = "m", .name_length = 1};

	(void)hd_attributes_splice(data, size, &any, 1, &again);
	hd_buffer_clear(&again);
	if (hd_attributes_decode(data, size, &list) < 0)
		return 0;
	for (size_t i = 0; i < list.count; i++) {
		const uint8_t *xattrs = list.entries[i].xattrs;

		if (list.entries[i].xattrs_size > 0 &&
			(xattrs < data || xattrs + list.entries[i].xattrs_size > data + size))
			abort();
	}
	if (hd_attributes_encode(list.entries, list.count, &again) < 0 || again.size != size ||
		memcmp(again.data, data, size) != 0)
		abort();
	splice(data, size, &list, 2);
	hd_buffer_clear(&again);
	hd_attributes_clear(&list);
	return 0;
}
