/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_cache.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"

/*
 * A commit's tree, read from the object database when somebody looks: nothing is checked out, copied or
 * imported.
 *
 * Only the object database is opened, by its directory. It is the part of libgit2 that threads may share
 * (libgit2, docs/threading.md), it follows alternates, it looks again for new packs before it reports an
 * object as missing (so `git repack -ad` underneath does no harm), and no extension or configuration of the
 * repository can stop it.
 *
 * Files show the bytes of their blob: no end-of-line or other filters, because the size must be known without
 * reading and because the bytes are what git compares with.
 *
 * Names that may not appear in a directory are left out (base_git_tree.c says which and why). An object that
 * is missing fails the listing instead: leaving a name out would look like a deletion, and the next capture
 * would make it one. A partial clone lacks objects on purpose; the detail says what to fetch.
 */

struct git_base {
	struct hd_base head;
	git_odb *odb;               /* owned */
	struct hd_git_cache *blobs; /* owned */
	uint16_t number;
	char *location; /* owned */
};

static struct git_base *git_base_of(struct hd_base *base)
{
	return (struct git_base *)base;
}

static int id_of(const struct hd_content *content, git_oid *ret_id)
{
	if (content->kind != HD_CONTENT_GIT || content->length != GIT_OID_RAWSZ)
		return hd_fail(HD_E_CONTENT_KIND, "content of kind %u and length %u in a git repository",
			content->kind, content->length);
	return git_oid_fromraw(ret_id, content->bytes) < 0 ? -EINVAL : 0;
}

static int header_of(struct git_base *git, const git_oid *id, const char *what, uint64_t *ret_size)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, git->odb, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT,
			"'%s', object %s of repository %s (a partial clone must fetch it first)", what,
			git_oid_tostr(hex, sizeof(hex), id), git->location);
	*ret_size = size;
	return 0;
}

static int emit_entry(struct git_base *git, const struct hd_base_directory *directory,
	const struct hd_git_tree_entry *child, hd_base_emit emit, void *payload)
{
	struct hd_base_entry entry = {
		.name = child->name,
		.mode = child->mode,
		.uid = directory->fallback_uid,
		.gid = directory->fallback_gid,
		.access_time = directory->fallback_time,
		.modify_time = directory->fallback_time,
		.change_time = directory->fallback_time,
		.birth_time = directory->fallback_time,
	};
	git_oid id;
	int r;

	if (!child->is_commit) {
		entry.content.kind = HD_CONTENT_GIT;
		entry.content.length = HD_GIT_ID_SIZE;
		entry.content.base = git->number;
		memcpy(entry.content.bytes, child->id, HD_GIT_ID_SIZE);
	}
	if (!S_ISDIR(child->mode) && !directory->without_sizes) {
		(void)git_oid_fromraw(&id, child->id);
		r = header_of(git, &id, child->name, &entry.size);
		if (r < 0)
			return r;
	}
	return emit(&entry, payload);
}

static int emit_tree(struct git_base *git, const struct hd_base_directory *directory, git_odb_object *object,
	hd_base_emit emit, void *payload)
{
	struct hd_git_tree tree;
	int r = hd_git_tree_decode(git_odb_object_data(object), git_odb_object_size(object), &tree);

	if (r < 0)
		return r;
	if (tree.skipped > 0)
		hd_log(HD_LOG_DEBUG, "%s: %zu tree entries cannot be shown and are left out", git->location,
			tree.skipped);
	for (size_t i = 0; i < tree.count && r == 0; i++)
		r = emit_entry(git, directory, &tree.entries[i], emit, payload);
	hd_git_tree_clear(&tree);
	return r;
}

static int git_list(
	struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct git_base *git = git_base_of(base);
	git_odb_object *object = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	git_oid id;
	int r = id_of(&directory->content, &id);

	if (r < 0)
		return r;
	(void)git_oid_tostr(hex, sizeof(hex), &id);
	if (git_odb_read(&object, git->odb, &id) < 0)
		return hd_git_library_fail(
			HD_E_BASE_OBJECT, "read tree %s of repository %s", hex, git->location);
	if (git_odb_object_type(object) != GIT_OBJECT_TREE)
		r = hd_fail(HD_E_BASE_OBJECT, "object %s of repository %s is no tree", hex, git->location);
	else
		r = emit_tree(git, directory, object, emit, payload);
	git_odb_object_free(object);
	return r;
}

static int git_read(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	struct git_base *git = git_base_of(base);
	git_oid id;
	int r = id_of(file, &id);

	if (r < 0)
		return r;
	r = hd_git_cache_read(git->blobs, id.id, buffer, size, offset, ret_size);
	return r < 0 ? hd_fail_in(r, "repository %s", git->location) : 0;
}

static int git_size(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size)
{
	git_oid id;
	int r = id_of(file, &id);

	return r < 0 ? r : header_of(git_base_of(base), &id, "file", ret_size);
}

static void git_free(struct hd_base *base)
{
	struct git_base *git = git_base_of(base);

	hd_git_cache_free(git->blobs);
	git_odb_free(git->odb);
	free(git->location);
	free(git);
}

static const struct hd_base_operations git_operations = {
	.name = "git",
	.list = git_list,
	.read = git_read,
	.size = git_size,
	.free = git_free,
};

/* An empty object database opens without complaint anywhere, so the directory itself is looked at first. */
static int check_place(const char *objects, bool *ret_may_stall)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, objects);

	if (fd < 0)
		return hd_fail(HD_E_BASE_MISSING, "no git repository: %s (%s)", objects, hd_error_text(fd));
	*ret_may_stall = hd_file_may_stall(fd);
	return 0;
}

int hd_base_git_open(const char *location, uint16_t number, struct hd_base **ret_base)
{
	HD_AUTO_FREE char *objects = NULL;
	struct git_base *git;
	bool may_stall = false;
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	if (asprintf(&objects, "%s/objects", location) < 0) {
		objects = NULL;
		return -ENOMEM;
	}
	r = check_place(objects, &may_stall);
	if (r < 0)
		return r;
	git = calloc(1, sizeof(*git));
	if (!git)
		return -ENOMEM;
	git->head.operations = &git_operations;
	git->head.may_stall = may_stall;
	git->number = number;
	git->location = strdup(location);
	if (!git->location)
		r = -ENOMEM;
	else if (git_odb_open(&git->odb, objects) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "open git repository %s", location);
	else
		r = hd_git_cache_new(git->odb, &HD_GIT_CACHE_LIMITS, &git->blobs);
	if (r < 0) {
		git_free(&git->head);
		return r;
	}
	*ret_base = &git->head;
	return 0;
}
