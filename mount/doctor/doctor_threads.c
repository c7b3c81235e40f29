/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/control/control_error.h"
#include "mount/doctor/doctor.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/client/control_client.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_reply.h"
#include "mount/run_file.h"
#include "overlay/journal/journal.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/platform/threads/work.h"

/*
 * Who serves a thread is asked in this order, and nothing that may hang is touched before it is known:
 *
 *     its control socket answers     it is well; only its version is looked at
 *     its lease is held              somebody has its memory: a worker alone, a salvage, a command
 *     its lease is free              nobody is there: whatever stands there is a leftover
 */

#define DETACH_LIMIT 32 /* mounts over each other at one place */

struct patient {
	struct hd_doctor *doctor;
	struct hd_store *store;
	const struct hd_thread *thread;
};

/* ---- one that answers ---- */

static void compare_version(const struct patient *patient, const json_t *reply)
{
	const char *version = json_string_value(json_object_get(reply, "version"));

	if (version && strcmp(version, HD_VERSION) != 0)
		hd_doctor_tell(patient->doctor, HD_FINDING_VERSION, HD_REPAIR_NOT_TRIED,
			"thread '%s' is served by heddle %s, this is %s: unmount it and mount it again when "
			"nobody needs it",
			patient->thread->name, version, HD_VERSION);
}

/* 0 when somebody answered, whatever; -ECONNREFUSED and -ENOENT when nobody is there. */
static int ask(const struct patient *patient)
{
	HD_AUTO_FREE char *path =
		hd_run_file_path(patient->store->path, patient->thread->number, HD_RUN_SOCKET);
	HD_AUTO_CLOSE int passed_fd = -1;
	HD_AUTO_CLOSE int fd = -1;
	json_t *reply = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	fd = hd_socket_connect(path);
	if (fd < 0)
		return fd;
	r = hd_control_send(fd, json_pack("{s:s}", "op", "ping"), -1);
	if (r >= 0)
		r = hd_control_receive(fd, HD_CONTROL_ALIVE_MS, &reply, &passed_fd);
	if (r >= 0) {
		compare_version(patient, reply);
		json_decref(reply);
		return 0;
	}
	if (r == -HD_E_CONTROL_TIMEOUT) {
		hd_doctor_tell(patient->doctor, HD_FINDING_SILENT, HD_REPAIR_NOT_TRIED,
			"thread '%s' does not answer; 'heddle unmount --lazy %s' detaches it, what was not "
			"on disk stays in its processes",
			patient->thread->name, patient->thread->name);
		return 0;
	}
	return r == -ECONNRESET || r == -EPIPE ? -ECONNREFUSED : r;
}

/* ---- one that is gone ---- */

static int tell_dead_mounts(const struct patient *patient)
{
	struct hd_doctor *doctor = patient->doctor;
	struct hd_mount_place place;

	for (unsigned i = 0; i < DETACH_LIMIT; i++) {
		int r = hd_mount_find_thread(patient->store->path, patient->thread->name, &place);

		if (r < 0)
			return r == -HD_E_NOT_MOUNTED ? 0 : r;
		r = doctor->repair ? hd_mount_point_abandon(place.directory) : HD_REPAIR_NOT_TRIED;
		hd_doctor_tell(doctor, HD_FINDING_DEAD_MOUNT, r, "the mount of thread '%s' at %s is dead",
			patient->thread->name, place.directory);
		hd_mount_place_clear(&place);
		if (r != 0)
			return 0;
	}
	return 0;
}

static void tell_run_file(const struct patient *patient, enum hd_run_file file, enum hd_finding_kind kind)
{
	HD_AUTO_FREE char *path = hd_run_file_path(patient->store->path, patient->thread->number, file);
	int r;

	if (!path || !hd_file_exists(AT_FDCWD, path))
		return;
	r = patient->doctor->repair ? hd_file_unlink(AT_FDCWD, path) : HD_REPAIR_NOT_TRIED;
	hd_doctor_tell(patient->doctor, kind, r, "%s is of a mount of thread '%s' that is gone", path,
		patient->thread->name);
}

static bool was_closed(const struct patient *patient)
{
	char name[40];
	HD_AUTO_CLOSE int fd = -1;

	(void)snprintf(name, sizeof(name), "threads/%u", patient->thread->number);
	fd = hd_directory_open(patient->store->fd, name);
	return fd < 0 ||
	       hd_journal_was_closed(fd, patient->thread->number); /* never opened: nothing to close */
}

int hd_doctor_ask(struct hd_store *store, const char *thread, const char *op)
{
	json_t *request = json_pack("{s:s}", "op", op), *reply = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (!request)
		return -ENOMEM;
	r = hd_thread_request(store, thread, request, &reply, &fd);
	json_decref(request);
	if (r < 0)
		return r;
	r = hd_control_reply_status(reply);
	json_decref(reply);
	return r;
}

/* Opening it, doing nothing and closing it brings its journal in order. */
static int recover(const struct patient *patient)
{
	return hd_doctor_ask(patient->store, patient->thread->name, "sync");
}

static void tell_journal(const struct patient *patient)
{
	if (was_closed(patient))
		return;
	hd_doctor_tell(patient->doctor, HD_FINDING_UNRECOVERED,
		patient->doctor->repair ? recover(patient) : HD_REPAIR_NOT_TRIED,
		"thread '%s' was not closed; what reached its journal is there, and shows at the next mount",
		patient->thread->name);
}

