/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_THREAD_FILE_H
#define HEDDLE_MOUNT_THREAD_FILE_H

/*
 * Thread files: what belongs to a thread's number beside its directory, in run/ (mount/run_file.h) and log/ (mount/thread_log.h).
 * Each is called "<number>.<suffix>".
 *
 * Threads   Pure functions.
 */

#include <stddef.h>
#include <stdint.h>

#define HD_THREAD_FILE_NAME_SIZE 32

/* What the thread's file of that suffix is called. */
void hd_thread_file_name(uint32_t number, const char *suffix, char name[HD_THREAD_FILE_NAME_SIZE]);

/* The number, if NAME has one of the suffixes; else 0. */
uint32_t hd_thread_file_number(const char *name, const char *const *suffixes, size_t n_suffixes);

#endif
