/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/commit_object.h"

#include <git2.h>
#include <stdbool.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

/* Tags of tags of tags ... are possible, and nobody makes them. */
#define TAGS_DEEP 64

int hd_commit_object_read(
	git_odb *odb, const git_oid *id, git_odb_object **ret_object, struct hd_commit_text *ret_text)
{
	git_odb_object *object = NULL;
	int r;

	if (git_odb_read(&object, odb, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read commit %s", git_oid_tostr_s(id));
	if (git_odb_object_type(object) != GIT_OBJECT_COMMIT)
		r = hd_fail(HD_E_BASE_OBJECT, "no commit");
	else
		r = hd_commit_text_read(git_odb_object_data(object), git_odb_object_size(object), ret_text);
	if (r < 0) {
		git_odb_object_free(object);
		return hd_fail_in(r, "object %s", git_oid_tostr_s(id));
	}
	*ret_object = object;
	return 0;
}

/* The first line: "object <id>". */
bool hd_commit_object_tag_target(git_odb_object *tag, git_oid *ret_target)
{
	static const char field[] = "object ";
	const char *data = git_odb_object_data(tag);

	return git_odb_object_type(tag) == GIT_OBJECT_TAG &&
	       git_odb_object_size(tag) > strlen(field) + GIT_OID_HEXSZ &&
	       memcmp(data, field, strlen(field)) == 0 &&
	       git_oid_fromstrn(ret_target, data + strlen(field), GIT_OID_HEXSZ) == 0;
}

int hd_commit_object_peel(git_odb *odb, const git_oid *id, git_oid *ret_commit)
{
	git_oid at = *id;

	for (int depth = 0; depth < TAGS_DEEP; depth++) {
		git_odb_object *object = NULL;
		git_object_t type;
		size_t size;
		bool more;

		if (git_odb_read_header(&size, &type, odb, &at) < 0)
			return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(&at));
		if (type == GIT_OBJECT_COMMIT) {
			*ret_commit = at;
			return 1;
		}
		if (type != GIT_OBJECT_TAG)
			return 0;
		if (git_odb_read(&object, odb, &at) < 0)
			return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(&at));
		more = hd_commit_object_tag_target(object, &at);
		git_odb_object_free(object);
		if (!more)
			return 0;
	}
	return 0;
}

int hd_commit_object_tree(git_odb *odb, const git_oid *id, git_oid *ret_tree)
{
	git_odb_object *object;
	struct hd_commit_text text;
	int r = hd_commit_object_read(odb, id, &object, &text);

	if (r < 0)
		return r;
	*ret_tree = text.tree;
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return 0;
}
