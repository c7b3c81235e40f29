/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_OVERLAY_LIST_TEXT_H
#define HEDDLE_TESTS_UNIT_OVERLAY_LIST_TEXT_H

/* Access control lists as people write them, "u::rw-,u:5:r--,g::r--,m::r--,o::---", from and to bytes. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_SIZE 256

static inline size_t list_bytes(const char *text, uint8_t bytes[LIST_SIZE])
{
	size_t size = 4;

	memcpy(bytes, "\2\0\0\0", 4);
	while (*text) {
		const char *permissions = strchr(text + 2, ':') + 1;
		unsigned named = text[2] != ':';
		unsigned tag = *text == 'u'   ? 1u + named
			       : *text == 'g' ? 4u << named
			       : *text == 'm' ? 0x10u
					      : 0x20u;
		uint32_t id = named ? (uint32_t)strtoul(text + 2, NULL, 10) : UINT32_MAX;

		bytes[size] = (uint8_t)tag;
		bytes[size + 2] = (uint8_t)((permissions[0] == 'r') << 2 | (permissions[1] == 'w') << 1 |
					    (permissions[2] == 'x'));
		bytes[size + 1] = bytes[size + 3] = 0;
		for (int i = 0; i < 4; i++)
			bytes[size + 4 + (size_t)i] = (uint8_t)(id >> 8 * i);
		size += 8;
		text = permissions + 3 + (permissions[3] == ',');
	}
	return size;
}

static inline const char *list_text(const uint8_t *bytes, size_t size, char text[LIST_SIZE])
{
	static const char letters[] = {[1] = 'u', [2] = 'u', [4] = 'g', [8] = 'g', [16] = 'm', [32] = 'o'};
	size_t length = 0;

	text[0] = '\0';
	for (size_t at = 4; at + 8 <= size; at += 8) {
		uint32_t id = (uint32_t)bytes[at + 4] | (uint32_t)bytes[at + 5] << 8 |
			      (uint32_t)bytes[at + 6] << 16 | (uint32_t)bytes[at + 7] << 24;
		char name[16] = "";

		if (id != UINT32_MAX)
			snprintf(name, sizeof(name), "%u", id);
		length += (size_t)snprintf(text + length, LIST_SIZE - length, "%s%c:%s:%c%c%c",
			length ? "," : "", letters[bytes[at]], name, bytes[at + 2] & 4 ? 'r' : '-',
			bytes[at + 2] & 2 ? 'w' : '-', bytes[at + 2] & 1 ? 'x' : '-');
	}
	return text;
}

#endif
