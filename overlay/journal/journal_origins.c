/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/journal_origins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* The checksum covers the journal's header too, so that a list is that of its file. */

void hd_journal_origin_name(const char *prefix, size_t n, char name[HD_ORIGIN_NAME_SIZE])
{
	(void)snprintf(name, HD_ORIGIN_NAME_SIZE, "%s%zu", prefix, n);
}

int hd_journal_origins_encode(const struct hd_journal_header *header,
	const struct hd_journal_origins *origins, struct hd_buffer *buffer)
{
	struct hd_journal_origins_header head = {
		.magic = HD_ORIGINS_MAGIC, .count = (uint32_t)origins->count};
	uint64_t checksum;

	hd_buffer_put(buffer, header, sizeof(*header));
	hd_buffer_put(buffer, &head, sizeof(head));
	hd_buffer_put(buffer, origins->origins, origins->count * sizeof(*origins->origins));
	if (hd_buffer_status(buffer) < 0)
		return hd_buffer_status(buffer);
	checksum = hd_checksum64(buffer->data, buffer->size);
	hd_buffer_put(buffer, &checksum, sizeof(checksum));
	return hd_buffer_status(buffer);
}

static bool is_sensible(const struct hd_journal_origins *origins)
{
	for (size_t i = 0; i < origins->count; i++) {
		const struct hd_journal_origin *origin = &origins->origins[i];

		if (origin->sequence == 0 || origin->size <= sizeof(struct hd_journal_header) ||
			origin->thread == 0)
			return false;
	}
	return true;
}

/* The list from SOURCE, which has SIZE bytes up to its checksum. */
static bool decode(struct hd_journal_source *source, size_t size, struct hd_journal_origins *ret)
{
	const uint8_t *bytes = hd_source_bytes(source, 0, size + sizeof(uint64_t));
	uint64_t checksum;

	if (!bytes)
		return false;
	memcpy(&checksum, bytes + size, sizeof(checksum));
	if (checksum != hd_checksum64(bytes, size))
		return false;
	memcpy(ret->origins,
		bytes + sizeof(struct hd_journal_header) + sizeof(struct hd_journal_origins_header),
		ret->count * sizeof(*ret->origins));
	return is_sensible(ret);
}

int hd_journal_origins_read(struct hd_journal_source *source, const struct hd_journal_header *header,
	struct hd_journal_origins *ret_origins, uint64_t *ret_begin)
{
	struct hd_journal_origins origins = {0};
	struct hd_journal_origins_header head;
	const uint8_t *bytes;
	size_t size = sizeof(*header);

	if (!hd_journal_header_is_of_fork(header)) {
		ret_origins->count = 0;
		*ret_begin = size;
		return 0;
	}
	bytes = hd_source_bytes(source, size, sizeof(head));
	if (bytes)
		memcpy(&head, bytes, sizeof(head));
	size += sizeof(head);
	if (bytes && head.magic == HD_ORIGINS_MAGIC && head.count >= 1 &&
		head.count <= HD_JOURNAL_ORIGINS_LIMIT) {
		origins.count = head.count;
		size += origins.count * sizeof(*origins.origins);
		if (decode(source, size, &origins)) {
			*ret_origins = origins;
			*ret_begin = size + sizeof(uint64_t);
			return 0;
		}
	}
	return source->status < 0
		       ? source->status
		       : hd_fail(HD_E_JOURNAL_CORRUPT, "what the fork's journal begins with does not verify");
}

uint64_t hd_journal_origins_size(const struct hd_journal_origins *origins)
{
	uint64_t size = 0;

	for (size_t i = 0; i < origins->count; i++)
		size += origins->origins[i].size;
	return size;
}

int hd_journal_origins_remove(int directory_fd, const char *prefix)
{
	char name[HD_ORIGIN_NAME_SIZE];
	size_t count = 0;
	int r = 0;

	do
		hd_journal_origin_name(prefix, ++count, name);
	while (count <= HD_JOURNAL_ORIGINS_LIMIT && hd_file_exists(directory_fd, name));
	while (r == 0 && --count > 0) {
		hd_journal_origin_name(prefix, count, name);
		r = hd_file_unlink(directory_fd, name);
	}
	return r;
}

/* ---- names that stay ---- */

static int pin_file(int directory_fd, const char *name, size_t n)
{
	char pinned[HD_ORIGIN_NAME_SIZE];

	hd_journal_origin_name(HD_ORIGIN_PINNED_PREFIX, n, pinned);
	return hd_file_link(directory_fd, name, pinned);
}

int hd_journal_origins_pin(int directory_fd, uint32_t thread, const struct hd_journal_end *end,
	const struct hd_journal_origins *origins, struct hd_journal_origins *ret_origins)
{
	bool has_epochs = end->sequence > 0;
	int r;

	if (origins->count + has_epochs > HD_JOURNAL_ORIGINS_LIMIT)
		return -EMLINK;
	if (origins->count + has_epochs == 0)
		return -ENOENT;
	r = hd_journal_origins_remove(directory_fd, HD_ORIGIN_PINNED_PREFIX);
	for (size_t i = 0; r == 0 && i < origins->count; i++) {
		char name[HD_ORIGIN_NAME_SIZE];

		hd_journal_origin_name(HD_ORIGIN_PREFIX, i + 1, name);
		r = pin_file(directory_fd, name, i + 1);
	}
	if (r == 0 && has_epochs)
		r = pin_file(directory_fd, "journal", origins->count + 1);
	if (r < 0) {
		(void)hd_journal_origins_remove(directory_fd, HD_ORIGIN_PINNED_PREFIX);
		return r;
	}
	*ret_origins = *origins;
	if (has_epochs)
		ret_origins->origins[ret_origins->count++] = (struct hd_journal_origin){
			.id = end->id, .sequence = end->sequence, .size = end->size, .thread = thread};
	return 0;
}
