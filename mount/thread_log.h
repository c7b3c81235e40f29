/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_THREAD_LOG_H
#define HEDDLE_MOUNT_THREAD_LOG_H

/*
 * Thread logs: what a thread's mounts say of themselves, in the store's log/ directory, log/<thread number>.<kind>.
 *
 *     .log      what supervisors, workers and keepers say, for as long as the thread is there
 *     .stacks   where all threads of a worker were when an operation took too long
 *
 * A thread that gets another number keeps them, a thread that is dropped does not.
 *
 * Ownership   Returned strings are fresh memory. Threads: any. Errors: -errno. Nothing is durable.
 */

#include <stdint.h>

enum hd_thread_log { HD_THREAD_LOG, HD_THREAD_LOG_STACKS, HD_THREAD_LOG_COUNT };

#define HD_THREAD_LOG_NAME_SIZE 32

/* The directory of all logs; NULL when memory is short. */
char *hd_thread_log_directory(const char *store_path);
/* The name in it. */
void hd_thread_log_name(uint32_t number, enum hd_thread_log log, char name[HD_THREAD_LOG_NAME_SIZE]);
/* The number of the thread, if NAME is that of a log; else 0. */
uint32_t hd_thread_log_number(const char *name);

/* A descriptor to append to the log, which is made if it is missing. */
int hd_thread_log_open(const char *store_path, uint32_t number);

/* The caller holds the leases of the numbers, or nobody ever had them. What cannot be moved or removed stays. */
void hd_thread_logs_move(const char *store_path, uint32_t from, uint32_t to);
void hd_thread_logs_remove(const char *store_path, uint32_t number);

#endif
