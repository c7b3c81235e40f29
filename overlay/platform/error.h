/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_ERROR_H
#define HEDDLE_PLATFORM_ERROR_H

/*
 * Errors: a negative code says what failed, an optional thread-local sentence says where.
 *
 * Calling sequence
 *     return hd_fail(HD_E_TREE_CORRUPT, "entry %zu has no name", i);     the failure, with its detail
 *     if (r < 0) return hd_fail_in(r, "read tree of state '%s'", id);    context, added once per layer
 *     fprintf(stderr, "%s\n", hd_error_message(r));                      the program's edge
 *
 * Results a program expects (-ENOENT of a lookup, -EEXIST of a create) are returned bare: no text is
 * formatted on the way of a filesystem request.
 *
 * Ownership   Returned strings live in the calling thread until its next hd_fail*.
 * Threads     All calls may run in any thread; the detail belongs to the thread.
 */

#include "overlay/platform/error_codes.h"

/* Returns -CODE (CODE is an errno or HD_E_*, positive or negative) and keeps the formatted text as this
 * thread's detail. */
int hd_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "formatted text: " before the detail of R and returns R. Without a detail, the text becomes it. */
int hd_fail_in(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* hd_fail with the calling thread's errno. */
int hd_fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * -errno of the system call that failed just now. Always negative, which a bare -errno is not to a compiler: it
 * would warn that results are used unset after a "failure" with 0.
 */
static inline int hd_errno(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* The sentence of code R (positive or negative): from the table, or strerror. Never NULL. */
const char *hd_error_text(int r);

/* "detail: sentence", or the sentence alone when this thread has no detail for R. */
const char *hd_error_message(int r);

/* The name of the code, "HD_E_TREE_CORRUPT" or "ENOENT", for logs and --json. */
const char *hd_error_name(int r);

/* The errno (positive) that a program sees for R. The conversion is called in mount/fuse/fuse_reply.c alone. */
int hd_error_to_errno(int r);

/* Forgets this thread's detail. */
void hd_error_clear(void);

#endif
