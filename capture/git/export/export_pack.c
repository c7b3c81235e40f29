/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_pack.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/export/pack_writer.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/error.h"

/*
 * A backend of libgit2's database that only reads: it knows what was put in by id. The first objects stay in memory, because a
 * few of them become files; when there are more, all go into a pack, and later ones at once.
 *
 * Who looks for an object before it writes it, as git_odb_write does, makes libgit2 list the directory of packs again for each
 * one that is not there. Here that is not needed: what another process has written meanwhile may be written twice.
 *
 * An object that the repository has may be in nobody's history, and about to be removed by git's gc: it is written again by
 * libgit2, which makes it young (git_odb_write, "freshen") and writes nothing.
 */

#define FIRST_SLOTS 256u

struct object {
	struct hd_pack_entry entry;
	void *data; /* owned; NULL: it is in the pack */
};

struct hd_export_pack {
	git_odb_backend backend; /* the first, so that libgit2's pointer is ours */
	git_odb *odb;            /* borrowed: it owns this */
	char *location;          /* owned */
	struct object *objects;  /* owned array */
	size_t count, capacity;
	uint32_t *slots; /* owned: places in `objects`, from 1 on, by id; a power of two, at most half full */
	size_t n_slots;
	size_t bytes; /* in memory */
	struct hd_pack_writer writer;
	bool is_begun; /* there is a pack, which has all objects */
};

/* ---- which objects there are ---- */

static uint32_t *find_slot(uint32_t *slots, size_t n_slots, const struct object *objects, const git_oid *id)
{
	size_t position;

	memcpy(&position, id->id, sizeof(position));
	for (position &= n_slots - 1;; position = (position + 1) & (n_slots - 1)) {
		uint32_t place = slots[position];

		if (place == 0 || memcmp(objects[place - 1].entry.id.id, id->id, GIT_OID_RAWSZ) == 0)
			return &slots[position];
	}
}

static const struct object *find(const struct hd_export_pack *pack, const git_oid *id)
{
	uint32_t place = pack->count ? *find_slot(pack->slots, pack->n_slots, pack->objects, id) : 0;

	return place ? &pack->objects[place - 1] : NULL;
}

static int grow(struct hd_export_pack *pack)
{
	size_t n_slots = pack->n_slots ? 2 * pack->n_slots : FIRST_SLOTS;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < pack->count; i++)
		*find_slot(slots, n_slots, pack->objects, &pack->objects[i].entry.id) = (uint32_t)(i + 1);
	free(pack->slots);
	pack->slots = slots;
	pack->n_slots = n_slots;
	return 0;
}

/* Room for one more object. */
static int reserve(struct hd_export_pack *pack)
{
	if (pack->count == UINT32_MAX)
		return -EFBIG;
	if (2 * (pack->count + 1) > pack->n_slots && grow(pack) < 0)
		return -ENOMEM;
	return HD_ARRAY_RESERVE(pack->objects, pack->count, pack->capacity);
}

static void add(struct hd_export_pack *pack, const struct object *object)
{
	uint32_t *slot = find_slot(pack->slots, pack->n_slots, pack->objects, &object->entry.id);

	pack->objects[pack->count] = *object;
	*slot = (uint32_t)++pack->count;
}

void hd_export_pack_drop(struct hd_export_pack *pack)
{
	for (size_t i = 0; i < pack->count; i++)
		free(pack->objects[i].data);
	free(pack->objects);
	free(pack->slots);
	pack->objects = NULL;
	pack->slots = NULL;
	pack->count = pack->capacity = pack->n_slots = pack->bytes = 0;
	if (pack->is_begun)
		hd_pack_writer_abort(&pack->writer);
	pack->is_begun = false;
}

/* ---- libgit2's side ---- */

static int read_object(void **ret_data, size_t *ret_size, git_object_t *ret_type, git_odb_backend *backend,
	const git_oid *id)
{
	struct hd_export_pack *pack = (struct hd_export_pack *)backend;
	const struct object *object = find(pack, id);
	void *data;

	if (!object)
		return GIT_ENOTFOUND;
	/* A byte more, because libgit2's own backends end what they read with a NUL. */
	data = git_odb_backend_data_alloc(backend, object->entry.size + 1);
	if (!data)
		return GIT_ERROR;
	((char *)data)[object->entry.size] = '\0';
	if (object->data) {
		memcpy(data, object->data, object->entry.size);
	} else if (hd_pack_writer_read(&pack->writer, &object->entry, data) < 0) {
		git_odb_backend_data_free(backend, data);
		return GIT_ERROR;
	}
	*ret_data = data;
	*ret_size = object->entry.size;
	*ret_type = object->entry.type;
	return 0;
}

static int read_header(size_t *ret_size, git_object_t *ret_type, git_odb_backend *backend, const git_oid *id)
{
	const struct object *object = find((struct hd_export_pack *)backend, id);

	if (!object)
		return GIT_ENOTFOUND;
	*ret_size = object->entry.size;
	*ret_type = object->entry.type;
	return 0;
}

static int exists(git_odb_backend *backend, const git_oid *id)
{
	return find((struct hd_export_pack *)backend, id) != NULL;
}

