/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_reference.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define PATIENCE_NS 2000000000u
#define RETRY_NS 5000000u
#define ATTEMPTS 100 /* nobody removes the same directory that often while one file is made */

int hd_git_reference_set(struct git_repository *repository, const char *name, const struct git_oid *id,
	bool force, const struct git_oid *current, const char *reason)
{
	uint64_t deadline = hd_clock_monotonic_ns() + PATIENCE_NS;
	git_reference *made = NULL;
	int g;

	for (;;) {
		g = git_reference_create_matching(&made, repository, name, id, force, current, reason);
		git_reference_free(made);
		if (g != GIT_ELOCKED || hd_clock_monotonic_ns() > deadline)
			return g;
		made = NULL;
		hd_clock_sleep_ns(RETRY_NS);
	}
}

/* ---- references that are as they are called ---- */

static int write_id(int directory_fd, const char *id)
{
	struct hd_atomic_file file;
	char text[GIT_OID_HEXSZ + 2];
	int r = hd_file_atomic_begin(directory_fd, 0666, &file);

	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%s\n", id);
	r = hd_file_write_at(file.fd, text, strlen(text), 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, id, true, true);
}

/* DIRECTORY, below what FD is open at, and all above it that may be new. */
static int sync_upwards(int fd, const char *directory)
{
	HD_AUTO_FREE char *path = strdup(directory);
	char *slash;
	int r = path ? 0 : -ENOMEM;

	while (r >= 0) {
		HD_AUTO_CLOSE int directory_fd = hd_directory_open(fd, path);

		r = directory_fd < 0 ? directory_fd : hd_directory_sync(directory_fd);
		slash = strrchr(path, '/');
		if (r < 0 || !slash)
			break;
		*slash = '\0';
	}
	return r;
}

static int keep(int location_fd, const char *directory, const char *id)
{
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_directory_make(location_fd, directory, 0777);

	if (r >= 0)
		r = fd = hd_directory_open(location_fd, directory);
	if (r >= 0)
		r = write_id(fd, id);
	return r < 0 ? r : sync_upwards(location_fd, directory);
}

int hd_git_reference_keep(const char *location, const char *directory, const char *id)
{
	HD_AUTO_CLOSE int location_fd = hd_directory_open(AT_FDCWD, location);
	int r = location_fd;

	/*
	 * Who packs references, or deletes the last one of a directory, removes the directory, which may be in the middle of this; nothing
	 * is there then, or nothing may be put into it.
	 */
	for (int attempt = 0; location_fd >= 0 && attempt < ATTEMPTS; attempt++) {
		r = keep(location_fd, directory, id);
		if (r != -ENOENT && r != -EPERM)
			break;
	}
	if (r == -ENOTDIR || r == -EISDIR)
		return hd_fail(HD_E_REPOSITORY, "another reference is in the way of %s/%s", directory, id);
	return r < 0 ? hd_fail_in(r, "make the reference %s/%s in %s", directory, id, location) : 0;
}

/* ---- names that exclude each other ---- */

static int fail_beside(const char *name, const git_reference *other)
{
	return hd_fail(HD_E_REFERENCE_COLLIDES, "%s cannot be beside %s", name, git_reference_name(other));
}

static int look_above(git_repository *repository, const char *name)
{
	HD_AUTO_FREE char *above = strdup(name);
	char *slash;

	while (above && (slash = strrchr(above, '/'))) {
		git_reference *other = NULL;
		int r = 0;

		*slash = '\0';
		if (git_reference_lookup(&other, repository, above) == 0)
			r = fail_beside(name, other);
		git_reference_free(other);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_below(git_repository *repository, const char *name)
{
	HD_AUTO_FREE char *glob = NULL;
	git_reference_iterator *iterator = NULL;
	git_reference *other = NULL;
	int r = 0;

	if (asprintf(&glob, "%s/*", name) < 0) {
		glob = NULL;
		return 0;
	}
	if (git_reference_iterator_glob_new(&iterator, repository, glob) == 0 &&
		git_reference_next(&other, iterator) == 0)
		r = fail_beside(name, other);
	git_reference_free(other);
	git_reference_iterator_free(iterator);
	return r;
}

int hd_git_reference_fail(git_repository *repository, const char *name)
{
	int refused = hd_git_library_fail(HD_E_REPOSITORY, "set %s", name);
	int r = look_above(repository, name);

	if (r == 0)
		r = look_below(repository, name);
	return r < 0 ? r : refused;
}
