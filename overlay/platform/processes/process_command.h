/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_PROCESS_COMMAND_H
#define HEDDLE_PLATFORM_PROCESSES_PROCESS_COMMAND_H

/*
 * Commands: other people's programs, started as their shell would have, and the processes that they leave.
 *
 *     hd_process_remember_inherited (first thing in main) → hd_process_branch → in the child, hd_process_adopt_orphans
 *     → hd_process_start_command → hd_process_reap_any … → hd_process_table_kill_children
 *
 * Ownership   Arguments are borrowed. Errors: -errno.
 * Threads     The caller is the only thread of its process: children go on with a copy of all its memory.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Keeps signal mask, ignored signals and limits as we got them, before anything of that is changed. */
void hd_process_remember_inherited(void);

/* fork(2): the child runs RUN with PAYLOAD, and ends with what that returns as its exit status. */
int hd_process_branch(int (*run)(void *payload), void *payload, pid_t *ret_pid);

/*
 * Calls RUN in a process of its own, with a copy of this one's memory and none of its descriptors but 0-2, which is nobody's child and
 * outlives this one. *RET_FD, the caller's, is at its end when that process has ended. The caller may have other threads: RUN takes
 * no lock that one of them may hold.
 */
int hd_process_detach(void (*run)(void *payload), void *payload, int *ret_fd);

/*
 * Starts ARGUMENTS[0], looked for in PATH, with our environment and descriptors, in our process group, and with the
 * signals and limits of hd_process_remember_inherited. It gets SIGKILL when we die. A failing exec is returned here.
 */
int hd_process_start_command(char *const arguments[], pid_t *ret_pid);

/* What our descendants leave behind when they die becomes our child (PR_SET_CHILD_SUBREAPER). */
int hd_process_adopt_orphans(void);

/* Whether the process's parent dies or has died, it gets SIGKILL. */
void hd_process_die_with(pid_t parent);

/* waitpid of any child that does not block: its pid with *RET_STATUS, 0 while all run, -ECHILD when there is none. */
pid_t hd_process_reap_any(int *ret_status);

/* The next signal of a hd_process_signal_fd, or 0. *RET_SENT: a process sent it, it did not come from a terminal. */
int hd_process_signal_read_sent(int fd, bool *ret_sent);

/* What the signalfd FD holds is forgotten, and its SIGNALS do again what they did before. */
void hd_process_signal_fd_end(int *fd, const int *signals, size_t n_signals);

/* Whether SIGNAL is ignored in this process. */
bool hd_process_ignores(int signal);

#endif
