/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * The .heddle directory. Everything in it may hold private bytes of a 0600 file: it is 0700.
 *
 * Creation happens in a sibling directory with a temporary name, which is renamed when all of it is on disk:
 * a store is there whole or not at all, and of two inits at once one wins (rename(2) refuses a directory that
 * is not empty). The index is closed before the rename and opened again behind it, since SQLite finds its log
 * by the path.
 */

#define FORMAT_FILE "format"
#define FORMAT_PREFIX "heddle store "
#define FORMAT_LIMIT 4096
/* Its number is that of the rules by which files are converted. */
#define SMUDGED_LINE "smudge 1\n"
#define IGNORE_FILE ".gitignore"
#define NAME_ATTEMPTS 16

static const char *const directories[] = {"objects", "recent", "threads", "run", "log", "mnt"};

static int write_file(int directory_fd, const char *name, const char *text)
{
	struct hd_atomic_file file;
	int r;

	r = hd_file_atomic_begin(directory_fd, 0600, &file);
	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, text, strlen(text), 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, name, false, true);
}

static int make_directories(int store_fd)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(directories); i++) {
		int r = hd_directory_make(store_fd, directories[i], 0700);

		if (r < 0)
			return hd_fail(r, "make '%s' in the store", directories[i]);
	}
	return 0;
}

/* Fills the new directory PATH and makes all of it durable. */
static int fill_store(const char *path, bool smudges)
{
	HD_AUTO_CLOSE int fd = -1;
	struct hd_index *index = NULL;
	char format[64];
	int r;

	fd = hd_directory_open(AT_FDCWD, path);
	if (fd < 0)
		return hd_fail(fd, "open the new store");
	r = make_directories(fd);
	if (r < 0)
		return r;
	r = hd_index_open(fd, path, true, &index);
	hd_index_free(index);
	if (r < 0)
		return r;
	(void)snprintf(format, sizeof(format), FORMAT_PREFIX "%d\n%s",
		smudges ? HD_STORE_VERSION_SMUDGED : HD_STORE_VERSION, smudges ? SMUDGED_LINE : "");
	r = write_file(fd, IGNORE_FILE, "*\n");
	if (r == 0)
		r = write_file(fd, FORMAT_FILE, format);
	if (r == 0)
		r = hd_directory_sync(fd);
	return r < 0 ? hd_fail_in(r, "write the new store") : 0;
}

/* Opens the directory that PATH, absolute, lies in. */
static int open_parent(const char *path)
{
	HD_AUTO_FREE char *parent = strdup(path);
	char *slash;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	slash[slash == parent] = '\0';
	return hd_directory_open(AT_FDCWD, parent);
}

/* A fresh directory beside PATH; its name in fresh memory. */
static int make_temporary(const char *path, char **ret_temporary)
{
	static atomic_uint counter;

	for (unsigned attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		HD_AUTO_FREE char *name = NULL;
		int r;

		/* The counter tells the threads of a process apart, the clock the processes of a reused number. */
		if (asprintf(&name, "%s.new-%d-%" PRIx64 "-%u", path, (int)getpid(), hd_clock_monotonic_ns(),
			    atomic_fetch_add(&counter, 1)) < 0) {
			name = NULL;
			return -ENOMEM;
		}
		if (hd_file_exists(AT_FDCWD, name))
			continue;
		r = hd_directory_make(AT_FDCWD, name, 0700);
		if (r < 0)
			return r;
		*ret_temporary = HD_STEAL(name);
		return 0;
	}
	return -EEXIST;
}

/* Gives the finished store its name and opens it there; takes the name away again if that fails. */
static int publish_store(int parent_fd, const char *temporary, const char *path, struct hd_store **ret_store)
{
	int r;

	r = hd_file_rename(AT_FDCWD, temporary, path);
	if (r == -ENOTEMPTY || r == -EEXIST || r == -ENOTDIR)
		return -HD_E_STORE_EXISTS;
	if (r < 0)
		return hd_fail(r, "rename the new store to '%s'", path);
	r = hd_directory_sync(parent_fd);
	if (r == 0)
		r = hd_store_open(path, ret_store);
	if (r < 0)
		(void)hd_file_rename(AT_FDCWD, path, temporary);
	return r;
}

static int create(const char *path, bool smudges, struct hd_store **ret_store)
{
	HD_AUTO_FREE char *temporary = NULL;
	HD_AUTO_CLOSE int parent_fd = -1;
	int r;

	if (path[0] != '/')
		return hd_fail(EINVAL, "the store's path '%s' is not absolute", path);
	if (hd_file_exists(AT_FDCWD, path))
		return hd_fail(HD_E_STORE_EXISTS, "'%s'", path);
	parent_fd = open_parent(path);
	r = parent_fd < 0 ? parent_fd : make_temporary(path, &temporary);
	if (r < 0)
		return hd_fail(r, "create '%s'", path);
	r = fill_store(temporary, smudges);
	if (r == 0)
		r = publish_store(parent_fd, temporary, path, ret_store);
	if (r < 0) {
		(void)hd_directory_remove_tree(AT_FDCWD, temporary);
		return hd_fail_in(r, "create '%s'", path);
	}
	return 0;
}

