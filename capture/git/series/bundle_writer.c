/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/bundle_writer.h"

#include <git2.h>

#include "capture/git/commit_object.h"
#include "capture/git/walk/object_walk.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/threads/work.h"

/*
 * "# v2 git bundle", "-<commit>" for each that is needed, "<id> <reference>" for each that is in it, an empty line, a pack
 * (gitformat-bundle). The pack is libgit2's, with deltas: a bundle is made to be carried about.
 */

static int write_header(const struct hd_bundle *bundle, int fd)
{
	HD_AUTO_BUFFER struct hd_buffer header = {0};
	int r;

	hd_buffer_put_text(&header, "# v2 git bundle\n");
	for (size_t i = 0; i < bundle->n_needed; i++)
		hd_buffer_printf(&header, "-%s\n", git_oid_tostr_s(&bundle->needed[i]));
	for (size_t i = 0; i < bundle->n_references; i++)
		hd_buffer_printf(&header, "%s %s\n", git_oid_tostr_s(&bundle->references[i].id),
			bundle->references[i].name);
	for (size_t i = 0; i < bundle->n_references; i++)
		if (bundle->references[i].is_head)
			hd_buffer_printf(&header, "%s HEAD\n", git_oid_tostr_s(&bundle->references[i].id));
	hd_buffer_put_u8(&header, '\n');
	r = hd_buffer_status(&header);
	return r < 0 ? r : hd_transfer_append(fd, header.data, header.size);
}

/* ---- the pack ---- */

struct packing {
	const struct hd_bundle *bundle;
	git_packbuilder *builder; /* owned */
	int fd, r;
};

static int pack_fails(const struct hd_bundle_reference *reference)
{
	return hd_git_library_fail(HD_E_REPOSITORY, "pack the commits of %s", reference->name);
}

/* An annotated tag, and tags that it is a tag of, up to the commit. */
static int insert_tags(const struct hd_bundle *bundle, const struct hd_bundle_reference *reference,
	const git_oid *commit, git_packbuilder *builder)
{
	git_oid id = reference->id;

	while (!git_oid_equal(&id, commit)) {
		git_odb_object *tag = NULL;
		bool more = git_packbuilder_insert(builder, &id, NULL) == 0 &&
			    git_odb_read(&tag, bundle->odb, &id) == 0 &&
			    hd_commit_object_tag_target(tag, &id);

		git_odb_object_free(tag);
		if (!more)
			return pack_fails(reference);
	}
	return 0;
}

static int insert_object(const git_oid *id, const char *name, void *payload)
{
	struct packing *packing = payload;

	return git_packbuilder_insert(packing->builder, id, name) < 0
		       ? hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(id))
		       : 0;
}

static int insert_reference(
	struct packing *packing, struct hd_object_walk *walk, const struct hd_bundle_reference *reference)
{
	const struct hd_bundle *bundle = packing->bundle;
	git_oid commit;
	int r = hd_commit_object_peel(bundle->odb, &reference->id, &commit);

	if (r < 0)
		return r;
	if (r == 0)
		return hd_fail(HD_E_REPOSITORY, "%s is no commit", reference->name);
	r = hd_object_walk_add(walk, &commit, 1);
	return r < 0 ? r : insert_tags(bundle, reference, &commit, packing->builder);
}

/* What the commits that are needed have is not packed. */
static int insert_commits(struct packing *packing)
{
	const struct hd_bundle *bundle = packing->bundle;
	struct hd_object_walk walk = {.odb = bundle->odb, .emit = insert_object, .payload = packing};
	int r = hd_object_walk_pass(&walk, bundle->needed, bundle->n_needed);

	for (size_t i = 0; i < bundle->n_references && r >= 0; i++)
		r = insert_reference(packing, &walk, &bundle->references[i]);
	hd_object_walk_clear(&walk);
	return r;
}

static int append(void *data, size_t size, void *payload)
{
	struct packing *packing = payload;

	packing->r = hd_work_advance(0);
	if (packing->r >= 0)
		packing->r = hd_transfer_append(packing->fd, data, size);
	return packing->r < 0 ? GIT_EUSER : 0;
}

static int look(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct packing *packing = payload;

	(void)stage;
	(void)current;
	(void)total;
	packing->r = hd_work_advance(0);
	return packing->r < 0 ? GIT_EUSER : 0;
}

static int write_pack(const struct hd_bundle *bundle, int fd)
{
	struct packing packing = {.bundle = bundle, .fd = fd};
	int g, r;

	if (git_packbuilder_new(&packing.builder, bundle->repository) < 0)
		return pack_fails(bundle->references);
	r = insert_commits(&packing);
	if (r >= 0) {
		g = git_packbuilder_set_callbacks(packing.builder, look, &packing);
		if (g == 0)
			g = git_packbuilder_foreach(packing.builder, append, &packing);
		r = packing.r < 0 ? packing.r : g < 0 ? pack_fails(bundle->references) : 0;
	}
	git_packbuilder_free(packing.builder);
	return r;
}

int hd_bundle_write(const struct hd_bundle *bundle, int fd)
{
	int r = write_header(bundle, fd);

	return r < 0 ? r : write_pack(bundle, fd);
}
