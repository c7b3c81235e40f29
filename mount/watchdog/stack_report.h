/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WATCHDOG_STACK_REPORT_H
#define HEDDLE_MOUNT_WATCHDOG_STACK_REPORT_H

/*
 * Stack report: a file that says where every thread of this process is and what operation it works on.
 *
 * Threads     One at a time; holds no lock. Errors: -errno of the file.
 */

#include "overlay/platform/threads/activity.h"

/* Replaces NAME in DIRECTORY (io). */
int hd_stack_report_write(struct hd_activities *activities, const char *directory, const char *name);

/* "READ of inode 7 for process 12 takes 2.1 s, it waits for a base" */
void hd_stack_report_describe(const struct hd_activity_view *view, char *buffer, size_t size);

#endif