int hd_store_create(const char *path, struct hd_store **ret_store)
{
	return create(path, false, ret_store);
}

int hd_store_create_smudged(const char *path, struct hd_store **ret_store)
{
	return create(path, true, ret_store);
}

static int check_format(int store_fd, const char *path, bool *ret_smudges)
{
	HD_AUTO_FREE char *text = NULL;
	size_t size = 0;
	unsigned version;
	char newline;
	int r;

	r = hd_file_read_whole(store_fd, FORMAT_FILE, FORMAT_LIMIT, &text, &size);
	if (r == -ENOENT)
		return hd_fail(HD_E_STORE_MISSING, "'%s' has no file '" FORMAT_FILE "'", path);
	if (r < 0)
		return hd_fail(r, "read '%s/" FORMAT_FILE "'", path);
	if (sscanf(text, FORMAT_PREFIX "%u%c", &version, &newline) != 2 || newline != '\n')
		return hd_fail(HD_E_STORE_CORRUPT, "'%s/" FORMAT_FILE "' names no version", path);
	*ret_smudges = version == HD_STORE_VERSION_SMUDGED;
	if (*ret_smudges && strcmp(strchr(text, '\n') + 1, SMUDGED_LINE) != 0)
		return hd_fail(HD_E_STORE_VERSION,
			"'%s' converts files by rules that this heddle does not know", path);
	if (version != HD_STORE_VERSION && !*ret_smudges)
		return hd_fail(HD_E_STORE_VERSION,
			"'%s' has version %u, this heddle knows version %d, and %d with --smudge; use the "
			"heddle that "
			"wrote it, or "
			"export its"
			" states with that and init anew",
			path, version, HD_STORE_VERSION, HD_STORE_VERSION_SMUDGED);
	return 0;
}

static int open_parts(struct hd_store *store)
{
	int r;

	store->fd = hd_directory_open(AT_FDCWD, store->path);
	if (store->fd == -ENOENT || store->fd == -ENOTDIR)
		return hd_fail(HD_E_STORE_MISSING, "'%s'", store->path);
	if (store->fd < 0)
		return hd_fail(store->fd, "open '%s'", store->path);
	r = check_format(store->fd, store->path, &store->smudges);
	if (r == 0)
		r = make_directories(store->fd);
	if (r == 0)
		r = hd_index_open(store->fd, store->path, false, &store->index);
	if (r == 0)
		r = hd_object_store_open(store->fd, &store->objects);
	return r;
}

int hd_store_open(const char *path, struct hd_store **ret_store)
{
	struct hd_store *store;
	int r;

	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->fd = -1;
	store->path = strdup(path);
	r = store->path ? open_parts(store) : -ENOMEM;
	if (r < 0) {
		hd_store_free(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void hd_store_free(struct hd_store *store)
{
	if (!store)
		return;
	hd_object_store_free(store->objects);
	hd_index_free(store->index);
	hd_cleanup_close(&store->fd);
	free(store->path);
	free(store);
}

/* The absolute path of DIRECTORY without links in it, as the kernel sees it. */
static int canonical_path(const char *directory, char path[PATH_MAX])
{
	HD_AUTO_CLOSE int fd = -1;
	char link[32];
	size_t size = 0;
	int r;

	fd = hd_directory_open(AT_FDCWD, directory);
	if (fd < 0)
		return fd;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = hd_file_read_link(AT_FDCWD, link, path, PATH_MAX - 1, &size);
	if (r < 0)
		return r;
	path[size] = '\0';
	return path[0] == '/' ? 0 : -ENOENT;
}

int hd_store_discover(const char *directory, char **ret_path)
{
	char current[PATH_MAX];
	int r;

	r = canonical_path(directory, current);
	if (r < 0)
		return hd_fail(r, "look for a store from '%s'", directory);
	for (;;) {
		HD_AUTO_FREE char *store = NULL;
		HD_AUTO_FREE char *format = NULL;
		char *slash = strrchr(current, '/');

		if (asprintf(&store, "%s/" HD_STORE_DIRECTORY, current[1] ? current : "") < 0) {
			store = NULL;
			return -ENOMEM;
		}
		if (asprintf(&format, "%s/" FORMAT_FILE, store) < 0) {
			format = NULL;
			return -ENOMEM;
		}
		if (hd_file_exists(AT_FDCWD, format)) {
			*ret_path = HD_STEAL(store);
			return 0;
		}
		if (!current[1])
			return hd_fail(HD_E_STORE_MISSING, "from '%s' upwards", directory);
		slash[slash == current] = '\0';
	}
}
