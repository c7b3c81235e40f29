/* SPDX-License-Identifier: Apache-2.0 */
/* Codes, details and contexts: what a person and a program get to see of a failure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/platform/threads/task_thread.h"

static void context_goes_before_the_detail(void **state)
{
	int r = hd_fail(HD_E_TREE_CORRUPT, "entry %d has no name", 3);

	(void)state;
	assert_int_equal(r, -HD_E_TREE_CORRUPT);
	r = hd_fail_in(r, "tree of '%s'", "main");
	assert_int_equal(r, -HD_E_TREE_CORRUPT);
	assert_string_equal(
		hd_error_message(r), "tree of 'main': entry 3 has no name: a tree object is malformed");
}

static void a_bare_code_does_not_pick_up_a_strangers_detail(void **state)
{
	(void)state;
	(void)hd_fail(HD_E_TREE_CORRUPT, "stale words");
	assert_string_equal(hd_error_message(-ENOENT), strerror(ENOENT));
	assert_int_equal(hd_fail_in(-ENOENT, "open 'x'"), -ENOENT);
	assert_string_equal(hd_error_message(-ENOENT), "open 'x': No such file or directory");
}

static void a_context_longer_than_the_buffer_is_cut(void **state)
{
	char text[4096];
	int r;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	r = hd_fail(EIO, "%s", text);
	for (int i = 0; i < 3; i++)
		r = hd_fail_in(r, "%s", text);
	assert_int_equal(r, -EIO);
	assert_true(strlen(hd_error_message(r)) < 1280);
}

static void each_code_has_an_errno_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (int code = HD_E_BASE + 1; code < HD_E_END; code++) {
		assert_in_range(hd_error_to_errno(-code), 1, 133);
		assert_int_equal(strncmp(hd_error_name(-code), "HD_E_", 5), 0);
		assert_true(strlen(hd_error_text(-code)) > 5);
	}
	assert_int_equal(hd_error_to_errno(-HD_E_BASE_CHANGED), ESTALE);
	assert_int_equal(hd_error_to_errno(-ENOSPC), ENOSPC);
	assert_string_equal(hd_error_name(-ENOSPC), "ENOSPC");
}

static void unknown_codes_are_io_errors(void **state)
{
	(void)state;
	assert_int_equal(hd_error_to_errno(-HD_E_END), EIO);
	assert_string_equal(hd_error_text(-HD_E_END), "unknown error");
	assert_string_equal(hd_error_name(-HD_E_END), "EUNKNOWN");
	assert_string_equal(hd_error_text(-4000), "unknown error");
}

static void *fail_elsewhere(void *payload)
{
	(void)hd_fail(EIO, "another thread's words");
	return payload;
}

static void the_detail_belongs_to_the_thread(void **state)
{
	pthread_t thread;
	int r = hd_fail(EIO, "mine");

	(void)state;
	assert_int_equal(hd_thread_start(&thread, "fail", fail_elsewhere, NULL), 0);
	hd_thread_join(thread);
	assert_string_equal(hd_error_message(r), "mine: Input/output error");
	hd_error_clear();
	assert_string_equal(hd_error_message(r), "Input/output error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_goes_before_the_detail),
		cmocka_unit_test(a_bare_code_does_not_pick_up_a_strangers_detail),
		cmocka_unit_test(a_context_longer_than_the_buffer_is_cut),
		cmocka_unit_test(each_code_has_an_errno_a_name_and_a_sentence),
		cmocka_unit_test(unknown_codes_are_io_errors),
		cmocka_unit_test(the_detail_belongs_to_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
