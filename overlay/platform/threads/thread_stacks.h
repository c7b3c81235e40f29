/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_THREADS_THREAD_STACKS_H
#define HEDDLE_PLATFORM_THREADS_THREAD_STACKS_H

/*
 * Where every thread of this process is: its name, its state, what it waits for in the kernel, and its stack.
 *
 *     hd_thread_stacks_prepare (once, before threads are started) → hd_thread_stacks_write
 *
 * A thread that runs or waits for a lock walks its own stack, in the handler of a signal. One that waits for a file
 * would have its call interrupted by that, so its stack is only looked through for what may be return addresses of the
 * program: lines that begin with '?' and that may be of calls that are over. docs/design/decisions/ says why.
 *
 * Threads     _write: one at a time; it holds no lock and takes some milliseconds.
 * Errors      What cannot be had is left out.
 */

#include "overlay/platform/buffer.h"

/* The signal is this process' own from now on. Threads of hd_thread_start leave it open. */
void hd_thread_stacks_prepare(void);
int hd_thread_stacks_signal(void);

/* Appends text for every thread but the calling one. DESCRIBE, if not NULL, appends more about a thread to its first
 * line. */
void hd_thread_stacks_write(struct hd_buffer *text,
	void (*describe)(int thread, struct hd_buffer *text, void *payload), void *payload);

#endif
