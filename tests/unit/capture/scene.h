/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_CAPTURE_SCENE_H
#define HEDDLE_TESTS_UNIT_CAPTURE_SCENE_H

/*
 * A scene: a git repository, a store beside it, and states made entry by entry, as a capture would make them
 * but without an overlay. Real git is the judge of what is exported. Everything asserts on failure.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "capture/trees/tree_view.h"
#include "overlay/bases/base.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/store.h"

#define assert_success(call)                                                    \
	do {                                                                    \
		int assert_r_ = (call);                                         \
		if (assert_r_ < 0)                                              \
			fail_msg("%s: %s", #call, hd_error_message(assert_r_)); \
	} while (0)

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

struct scene {
	char directory[64];
	struct hd_store *store;
	struct hd_base_set *bases;
	struct hd_state base; /* the base's own state */
};

/* One name of a tree to be made. */
struct spec {
	const char *path;
	uint32_t mode;             /* with type */
	const char *text;          /* of files and links; NULL: take `content` */
	struct hd_content content; /* of files, links and directories that exist already */
	uint64_t size;             /* of `content` */
};

/* setup and teardown of cmocka: *STATE is a struct scene without a store. */
int scene_setup(void **state);
int scene_teardown(void **state);

/* Runs a shell command in the scene's directory, with nothing of the user's git configuration. */
void scene_run(const struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same; the exit status. */
int scene_try(const struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Its output, fresh memory. */
char *scene_output(const struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
void scene_assert_output(const struct scene *scene, const char *expected, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Makes repo/ with a few files, links and directories, and one commit. */
void scene_make_repository(struct scene *scene);
/* Makes the store over repo/, or over the directory BASE. */
void scene_initialize(struct scene *scene, const char *base);

/* The store of repo/, and its bases, again: of a scene that has closed them, or in another process. */
void scene_open_store(struct scene *scene);
void scene_close_store(struct scene *scene);

/*
 * A state whose tree is PARENT's with SPECS laid over it: a spec of mode 0 deletes. Directories above a spec
 * are made as needed. The thread "main" moves to it.
 */
void scene_commit(struct scene *scene, const struct hd_state *parent, const struct spec *specs, size_t count,
	const char *message, struct hd_state *ret_state);

/* The entry at PATH of a state's tree. */
void scene_find(struct scene *scene, const struct hd_state *state, const char *path,
	struct hd_tree_view_entry *ret_entry);

#endif
