/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_CAPTURE_LIVE_H
#define HEDDLE_TESTS_UNIT_CAPTURE_LIVE_H

/*
 * A live overlay over a scene, driven by paths instead of inodes. Everything asserts on failure. Lookups are not
 * forgotten: an overlay of a test is short-lived.
 */

#include "capture/capture.h"
#include "capture/status.h"
#include "tests/unit/capture/scene.h"

struct hd_overlay *live_open(struct scene *scene);
void live_close(struct hd_overlay *overlay);

hd_ino live_find(struct hd_overlay *overlay, const char *path);
/* Writes a whole file, which is made if it is not there. */
void live_write(struct hd_overlay *overlay, const char *path, const char *text);
void live_write_bytes(struct hd_overlay *overlay, const char *path, const void *data, size_t size);
void live_make_directory(struct hd_overlay *overlay, const char *path);
void live_make_link(struct hd_overlay *overlay, const char *path, const char *target);
void live_make_node(struct hd_overlay *overlay, const char *path, mode_t mode, uint32_t device);
void live_link(struct hd_overlay *overlay, const char *from, const char *to);
void live_remove(struct hd_overlay *overlay, const char *path);
/* With everything below. */
void live_remove_tree(struct hd_overlay *overlay, const char *path);
void live_rename(struct hd_overlay *overlay, const char *from, const char *to);
void live_chmod(struct hd_overlay *overlay, const char *path, mode_t mode);
void live_set_time(struct hd_overlay *overlay, const char *path, int64_t seconds);
void live_set_xattr(struct hd_overlay *overlay, const char *path, const char *name, const char *value);
struct hd_attributes live_stat(struct hd_overlay *overlay, const char *path);
/* The whole content, NUL behind it, fresh memory. */
char *live_read(struct hd_overlay *overlay, const char *path);

/* Captures with the message; asserts that there was something. */
void live_capture(struct hd_overlay *overlay, const char *message, struct hd_state *ret_state);
/* Asserts that there is nothing to capture. */
void live_assert_nothing(struct hd_overlay *overlay);
/* Compares the status with lines "A path\n" and "R old -> new\n". */
void live_assert_status(struct hd_overlay *overlay, const char *expected);

#endif
