/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/provenance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/hex.h"
#include "overlay/store/objects/object_id.h"

#define MAGIC "HDPV"
#define MAGIC_SIZE 4
#define VERSION 1
#define FLAG_INCOMPLETE 1u
/* The least that one takes in a record. */
#define ACTOR_SIZE 16
#define PATH_SIZE 6
/* Of a record without either. */
#define EMPTY_SIZE 16

void hd_provenance_clear(struct hd_provenance *provenance)
{
	for (size_t i = 0; i < provenance->n_actors; i++) {
		free(provenance->actors[i].program);
		free(provenance->actors[i].actor);
		free(provenance->actors[i].tool_call);
	}
	for (size_t i = 0; i < provenance->n_paths; i++)
		free(provenance->paths[i].path);
	free(provenance->actors);
	free(provenance->paths);
	*provenance = (struct hd_provenance){0};
}

/* ---- the record ---- */

static void put_text(struct hd_buffer *out, const char *text)
{
	hd_buffer_put_u32(out, (uint32_t)strlen(text));
	hd_buffer_put_text(out, text);
}

static size_t path_size(const struct hd_provenance_path *path)
{
	return PATH_SIZE - 1 + strlen(path->path) + sizeof(uint32_t) * path->n_actors;
}

/* How many of the paths there is room for. */
static size_t count_fitting(const struct hd_provenance *provenance, size_t room)
{
	size_t count = 0;

	while (count < provenance->n_paths && path_size(&provenance->paths[count]) <= room)
		room -= path_size(&provenance->paths[count++]);
	return count;
}

static size_t actors_size(const struct hd_provenance *provenance)
{
	size_t size = 0;

	for (size_t i = 0; i < provenance->n_actors; i++)
		size += ACTOR_SIZE + strlen(provenance->actors[i].program) +
			strlen(provenance->actors[i].actor) + strlen(provenance->actors[i].tool_call);
	return size;
}

int hd_provenance_encode(const struct hd_provenance *provenance, size_t limit, struct hd_buffer *out)
{
	size_t taken = EMPTY_SIZE + actors_size(provenance);
	size_t n_paths = count_fitting(provenance, taken < limit ? limit - taken : 0);
	bool incomplete = provenance->incomplete || n_paths < provenance->n_paths;

	hd_buffer_put(out, MAGIC, MAGIC_SIZE);
	hd_buffer_put_u16(out, VERSION);
	hd_buffer_put_u16(out, incomplete ? FLAG_INCOMPLETE : 0);
	hd_buffer_put_u32(out, (uint32_t)provenance->n_actors);
	for (size_t i = 0; i < provenance->n_actors; i++) {
		const struct hd_provenance_actor *actor = &provenance->actors[i];

		hd_buffer_put_u32(out, actor->pid);
		put_text(out, actor->program);
		put_text(out, actor->actor);
		put_text(out, actor->tool_call);
	}
	hd_buffer_put_u32(out, (uint32_t)n_paths);
	for (size_t i = 0; i < n_paths; i++) {
		const struct hd_provenance_path *path = &provenance->paths[i];

		put_text(out, path->path);
		hd_buffer_put_u8(out, (uint8_t)path->n_actors);
		for (unsigned k = 0; k < path->n_actors; k++)
			hd_buffer_put_u32(out, path->actors[k]);
	}
	return hd_buffer_status(out);
}

static int damaged(void)
{
	return hd_fail(HD_E_OBJECT_CORRUPT, "the record of who changed what");
}

static int take_text(struct hd_reader *reader, char **ret_text)
{
	uint32_t length = hd_reader_u32(reader);
	const void *bytes = hd_reader_bytes(reader, length);
	char *text;

	if (hd_reader_failed(reader) || (length > 0 && memchr(bytes, '\0', length)))
		return damaged();
	text = malloc((size_t)length + 1);
	if (!text)
		return -ENOMEM;
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	*ret_text = text;
	return 0;
}

static int take_actors(struct hd_reader *reader, struct hd_provenance *provenance)
{
	uint32_t count = hd_reader_u32(reader);
	int r = 0;

	if (count > hd_reader_left(reader) / ACTOR_SIZE)
		return damaged();
	provenance->actors = calloc((size_t)count + 1, sizeof(*provenance->actors));
	if (!provenance->actors)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && r >= 0; i++) {
		struct hd_provenance_actor *actor = &provenance->actors[provenance->n_actors++];

		actor->pid = hd_reader_u32(reader);
		r = take_text(reader, &actor->program);
		if (r >= 0)
			r = take_text(reader, &actor->actor);
		if (r >= 0)
			r = take_text(reader, &actor->tool_call);
	}
	return r;
}

static int take_path(struct hd_reader *reader, const struct hd_provenance *provenance, const char *before,
	struct hd_provenance_path *path)
{
	int r = take_text(reader, &path->path);

