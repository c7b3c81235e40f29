/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process.h"

/* What a process arranges for itself: its session, its signals, its limits, and where its sister programs
 * are. */

static int open_null(void)
{
	int fd;

	hd_lock_assert_none_held("open");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? hd_fail_errno("open /dev/null, which no program can do without") : fd;
}

int hd_process_occupy_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int taken;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		taken = open_null(); /* the lowest number that is free: this one */
		if (taken < 0)
			return taken;
	}
	return 0;
}

int hd_process_daemonize(int log_fd)
{
	HD_AUTO_CLOSE int null_fd = -1;
	HD_AUTO_CLOSE int kept_log_fd = -1;

	if (setsid() < 0 && getsid(0) != getpid())
		return hd_errno();
	if (chdir("/") < 0)
		return hd_errno();
	/* Both above 2, so that arranging 0-2 overwrites neither. */
	if (log_fd >= 0) {
		kept_log_fd = fcntl(log_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (kept_log_fd < 0)
			return hd_errno();
	}
	null_fd = open_null();
	if (null_fd < 0)
		return null_fd;
	if (null_fd <= STDERR_FILENO) {
		int moved = fcntl(null_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (moved < 0)
			return hd_errno();
		(void)close(null_fd);
		null_fd = moved;
	}
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
		dup2(kept_log_fd >= 0 ? kept_log_fd : null_fd, STDERR_FILENO) < 0)
		return hd_errno();
	return 0;
}

void hd_process_ignore_broken_pipes(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

static void raise_limit(int resource)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit((__rlimit_resource_t)resource, &limit);
}

void hd_process_outgrow_file_limit(void)
{
	(void)signal(SIGXFSZ, SIG_IGN);
	raise_limit(RLIMIT_FSIZE);
}

int hd_process_signal_fd(const int *signals, size_t n_signals)
{
	sigset_t set;
	int fd, r;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < n_signals; i++)
		if (sigaddset(&set, signals[i]) < 0)
			return hd_errno();
	r = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r)
		return -r;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? hd_errno() : fd;
}

int hd_process_signal_read(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	hd_lock_assert_none_held("stat");
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int hd_process_become(const char *path, char *const arguments[])
{
	hd_lock_assert_none_held("execv");
	(void)execv(path, arguments);
	return hd_errno();
}

int hd_process_own_program(const char *name, char **ret_path)
{
	static const char *const places[] = {"", "../libexec/heddle/", "../libexec/"};
	char self[PATH_MAX];
	size_t size;
	int r;

	if (!*name || strchr(name, '/'))
		return -EINVAL;
	r = hd_file_read_link(AT_FDCWD, "/proc/self/exe", self, sizeof(self), &size);
	if (r < 0)
		return r;
	/* After an upgrade the link ends in " (deleted)"; the directory before it is right all the same. */
	*(strrchr(self, '/') + 1) = '\0';
	for (size_t i = 0; i < HD_ARRAY_SIZE(places); i++) {
		HD_AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%s%s%s", self, places[i], name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (is_program(path)) {
			*ret_path = HD_STEAL(path);
			return 0;
		}
	}
	return -ENOENT;
}

void hd_process_raise_limits(void)
{
	static const int resources[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU};

	for (size_t i = 0; i < HD_ARRAY_SIZE(resources); i++)
		raise_limit(resources[i]);
	hd_process_outgrow_file_limit();
}

/* Above what is allocated again and again, files' contents among it, and below what 100,000 changed paths take. */
#define MALLOC_KEEPS (1 << 20)
#define MALLOC_MAPS (256 << 10)

void hd_process_return_freed_memory(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, MALLOC_KEEPS);
	(void)mallopt(M_MMAP_THRESHOLD, MALLOC_MAPS);
}
