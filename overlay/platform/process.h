/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESS_H
#define HEDDLE_PLATFORM_PROCESS_H

/*
 * Child processes, signals as descriptors, and where our own programs are.
 * Ownership: returned descriptors belong to the caller. Errors: -errno.
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* A descriptor that the child receives under a number of our choosing. */
struct hd_inherited_fd {
	int parent_fd;
	int child_fd;
};

/*
 * fork + exec of PATH with ARGUMENTS (NULL-terminated, [0] included) in the same environment. The child gets
 * exactly the descriptors 0-2 and FDS; all others are closed. Its signal mask is empty. DIES_WITH_PARENT asks for
 * SIGKILL when the parent thread dies (PR_SET_PDEATHSIG). Sets *RET_PID.
 */
int hd_process_spawn(const char *path, char *const arguments[], const struct hd_inherited_fd *fds, size_t n_fds,
	bool dies_with_parent, pid_t *ret_pid);

/* A descriptor that becomes readable when PID ends: pidfd_open(2). */
int hd_process_watch(pid_t pid);

/* waitpid that does not block; 1 with *RET_STATUS when it has ended, 0 while it runs. */
int hd_process_reap(pid_t pid, int *ret_status);

int hd_process_kill(pid_t pid, int signal);

/* Detaches from the terminal: setsid, working directory /, descriptors 0-2 to /dev/null (LOG_FD to 2 when >= 0). */
int hd_process_daemonize(int log_fd);

/* Blocks SIGNALS in this thread and returns a signalfd for them. */
int hd_process_signal_fd(const int *signals, size_t n_signals);
/* The next signal read from it, or 0. */
int hd_process_signal_read(int fd);

/* The path of program NAME that belongs to this build or installation: beside /proc/self/exe, else in the libexec
 * directory next to it. Fresh memory. */
int hd_process_own_program(const char *name, char **ret_path);

/* Raises RLIMIT_NOFILE to its hard limit. */
void hd_process_raise_descriptor_limit(void);

#endif
