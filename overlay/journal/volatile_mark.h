/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_VOLATILE_MARK_H
#define HEDDLE_JOURNAL_VOLATILE_MARK_H

/*
 * threads/<n>/volatile: there while a volatile mount has the thread, and after one that did not end well. It says since
 * when, and is on disk before anything is written.
 *
 * Threads     One at a time for a thread. Errors: -errno of the disk.
 */

#define HD_VOLATILE_SINCE_SIZE 32

/* When the volatile mount began that left its mark, "" if none did. */
int hd_volatile_mark_read(int directory_fd, char ret_since[HD_VOLATILE_SINCE_SIZE]);

/* Leaves the mark, with the time that it is now. */
int hd_volatile_mark_set(int directory_fd);

/* Takes it away; it need not be there. */
int hd_volatile_mark_clear(int directory_fd);

#endif
