/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/bundle_writer.h"

#include <git2.h>

#include "capture/git/commit_object.h"
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

static int insert_reference(const struct hd_bundle *bundle, const struct hd_bundle_reference *reference,
	git_revwalk *walk, git_packbuilder *builder)
{
	git_oid commit;
	int r = hd_commit_object_peel(bundle->odb, &reference->id, &commit);

	if (r < 0)
		return r;
	if (r == 0)
		return hd_fail(HD_E_REPOSITORY, "%s is no commit", reference->name);
	if (git_revwalk_push(walk, &commit) < 0)
		return pack_fails(reference);
	return insert_tags(bundle, reference, &commit, builder);
}

/* Trees that what is hidden has are not packed. */
static int insert_commits(const struct hd_bundle *bundle, git_packbuilder *builder)
{
	const struct hd_bundle_reference *first = bundle->references;
	git_revwalk *walk = NULL;
	int r = git_revwalk_new(&walk, bundle->repository) < 0 ? pack_fails(first) : 0;

	for (size_t i = 0; i < bundle->n_references && r >= 0; i++)
		r = insert_reference(bundle, &bundle->references[i], walk, builder);
	if (r >= 0 && bundle->since && git_revwalk_hide(walk, bundle->since) < 0)
		r = pack_fails(first);
	if (r >= 0 && git_packbuilder_insert_walk(builder, walk) < 0)
		r = pack_fails(first);
	git_revwalk_free(walk);
	return r;
}

struct packing {
	int fd, r;
};

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
	struct packing packing = {.fd = fd};
	git_packbuilder *builder = NULL;
	int g, r;

	if (git_packbuilder_new(&builder, bundle->repository) < 0)
		return pack_fails(bundle->references);
	r = insert_commits(bundle, builder);
	if (r >= 0) {
		g = git_packbuilder_set_callbacks(builder, look, &packing);
		if (g == 0)
			g = git_packbuilder_foreach(builder, append, &packing);
		r = packing.r < 0 ? packing.r : g < 0 ? pack_fails(bundle->references) : 0;
	}
	git_packbuilder_free(builder);
	return r;
}

int hd_bundle_write(const struct hd_bundle *bundle, int fd)
{
	int r = write_header(bundle, fd);

	return r < 0 ? r : write_pack(bundle, fd);
}