static void tell_last_end(const struct patient *patient)
{
	HD_AUTO_FREE char *text = NULL;

	if (hd_run_file_read(patient->store->path, patient->thread->number, HD_RUN_LAST, &text) >= 0 && text)
		hd_doctor_tell(patient->doctor, HD_FINDING_LAST_END, HD_REPAIR_NOT_TRIED,
			"the last mount of thread '%s' ended badly: %.*s", patient->thread->name,
			(int)strcspn(text, "\n"), text);
}

/* While the lease is held, nobody comes. */
static int examine_leased(const struct patient *patient)
{
	int r = tell_dead_mounts(patient);

	tell_run_file(patient, HD_RUN_SOCKET, HD_FINDING_STALE_SOCKET);
	tell_run_file(patient, HD_RUN_ADOPTION, HD_FINDING_STALE_SOCKET);
	tell_run_file(patient, HD_RUN_STATUS, HD_FINDING_STALE_STATUS);
	return r;
}

static void tell_unattended(const struct patient *patient)
{
	const struct hd_thread *thread = patient->thread;
	struct hd_mount_place place;
	int r = HD_REPAIR_NOT_TRIED;

	if (hd_mount_find_thread(patient->store->path, thread->name, &place) < 0)
		return; /* a command works on it */
	/* Who has one of these is about to serve it, or brings its memory to disk. */
	if (!hd_run_lock_is_held(patient->store->path, thread->number, HD_RUN_SUPERVISOR) &&
		!hd_run_lock_is_held(patient->store->path, thread->number, HD_RUN_KEEPER)) {
		if (patient->doctor->repair)
			r = hd_mount_adopt(patient->store, thread->name, thread->number);
		hd_doctor_tell(patient->doctor, HD_FINDING_UNATTENDED, r,
			"the worker of thread '%s' at %s serves it without a supervisor: if it dies, what is "
			"not on "
			"disk is lost",
			thread->name, place.directory);
	}
	hd_mount_place_clear(&place);
}

/* hd_run_lease_take, which makes the file if it is missing: then nobody has it, and nothing is changed. */
static int take_lease(const struct patient *patient, int *ret_fd)
{
	HD_AUTO_FREE char *path =
		hd_run_file_path(patient->store->path, patient->thread->number, HD_RUN_LEASE);
	int r;

	if (!path)
		return -ENOMEM;
	*ret_fd = -1;
	if (!patient->doctor->repair && !hd_file_exists(AT_FDCWD, path))
		return 0;
	r = hd_run_lease_take(patient->store->path, patient->thread->number);
	if (r < 0)
		return r;
	*ret_fd = r;
	return 0;
}

static int examine(const struct hd_thread *thread, void *payload)
{
	struct patient patient = *(struct patient *)payload;
	HD_AUTO_CLOSE int lease_fd = -1;
	int r;

	patient.thread = thread;
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	r = ask(&patient);
	if (r != -ECONNREFUSED && r != -ENOENT)
		return r;
	r = take_lease(&patient, &lease_fd);
	if (r == -HD_E_THREAD_BUSY) {
		tell_unattended(&patient);
		return 0;
	}
	if (r < 0)
		return r;
	r = examine_leased(&patient);
	hd_cleanup_close(&lease_fd);
	lease_fd = -1;
	if (r < 0)
		return r;
	tell_journal(&patient); /* takes the lease itself */
	tell_last_end(&patient);
	return 0;
}

int hd_doctor_threads(struct hd_doctor *doctor, struct hd_store *store)
{
	struct patient patient = {.doctor = doctor, .store = store};

	hd_work_step(HD_WORK_CHECKING_THREADS, 0);
	return hd_index_list_threads(store->index, examine, &patient);
}

/* ---- mounts whose store is gone ---- */

/* Without its store there is no lease to ask, so the mount is: statfs is never answered from the kernel's cache. */
static bool is_dead(const char *directory)
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0);
	struct hd_filesystem_space space;
	int r = fd < 0 ? fd : hd_file_space(fd, &space);

	return r == -ENOTCONN || r == -ECONNABORTED;
}

static int examine_mount(const struct hd_mount_place *place, void *payload)
{
	struct hd_doctor *doctor = payload;
	struct stat status;
	int r;

	if (hd_file_stat_at(AT_FDCWD, place->store, &status) != -ENOENT)
		return 0;
	if (!is_dead(place->directory)) {
		hd_doctor_tell(doctor, HD_FINDING_LOST_STORE, HD_REPAIR_NOT_TRIED,
			"the mount at %s is served, and its store is not at %s any more: if it was deleted, "
			"copy "
			"elsewhere what is needed of the mount, then unmount it; if it was moved, move it "
			"back",
			place->directory, place->store);
		return 0;
	}
	r = doctor->repair ? hd_mount_point_abandon(place->directory) : HD_REPAIR_NOT_TRIED;
	hd_doctor_tell(doctor, HD_FINDING_DEAD_MOUNT, r, "the mount at %s is dead, and its store %s is gone",
		place->directory, place->store);
	return 0;
}

int hd_doctor_lost_mounts(struct hd_doctor *doctor)
{
	return hd_mount_place_list(examine_mount, doctor);
}
