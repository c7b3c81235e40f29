/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/mount_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/state_text.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"

/*
 * Threads are known by name: the one that is mounted does not change its own. One that somebody unmounted is known and
 * stays unmounted, as it has to for being renamed or dropped; under its new name it is another.
 */

#define LOOK_MS 500

struct all {
	const struct hd_location *location;
	const char *directory;
	const struct hd_mount_options *options;
	struct hd_thread_heads known;
	bool json;
	json_t *mounts; /* owned array, of what is answered at the end; then, and for text, NULL */
	int failure;    /* the first */
};

static bool is_known(const struct hd_thread_heads *heads, const char *name)
{
	for (size_t i = 0; i < heads->count; i++)
		if (strcmp(heads->threads[i].name, name) == 0)
			return true;
	return false;
}

/* The others go on; the last words are about the first. */
static void note_failure(struct all *all, const char *thread, int r)
{
	if (all->failure == 0)
		all->failure = r;
	hd_output_remark("thread '%s': %s", thread, hd_error_message(r));
}

static void tell(struct all *all, const char *verb, const char *thread, const char *directory)
{
	json_t *object;

	if (!all->json) {
		printf("%s %s %s ", verb, thread, strcmp(verb, "Mounted") == 0 ? "at" : "from");
		hd_output_path(stdout, directory);
		fputc('\n', stdout);
		(void)fflush(stdout);
		return;
	}
	if (!all->mounts)
		return;
	object = json_pack("{s:o}", "thread", hd_control_text(thread));
	if (object)
		(void)hd_json_set_path(object, "mountpoint", directory);
	(void)json_array_append_new(all->mounts, object);
}

static int mount_at(struct all *all, const char *thread, const char *place)
{
	int r = hd_directory_make(AT_FDCWD, all->directory, 0777);
	bool made;

	if (r >= 0)
		r = hd_directory_make_new(AT_FDCWD, place, 0777);
	made = r >= 0;
	/* A dead mount may stand there: whether it is ours is for hd_mount_start to find out. */
	if (r < 0 && r != -EEXIST && r != -ENOTCONN && r != -EIO)
		return hd_fail_in(r, "mountpoint '%s'", place);
	r = hd_mount_start(all->location->store, thread, place, all->options);
	if (r < 0 && made)
		(void)hd_directory_remove(AT_FDCWD, place);
	return r;
}

/* Whether THREAD is mounted; says so if that is elsewhere, and sets *RET_ELSEWHERE. */
static bool is_mounted(const struct all *all, const char *thread, const char *place, bool *ret_elsewhere)
{
	struct hd_mount_place found = {0};
	bool is_there = hd_mount_find_thread(all->location->store->path, thread, &found) >= 0 &&
			!hd_mount_is_dead(&found);

	*ret_elsewhere = is_there && strcmp(found.directory, place) != 0;
	if (*ret_elsewhere)
		hd_output_remark("thread '%s' stays where it is mounted, at %s", thread, found.directory);
	hd_mount_place_clear(&found);
	return is_there;
}

static void mount_one(struct all *all, const char *thread)
{
	HD_AUTO_FREE char *place = NULL;
	bool is_elsewhere = false;
	int r = 0;

	if (asprintf(&place, "%s/%s", all->directory, thread) < 0) {
		place = NULL;
		r = -ENOMEM;
	} else if (!is_mounted(all, thread, place, &is_elsewhere)) {
		r = mount_at(all, thread, place);
		/* Another command was quicker. */
		if ((r == -HD_E_THREAD_BUSY || r == -HD_E_MOUNTED) &&
			is_mounted(all, thread, place, &is_elsewhere))
			r = 0;
	}
	if (is_elsewhere) {
		hd_error_clear();
		return;
	}
	if (r < 0)
		note_failure(all, thread, r);
	else
		tell(all, "Mounted", thread, place);
	hd_error_clear();
}

/* What is not ours, or in use, stays. */
static void remove_place(const struct all *all, const char *thread)
{
	HD_AUTO_FREE char *place = NULL;

	if (asprintf(&place, "%s/%s", all->directory, thread) < 0)
		place = NULL;
	else if (hd_directory_remove(AT_FDCWD, place) < 0)
		hd_error_clear();
}

