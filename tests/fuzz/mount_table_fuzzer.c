/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mount table: anybody who may mount writes directory names and sources into it.
 *
 * LINK: heddle_platform
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/mounts/mount_point.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bounds {
	const char *start;
	const char *end;
};

/* Strings must end inside of the text. */
static int check(const struct hd_mount_entry *entry, void *payload)
{
	const struct bounds *bounds = payload;
	const char *strings[] = {entry->directory, entry->source};

	for (size_t i = 0; i < 2; i++)
		if (strings[i] < bounds->start || strings[i] + strlen(strings[i]) > bounds->end)
			abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct bounds bounds = {.start = text, .end = text + size};

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (hd_mount_point_parse(text, check, &bounds) != 0)
		abort();
	free(text);
	return 0;
}