static void free_pack(git_odb_backend *backend)
{
	struct hd_export_pack *pack = (struct hd_export_pack *)backend;

	hd_export_pack_drop(pack);
	free(pack->location);
	free(pack);
}

int hd_export_pack_new(git_odb *odb, const char *location, struct hd_export_pack **ret_pack)
{
	/* Before all others. */
	enum { PRIORITY = 1000 };
	struct hd_export_pack *pack = calloc(1, sizeof(*pack));

	if (!pack)
		return -ENOMEM;
	pack->odb = odb;
	pack->location = strdup(location);
	if (!pack->location || git_odb_init_backend(&pack->backend, GIT_ODB_BACKEND_VERSION) < 0) {
		free_pack(&pack->backend);
		return -ENOMEM;
	}
	pack->backend.read = read_object;
	pack->backend.read_header = read_header;
	pack->backend.exists = exists;
	pack->backend.free = free_pack;
	if (git_odb_add_backend(odb, &pack->backend, PRIORITY) < 0) {
		free_pack(&pack->backend);
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects of %s", location);
	}
	*ret_pack = pack;
	return 0;
}

/* ---- putting in ---- */

static int fail_write(const struct hd_export_pack *pack, int r)
{
	return r < 0 ? hd_fail_in(r, "write a pack in %s", pack->location) : r;
}

static int move_to_pack(struct hd_export_pack *pack, struct object *object)
{
	int r = hd_pack_writer_add(&pack->writer, object->data, &object->entry);

	if (r < 0)
		return r;
	pack->bytes -= object->entry.size;
	free(object->data);
	object->data = NULL;
	return 0;
}

static int begin_pack(struct hd_export_pack *pack)
{
	int r = hd_pack_writer_begin(pack->location, &pack->writer);

	pack->is_begun = r >= 0;
	for (size_t i = 0; i < pack->count && r >= 0; i++)
		r = move_to_pack(pack, &pack->objects[i]);
	return fail_write(pack, r);
}

static int put_new(struct hd_export_pack *pack, struct object *object, const void *data)
{
	size_t size = object->entry.size;
	int r = 0;

	if (!pack->is_begun &&
		(pack->count == HD_EXPORT_LOOSE_OBJECTS || pack->bytes + size > HD_EXPORT_LOOSE_BYTES))
		r = begin_pack(pack);
	if (r >= 0)
		r = reserve(pack);
	if (r < 0)
		return r;
	if (pack->is_begun) {
		r = fail_write(pack, hd_pack_writer_add(&pack->writer, data, &object->entry));
	} else {
		object->data = malloc(size + 1);
		if (!object->data)
			return -ENOMEM;
		memcpy(object->data, data, size);
		pack->bytes += size;
	}
	if (r >= 0)
		add(pack, object);
	return r;
}

static int fail_object(const git_oid *id)
{
	return hd_git_library_fail(HD_E_REPOSITORY, "write object %s", git_oid_tostr_s(id));
}

int hd_export_pack_put(
	struct hd_export_pack *pack, git_object_t type, const void *data, size_t size, git_oid *ret_id)
{
	struct object object = {.entry = {.type = type, .size = size}};
	int r = 0;

	if (git_odb_hash(&object.entry.id, data, size, type) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "name an object");
	if (!find(pack, &object.entry.id)) {
		if (!git_odb_exists_ext(pack->odb, &object.entry.id, GIT_ODB_LOOKUP_NO_REFRESH))
			r = put_new(pack, &object, data);
		else if (git_odb_write(&object.entry.id, pack->odb, data, size, type) < 0)
			r = fail_object(&object.entry.id);
	}
	if (r >= 0)
		*ret_id = object.entry.id;
	return r;
}

bool hd_export_pack_has(const struct hd_export_pack *pack, const git_oid *id)
{
	return git_odb_exists_ext(pack->odb, id, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

/* ---- the end ---- */

/* Takes what is to be written away first: libgit2 writes no object that the database has. */
static int write_files(struct hd_export_pack *pack)
{
	struct object *objects = pack->objects;
	size_t count = pack->count;
	int r = 0;

	pack->objects = NULL;
	pack->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct hd_pack_entry *entry = &objects[i].entry;
		git_oid id;

		if (r >= 0 && git_odb_write(&id, pack->odb, objects[i].data, entry->size, entry->type) < 0)
			r = fail_object(&entry->id);
		free(objects[i].data);
	}
	free(objects);
	return r;
}

static int write_pack(struct hd_export_pack *pack)
{
	struct hd_pack_entry *entries = calloc(pack->count, sizeof(*entries));
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < pack->count; i++)
		entries[i] = pack->objects[i].entry;
	r = fail_write(pack, hd_pack_writer_finish(&pack->writer, entries, pack->count));
	pack->is_begun = false;
	free(entries);
	if (r >= 0 && git_odb_refresh(pack->odb) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read the pack in %s", pack->location);
	return r;
}

int hd_export_pack_finish(struct hd_export_pack *pack, bool *ret_loose)
{
	bool loose = !pack->is_begun && pack->count > 0;
	int r = pack->is_begun ? write_pack(pack) : write_files(pack);

	hd_export_pack_drop(pack);
	if (r >= 0)
		*ret_loose = loose;
	return r;
}
