/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_pack.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/packs/object_list.h"
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

struct hd_export_pack {
	git_odb_backend backend; /* the first, so that libgit2's pointer is ours */
	git_odb *odb;            /* borrowed: it owns this */
	char *location;          /* owned */
	struct hd_object_list list;
	void **data; /* owned array: of each in the list; NULL: it is in the pack */
	size_t capacity;
	size_t bytes; /* in memory */
	struct hd_pack_writer writer;
	bool is_begun; /* there is a pack, which has all objects */
};

void hd_export_pack_drop(struct hd_export_pack *pack)
{
	for (size_t i = 0; i < pack->list.count; i++)
		free(pack->data[i]);
	free(pack->data);
	hd_object_list_clear(&pack->list);
	pack->data = NULL;
	pack->capacity = pack->bytes = 0;
	if (pack->is_begun)
		hd_pack_writer_abort(&pack->writer);
	pack->is_begun = false;
}

/* ---- libgit2's side ---- */

static int read_object(void **ret_data, size_t *ret_size, git_object_t *ret_type, git_odb_backend *backend,
	const git_oid *id)
{
	struct hd_export_pack *pack = (struct hd_export_pack *)backend;
	const struct hd_pack_entry *entry = hd_object_list_find(&pack->list, id);
	const void *kept;
	void *data;

	if (!entry)
		return GIT_ENOTFOUND;
	/* A byte more, because libgit2's own backends end what they read with a NUL. */
	data = git_odb_backend_data_alloc(backend, entry->size + 1);
	if (!data)
		return GIT_ERROR;
	((char *)data)[entry->size] = '\0';
	kept = pack->data[entry - pack->list.entries];
	if (kept) {
		memcpy(data, kept, entry->size);
	} else if (hd_pack_writer_read(&pack->writer, entry, data) < 0) {
		git_odb_backend_data_free(backend, data);
		return GIT_ERROR;
	}
	*ret_data = data;
	*ret_size = entry->size;
	*ret_type = entry->type;
	return 0;
}

static int read_header(size_t *ret_size, git_object_t *ret_type, git_odb_backend *backend, const git_oid *id)
{
	const struct hd_pack_entry *entry =
		hd_object_list_find(&((struct hd_export_pack *)backend)->list, id);

	if (!entry)
		return GIT_ENOTFOUND;
	*ret_size = entry->size;
	*ret_type = entry->type;
	return 0;
}

static int exists(git_odb_backend *backend, const git_oid *id)
{
	return hd_object_list_find(&((struct hd_export_pack *)backend)->list, id) != NULL;
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

static int move_to_pack(struct hd_export_pack *pack, size_t place)
{
	struct hd_pack_entry *entry = &pack->list.entries[place];
	int r = hd_pack_writer_add(&pack->writer, pack->data[place], entry);

	if (r < 0)
		return r;
	pack->bytes -= entry->size;
	free(pack->data[place]);
	pack->data[place] = NULL;
	return 0;
}

static int begin_pack(struct hd_export_pack *pack)
{
	int r = hd_pack_writer_begin(pack->location, &pack->writer);

	pack->is_begun = r >= 0;
	for (size_t i = 0; i < pack->list.count && r >= 0; i++)
		r = move_to_pack(pack, i);
	return fail_write(pack, r);
}

/* Into the pack, or, where there is none yet, into memory: *RET_KEPT. */
static int write_new(
	struct hd_export_pack *pack, struct hd_pack_entry *entry, const void *data, void **ret_kept)
{
	*ret_kept = NULL;
	if (pack->is_begun)
		return fail_write(pack, hd_pack_writer_add(&pack->writer, data, entry));
	*ret_kept = malloc(entry->size + 1);
	if (!*ret_kept)
		return -ENOMEM;
	memcpy(*ret_kept, data, entry->size);
	pack->bytes += entry->size;
	return 0;
}

static int put_new(struct hd_export_pack *pack, struct hd_pack_entry *entry, const void *data)
{
	void *kept;
	int r = 0;

	if (!pack->is_begun && (pack->list.count == HD_EXPORT_LOOSE_OBJECTS ||
				       pack->bytes + entry->size > HD_EXPORT_LOOSE_BYTES))
		r = begin_pack(pack);
	if (r >= 0)
		r = HD_ARRAY_RESERVE(pack->data, pack->list.count, pack->capacity);
	if (r >= 0)
		r = write_new(pack, entry, data, &kept);
	if (r < 0)
		return r;
	pack->data[pack->list.count] = kept;
	r = hd_object_list_add(&pack->list, entry);
	if (r < 0)
		free(kept);
	return r;
}

static int fail_object(const git_oid *id)
{
	return hd_git_library_fail(HD_E_REPOSITORY, "write object %s", git_oid_tostr_s(id));
}

int hd_export_pack_put(
	struct hd_export_pack *pack, git_object_t type, const void *data, size_t size, git_oid *ret_id)
{
	struct hd_pack_entry entry = {.type = type, .size = size};
	int r = 0;

	if (git_odb_hash(&entry.id, data, size, type) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "name an object");
	if (!hd_object_list_find(&pack->list, &entry.id)) {
		if (!git_odb_exists_ext(pack->odb, &entry.id, GIT_ODB_LOOKUP_NO_REFRESH))
			r = put_new(pack, &entry, data);
		else if (git_odb_write(&entry.id, pack->odb, data, size, type) < 0)
			r = fail_object(&entry.id);
	}
	if (r >= 0)
		*ret_id = entry.id;
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
	struct hd_object_list list = pack->list;
	int r = 0;

	pack->list = (struct hd_object_list){0};
	for (size_t i = 0; i < list.count; i++) {
		const struct hd_pack_entry *entry = &list.entries[i];
		git_oid id;

		if (r >= 0 && git_odb_write(&id, pack->odb, pack->data[i], entry->size, entry->type) < 0)
			r = fail_object(&entry->id);
		free(pack->data[i]);
	}
	hd_object_list_clear(&list);
	return r;
}

/* Nothing is looked for in the list after that: it is sorted. */
static int write_pack(struct hd_export_pack *pack)
{
	int r = fail_write(pack, hd_pack_writer_finish(&pack->writer, pack->list.entries, pack->list.count));

	pack->is_begun = false;
	hd_export_pack_drop(pack);
	if (r >= 0 && git_odb_refresh(pack->odb) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read the pack in %s", pack->location);
	return r;
}

int hd_export_pack_finish(struct hd_export_pack *pack, bool *ret_loose)
{
	bool loose = !pack->is_begun && pack->list.count > 0;
	int r = pack->is_begun ? write_pack(pack) : write_files(pack);

	hd_export_pack_drop(pack);
	if (r >= 0)
		*ret_loose = loose;
	return r;
}
