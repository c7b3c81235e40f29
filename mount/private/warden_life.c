/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The warden's own side. It knows nothing of stores and threads: it mounts, runs, and cleans up.
 *
 * It ends when its link does, which is when the caller has died or let it go. Until the command's processes are all dead
 * it is killed by nobody but SIGKILL; afterwards it dies with the caller, because a flush of what the kernel has may
 * wait for a server that never answers.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/answers/control_execute.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_json.h"
#include "mount/mount_place.h"
#include "mount/private/warden_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/namespace.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_command.h"
#include "overlay/platform/processes/process_table.h"

#define REAP_WAIT_MS 10

struct life {
	const struct hd_warden_branch *branch;
	int link_fd;
	int signal_fd; /* of SIGCHLD */
	int root_fd; /* the mount's root: whatever the command unmounts, the mount stays until the caller has ended it */
	pid_t command;
	int status; /* the command's, once it is `ended` */
	bool ended;
	bool alone; /* the caller is gone */
};

static bool flag(const json_t *message, const char *key)
{
	return json_is_true(json_object_get(message, key));
}

/* In fresh memory. */
static char *path_of(const json_t *message, const char *key)
{
	return hd_control_get_name(json_object_get(message, key), "path");
}

static int answer(const struct life *life, int r, json_t *reply, int fd)
{
	if (r < 0) {
		json_decref(reply);
		reply = hd_control_error_reply(r);
	}
	return hd_control_send(life->link_fd, reply, fd);
}

static int mount_here(const struct life *life, const json_t *message)
{
	HD_AUTO_FREE char *directory = path_of(message, "directory");
	HD_AUTO_FREE char *source = path_of(message, "source");
	const struct hd_mount_request request = {.directory = directory ? directory : "",
		.source = source ? source : "",
		.allow_other = flag(message, "allow_other"),
		.default_permissions = flag(message, "default_permissions"),
		.read_only = flag(message, "read_only"),
		.suid = flag(message, "suid"),
		.dev = flag(message, "dev")};
	HD_AUTO_CLOSE int device = hd_mount_point_attach_here(&request);

	return answer(life, device < 0 ? hd_fail_in(device, "mount at %s", request.directory) : 0,
		json_pack("{s:b, s:I}", "ok", 1, "namespace",
			(json_int_t)hd_process_table_own_namespace(life->branch->processes_fd)),
		device);
}

/* ---- the command ---- */

static int enter_workspace(struct life *life, const json_t *message)
{
	HD_AUTO_FREE char *directory = path_of(message, "directory");
	HD_AUTO_FREE char *store = path_of(message, "store");

	if (!directory || !store)
		return -ENOMEM;
	if (chdir(directory) < 0)
		return hd_fail_errno("enter %s", directory);
	life->root_fd = hd_directory_open(AT_FDCWD, ".");
	if (life->root_fd < 0)
		return hd_fail_in(life->root_fd, "open %s", directory);
	if (setenv("PWD", directory, 1) < 0 || setenv("HEDDLE_STORE", store, 1) < 0)
		return hd_fail_errno("set the environment");
	return 0;
}

static int start_command(struct life *life, const json_t *message)
{
	char *const *arguments = life->branch->settings.arguments;
	int r = enter_workspace(life, message);

	if (r < 0)
		return r;
	r = hd_process_start_command(arguments, &life->command);
	if (r == -ENOENT || r == -ENOTDIR)
		return hd_fail(HD_E_COMMAND_MISSING, "'%s'", arguments[0]);
	return r < 0 ? hd_fail(HD_E_COMMAND_REFUSED, "'%s': %s", arguments[0], hd_error_text(r)) : 0;
}

static void let_go_of_streams(void)
{
	HD_AUTO_CLOSE int nowhere = hd_file_open(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (nowhere < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)hd_descriptor_replace(fd, nowhere);
}

/* Whoever has ended; true when there are no children any more. */
static bool reap(struct life *life)
{
	int status = 0;
	pid_t pid;

	while ((pid = hd_process_reap_any(&status)) > 0) {
		if (pid != life->command)
			continue;
		life->ended = true;
		life->status = status;
	}
	return pid < 0;
}

static void hear_signal(struct life *life)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;

	if (hd_control_receive(life->link_fd, -1, &message, &fd) < 0) {
		life->alone = true;
		return;
	}
	if (strcmp(hd_control_op(message), "signal") == 0)
		(void)hd_process_kill(
			life->command, (int)json_integer_value(json_object_get(message, "number")));
	json_decref(message);
}

static void wait_for_command(struct life *life)
{
	const int fds[] = {life->signal_fd, life->link_fd};
	unsigned ready = 0;

	while (!life->ended && !life->alone) {
		if (hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), -1, &ready) < 0)
			return;
		if (ready & 1u)
			(void)hd_process_signal_read(life->signal_fd);
		(void)reap(life);
		/* Only to a command that is not reaped: its number may be somebody else's afterwards. */
		if ((ready & 2u) && !life->ended)
			hear_signal(life);
	}
}

/* The workspace is about to go; what the command left running has nothing to work on. */
static void end_leftovers(struct life *life)
{
	unsigned ready = 0;

	while (!reap(life)) {
		hd_process_table_kill_children(life->branch->processes_fd);
		if (hd_descriptor_wait(&life->signal_fd, 1, REAP_WAIT_MS, &ready) >= 0 && ready)
			(void)hd_process_signal_read(life->signal_fd);
	}
}

static int run(struct life *life, const json_t *message)
{
	int r = start_command(life, message);

	let_go_of_streams();
	if (r >= 0)
		wait_for_command(life);
	end_leftovers(life);
	if (life->alone)
		return -ECONNRESET;
	hd_process_die_with(life->branch->parent);
	/* What was written through mappings is in the kernel still. */
	if (life->root_fd >= 0)
		hd_mount_flush(life->root_fd);
	return answer(life, r, json_pack("{s:b, s:i}", "ok", 1, "status", life->status), -1);
}

/* ---- life ---- */

static int serve(struct life *life)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;
	int r;

	r = hd_control_receive(life->link_fd, -1, &message, &fd);
	if (r < 0)
		return r;
	if (strcmp(hd_control_op(message), "mount") == 0)
		r = mount_here(life, message);
	else if (strcmp(hd_control_op(message), "start") == 0)
		r = run(life, message);
	json_decref(message);
	return r;
}

int hd_warden_live(void *payload)
{
	const struct hd_warden_branch *branch = payload;
	static const int child[] = {SIGCHLD};
	struct life life = {.branch = branch, .link_fd = branch->link_fd, .root_fd = -1};
	int unwanted = branch->other_fd;
	int r;

	/* What the terminal sends is the command's. */
	int ignored = hd_process_signal_fd(hd_warden_signals, HD_ARRAY_SIZE(hd_warden_signals));

	hd_descriptor_close(&ignored);
	hd_descriptor_close(&unwanted);
	r = life.signal_fd = hd_process_signal_fd(child, HD_ARRAY_SIZE(child));
	if (r >= 0)
		r = hd_process_adopt_orphans();
	if (r >= 0)
		r = hd_namespace_enter(branch->settings.without_network);
	if (r < 0)
		(void)answer(&life, r, NULL, -1);
	while (r >= 0)
		r = serve(&life);
	return 0;
}
