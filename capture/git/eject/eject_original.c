/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/eject/eject_original.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/eject/eject_objects.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

#define BRANCHES "refs/heads/"

static const char *const kinds[] = {BRANCHES, "refs/tags/", "refs/remotes/", "refs/notes/"};

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- files ---- */

struct hooks {
	int from_fd, to_fd; /* borrowed */
};

static int take_hook(const char *name, unsigned char type, void *payload)
{
	const struct hooks *hooks = payload;
	size_t length = strlen(name);
	struct stat status;

	(void)type;
	if (length > 7 && strcmp(name + length - 7, ".sample") == 0)
		return 0;
	/* A link leads to where it always did. */
	if (hd_file_stat_at(hooks->from_fd, name, &status) < 0 ||
		!(S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)))
		return 0;
	return hd_eject_file_copy(hooks->from_fd, name, hooks->to_fd, name, 0777);
}

static int copy_hooks(int from_fd, int git_fd)
{
	HD_AUTO_CLOSE int from = hd_directory_open(from_fd, "hooks");
	HD_AUTO_CLOSE int to = -1;
	struct hooks hooks;
	int r;

	if (from < 0)
		return from == -ENOENT || from == -ENOTDIR ? 0 : from;
	r = hd_directory_make(git_fd, "hooks", 0777);
	to = r < 0 ? r : hd_directory_open(git_fd, "hooks");
	hooks = (struct hooks){.from_fd = from, .to_fd = to};
	return to < 0 ? to : hd_directory_list(from, ".", take_hook, &hooks);
}

int hd_eject_files_copy(const char *location, int git_fd)
{
	HD_AUTO_CLOSE int from = hd_directory_open(AT_FDCWD, location);
	int r;

	if (from < 0)
		return hd_fail(HD_E_BASE_MISSING, "%s (%s)", location, hd_error_text(from));
	r = hd_eject_file_copy(from, "config", git_fd, "config", 0666);
	if (r >= 0)
		r = hd_eject_file_copy(from, "shallow", git_fd, "shallow", 0666);
	if (r >= 0)
		r = hd_directory_make(git_fd, "info", 0777);
	if (r >= 0)
		r = hd_eject_file_copy(from, "info/exclude", git_fd, "info/exclude", 0666);
	if (r >= 0)
		r = hd_eject_file_copy(from, "info/attributes", git_fd, "info/attributes", 0666);
	if (r >= 0)
		r = copy_hooks(from, git_fd);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "%s", location) : r;
}

/* ---- configuration ---- */

/* git takes the address of a remote for one relative to the top of the working tree. */
static char *top_of(const char *location)
{
	size_t length = strlen(location);

	return length > 5 && strcmp(location + length - 5, "/.git") == 0 ? strndup(location, length - 5)
									 : strdup(location);
}

static bool is_relative_path(const char *address)
{
	/* "host:path" and "scheme://" have a colon before any slash. */
	size_t length = strcspn(address, ":/");

	return address[0] != '/' && address[0] != '\0' && address[length] != ':';
}

struct remote_address {
	char *key, *address; /* owned */
};

struct remotes {
	const char *top;
	struct remote_address found[64]; /* more than a person has; others stay as they are */
	size_t count;
};

static int find_remote(const git_config_entry *entry, void *payload)
{
	struct remotes *remotes = payload;
	struct remote_address *found = &remotes->found[remotes->count];
	HD_AUTO_FREE char *joined = NULL;

	if (remotes->count == HD_ARRAY_SIZE(remotes->found) || !entry->value ||
		!is_relative_path(entry->value))
		return 0;
	if (asprintf(&joined, "%s/%s", remotes->top, entry->value) < 0) {
		joined = NULL;
		return 0;
	}
	found->address = realpath(joined, NULL);
	found->key = found->address ? strdup(entry->name) : NULL;
	if (found->key)
		remotes->count++;
	else
		free(found->address);
	return 0;
}

static int repair_remotes(git_config *config, const char *location)
{
	HD_AUTO_FREE char *top = top_of(location);
	struct remotes remotes = {.top = top};
	int g = top ? git_config_foreach_match(config, "^remote\\..*\\.(url|pushurl)$", find_remote, &remotes)
		    : -1;

	for (size_t i = 0; i < remotes.count; i++) {
		if (g >= 0)
			g = git_config_set_string(config, remotes.found[i].key, remotes.found[i].address);
		free(remotes.found[i].key);
		free(remotes.found[i].address);
	}
	return g;
}

static int delete_entry(git_config *config, const char *key)
{
	int g = git_config_delete_entry(config, key);

	return g == GIT_ENOTFOUND ? 0 : g;
}

int hd_eject_config_repair(const char *location, const char *path)
{
	git_config *config = NULL;
	int g = git_config_open_ondisk(&config, path);

	if (g >= 0)
		g = git_config_set_bool(config, "core.bare", 0);
	if (g >= 0)
		g = delete_entry(config, "core.worktree");
	/* config.worktree says things of a worktree that this is not. */
	if (g >= 0)
		g = delete_entry(config, "extensions.worktreeconfig");
	if (g >= 0)
		g = repair_remotes(config, location);
	git_config_free(config);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "write %s", path) : 0;
}

/* ---- references ---- */

struct references {
	git_repository *original, *repository; /* owned, borrowed */
	git_odb *odb;                          /* owned: of the new one */
	const char *branch;
	git_oid at; /* where the branch is in the original; zero: nowhere */
};

static bool is_wanted(const char *name)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(kinds); i++) {
		if (begins(name, kinds[i]))
			return !begins(name, BRANCHES "heddle/");
	}
	return false;
}

/* What leads to no object is broken in the original, too, and stays there. */
static int copy_reference(struct references *references, git_reference *from)
{
	const char *name = git_reference_name(from), *target = git_reference_symbolic_target(from);
	const git_oid *id = git_reference_target(from);
	git_reference *copy = NULL;
	int g = 0;

	if (!is_wanted(name))
		return 0;
	if (strcmp(name, references->branch) == 0) {
		if (id)
			references->at = *id;
		return 0;
	}
	if (target && is_wanted(target))
		g = git_reference_symbolic_create(&copy, references->repository, name, target, 1, NULL);
	else if (id && git_odb_exists(references->odb, id))
		g = git_reference_create(&copy, references->repository, name, id, 1, NULL);
	git_reference_free(copy);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "write %s", name) : hd_work_advance(0);
}

static int copy_all(struct references *references)
{
	git_reference_iterator *iterator = NULL;
	git_reference *reference;
	int g = git_reference_iterator_new(&iterator, references->original), r = 0;

	while (g >= 0 && r >= 0 && (g = git_reference_next(&reference, iterator)) == 0) {
		r = copy_reference(references, reference);
		git_reference_free(reference);
	}
	git_reference_iterator_free(iterator);
	if (r >= 0 && g < 0 && g != GIT_ITEROVER)
		r = hd_git_library_fail(HD_E_REPOSITORY, "list references");
	return r;
}

int hd_eject_references_copy(
	const char *location, git_repository *repository, const char *branch, git_oid *ret_at)
{
	struct references references = {.repository = repository, .branch = branch};
	int r = 0;

	if (git_repository_open_bare(&references.original, location) < 0 ||
		git_repository_odb(&references.odb, repository) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", location);
	if (r == 0)
		r = copy_all(&references);
	git_odb_free(references.odb);
	git_repository_free(references.original);
	if (r < 0)
		return hd_fail_in(r, "%s", location);
	*ret_at = references.at;
	return 0;
}