/* Makes what is there what the store has now. */
static int look(struct all *all)
{
	struct hd_thread_heads now = {0};
	int r = hd_thread_heads_read(all->location->store->index, &now);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all->known.count; i++)
		if (!is_known(&now, all->known.threads[i].name))
			remove_place(all, all->known.threads[i].name);
	for (size_t i = 0; i < now.count; i++)
		if (!is_known(&all->known, now.threads[i].name))
			mount_one(all, now.threads[i].name);
	hd_thread_heads_clear(&all->known);
	all->known = now;
	return 0;
}

static bool is_below(const char *place, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(place, directory, length) == 0 && place[length] == '/';
}

/* Of those that are mounted, those below DIRECTORY; NULL: all. */
static void unmount_each(struct all *all, const char *directory, bool lazy)
{
	const struct hd_store *store = all->location->store;

	for (size_t i = 0; i < all->known.count; i++) {
		const char *thread = all->known.threads[i].name;
		struct hd_mount_place place;
		int r;

		if (hd_mount_find_thread(store->path, thread, &place) < 0)
			continue;
		if (!directory || is_below(place.directory, directory)) {
			r = hd_mount_stop(all->location->store, thread, lazy);
			if (r < 0)
				note_failure(all, thread, r);
			else
				tell(all, "Unmounted", thread, place.directory);
		}
		hd_mount_place_clear(&place);
	}
	hd_error_clear();
}

/* A mount in use stays, and is told of; the next interrupt tries again. */
static int follow_threads(struct all *all)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	HD_AUTO_CLOSE int signal_fd = hd_process_signal_fd(signals, HD_ARRAY_SIZE(signals));
	unsigned ready = 0;
	int r = signal_fd < 0 ? signal_fd : 0;

	while (r >= 0) {
		r = hd_descriptor_wait(&signal_fd, 1, LOOK_MS, &ready);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
		if ((ready & 1u) && hd_process_signal_read(signal_fd) > 0) {
			all->failure = 0;
			unmount_each(all, all->directory, false);
			if (all->failure == 0)
				return 0;
		}
		r = look(all);
		ready = 0;
	}
	return r;
}

/* Two on one directory would each end the mounts of the other. There may be none yet; where it cannot be locked there may be two. */
static int hold_directory(const struct all *all, int *directory_fd)
{
	if (*directory_fd >= 0)
		return 0;
	*directory_fd = hd_directory_open(AT_FDCWD, all->directory);
	if (*directory_fd >= 0 && hd_file_lock(*directory_fd) == -EWOULDBLOCK)
		return hd_fail(HD_E_FOLLOWED, "%s", all->directory);
	hd_error_clear();
	return 0;
}

static int finish(struct all *all, const char *verb, int r)
{
	if (r >= 0 && all->mounts)
		r = hd_output_json(json_pack("{s:O}", verb, all->mounts));
	json_decref(all->mounts);
	all->mounts = NULL;
	return r;
}

int hd_mount_all(const struct hd_location *location, const char *directory,
	const struct hd_mount_options *options, bool follow, bool json)
{
	struct all all = {.location = location, .directory = directory, .options = options, .json = json};
	HD_AUTO_CLOSE int directory_fd = -1;
	int r = follow ? hold_directory(&all, &directory_fd) : 0;

	if (r < 0)
		return r;
	if (json && !(all.mounts = json_array()))
		return -ENOMEM;
	r = look(&all);
	r = finish(&all, "mounted", r);
	if (r >= 0 && follow)
		r = hold_directory(&all, &directory_fd);
	if (r >= 0 && follow)
		r = follow_threads(&all);
	hd_thread_heads_clear(&all.known);
	if (r < 0 || all.failure == 0)
		return r;
	return hd_fail(-all.failure, "not all threads");
}

int hd_unmount_all(const struct hd_location *location, bool lazy, bool json)
{
	struct all all = {.location = location, .json = json};
	int r;

	if (json && !(all.mounts = json_array()))
		return -ENOMEM;
	r = hd_thread_heads_read(location->store->index, &all.known);
	if (r >= 0)
		unmount_each(&all, NULL, lazy);
	r = finish(&all, "unmounted", r);
	hd_thread_heads_clear(&all.known);
	if (r < 0 || all.failure == 0)
		return r;
	return hd_fail(-all.failure, "not all threads");
}
