/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/bases/repository.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/files/file.h"

/* libgit2 1.5.1 forgets PCRE2's match data when it looks for a configuration value by pattern. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2";
}

git_repository *repository_new(const char *place)
{
	git_repository_init_options options;
	git_repository *repository = NULL;

	assert_int_equal(hd_git_library_start(), 0);
	assert_int_equal(git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION), 0);
	options.flags = GIT_REPOSITORY_INIT_MKPATH;
	options.initial_head = "main";
	assert_int_equal(git_repository_init_ext(&repository, place, &options), 0);
	return repository;
}

git_oid repository_add_blob(git_repository *repository, const void *data, size_t size)
{
	git_oid id;

	assert_int_equal(git_blob_create_from_buffer(&id, repository, data, size), 0);
	return id;
}

git_oid repository_add_tree(git_repository *repository, const struct raw_entry *entries, size_t count)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	git_odb *odb = NULL;
	git_oid id;

	for (size_t i = 0; i < count; i++) {
		hd_buffer_printf(&bytes, "%s %s", entries[i].mode, entries[i].name);
		hd_buffer_put_u8(&bytes, 0);
		hd_buffer_put(&bytes, entries[i].id.id, sizeof(entries[i].id.id));
	}
	assert_int_equal(hd_buffer_status(&bytes), 0);
	assert_int_equal(git_repository_odb(&odb, repository), 0);
	assert_int_equal(
		git_odb_write(&id, odb, bytes.data ? (void *)bytes.data : "", bytes.size, GIT_OBJECT_TREE),
		0);
	git_odb_free(odb);
	return id;
}

git_oid repository_commit(
	git_repository *repository, const git_oid *tree_id, const char *message, git_time_t time)
{
	char name[] = "Ada Weaver";
	char email[] = "ada@example.org";
	git_signature author = {.name = name, .email = email, .when = {.time = time - 5, .offset = 60}};
	git_signature committer = author;
	const git_commit *parents[1] = {NULL};
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	git_oid parent_id, id;
	size_t n_parents = 0;

	committer.when.time = time;
	assert_int_equal(git_tree_lookup(&tree, repository, tree_id), 0);
	if (git_reference_name_to_id(&parent_id, repository, "refs/heads/main") == 0) {
		assert_int_equal(git_commit_lookup(&parent, repository, &parent_id), 0);
		parents[n_parents++] = parent;
	}
	assert_int_equal(git_commit_create(&id, repository, "refs/heads/main", &author, &committer, NULL,
				 message, tree, n_parents, parents),
		0);
	git_commit_free(parent);
	git_tree_free(tree);
	return id;
}

static int insert_object(const git_oid *id, void *payload)
{
	git_packbuilder *builder = payload;

	return git_packbuilder_insert(builder, id, NULL);
}

struct removal {
	char *objects;
	const char *kept; /* name of the new pack without its ending */
};

static int remove_old(const char *name, unsigned char type, void *payload)
{
	const struct removal *removal = payload;
	char path[512];

	(void)type;
	if (strlen(name) == 2) {
		(void)snprintf(path, sizeof(path), "%s/%s", removal->objects, name);
		assert_int_equal(hd_directory_remove_tree(AT_FDCWD, path), 0);
	} else if (strncmp(name, "pack-", 5) == 0 && !strstr(name, removal->kept)) {
		(void)snprintf(path, sizeof(path), "%s/pack/%s", removal->objects, name);
		assert_int_equal(unlink(path), 0);
	}
	return 0;
}

void repository_repack(git_repository *repository)
{
	struct removal removal = {0};
	git_packbuilder *builder = NULL;
	git_odb *odb = NULL;
	char pack[512];

	assert_true(asprintf(&removal.objects, "%sobjects", git_repository_commondir(repository)) > 0);
	(void)snprintf(pack, sizeof(pack), "%s/pack", removal.objects);
	assert_int_equal(git_packbuilder_new(&builder, repository), 0);
	assert_int_equal(git_repository_odb(&odb, repository), 0);
	assert_int_equal(git_odb_foreach(odb, insert_object, builder), 0);
	assert_int_equal(git_packbuilder_write(builder, pack, 0644, NULL, NULL), 0);
	removal.kept = git_packbuilder_name(builder);
	assert_int_equal(hd_directory_list(AT_FDCWD, removal.objects, remove_old, &removal), 0);
	assert_int_equal(hd_directory_list(AT_FDCWD, pack, remove_old, &removal), 0);
	git_packbuilder_free(builder);
	git_odb_free(odb);
	free(removal.objects);
}

struct hd_content repository_content(const git_oid *id, uint16_t number)
{
	struct hd_content content = {.kind = HD_CONTENT_GIT, .length = GIT_OID_RAWSZ, .base = number};

	memcpy(content.bytes, id->id, GIT_OID_RAWSZ);
	return content;
}
