/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The caller's side. One question is answered at a time; while the command runs the only messages are signals to it, and
 * its end.
 *
 * Caller and command share a process group, so that a terminal treats them as one job. A signal that a terminal sends
 * has reached the command when it reaches us; one that a process sends may have been meant for us alone, and is passed
 * on. A command that gets one twice, because somebody sent it to the group, has to live with that.
 */

#include "mount/private/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/answers/control_execute.h"
#include "mount/client/control_client.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/private/warden_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_command.h"
#include "overlay/platform/processes/process_table.h"
#include "overlay/platform/sockets/socket.h"

/* A process that was killed is there for a moment still. */
#define LEFTOVER_WAIT_MS 10
#define LEFTOVER_TURNS 500

int hd_warden_start(const struct hd_warden_settings *settings, struct hd_warden *ret_warden)
{
	struct hd_warden_branch branch = {.settings = *settings, .parent = getpid()};
	HD_AUTO_CLOSE int processes = -1;
	int ends[2];
	int r;

	r = hd_process_table_open(&processes);
	if (r < 0)
		return r;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	branch.other_fd = ends[0];
	branch.link_fd = ends[1];
	branch.processes_fd = processes;
	r = hd_process_branch(hd_warden_live, &branch, &ret_warden->pid);
	hd_descriptor_close(&ends[1]);
	if (r < 0) {
		hd_descriptor_close(&ends[0]);
		return hd_fail_in(r, "start a process");
	}
	ret_warden->link_fd = ends[0];
	ret_warden->processes_fd = hd_steal_fd(&processes);
	return 0;
}

static int receive(const struct hd_warden *warden, json_t **ret_reply, int *ret_fd)
{
	int r = hd_control_receive(warden->link_fd, -1, ret_reply, ret_fd);

	return r == -ECONNRESET ? hd_fail(EIO, "the process that runs the command was killed") : r;
}

/* Any of several, none of which need be UTF-8. */
static json_t *path_json(const char *path)
{
	return hd_control_with_name(json_object(), "path", path);
}

int hd_warden_mount(struct hd_warden *warden, const struct hd_mount_request *request, int *ret_device)
{
	HD_AUTO_CLOSE int device = -1;
	json_t *reply;
	int r;

	r = hd_control_send(warden->link_fd,
		json_pack("{s:s, s:o, s:o, s:b, s:b, s:b, s:b, s:b}", "op", "mount", "directory",
			path_json(request->directory), "source", path_json(request->source), "allow_other",
			(int)request->allow_other, "default_permissions", (int)request->default_permissions,
			"read_only", (int)request->read_only, "suid", (int)request->suid, "dev",
			(int)request->dev),
		-1);
	/* One that could not even make its namespaces says so, and is gone. */
	if (r >= 0 || r == -EPIPE)
		r = receive(warden, &reply, &device);
	if (r < 0)
		return r;
	r = hd_control_reply_status(reply);
	warden->namespace = (uint64_t)json_integer_value(json_object_get(reply, "namespace"));
	json_decref(reply);
	if (r >= 0 && device < 0)
		r = hd_fail(HD_E_CONTROL_PROTOCOL, "no device came");
	if (r < 0)
		return r;
	*ret_device = hd_steal_fd(&device);
	return 0;
}

/* ---- while the command runs ---- */

static int catch_signals(int caught[], size_t *ret_count)
{
	size_t count = 0;

	/* What is ignored (by nohup) is nobody's, here and in the command. */
	for (size_t i = 0; i < HD_ARRAY_SIZE(hd_warden_signals); i++)
		if (!hd_process_ignores(hd_warden_signals[i]))
			caught[count++] = hd_warden_signals[i];
	*ret_count = count;
	return hd_process_signal_fd(caught, count);
}

static void pass_signal_on(const struct hd_warden *warden, int signal_fd)
{
	bool sent = false;
	int number = hd_process_signal_read_sent(signal_fd, &sent);

	if (number > 0 && sent)
		(void)hd_control_send(
			warden->link_fd, json_pack("{s:s, s:i}", "op", "signal", "number", number), -1);
}

static int hear_end(const struct hd_warden *warden, int *ret_status)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *reply;
	int r = receive(warden, &reply, &fd);

	if (r < 0)
		return r;
	r = hd_control_reply_status(reply);
	if (r >= 0)
		*ret_status = (int)json_integer_value(json_object_get(reply, "status"));
	json_decref(reply);
	return r;
}

static int wait_for_end(const struct hd_warden *warden, int signal_fd, int *ret_status)
{
	const int fds[] = {signal_fd, warden->link_fd};
	unsigned ready = 0;
	int r;

	for (;;) {
		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), -1, &ready);
		if (r < 0)
			return r;
		if (ready & 2u)
			return hear_end(warden, ret_status);
		pass_signal_on(warden, signal_fd);
	}
}

/* A reader of the command's output, and a writer of its input, wait for the command and not for us. */
static void let_go_of_streams(void)
{
	HD_AUTO_CLOSE int nowhere = hd_file_open(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (nowhere < 0)
		return;
	(void)hd_descriptor_replace(STDIN_FILENO, nowhere);
	(void)hd_descriptor_replace(STDOUT_FILENO, nowhere);
}

int hd_warden_run(struct hd_warden *warden, const char *directory, const char *store, int *ret_status)
{
	int caught[HD_ARRAY_SIZE(hd_warden_signals)];
	size_t count;
	int signal_fd = catch_signals(caught, &count);
	int r;

	if (signal_fd < 0)
		return hd_fail_in(signal_fd, "wait for signals");
	r = hd_control_send(warden->link_fd,
		json_pack("{s:s, s:o, s:o}", "op", "start", "directory", path_json(directory), "store",
			path_json(store)),
		-1);
	let_go_of_streams();
	if (r >= 0 || r == -EPIPE)
		r = wait_for_end(warden, signal_fd, ret_status);
	hd_process_signal_fd_end(&signal_fd, caught, count);
	return r;
}

/* Who killed the warden left what the command had started without anybody: it is known by where it is. */
static void end_leftovers(const struct hd_warden *warden)
{
	unsigned ready;

	for (unsigned turn = 0; turn < LEFTOVER_TURNS &&
				hd_process_table_kill_namespace(warden->processes_fd, warden->namespace) > 0;
		turn++)
		(void)hd_descriptor_wait(NULL, 0, LEFTOVER_WAIT_MS, &ready);
}

void hd_warden_release(struct hd_warden *warden)
{
	int status = 0;

	if (warden->pid == 0)
		return;
	hd_descriptor_close(&warden->link_fd);
	if (hd_process_wait(warden->pid, &status) >= 0 && status != 0)
		end_leftovers(warden);
	hd_descriptor_close(&warden->processes_fd);
	warden->pid = 0;
}