	if (r < 0)
		return r;
	path->n_actors = hd_reader_u8(reader);
	if (path->n_actors > HD_PROVENANCE_LIMIT || (before && strcmp(before, path->path) >= 0))
		return damaged();
	for (unsigned k = 0; k < path->n_actors; k++) {
		path->actors[k] = hd_reader_u32(reader);
		if (path->actors[k] >= provenance->n_actors)
			return damaged();
	}
	return hd_reader_failed(reader) ? damaged() : 0;
}

static int take_paths(struct hd_reader *reader, struct hd_provenance *provenance)
{
	uint32_t count = hd_reader_u32(reader);
	const char *before = NULL;
	int r = 0;

	if (count > hd_reader_left(reader) / (PATH_SIZE - 1))
		return damaged();
	provenance->paths = calloc((size_t)count + 1, sizeof(*provenance->paths));
	if (!provenance->paths)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && r >= 0; i++) {
		struct hd_provenance_path *path = &provenance->paths[provenance->n_paths++];

		r = take_path(reader, provenance, before, path);
		before = path->path;
	}
	return r;
}

int hd_provenance_decode(const void *data, size_t size, struct hd_provenance *ret_provenance)
{
	struct hd_provenance provenance = {0};
	struct hd_reader reader;
	const void *magic;
	unsigned flags;
	int r = 0;

	hd_reader_init(&reader, data, size);
	magic = hd_reader_bytes(&reader, MAGIC_SIZE);
	if (!magic || memcmp(magic, MAGIC, MAGIC_SIZE) != 0 || hd_reader_u16(&reader) != VERSION)
		return damaged();
	flags = hd_reader_u16(&reader);
	if (flags & ~FLAG_INCOMPLETE)
		return damaged();
	provenance.incomplete = (flags & FLAG_INCOMPLETE) != 0;
	r = take_actors(&reader, &provenance);
	if (r >= 0)
		r = take_paths(&reader, &provenance);
	if (r >= 0 && (hd_reader_failed(&reader) || hd_reader_left(&reader) > 0))
		r = damaged();
	if (r < 0)
		hd_provenance_clear(&provenance);
	else
		*ret_provenance = provenance;
	return r;
}

/* ---- in the store ---- */

int hd_provenance_put(
	struct hd_store *store, const struct hd_provenance *provenance, char text[HD_PROVENANCE_TEXT_SIZE])
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	struct hd_content content;
	int r;

	_Static_assert(HD_PROVENANCE_TEXT_SIZE == 2 * HD_OBJECT_ID_BYTES + 1, "two digits a byte");
	r = hd_provenance_encode(provenance, HD_PROVENANCE_RECORD_LIMIT, &record);
	if (r >= 0)
		r = hd_object_store_put(store->objects, record.data, record.size, &content);
	if (r < 0)
		return r;
	hd_hex_format(content.bytes, HD_OBJECT_ID_BYTES, text);
	return 0;
}

static int parse_name(const char *text, struct hd_content *ret_content)
{
	struct hd_content content = {.kind = HD_CONTENT_OBJECT, .length = HD_OBJECT_ID_BYTES};

	if (strlen(text) != HD_PROVENANCE_TEXT_SIZE - 1)
		return damaged();
	for (size_t i = 0; i < HD_OBJECT_ID_BYTES; i++) {
		int high = hd_hex_digit(text[2 * i]), low = hd_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return damaged();
		content.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_content = content;
	return 0;
}

int hd_provenance_of_state(
	struct hd_store *store, const struct hd_state *state, struct hd_provenance *ret_provenance)
{
	HD_AUTO_FREE void *data = NULL;
	struct hd_content content;
	const char *name = NULL;
	size_t size;
	int r;

	for (size_t i = 0; i < state->n_facts; i++)
		if (strcmp(state->facts[i].key, HD_PROVENANCE_FACT) == 0)
			name = state->facts[i].value;
	if (!name)
		return -ENOENT;
	r = parse_name(name, &content);
	if (r >= 0)
		r = hd_object_store_get(store->objects, &content, HD_PROVENANCE_RECORD_LIMIT, &data, &size);
	return r < 0 ? r : hd_provenance_decode(data, size, ret_provenance);
}

static const struct hd_provenance_path *find_exactly(
	const struct hd_provenance *provenance, const char *path, size_t length)
{
	size_t low = 0, high = provenance->n_paths;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *there = provenance->paths[middle].path;
		int order = strncmp(there, path, length);

		if (order == 0)
			order = there[length] != '\0';
		if (order == 0)
			return &provenance->paths[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct hd_provenance_path *hd_provenance_find(const struct hd_provenance *provenance, const char *path)
{
	for (size_t length = strlen(path); length > 0;) {
		const struct hd_provenance_path *found = find_exactly(provenance, path, length);

		if (found)
			return found;
		while (length > 0 && path[--length] != '/')
			;
	}
	return NULL;
}
