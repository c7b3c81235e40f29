/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/process_command.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process.h"

static struct {
	sigset_t mask;
	struct sigaction file_limit_action, broken_pipe_action;
	struct rlimit file_limit;
} inherited;

void hd_process_remember_inherited(void)
{
	(void)pthread_sigmask(SIG_SETMASK, NULL, &inherited.mask);
	(void)sigaction(SIGXFSZ, NULL, &inherited.file_limit_action);
	(void)sigaction(SIGPIPE, NULL, &inherited.broken_pipe_action);
	(void)getrlimit(RLIMIT_FSIZE, &inherited.file_limit);
}

static void restore_inherited(void)
{
	(void)setrlimit(RLIMIT_FSIZE, &inherited.file_limit);
	(void)sigaction(SIGPIPE, &inherited.broken_pipe_action, NULL);
	(void)sigaction(SIGXFSZ, &inherited.file_limit_action, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &inherited.mask, NULL);
}

int hd_process_branch(int (*run)(void *payload), void *payload, pid_t *ret_pid)
{
	pid_t pid;

	hd_lock_assert_none_held("fork");
	pid = fork();
	if (pid < 0)
		return hd_errno();
	/* Not exit: what is in the buffers of stdio is the parent's to write. */
	if (pid == 0)
		_exit(run(payload));
	*ret_pid = pid;
	return 0;
}

void hd_process_die_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		(void)kill(getpid(), SIGKILL);
}

/* The child's way to the program; what goes wrong is written to REPORT_FD, which exec closes. */
static __attribute__((noreturn)) void become(char *const arguments[], pid_t parent, int report_fd)
{
	int error;

	hd_process_die_with(parent);
	restore_inherited();
	(void)execvp(arguments[0], arguments);
	error = errno;
	(void)!write(report_fd, &error, sizeof(error));
	_exit(127);
}

int hd_process_start_command(char *const arguments[], pid_t *ret_pid)
{
	HD_AUTO_CLOSE int reading = -1;
	HD_AUTO_CLOSE int writing = -1;
	pid_t parent = getpid();
	int ends[2], error = 0, status;
	size_t size = 0;
	pid_t pid;
	int r;

	hd_lock_assert_none_held("fork");
	r = hd_descriptor_pipe(ends);
	if (r < 0)
		return r;
	reading = ends[0];
	writing = ends[1];
	pid = fork();
	if (pid < 0)
		return hd_errno();
	if (pid == 0)
		become(arguments, parent, writing);
	hd_descriptor_close(&writing);
	r = hd_descriptor_read(reading, &error, sizeof(error), &size);
	if (r >= 0 && size == 0) {
		*ret_pid = pid;
		return 0;
	}
	(void)hd_process_wait(pid, &status);
	return r < 0 ? r : size == sizeof(error) && error > 0 ? -error : -EIO;
}

/* All descriptors but 0-2 and KEPT, which becomes 3. */
static bool close_others(int kept)
{
	return (kept == STDERR_FILENO + 1 || dup2(kept, STDERR_FILENO + 1) >= 0) &&
	       close_range(STDERR_FILENO + 2, ~0u, 0) == 0;
}

int hd_process_detach(void (*run)(void *payload), void *payload, int *ret_fd)
{
	HD_AUTO_CLOSE int reading = -1;
	HD_AUTO_CLOSE int writing = -1;
	int ends[2], status, r;
	pid_t pid;

	hd_lock_assert_none_held("fork");
	r = hd_descriptor_pipe(ends);
	if (r < 0)
		return r;
	reading = ends[0];
	writing = ends[1];
	pid = fork();
	if (pid < 0)
		return hd_errno();
	if (pid == 0) {
		/* The child of a child that has ended is nobody's. */
		if (close_others(writing) && fork() == 0)
			run(payload);
		_exit(0);
	}
	r = hd_process_wait(pid, &status);
	if (r >= 0)
		*ret_fd = hd_steal_fd(&reading);
	return r < 0 ? r : 0;
}

int hd_process_adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? hd_errno() : 0;
}

pid_t hd_process_reap_any(int *ret_status)
{
	pid_t pid;

	hd_lock_assert_none_held("waitpid");
	do
		pid = waitpid(-1, ret_status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return pid < 0 ? hd_errno() : pid;
}

int hd_process_signal_read_sent(int fd, bool *ret_sent)
{
	struct signalfd_siginfo info;
	size_t size = 0;

	if (hd_descriptor_read(fd, &info, sizeof(info), &size) < 0 || size != sizeof(info))
		return 0;
	*ret_sent = info.ssi_code != SI_KERNEL;
	return (int)info.ssi_signo;
}

void hd_process_signal_fd_end(int *fd, const int *signals, size_t n_signals)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < n_signals; i++)
		(void)sigaddset(&set, signals[i]);
	while (hd_process_signal_read(*fd) > 0)
		;
	hd_descriptor_close(fd);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool hd_process_ignores(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
