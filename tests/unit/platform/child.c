/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/platform/child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

__attribute__((noreturn)) static void be_child(int (*body)(void *payload), void *payload, int words_fd)
{
	const struct rlimit no_core = {0};

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGABRT, SIG_DFL);
	(void)dup2(words_fd, STDERR_FILENO);
	(void)close(words_fd);
	_exit(body(payload));
}

int child_run(int (*body)(void *payload), void *payload, char *words, size_t words_size)
{
	size_t used = 0;
	int ends[2];
	int status;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_child(body, payload, ends[1]);
	(void)close(ends[1]);
	for (;;) {
		char rest[256];
		size_t room = words && used + 1 < words_size ? words_size - 1 - used : 0;
		ssize_t n = room ? read(ends[0], words + used, room) : read(ends[0], rest, sizeof(rest));

		if (n <= 0)
			break;
		used += room ? (size_t)n : 0;
	}
	if (words)
		words[used] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}
