/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/check/check_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/chunk_list.h"
#include "overlay/store/objects/object_check.h"

/*
 * Objects, and references to contents. Every object is read once, here; whoever refers to one asks the sorted list.
 */

#define LIST_LIMIT ((size_t)1 << 30)

static int note_object(const struct hd_object_found *found, void *payload)
{
	struct hd_check *check = payload;

	if (!found->is_named && found->status < 0) {
		hd_check_remark(check,
			"%s/%s does not begin as a log of recent objects; what it holds cannot be found",
			found->folder, found->path);
		return 0;
	}
	if (!found->is_named) {
		hd_check_remark(check, "%s/%s is no object; an unfinished file may be deleted", found->folder,
			found->path);
		return 0;
	}
	if (found->status < 0 && found->status != -HD_E_OBJECT_CORRUPT) {
		hd_check_problem(
			check, "object %s cannot be read: %s", found->path, hd_error_text(found->status));
		if (found->status == -ENOMEM)
			return found->status;
	}
	if (HD_ARRAY_RESERVE(check->objects, check->n_objects, check->capacity) < 0)
		return -ENOMEM;
	check->objects[check->n_objects++] =
		(struct hd_checked_object){.id = found->id, .sound = found->status == 0};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct hd_checked_object *left = a, *right = b;

	return memcmp(&left->id, &right->id, sizeof(left->id));
}

/* An object may be in a log and have a file: one sound copy is enough. */
static void merge_copies(struct hd_check *check)
{
	size_t kept = 0;

	for (size_t i = 0; i < check->n_objects; i++) {
		struct hd_checked_object *last = kept ? &check->objects[kept - 1] : NULL;

		if (last && hd_object_id_equal(&last->id, &check->objects[i].id))
			last->sound |= check->objects[i].sound;
		else
			check->objects[kept++] = check->objects[i];
	}
	check->n_objects = kept;
}

int hd_check_objects(struct hd_check *check)
{
	int r = hd_object_store_check(check->store->objects, note_object, check);

	if (check->n_objects)
		qsort(check->objects, check->n_objects, sizeof(*check->objects), compare);
	merge_copies(check);
	check->report.objects = check->n_objects;
	return r;
}

static struct hd_checked_object *find_id(struct hd_check *check, const uint8_t bytes[HD_OBJECT_ID_BYTES])
{
	struct hd_checked_object wanted;

	hd_object_id_from_bytes(bytes, &wanted.id);
	if (!check->n_objects)
		return NULL;
	return bsearch(&wanted, check->objects, check->n_objects, sizeof(wanted), compare);
}

struct hd_checked_object *hd_check_find(struct hd_check *check, const struct hd_content *content)
{
	return find_id(check, content->bytes);
}

static struct hd_checked_object *check_object(
	struct hd_check *check, const uint8_t bytes[HD_OBJECT_ID_BYTES], const char *where)
{
	struct hd_checked_object *object = find_id(check, bytes);
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_object_id id;

	hd_object_id_from_bytes(bytes, &id);
	if (!object) {
		hd_check_problem(
			check, "%s: object %s is not in the store", where, hd_object_id_path(&id, path));
		return NULL;
	}
	object->named = true;
	if (object->sound)
		return object;
	hd_check_problem(check, "%s: the bytes of object %s do not match its name", where,
		hd_object_id_path(&id, path));
	return NULL;
}

struct chunk_check {
	struct hd_check *check;
	const char *where;
};

static int check_run(const struct hd_chunk_run *run, void *payload)
{
	struct chunk_check *chunks = payload;
	uint8_t id[HD_OBJECT_ID_BYTES];

	hd_object_id_to_bytes(&run->id, id);
	if (!run->is_hole)
		(void)check_object(chunks->check, id, chunks->where);
	return 0;
}

static int check_chunks(struct hd_check *check, const struct hd_content *content, const char *where)
{
	struct hd_content list = *content;
	HD_AUTO_FREE void *data = NULL;
	struct chunk_check chunks = {.check = check, .where = where};
	uint64_t total;
	size_t size;
	int r;

	list.kind = HD_CONTENT_OBJECT;
	r = hd_object_store_get(check->store->objects, &list, LIST_LIMIT, &data, &size);
	if (r == 0)
		r = hd_chunk_list_decode(data, size, check_run, &chunks, &total);
	if (r == -HD_E_OBJECT_CORRUPT) {
		hd_check_problem(check, "%s: its list of chunks is malformed", where);
		return 0;
	}
	return r;
}

static int check_base(struct hd_check *check, const struct hd_content *content, const char *where)
{
	struct hd_base_record record;
	int r;

	if (!check->base_known[content->base]) {
		r = hd_index_get_base(check->store->index, content->base, &record);
		if (r < 0 && r != -HD_E_BASE_MISSING)
			return r;
		if (r == 0)
			hd_base_record_clear(&record);
		check->base_known[content->base] = r == 0 ? 1 : 2;
	}
	if (check->base_known[content->base] == 2)
		hd_check_problem(check, "%s: the index knows no base %u", where, content->base);
	return 0;
}

static int check_host_path(struct hd_check *check, const struct hd_content *content, const char *where)
{
	HD_AUTO_FREE char *path = NULL;
	int r = hd_index_host_path(check->store->index, content->base, content->bytes, &path);

	if (r != -HD_E_BASE_OBJECT)
		return r;
	hd_check_problem(
		check, "%s: the index does not say which path of base %u this is", where, content->base);
	return 0;
}

int hd_check_content(struct hd_check *check, const struct hd_content *content, const char *where)
{
	const struct hd_checked_object *object;
	int r;

	if (!hd_content_is_valid(content)) {
		hd_check_problem(check, "%s: a malformed reference", where);
		return 0;
	}
	switch ((enum hd_content_kind)content->kind) {
	case HD_CONTENT_OBJECT:
		(void)check_object(check, content->bytes, where);
		return 0;
	case HD_CONTENT_CHUNKED:
		object = check_object(check, content->bytes, where);
		return object ? check_chunks(check, content, where) : 0;
	case HD_CONTENT_GIT:
		return check_base(check, content, where);
	case HD_CONTENT_HOST:
		r = check_base(check, content, where);
		return r < 0 ? r : check_host_path(check, content, where);
	case HD_CONTENT_NONE:
	case HD_CONTENT_KIND_COUNT:
		break;
	}
	return 0;
}

void hd_check_unreferenced(struct hd_check *check)
{
	char path[HD_OBJECT_PATH_SIZE];
	uint64_t unused = 0;

	for (size_t i = 0; i < check->n_objects; i++) {
		const struct hd_checked_object *object = &check->objects[i];

		if (object->named)
			continue;
		if (object->sound)
			unused++;
		else
			hd_check_remark(check,
				"the bytes of object %s do not match its name; nothing refers to it, the "
				"next "
				"put of its bytes replaces it",
				hd_object_id_path(&object->id, path));
	}
	if (unused)
		hd_check_remark(check, "%llu objects are referred to by nothing", (unsigned long long)unused);
}
