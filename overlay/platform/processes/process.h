/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_PROCESS_H
#define HEDDLE_PLATFORM_PROCESSES_PROCESS_H

/*
 * Child processes, signals as descriptors, and where our own programs are.
 * Ownership: returned descriptors belong to the caller. Errors: -errno.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor that the child receives under a number of our choosing. */
struct hd_inherited_fd {
	int parent_fd;
	int child_fd;
};

/*
 * fork + exec of PATH with ARGUMENTS (NULL-terminated, [0] included) in the same environment. The child gets
 * exactly the descriptors 0-2 and FDS; all others are closed. A failing exec is returned here, as its -errno.
 * Its signal mask is empty; ignored signals stay ignored but for SIGPIPE. DIES_WITH_PARENT asks for SIGKILL
 * when the parent thread dies (PR_SET_PDEATHSIG). Sets *RET_PID.
 */
int hd_process_spawn(const char *path, char *const arguments[], const struct hd_inherited_fd *fds,
	size_t n_fds, bool dies_with_parent, pid_t *ret_pid);

/* hd_process_spawn with ENVIRONMENT ("NAME=value", NULL-terminated) instead of our own. */
int hd_process_spawn_with(const char *path, char *const arguments[], char *const environment[],
	const struct hd_inherited_fd *fds, size_t n_fds, bool dies_with_parent, pid_t *ret_pid);

/* A descriptor that becomes readable when PID ends: pidfd_open(2). */
int hd_process_watch(pid_t pid);

/*
 * The same of one thread (gettid(2)), and not the first of its process. When the process is killed a thread that waits for
 * something ends at once, the process when the kernel has taken its memory back. It says nothing of the other threads: they
 * may still be at work. -EINVAL before Linux 6.9.
 */
int hd_process_watch_thread(pid_t thread);

/*
 * Whether PID was killed, and all that is left of it are threads called NAME (at most 15 characters) that the kernel does not let
 * end: they wait for something there, and never run a line of ours again. False when nobody can tell (io).
 */
bool hd_process_is_held(pid_t pid, const char *name);

/* Whether GID is one of the groups of process PID besides its own (io); false when nobody can tell. */
bool hd_process_has_group(pid_t pid, gid_t gid);

/* waitpid that does not block; 1 with *RET_STATUS when it has ended, 0 while it runs. */
int hd_process_reap(pid_t pid, int *ret_status);

/* waitpid until PID has ended. */
int hd_process_wait(pid_t pid, int *ret_status);

/* Sends SIGNAL to one process; -EINVAL for the groups and broadcasts that kill(2) reads into PID <= 0. */
int hd_process_kill(pid_t pid, int signal);

/* Opens /dev/null where descriptor 0, 1 or 2 is closed: a file opened under that number would receive what is meant for
 * the terminal. */
int hd_process_occupy_streams(void);

/* Detaches from the terminal without another fork: setsid (-EPERM in the leader of a process group, as a
 * shell starts one; a program started by hd_process_spawn is none), working directory /, descriptors 0-2 to
 * /dev/null (LOG_FD to 2 when >= 0). */
int hd_process_daemonize(int log_fd);

/* Blocks SIGNALS in this thread and returns a signalfd for them. */
int hd_process_signal_fd(const int *signals, size_t n_signals);
/* The next signal read from it, or 0. */
int hd_process_signal_read(int fd);

/* The path of program NAME that belongs to this build or installation: beside /proc/self/exe, else in the
 * libexec directories next to it, ../libexec/heddle and ../libexec. Fresh memory. -ENOENT. */
int hd_process_own_program(const char *name, char **ret_path);

/* Goes on as the program PATH with ARGUMENTS, as execv(3): returns only when that fails, -errno. */
int hd_process_become(const char *path, char *const arguments[]);

/* A write to a pipe or socket whose reader is gone fails with -EPIPE instead of ending the process. */
void hd_process_ignore_broken_pipes(void);

/*
 * A file or memory file that would become larger than RLIMIT_FSIZE allows is an error (-EFBIG) instead of the end of the
 * process, and what is allowed is the hard limit.
 */
void hd_process_outgrow_file_limit(void);

/* Also the limits of descriptors, memory and time: whoever starts a server sets them for programs of their own. */
void hd_process_raise_limits(void);

/*
 * What free(3) gets goes back to the system when it is much. As it is, malloc keeps more the more was ever freed at once, up to
 * 64 MB for each thread.
 */
void hd_process_return_freed_memory(void);

#endif
