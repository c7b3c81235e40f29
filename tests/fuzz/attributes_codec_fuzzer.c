/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attribute objects: what decodes encodes to the same bytes, and its extended attributes lie within them.
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
	struct hd_attributes_list list;
	struct hd_buffer again = {0};

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
	hd_buffer_clear(&again);
	hd_attributes_clear(&list);
	return 0;
}
