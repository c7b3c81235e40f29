/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/run_file.h"
#include "mount/thread_log.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"

/*
 * Files that lie around in a store. A temporary name may be somebody's who is at work: it is old enough when nobody wrote
 * it for an hour, which no single file of a store takes.
 */

#define ABANDONED_AFTER_S 3600
#define NEW_STORE_INFIX ".new-"

struct search {
	struct hd_doctor *doctor;
	const char *directory; /* the one that is listed */
	const char *prefix;    /* of names that are looked for */
	bool deeper;           /* its directories, too */
};

bool hd_doctor_is_abandoned(const char *path)
{
	struct stat stat;

	return hd_file_stat_at(AT_FDCWD, path, &stat) == 0 && stat.st_uid == geteuid() &&
	       stat.st_mtim.tv_sec < hd_clock_now().tv_sec - ABANDONED_AFTER_S;
}

static int remove_any(const char *path, unsigned char type)
{
	return type == DT_DIR ? hd_directory_remove_tree(AT_FDCWD, path) : hd_file_unlink(AT_FDCWD, path);
}

static int list_directory(struct hd_doctor *doctor, const char *directory, const char *prefix, bool deeper);

static int consider_temporary(const char *name, unsigned char type, void *payload)
{
	const struct search *search = payload;
	HD_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", search->directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (strncmp(name, search->prefix, strlen(search->prefix)) == 0 && hd_doctor_is_abandoned(path))
		hd_doctor_tell(search->doctor, HD_FINDING_TEMPORARY,
			search->doctor->repair ? remove_any(path, type) : HD_REPAIR_NOT_TRIED,
			"%s was never finished", path);
	else if (search->deeper && type == DT_DIR)
		return list_directory(search->doctor, path, search->prefix, false);
	return 0;
}

/* A directory that is missing has nothing in it; one that cannot be read is told of as 'owner' or by check. */
static int list_directory(struct hd_doctor *doctor, const char *directory, const char *prefix, bool deeper)
{
	struct search search = {.doctor = doctor, .directory = directory, .prefix = prefix, .deeper = deeper};
	int r = hd_directory_list(AT_FDCWD, directory, consider_temporary, &search);

	return r == -ENOENT || r == -EACCES ? 0 : r;
}

static int find_temporary(struct hd_doctor *doctor, const char *store_path)
{
	static const char *const folders[] = {"objects", "recent", "threads", "run"};
	HD_AUTO_FREE char *parent = strdup(store_path);
	HD_AUTO_FREE char *prefix = NULL;
	char *slash;
	int r = 0;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	if (asprintf(&prefix, "%s" NEW_STORE_INFIX, slash + 1) < 0) {
		prefix = NULL;
		return -ENOMEM;
	}
	slash[slash == parent] = '\0';
	r = list_directory(doctor, parent, prefix, false);
	for (size_t i = 0; i < HD_ARRAY_SIZE(folders) && r >= 0; i++) {
		HD_AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%s/%s", store_path, folders[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = list_directory(doctor, path, HD_ATOMIC_FILE_PREFIX, true);
	}
	return r;
}

/* ---- files of threads that are no more ---- */

struct strays {
	struct hd_doctor *doctor;
	struct hd_store *store;
	const char *directory;                /* of the store, the one that is listed */
	uint32_t (*number)(const char *name); /* of the thread; 0: the file is of none */
};

/* Nobody may hold the lease of what goes: a thread may just be dropped. One that was made for this goes with it. */
static int remove_stray(const struct strays *strays, uint32_t number, const char *path)
{
	HD_AUTO_FREE char *lease = hd_run_file_path(strays->store->path, number, HD_RUN_LEASE);
	bool had_lease = lease && hd_file_exists(AT_FDCWD, lease);
	HD_AUTO_CLOSE int lease_fd = lease ? hd_run_lease_take(strays->store->path, number) : -ENOMEM;
	int r;

	if (lease_fd < 0)
		return lease_fd;
	r = hd_file_unlink(AT_FDCWD, path);
	if (!had_lease)
		(void)hd_file_unlink(AT_FDCWD, lease);
	return r;
}

