/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/process_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "overlay/platform/error.h"

static int duplicate_above(int fd, int first)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, first);

	if (copy >= 0)
		return copy;
	/* FIRST is above the limit of open files. */
	return errno == EINVAL ? -EMFILE : hd_errno();
}

/*
 * Descriptors are arranged in three passes, so that the wanted numbers may overlap the present ones in any
 * way:
 *
 *  1. Everything above 2 becomes close-on-exec: strangers vanish in exec itself, whoever opened them and
 * when.
 *  2. The inherited descriptors and the report pipe are duplicated to numbers above all wanted ones.
 *  3. Each is duplicated to its wanted number, which clears close-on-exec there.
 *
 * Closing outright would need a sorted list of gaps and would close the report pipe too early.
 */

static int arrange_descriptors(const struct hd_child_plan *plan, int *report_fd)
{
	int moved_report_fd;

	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return hd_errno();
	moved_report_fd = duplicate_above(*report_fd, plan->first_free_fd);
	if (moved_report_fd < 0)
		return moved_report_fd;
	*report_fd = moved_report_fd;
	for (size_t i = 0; i < plan->n_fds; i++) {
		plan->moved_fds[i] = duplicate_above(plan->fds[i].parent_fd, plan->first_free_fd);
		if (plan->moved_fds[i] < 0)
			return plan->moved_fds[i];
	}
	for (size_t i = 0; i < plan->n_fds; i++)
		if (dup2(plan->moved_fds[i], plan->fds[i].child_fd) < 0)
			return hd_errno();
	return 0;
}

/*
 * exec turns handlers into defaults by itself, but the mask opens before. What was ignored stays ignored (nohup),
 * but for SIGPIPE, which a program ignores for its own writing only.
 */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) < 0 || action.sa_handler == SIG_DFL ||
			(action.sa_handler == SIG_IGN && number != SIGPIPE))
			continue;
		action = (struct sigaction){.sa_handler = SIG_DFL};
		(void)sigaction(number, &action, NULL);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void hd_child_run(const struct hd_child_plan *plan)
{
	int report_fd = plan->report_fd;
	int error;
	int r = 0;

	if (plan->parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			r = hd_errno();
		/* The parent may have died before the request was in place. */
		else if (getppid() != plan->parent)
			_exit(127);
	}
	if (r == 0)
		r = arrange_descriptors(plan, &report_fd);
	if (r == 0) {
		reset_signals();
		(void)execve(plan->path, plan->arguments, plan->environment);
		r = hd_errno();
	}
	error = -r;
	(void)!write(report_fd, &error, sizeof(error));
	_exit(127);
}
