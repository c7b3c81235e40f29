/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strings of extended attributes, as states and journals keep them: names and values lie within the string, and what is
 * read to the end is written as the same bytes.
 *
 * LINK: heddle_overlay
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/access/attribute_string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct hd_extended_attribute *attribute, const uint8_t *data, size_t size)
{
	const uint8_t *name = (const uint8_t *)attribute->name, *value = attribute->value;

	if (name < data || name + attribute->name_length > data + size || value < data ||
		attribute->size > size || value + attribute->size > data + size)
		abort();
}

/* A name as it is in a string, with the NUL that the functions want. */
static void copy_name(const struct hd_extended_attribute *attribute, char *ret_name)
{
	memcpy(ret_name, attribute->name, attribute->name_length);
	ret_name[attribute->name_length] = '\0';
}

/* Takes the first attribute out: nobody of its name is left. */
static void check_removal(const uint8_t *data, size_t size)
{
	struct hd_buffer old = {0}, new = {0};
	struct hd_extended_attribute attribute;
	struct hd_reader reader;
	char name[256];

	hd_reader_init(&reader, data, size);
	if (!hd_attribute_next(&reader, &attribute))
		return;
	copy_name(&attribute, name);
	hd_buffer_put(&old, data, size);
	if (strlen(name) == attribute.name_length) {
		if (!hd_attribute_find(&old, name, &attribute) ||
			!hd_attribute_copy_without(&old, name, &new) ||
			hd_attribute_find(&new, name, &attribute))
			abort();
	}
	hd_buffer_clear(&old);
	hd_buffer_clear(&new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_extended_attribute attribute;
	struct hd_buffer again = {0};
	struct hd_reader reader;
	bool is_text = true;

	hd_reader_init(&reader, data, size);
	while (hd_attribute_next(&reader, &attribute)) {
		char name[256];

		check_place(&attribute, data, size);
		copy_name(&attribute, name);
		is_text = is_text && strlen(name) == attribute.name_length;
		hd_attribute_put(&again, name, attribute.value, attribute.size);
	}
	if (!hd_reader_failed(&reader) && hd_reader_left(&reader) == 0 && is_text &&
		(again.size != size || (size && memcmp(again.data, data, size) != 0)))
		abort();
	(void)hd_attribute_string_check(&again);
	hd_buffer_clear(&again);
	check_removal(data, size);
	return 0;
}
