/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/worktree/worktree.h"
#include "capture/git/worktree/worktree_index_edit.h"
#include "mount/doctor/doctor.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * What heddle left in the repositories of a store's bases: worktrees of threads that are no more, because whoever dropped one
 * died before it was through, and directories that were to become a worktree or were one. And what git left at mountpoints.
 */

#define TEXT_LIMIT 65536

struct visit {
	struct hd_doctor *doctor;
	struct hd_store *store;
	const char *repository;
};

/* Who drops a thread, or gives it another number, has its lease until its worktree is seen to. */
static int remove_worktree(const struct visit *visit, const struct hd_worktree_record *record)
{
	HD_AUTO_CLOSE int lease_fd = hd_run_lease_take(visit->store->path, record->number);
	int r = lease_fd < 0 ? lease_fd : hd_worktree_remove(record);

	if (lease_fd >= 0)
		hd_run_file_remove(visit->store->path, record->number, HD_RUN_LEASE);
	return r;
}

/* Where a heddle that moved HEAD and index was killed; the next mount would remove it, too. */
static int consider_lock(const struct visit *visit, const struct hd_worktree_record *record)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (asprintf(&path, "%s/worktrees/%s", record->repository, record->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = hd_directory_open(AT_FDCWD, path);
	if (fd < 0 || hd_worktree_index_left_lock(fd, false) <= 0)
		return 0;
	r = visit->doctor->repair ? hd_worktree_index_left_lock(fd, true) : HD_REPAIR_NOT_TRIED;
	hd_doctor_tell(visit->doctor, HD_FINDING_INDEX_LOCK, visit->doctor->repair && r > 0 ? 0 : r,
		"%s/index.lock is of a heddle that was killed", path);
	return 0;
}

static char *read_line(const char *path)
{
	char *text;
	size_t size;

	if (hd_file_read_whole(AT_FDCWD, path, TEXT_LIMIT, &text, &size) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* The file .git of RECORD's mountpoint, if there is one that leads to RECORD: fresh memory; NULL: there is none. */
static char *find_stray_link(const struct hd_worktree_record *record)
{
	HD_AUTO_FREE char *gitdir = NULL;
	HD_AUTO_FREE char *wanted = NULL;
	HD_AUTO_FREE char *place = NULL;
	HD_AUTO_FREE char *link = NULL;

	if (asprintf(&gitdir, "%s/worktrees/%s/gitdir", record->repository, record->name) < 0)
		gitdir = NULL;
	if (asprintf(&wanted, "gitdir: %s/worktrees/%s", record->repository, record->name) < 0)
		wanted = NULL;
	place = gitdir ? read_line(gitdir) : NULL;
	link = place ? read_line(place) : NULL;
	return link && wanted && strcmp(link, wanted) == 0 ? HD_STEAL(place) : NULL;
}

static int remove_stray_link(const struct visit *visit, uint32_t number, const char *path)
{
	HD_AUTO_CLOSE int lease_fd = hd_run_lease_take(visit->store->path, number);

	return lease_fd < 0 ? lease_fd : hd_file_unlink(AT_FDCWD, path);
}

/*
 * Of a thread that is not mounted. 'git worktree repair' writes the file into the empty mountpoint, where git then takes all
 * of the thread's files for deleted.
 */
static void consider_mountpoint(const struct visit *visit, const struct hd_worktree_record *record)
{
	HD_AUTO_FREE char *path = find_stray_link(record);

	if (path)
		hd_doctor_tell(visit->doctor, HD_FINDING_WORKTREE,
			visit->doctor->repair ? remove_stray_link(visit, record->number, path)
					      : HD_REPAIR_NOT_TRIED,
			"%s makes git take all files of thread '%s', which is not mounted, for deleted", path,
			record->thread);
}

static bool is_in_use(const struct visit *visit, uint32_t number)
{
	return hd_file_exists(visit->store->fd, "run") &&
	       hd_run_lock_is_held(visit->store->path, number, HD_RUN_LEASE);
}

/* Whether another directory is the one that RECORD's thread is mounted with: a copy of the store made this one. */
static bool is_second(const struct visit *visit, const struct hd_worktree_record *record)
{
	HD_CLEANUP(hd_worktree_record_clear) struct hd_worktree_record first = {0};

	return hd_worktree_record_find(record->repository, visit->store->path, record->number, &first) >= 0 &&
	       strcmp(first.name, record->name) != 0;
}

static int consider_worktree(const struct hd_worktree_record *record, void *payload)
{
	const struct visit *visit = payload;
	uint32_t number = record->number;
	int r = hd_index_has_thread(visit->store->index, number);

	if (r < 0)
		return r;
	if (r > 0 && is_second(visit, record)) {
		hd_doctor_tell(visit->doctor, HD_FINDING_WORKTREE,
			visit->doctor->repair ? hd_worktree_remove(record) : HD_REPAIR_NOT_TRIED,
			"%s/worktrees/%s is of a copy of this store, at %s, that is gone", record->repository,
			record->name, record->store);
		return 0;
	}
	if (r > 0 && !is_in_use(visit, number))
		consider_mountpoint(visit, record);
	if (r > 0)
		return consider_lock(visit, record);
	/* Somebody is at it. */
	if (is_in_use(visit, number))
		return 0;
	hd_doctor_tell(visit->doctor, HD_FINDING_WORKTREE,
		visit->doctor->repair ? remove_worktree(visit, record) : HD_REPAIR_NOT_TRIED,
		"%s/worktrees/%s is of a thread that does not exist, once called '%s'", record->repository,
		record->name, record->thread);
	return 0;
}

/* Whether LOCKED says a store that is another one and is there. */
static bool is_of_another_store(const struct visit *visit, const char *locked)
{
	HD_AUTO_FREE char *text = strdup(locked);
	const char *store = NULL;

	if (!text)
		return true;
	text[strcspn(text, "\n")] = '\0';
	/* The name of a thread may have " of " in it, and so may a path: the last one that is a store counts. */
	for (const char *at = strstr(text, " of /"); at; at = strstr(at + 1, " of /")) {
		if (hd_file_exists(AT_FDCWD, at + strlen(" of ")))
			store = at + strlen(" of ");
	}
	return store && strcmp(store, visit->store->path) != 0;
}

/* What a power cut left: nothing in it says whose it was. One that is in use has a `.git` that leads to it. */
static int consider_void(const char *name, const char *locked, void *payload)
{
	const struct visit *visit = payload;
	struct hd_worktree_record record = {.repository = (char *)visit->repository, .name = (char *)name};
	HD_AUTO_FREE char *link = find_stray_link(&record);

	if (link || is_of_another_store(visit, locked))
		return 0;
	hd_doctor_tell(visit->doctor, HD_FINDING_WORKTREE,
		visit->doctor->repair ? hd_worktree_remove(&record) : HD_REPAIR_NOT_TRIED,
		"%s/worktrees/%s does not say any more of which thread it is, as after a power cut",
		visit->repository, name);
	return 0;
}

static int consider_directory(const char *name, unsigned char type, void *payload)
{
	const struct visit *visit = payload;
	HD_AUTO_FREE char *path = NULL;

	(void)type;
	if (strncmp(name, HD_WORKTREE_NEW_PREFIX, strlen(HD_WORKTREE_NEW_PREFIX)) != 0 &&
		strncmp(name, HD_WORKTREE_GONE_PREFIX, strlen(HD_WORKTREE_GONE_PREFIX)) != 0)
		return 0;
	if (asprintf(&path, "%s/%s", visit->repository, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (hd_doctor_is_abandoned(path))
		hd_doctor_tell(visit->doctor, HD_FINDING_TEMPORARY,
			visit->doctor->repair ? hd_directory_remove_tree(AT_FDCWD, path)
					      : HD_REPAIR_NOT_TRIED,
			"%s is a git worktree that was never finished, or was removed", path);
	return 0;
}

/*
 * git takes the directory of a worktree away when it is told so twice, whoever is in it. Who serves the mount makes it again: that
 * one knows what git is to be told of the files, and has the lease.
 */
static int consider_mounted(const struct hd_thread *thread, void *payload)
{
	static const char begin[] = "gitdir: ";
	const struct visit *visit = payload;
	HD_AUTO_FREE char *link = NULL;

	if (!is_in_use(visit, thread->number) ||
		hd_run_file_read(visit->store->path, thread->number, HD_RUN_GIT, &link) < 0)
		return 0;
	link[strcspn(link, "\n")] = '\0';
	if (strncmp(link, begin, strlen(begin)) == 0 &&
		!hd_worktree_is_whole(visit->store, thread->number, link))
		hd_doctor_tell(visit->doctor, HD_FINDING_NO_WORKTREE,
			visit->doctor->repair ? hd_doctor_ask(visit->store, thread->name, "worktree")
					      : HD_REPAIR_NOT_TRIED,
			"%s, which is the git worktree of thread '%s', was removed, and git finds nothing in "
			"its mount",
			link + strlen(begin), thread->name);
	return 0;
}

/* A repository that is gone, or not to be read, is found by what uses it. */
int hd_doctor_worktrees(struct hd_doctor *doctor, struct hd_store *store)
{
	struct visit visit = {.doctor = doctor, .store = store};
	struct hd_base_record base;
	int r = hd_worktree_list(store, consider_worktree, &visit);

	if (r < 0 && r != -EACCES)
		return r;
	r = hd_index_list_threads(store->index, consider_mounted, &visit);
	if (r < 0)
		return r;
	for (uint16_t number = 1; r == 0 && hd_index_get_base(store->index, number, &base) >= 0; number++) {
		visit.repository = base.location;
		if (base.kind == HD_BASE_GIT)
			r = hd_worktree_record_list_void(base.location, consider_void, &visit);
		if (base.kind == HD_BASE_GIT && r >= 0)
			r = hd_directory_list(AT_FDCWD, base.location, consider_directory, &visit);
		if (r == -ENOENT || r == -EACCES || r == -ENOTDIR)
			r = 0;
		hd_base_record_clear(&base);
	}
	hd_error_clear();
	return r;
}
