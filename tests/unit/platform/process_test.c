/* SPDX-License-Identifier: Apache-2.0 */
/* Starting programs: which descriptors, signals and parents they get; following them; becoming a daemon. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/threads/task_thread.h"
#include "tests/unit/platform/child.h"

/* A descriptor under exactly NUMBER, which reads as TEXT from the start. */
static void open_at(int number, const char *text)
{
	int fd = hd_memory_file_create("test", 0);

	assert_int_equal(fcntl(number, F_GETFD), -1);
	assert_int_equal(hd_memory_file_write(fd, text, strlen(text), 0), 0);
	assert_int_equal(dup2(fd, number), number);
	(void)close(fd);
}

/* Runs SCRIPT in a shell with FDS and gives its exit status. */
static int run_script(const char *script, const struct hd_inherited_fd *fds, size_t n_fds)
{
	char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
	int status;
	pid_t pid;

	assert_int_equal(hd_process_spawn("/bin/sh", arguments, fds, n_fds, false, &pid), 0);
	assert_int_equal(hd_process_wait(pid, &status), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void descriptors_may_trade_numbers(void **state)
{
	const struct hd_inherited_fd rotated[] = {{6, 7}, {7, 8}, {8, 6}};

	(void)state;
	open_at(6, "six\n");
	open_at(7, "seven\n");
	open_at(8, "eight\n");
	assert_int_equal(
		run_script("read a <&6; read b <&7; read c <&8; [ $a$b$c = eightsixseven ]", rotated, 3), 0);
	for (int fd = 6; fd <= 8; fd++)
		(void)close(fd);
}

static void one_descriptor_may_get_two_numbers_or_keep_its_own(void **state)
{
	const struct hd_inherited_fd fds[] = {{6, 6}, {6, 3}, {6, 9}};

	(void)state;
	open_at(6, "six\n");
	assert_int_equal(run_script("for n in 3 6 9; do [ -e /proc/self/fd/$n ] || exit 1; done; "
				    "read a <&9; [ $a = six ]",
				 fds, 3),
		0);
	(void)close(6);
}

static void every_number_works_whatever_the_parent_has_there(void **state)
{
	(void)state;
	open_at(9, "text\n");
	for (int number = 3; number <= 9; number++) {
		const struct hd_inherited_fd fds[] = {{9, number}};
		char script[64];

		(void)lseek(9, 0, SEEK_SET);
		(void)snprintf(script, sizeof(script), "read a <&%d; [ $a = text ]", number);
		assert_int_equal(run_script(script, fds, 1), 0);
	}
	(void)close(9);
}

static void standard_output_can_be_replaced(void **state)
{
	struct hd_inherited_fd fds[] = {{-1, 1}};
	char text[16] = "";
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fds[0].parent_fd = ends[1];
	assert_int_equal(run_script("echo out", fds, 1), 0);
	assert_int_equal(read(ends[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "out\n");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void nothing_else_is_inherited(void **state)
{
	const struct hd_inherited_fd fds[] = {{6, 5}};

	(void)state;
	/* Neither is close-on-exec. */
	open_at(6, "six\n");
	open_at(900, "hidden\n");
	assert_int_equal(
		run_script("n=0; for f in /proc/self/fd/*; do n=$((n + 1)); done; "
			   "[ -e /proc/self/fd/5 ] && [ ! -e /proc/self/fd/6 ] && [ ! -e /proc/self/fd/900 ] "
			   "&& [ $n -le 5 ]",
			fds, 1),
		0);
	(void)close(6);
	(void)close(900);
}

static void a_program_that_is_missing_is_told_from_one_that_fails(void **state)
{
	char *arguments[] = {(char[]){"x"}, NULL};
	const struct hd_inherited_fd closed[] = {{950, 5}}, negative[] = {{-1, 5}};
	pid_t pid = 77;

	(void)state;
	assert_int_equal(hd_process_spawn("/nonexistent", arguments, NULL, 0, false, &pid), -ENOENT);
	assert_int_equal(hd_process_spawn("/etc", arguments, NULL, 0, false, &pid), -EACCES);
	assert_int_equal(hd_process_spawn("/bin/true", arguments, closed, 1, false, &pid), -EBADF);
	assert_int_equal(hd_process_spawn("/bin/true", arguments, negative, 1, false, &pid), -EBADF);
	assert_int_equal(pid, 77);
	assert_int_equal(run_script("exit 3", NULL, 0), 3);
	/* Nobody is left to be reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void the_environment_can_be_given(void **state)
{
	char *arguments[] = {
		(char[]){"sh"}, (char[]){"-c"}, (char[]){"[ \"$ONLY\" = one ] && [ -z \"$HOME\" ]"}, NULL};
	char *environment[] = {(char[]){"ONLY=one"}, NULL};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(hd_process_spawn_with("/bin/sh", arguments, environment, NULL, 0, false, &pid), 0);
	assert_int_equal(hd_process_wait(pid, &status), 0);
	assert_int_equal(status, 0);
}

static void on_signal(int number)
{
	(void)number;
}

/* The set that LINE of a /proc/[pid]/status names. */
static uint64_t signal_set(const char *status, const char *line)
{
	const char *found = strstr(status, line);

	assert_non_null(found);
	return strtoull(found + strlen(line), NULL, 16);
}

#define SIGNAL_BIT(number) ((uint64_t)1 << ((number)-1))

static void signals_are_open_and_ignored_ones_stay_ignored(void **state)
{
	char *arguments[] = {(char[]){"cat"}, (char[]){"/proc/self/status"}, NULL};
	HD_AUTO_CLOSE int output = hd_memory_file_create("status", 0);
	const struct hd_inherited_fd fds[] = {{output, 1}};
	sigset_t blocked, before;
	char text[8192] = "";
	int status;
	pid_t pid;

	(void)state;
	(void)sigfillset(&blocked);
	(void)sigprocmask(SIG_SETMASK, &blocked, &before);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGUSR2, on_signal);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(hd_process_spawn("/bin/cat", arguments, fds, 1, false, &pid), 0);
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	assert_true(sigismember(&blocked, SIGTERM));
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)signal(SIGUSR1, SIG_DFL);
	(void)signal(SIGUSR2, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(hd_process_wait(pid, &status), 0);
	assert_true(pread(output, text, sizeof(text) - 1, 0) > 0);
	assert_true(signal_set(text, "SigBlk:") == 0);
	assert_true(signal_set(text, "SigIgn:") & SIGNAL_BIT(SIGUSR1));
	assert_false(signal_set(text, "SigIgn:") & SIGNAL_BIT(SIGUSR2));
	assert_false(signal_set(text, "SigIgn:") & SIGNAL_BIT(SIGPIPE));
	assert_true(signal_set(text, "SigCgt:") == 0);
}

static _Atomic bool stop_allocating;

static void *allocate(void *payload)
{
	while (!stop_allocating)
		for (size_t size = 16; size < 100000; size *= 2)
			free(memset(malloc(size), 1, 16));
	return payload;
}

static void a_program_with_busy_threads_can_start_others(void **state)
{
	char *arguments[] = {(char[]){"true"}, NULL};
	pthread_t threads[3];

	(void)state;
	stop_allocating = false;
	for (size_t i = 0; i < HD_ARRAY_SIZE(threads); i++)
		assert_int_equal(hd_thread_start(&threads[i], "allocate", allocate, NULL), 0);
	for (int i = 0; i < 100; i++) {
		int status;
		pid_t pid;

		assert_int_equal(hd_process_spawn("/bin/true", arguments, NULL, 0, true, &pid), 0);
		assert_int_equal(hd_process_wait(pid, &status), 0);
		assert_int_equal(status, 0);
	}
	stop_allocating = true;
	for (size_t i = 0; i < HD_ARRAY_SIZE(threads); i++)
		hd_thread_join(threads[i]);
}

static void the_end_of_a_child_can_be_awaited_and_reaped(void **state)
{
	char *arguments[] = {(char[]){"sleep"}, (char[]){"60"}, NULL};
	HD_AUTO_CLOSE int fd = -1;
	struct pollfd poller = {.events = POLLIN};
	int status = 77;
	pid_t pid;

	(void)state;
	assert_int_equal(hd_process_spawn("/bin/sleep", arguments, NULL, 0, true, &pid), 0);
	fd = hd_process_watch(pid);
	assert_true(fd >= 0);
	poller.fd = fd;
	assert_int_equal(poll(&poller, 1, 0), 0);
	assert_int_equal(hd_process_reap(pid, &status), 0);
	assert_int_equal(status, 77);
	assert_int_equal(hd_process_kill(pid, SIGTERM), 0);
	assert_int_equal(poll(&poller, 1, 10000), 1);
	assert_int_equal(hd_process_reap(pid, &status), 1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(hd_process_reap(pid, &status), -ECHILD);
	assert_int_equal(hd_process_kill(pid, SIGTERM), -ESRCH);
	assert_int_equal(hd_process_watch(pid), -ESRCH);
}

static void *tell_id_and_end(void *payload)
{
	int *ends = payload;
	pid_t id = gettid();
	char go;

	(void)!write(ends[1], &id, sizeof(id));
	(void)!read(ends[0], &go, 1);
	return NULL;
}

static void the_end_of_one_thread_can_be_awaited(void **state)
{
	HD_AUTO_CLOSE int fd = -1;
	struct pollfd poller = {.events = POLLIN};
	int there[2], back[2], ends[2];
	pthread_t thread;
	pid_t id;

	(void)state;
	assert_int_equal(pipe(there), 0);
	assert_int_equal(pipe(back), 0);
	ends[0] = there[0];
	ends[1] = back[1];
	assert_int_equal(hd_thread_start(&thread, "ending", tell_id_and_end, ends), 0);
	assert_int_equal(read(back[0], &id, sizeof(id)), sizeof(id));
	fd = hd_process_watch_thread(id);
	/* Linux before 6.9. */
	if (fd != -EINVAL) {
		assert_true(fd >= 0);
		poller.fd = fd;
		assert_int_equal(poll(&poller, 1, 0), 0);
	}
	assert_int_equal(write(there[1], "", 1), 1);
	if (fd != -EINVAL)
		assert_int_equal(poll(&poller, 1, 10000), 1);
	hd_thread_join(thread);
	for (int i = 0; i < 2; i++) {
		(void)close(there[i]);
		(void)close(back[i]);
	}
}

static void groups_and_broadcasts_cannot_be_killed(void **state)
{
	(void)state;
	assert_int_equal(hd_process_kill(-1, SIGKILL), -EINVAL);
	assert_int_equal(hd_process_kill(0, SIGKILL), -EINVAL);
}

static int start_and_leave(void *payload)
{
	char *arguments[] = {(char[]){"sleep"}, (char[]){"60"}, NULL};

	return hd_process_spawn("/bin/sleep", arguments, NULL, 0, true, payload) < 0;
}

static void a_child_dies_with_its_parent(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", sizeof(pid_t));
	void *grandchild;
	int status;

	(void)state;
	assert_int_equal(hd_memory_file_map(fd, sizeof(pid_t), &grandchild), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(child_run(start_and_leave, grandchild, NULL, 0), 0);
	assert_true(*(pid_t *)grandchild > 0);
	assert_int_equal(hd_process_wait(*(pid_t *)grandchild, &status), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	hd_memory_file_unmap(grandchild, sizeof(pid_t));
}

static int be_daemon(void *payload)
{
	char directory[8], target[32] = "";

	if (hd_process_daemonize(*(int *)payload) < 0)
		return 1;
	if (getsid(0) != getpid() || !getcwd(directory, sizeof(directory)) || strcmp(directory, "/") != 0)
		return 2;
	if (write(STDERR_FILENO, "logged", 6) != 6)
		return 3;
	if (readlink("/proc/self/fd/0", target, sizeof(target) - 1) < 0 || strcmp(target, "/dev/null") != 0)
		return 4;
	if (readlink("/proc/self/fd/1", target, sizeof(target) - 1) < 0 || strcmp(target, "/dev/null") != 0)
		return 5;
	return 0;
}

static int be_daemon_without_descriptors(void *payload)
{
	int log_fd;

	(void)close(0);
	(void)close(1);
	/* The log itself now lies where standard input belongs. */
	log_fd = dup(*(int *)payload);
	(void)close(2);
	return be_daemon(&log_fd);
}

static void a_daemon_has_its_session_and_its_log(void **state)
{
	static int (*const bodies[])(void *) = {be_daemon, be_daemon_without_descriptors};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(bodies); i++) {
		HD_AUTO_CLOSE int log_fd = hd_memory_file_create("log", 0);
		char text[7] = "";

		assert_int_equal(WEXITSTATUS(child_run(bodies[i], &log_fd, NULL, 0)), 0);
		assert_int_equal(hd_memory_file_read(log_fd, text, 6, 0), 0);
		assert_string_equal(text, "logged");
	}
}

static void signals_are_read_from_a_descriptor(void **state)
{
	static const int signals[] = {SIGUSR1, SIGHUP};
	HD_AUTO_CLOSE int fd = -1;
	sigset_t before;

	(void)state;
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	fd = hd_process_signal_fd(signals, HD_ARRAY_SIZE(signals));
	assert_true(fd >= 0);
	assert_int_equal(hd_process_signal_read(fd), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(hd_process_signal_read(fd), SIGHUP);
	assert_int_equal(hd_process_signal_read(fd), 0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static void our_own_programs_are_found_beside_us(void **state)
{
	HD_AUTO_FREE char *path = NULL;
	char self[4096] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(hd_process_own_program(strrchr(self, '/') + 1, &path), 0);
	assert_string_equal(path, self);
	free(HD_STEAL(path));
	assert_int_equal(hd_process_own_program("no-such-program", &path), -ENOENT);
	assert_int_equal(hd_process_own_program("../x", &path), -EINVAL);
	assert_int_equal(hd_process_own_program("", &path), -EINVAL);
	assert_null(path);
}

static int raise_limit(void *payload)
{
	struct rlimit limit = {.rlim_cur = 50, .rlim_max = 60};

	(void)payload;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	hd_process_raise_limits();
	return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur != 60;
}

/* A file beyond the limit: the hard one counts, and it is an error, not the end. */
static int outgrow_limit(void *payload)
{
	struct rlimit limit = {.rlim_cur = 50, .rlim_max = 60};
	FILE *file = tmpfile();

	(void)payload;
	if (!file || setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	hd_process_outgrow_file_limit();
	return ftruncate(fileno(file), 60) < 0 || ftruncate(fileno(file), 61) == 0 || errno != EFBIG;
}

static void groups_of_a_process_are_those_it_was_given(void **state)
{
	gid_t groups[256];
	int count = getgroups(256, groups);

	(void)state;
	assert_true(count >= 0);
	for (int i = 0; i < count; i++)
		assert_true(hd_process_has_group(getpid(), groups[i]));
	assert_false(hd_process_has_group(getpid(), 4000000001u));
	assert_false(hd_process_has_group(0, 0));
	if (geteuid() == 0) { /* only root may give itself some */
		const gid_t some[] = {5, 70000};
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(setgroups(2, some) == 0 && hd_process_has_group(getpid(), 5) &&
						hd_process_has_group(getpid(), 70000) &&
						!hd_process_has_group(getpid(), 7)
					? 0
					: 1);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void the_descriptor_limit_rises_to_the_hard_one(void **state)
{
	(void)state;
	assert_int_equal(child_run(raise_limit, NULL, NULL, 0), 0);
	assert_int_equal(child_run(outgrow_limit, NULL, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_may_trade_numbers),
		cmocka_unit_test(one_descriptor_may_get_two_numbers_or_keep_its_own),
		cmocka_unit_test(every_number_works_whatever_the_parent_has_there),
		cmocka_unit_test(standard_output_can_be_replaced),
		cmocka_unit_test(nothing_else_is_inherited),
		cmocka_unit_test(a_program_that_is_missing_is_told_from_one_that_fails),
		cmocka_unit_test(the_environment_can_be_given),
		cmocka_unit_test(signals_are_open_and_ignored_ones_stay_ignored),
		cmocka_unit_test(a_program_with_busy_threads_can_start_others),
		cmocka_unit_test(the_end_of_a_child_can_be_awaited_and_reaped),
		cmocka_unit_test(the_end_of_one_thread_can_be_awaited),
		cmocka_unit_test(groups_and_broadcasts_cannot_be_killed),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(a_daemon_has_its_session_and_its_log),
		cmocka_unit_test(signals_are_read_from_a_descriptor),
		cmocka_unit_test(our_own_programs_are_found_beside_us),
		cmocka_unit_test(groups_of_a_process_are_those_it_was_given),
		cmocka_unit_test(the_descriptor_limit_rises_to_the_hard_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
