/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process_child.h"

/*
 * Starting and following child processes.
 *
 * vfork(2) lends the child our memory until it executes the program, so nothing of it is copied; this thread waits. Every lock is as
 * it stood, malloc's included. So everything that needs memory is prepared before, and the child runs process_child.c, which makes
 * system calls only. All signals are blocked meanwhile: a handler of ours must not run in the child.
 *
 * A failing exec tells its errno through a close-on-exec pipe; end of file means that the new program runs.
 * The parent thus never mistakes a missing program for one that started and failed.
 */

static int highest_number(const struct hd_inherited_fd *fds, size_t n_fds)
{
	int highest = STDERR_FILENO;

	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i].parent_fd < 0 || fds[i].child_fd < 0)
			return -EBADF;
		if (fds[i].child_fd > highest)
			highest = fds[i].child_fd;
	}
	return highest;
}

/* The errno (negative) that the child reported, 0 when exec closed the pipe. */
static int read_report(int report_fd)
{
	int error = 0;
	ssize_t n;

	hd_lock_assert_none_held("read");
	do
		n = read(report_fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	return n == (ssize_t)sizeof(error) && error > 0 ? -error : -EIO;
}

static int fork_child(struct hd_child_plan *plan, int report_fds[2], pid_t *ret_pid)
{
	hd_lock_assert_none_held("fork");
	sigset_t all;
	pid_t pid;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &plan->signals_before);
	pid = vfork();
	if (pid == 0)
		hd_child_run(plan);
	r = pid < 0 ? hd_errno() : 0;
	(void)pthread_sigmask(SIG_SETMASK, &plan->signals_before, NULL);
	(void)close(report_fds[1]);
	report_fds[1] = -1;
	if (r < 0)
		return r;
	r = read_report(report_fds[0]);
	if (r < 0) {
		int status;

		(void)hd_process_wait(pid, &status);
		return r;
	}
	*ret_pid = pid;
	return 0;
}

int hd_process_spawn_with(const char *path, char *const arguments[], char *const environment[],
	const struct hd_inherited_fd *fds, size_t n_fds, bool dies_with_parent, pid_t *ret_pid)
{
	HD_AUTO_FREE int *moved_fds = NULL;
	struct hd_child_plan plan = {
		.path = path,
		.arguments = arguments,
		.environment = environment,
		.fds = fds,
		.n_fds = n_fds,
		.parent = dies_with_parent ? getpid() : 0,
	};
	int report_fds[2];
	int r;

	hd_lock_assert_none_held("start a program");
	r = highest_number(fds, n_fds);
	if (r < 0)
		return r;
	plan.first_free_fd = r + 1;
	moved_fds = calloc(n_fds + 1, sizeof(*moved_fds));
	if (!moved_fds)
		return -ENOMEM;
	plan.moved_fds = moved_fds;
	if (pipe2(report_fds, O_CLOEXEC) < 0)
		return hd_errno();
	plan.report_fd = report_fds[1];
	r = fork_child(&plan, report_fds, ret_pid);
	(void)close(report_fds[0]);
	if (report_fds[1] >= 0)
		(void)close(report_fds[1]);
	return r;
}

int hd_process_spawn(const char *path, char *const arguments[], const struct hd_inherited_fd *fds,
	size_t n_fds, bool dies_with_parent, pid_t *ret_pid)
{
	return hd_process_spawn_with(path, arguments, environ, fds, n_fds, dies_with_parent, ret_pid);
}

int hd_process_watch(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	return fd < 0 ? hd_errno() : fd;
}

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

int hd_process_watch_thread(pid_t thread)
{
	int fd = pidfd_open(thread, PIDFD_THREAD);

	return fd < 0 ? hd_errno() : fd;
}

int hd_process_reap(pid_t pid, int *ret_status)
{
	int status;
	pid_t ended;

	hd_lock_assert_none_held("waitpid");
	do
		ended = waitpid(pid, &status, WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return hd_errno();
	if (ended == 0)
		return 0;
	*ret_status = status;
	return 1;
}

int hd_process_wait(pid_t pid, int *ret_status)
{
	int status;

	hd_lock_assert_none_held("wait for a program");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return hd_errno();
	*ret_status = status;
	return 0;
}

int hd_process_kill(pid_t pid, int signal)
{
	if (pid <= 0)
		return -EINVAL;
	return kill(pid, signal) < 0 ? hd_errno() : 0;
}
