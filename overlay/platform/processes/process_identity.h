/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_PROCESS_IDENTITY_H
#define HEDDLE_PLATFORM_PROCESSES_PROCESS_IDENTITY_H

/*
 * Process identity: what /proc tells of who another process is.
 *
 * Blocks (io): reading an environment takes the memory lock of that process, which it may hold while it waits for a
 * filesystem. So nobody may do this who serves one.
 *
 * Ownership   hd_process_identity_clear. Threads: any.
 * Errors      -ESRCH when the process has ended; what we may not read is empty.
 */

#include <stdbool.h>
#include <sys/types.h>

struct hd_process_identity {
	pid_t process;   /* of the thread that was asked for */
	char *program;   /* owned: its executable */
	char *actor;     /* owned: HEDDLE_ACTOR of the environment it was started with, or "" */
	char *tool_call; /* owned: HEDDLE_TOOL_CALL */
};

/* PID is that of a process or of one of its threads. */
int hd_process_identify(pid_t pid, struct hd_process_identity *ret_identity);
/* Frees the texts; fine for an empty one. */
void hd_process_identity_clear(struct hd_process_identity *identity);

/*
 * A descriptor of what PID, a process, executes now; -errno where the kernel gives none. It keeps no memory of the process.
 * Whether the process has executed something else since, or ended, costs a call that takes no lock and waits for nothing. One that
 * shares its parent's memory (vfork) is not found out.
 */
int hd_process_image_open(pid_t pid);
bool hd_process_image_is_left(int image);

#endif
