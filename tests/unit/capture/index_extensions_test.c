/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/git/worktree/ewah.h"
#include "capture/git/worktree/index_extensions.h"
#include "capture/git/worktree/untracked_directories.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"

/* The bytes of what git reads; that git takes them is seen in cases/git/fsmonitor.sh. */

static void bits_are_in_words_of_sixty_four(void **state)
{
	static const uint8_t of_sixty_six[] = {0, 0, 0, 66, 0, 0, 0, 3, /* bits, words */
		0, 0, 0, 4, 0, 0, 0, 0,                                 /* two literals */
		0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1,      /* bits 1, 63 and 64 */
		0, 0, 0, 0};
	static const uint8_t of_none[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct hd_buffer buffer = {0};
	uint8_t bits[66] = {0};

	(void)state;
	bits[1] = bits[63] = bits[64] = 1;
	hd_ewah_put(&buffer, bits, HD_ARRAY_SIZE(bits));
	assert_int_equal(buffer.size, sizeof(of_sixty_six));
	assert_memory_equal(buffer.data, of_sixty_six, sizeof(of_sixty_six));
	hd_buffer_reset(&buffer);
	hd_ewah_put(&buffer, NULL, 0);
	assert_int_equal(buffer.size, sizeof(of_none));
	assert_memory_equal(buffer.data, of_none, sizeof(of_none));
	hd_buffer_clear(&buffer);
}

static void fsmonitor_has_the_token_and_no_bit(void **state)
{
	static const uint8_t wanted[] = {'F', 'S', 'M', 'N', 0, 0, 0, 30, 0, 0, 0, 2, 't', 0, 0, 0, 0, 20, 0,
		0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct hd_buffer buffer = {0};

	(void)state;
	hd_fsmonitor_extension_put(&buffer, "t");
	assert_int_equal(buffer.size, sizeof(wanted));
	assert_memory_equal(buffer.data, wanted, sizeof(wanted));
	hd_buffer_clear(&buffer);
}

/* In the index "a-b/x" is before "a/x"; in the untracked cache a directory is before those below it, and "a" before "a-b". */
static void directories_are_in_the_order_of_the_cache(void **state)
{
	static const char *const paths[] = {"a-b/x", "a.gitignore/y", "a/.gitignore", "a/b/c/x", "a/b/d/x",
		"ab/x", "b", "z/.gitignore/x"};
	static const char *const names[] = {
		"", "a", "b", "c", "d", "a-b", "a.gitignore", "ab", "z", ".gitignore"};
	static const uint32_t counts[] = {5, 1, 2, 0, 0, 0, 0, 0, 1, 0};
	struct hd_untracked_directories directories;
	git_index *index;

	(void)state;
	assert_int_equal(hd_git_library_start(), 0);
	assert_true(git_index_new(&index) == 0);
	for (size_t i = 0; i < HD_ARRAY_SIZE(paths); i++) {
		git_index_entry entry = {.path = paths[i], .mode = GIT_FILEMODE_BLOB};

		entry.id.id[0] = 1;
		assert_true(git_index_add(index, &entry) == 0);
	}
	assert_int_equal(hd_untracked_directories_read(index, 1, &directories), 0);
	assert_int_equal(directories.count, HD_ARRAY_SIZE(names));
	for (uint32_t i = 0; i < directories.count; i++) {
		const struct hd_untracked_directory *item = &directories.items[i];

		assert_int_equal(item->length, strlen(names[i]));
		assert_memory_equal(item->name, names[i], item->length);
		assert_int_equal(item->directories, counts[i]);
		assert_int_equal(item->ignore != NULL, i == 1);
	}
	hd_untracked_directories_clear(&directories);
	git_index_free(index);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_are_in_words_of_sixty_four),
		cmocka_unit_test(fsmonitor_has_the_token_and_no_bit),
		cmocka_unit_test(directories_are_in_the_order_of_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