static int consider_stray(const char *name, unsigned char type, void *payload)
{
	const struct strays *strays = payload;
	HD_AUTO_FREE char *path = NULL;
	uint32_t number = strays->number(name);
	int r;

	(void)type;
	if (number == 0)
		return 0;
	r = hd_index_has_thread(strays->store->index, number);
	if (r != 0)
		return r < 0 ? r : 0;
	if (asprintf(&path, "%s/%s/%s", strays->store->path, strays->directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	hd_doctor_tell(strays->doctor, HD_FINDING_STRAY_FILE,
		strays->doctor->repair ? remove_stray(strays, number, path) : HD_REPAIR_NOT_TRIED,
		"%s is of a thread that does not exist", path);
	return 0;
}

static int list_strays(struct strays *strays)
{
	int r = hd_directory_list(strays->store->fd, strays->directory, consider_stray, strays);

	return r == -ENOENT ? 0 : r;
}

int hd_doctor_stray_files(struct hd_doctor *doctor, struct hd_store *store)
{
	struct strays run = {
		.doctor = doctor, .store = store, .directory = "run", .number = hd_run_file_number};
	struct strays logs = {
		.doctor = doctor, .store = store, .directory = "log", .number = hd_thread_log_number};
	int r = list_strays(&run);

	return r < 0 ? r : list_strays(&logs);
}

/* ---- directories of threads ---- */

/* A fork that was never finished, or a thread that was dropped; numbers are not given twice. */
static int consider_directory(const char *name, unsigned char type, void *payload)
{
	const struct strays *strays = payload;
	HD_AUTO_FREE char *path = NULL;
	char *end;
	unsigned long value = strtoul(name, &end, 10);
	uint32_t number = (uint32_t)value;
	int r;

	if (type != DT_DIR || *end || value == 0 || value > UINT32_MAX)
		return 0;
	r = hd_index_has_thread(strays->store->index, number);
	if (r != 0)
		return r < 0 ? r : 0;
	if (asprintf(&path, "%s/threads/%s", strays->store->path, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (hd_doctor_is_abandoned(path))
		hd_doctor_tell(strays->doctor, HD_FINDING_TEMPORARY,
			strays->doctor->repair ? remove_any(path, type) : HD_REPAIR_NOT_TRIED,
			"%s is of a thread that does not exist", path);
	return 0;
}

int hd_doctor_thread_directories(struct hd_doctor *doctor, struct hd_store *store)
{
	struct strays strays = {.doctor = doctor, .store = store};
	int r = hd_directory_list(store->fd, "threads", consider_directory, &strays);

	return r == -ENOENT ? 0 : r;
}

/* ---- permissions ---- */

static int restrict_mode(const char *path, mode_t mode)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, path);

	return fd < 0 ? fd : hd_file_set_mode(fd, mode & 07700);
}

static void compare_owner(struct hd_doctor *doctor, const char *store_path, const char *name, uid_t owner)
{
	HD_AUTO_FREE char *path = NULL;
	struct stat stat;

	if (asprintf(&path, "%s/%s", store_path, name) < 0) {
		path = NULL;
		return;
	}
	if (hd_file_stat_at(AT_FDCWD, path, &stat) == 0 && stat.st_uid != owner)
		hd_doctor_tell(doctor, HD_FINDING_OWNER, HD_REPAIR_NOT_TRIED,
			"%s belongs to user %u and the store to %u, maybe after a command was run as another "
			"user: 'chown -R %u %s' as root, while nothing is mounted",
			path, (unsigned)stat.st_uid, (unsigned)owner, (unsigned)owner, store_path);
}

static int check_permissions(struct hd_doctor *doctor, const char *store_path)
{
	static const char *const parts[] = {
		"format", "index.db", "objects", "recent", "threads", "run", "log"};
	struct stat stat;
	int r = hd_file_stat_at(AT_FDCWD, store_path, &stat);

	if (r < 0)
		return r;
	if (stat.st_mode & 077)
		hd_doctor_tell(doctor, HD_FINDING_PERMISSIONS,
			doctor->repair ? restrict_mode(store_path, stat.st_mode) : HD_REPAIR_NOT_TRIED,
			"%s has mode %04o: it is for its owner alone", store_path, stat.st_mode & 07777u);
	if (stat.st_uid != geteuid() && geteuid() != 0)
		hd_doctor_tell(doctor, HD_FINDING_OWNER, HD_REPAIR_NOT_TRIED,
			"%s belongs to user %u, who alone can use it", store_path, (unsigned)stat.st_uid);
	for (size_t i = 0; i < HD_ARRAY_SIZE(parts); i++)
		compare_owner(doctor, store_path, parts[i], stat.st_uid);
	return 0;
}

int hd_doctor_files(struct hd_doctor *doctor, const char *store_path)
{
	int r = check_permissions(doctor, store_path);

	return r < 0 ? r : find_temporary(doctor, store_path);
}
