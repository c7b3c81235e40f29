/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/exit_status.h"
#include "overlay/platform/error.h"

static void results_of_commands_are_their_own_status(void **state)
{
	(void)state;
	assert_int_equal(hd_exit_status(HD_EXIT_OK), 0);
	assert_int_equal(hd_exit_status(HD_EXIT_DIFFERENT), 1);
	assert_null(hd_exit_hint(HD_EXIT_OK));
	assert_null(hd_exit_hint(HD_EXIT_DIFFERENT));
}

static void every_failure_of_ours_has_a_status_of_sysexits(void **state)
{
	(void)state;
	for (int code = HD_E_BASE + 1; code < HD_E_END; code++) {
		int status = hd_exit_status(-code);

		if (code == HD_E_NOTHING_CHANGED)
			assert_int_equal(status, HD_EXIT_DIFFERENT);
		else if (code == HD_E_CONFLICTS)
			assert_int_equal(status, HD_EXIT_CONFLICTS);
		else if (code == HD_E_COMMAND_MISSING || code == HD_E_COMMAND_REFUSED)
			assert_int_equal(status, code == HD_E_COMMAND_MISSING ? 127 : 126);
		else if (code == HD_E_INTERRUPTED)
			assert_int_equal(status, 128 + SIGINT);
		else if (status < HD_EXIT_USAGE || status > HD_EXIT_CONFIG || status == HD_EXIT_SYSTEM)
			fail_msg("%s has the status %d", hd_error_name(code), status);
	}
}

static void failures_a_script_must_tell_apart_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(hd_exit_status(-HD_E_USAGE), 64);
	assert_int_equal(hd_exit_status(-HD_E_OBJECT_CORRUPT), 65);
	assert_int_equal(hd_exit_status(-HD_E_STORE_MISSING), 66);
	assert_int_equal(hd_exit_status(-HD_E_NOT_MOUNTED), 69);
	assert_int_equal(hd_exit_status(-HD_E_STORE_EXISTS), 73);
	assert_int_equal(hd_exit_status(-HD_E_THREAD_BUSY), 75);
	assert_int_equal(hd_exit_status(-HD_E_MOUNT_REFUSED), 77);
	assert_int_equal(hd_exit_status(-HD_E_IDENTITY_MISSING), 78);
	assert_int_equal(hd_exit_status(-ENOENT), 66);
	assert_int_equal(hd_exit_status(-EEXIST), 73);
	assert_int_equal(hd_exit_status(-ENOSPC), 74);
	assert_int_equal(hd_exit_status(-EBUSY), 75);
	assert_int_equal(hd_exit_status(-EACCES), 77);
}

static void an_unlisted_errno_is_the_systems(void **state)
{
	(void)state;
	assert_int_equal(hd_exit_status(-ENOMEM), 71);
	assert_int_equal(hd_exit_status(-EMFILE), 71);
	assert_non_null(hd_exit_hint(-EMFILE));
	assert_int_equal(hd_exit_status(-ENFILE), 71);
	assert_int_equal(hd_exit_status(-ENOSYS), 71);
}

static void a_code_without_a_row_takes_that_of_its_errno_class(void **state)
{
	(void)state;
	assert_int_equal(hd_error_to_errno(HD_E_HOT_TIER_FULL), ENOSPC);
	assert_int_equal(hd_exit_status(-HD_E_HOT_TIER_FULL), hd_exit_status(-ENOSPC));
	assert_string_equal(hd_exit_hint(-HD_E_HOT_TIER_FULL), hd_exit_hint(-ENOSPC));
}

static void hints_are_single_lines_that_say_what_to_do(void **state)
{
	(void)state;
	assert_non_null(strstr(hd_exit_hint(-HD_E_STORE_MISSING), "heddle init"));
	assert_non_null(strstr(hd_exit_hint(-HD_E_NOT_MOUNTED), "heddle mount"));
	assert_non_null(strstr(hd_exit_hint(-HD_E_IDENTITY_MISSING), "git config"));
	for (int code = 1; code < HD_E_END; code++) {
		const char *hint = hd_exit_hint(-code);

		if (hint && (strchr(hint, '\n') || hint[strlen(hint) - 1] == '.'))
			fail_msg("the hint of %s is no phrase: %s", hd_error_name(code), hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_of_commands_are_their_own_status),
		cmocka_unit_test(every_failure_of_ours_has_a_status_of_sysexits),
		cmocka_unit_test(failures_a_script_must_tell_apart_have_their_numbers),
		cmocka_unit_test(an_unlisted_errno_is_the_systems),
		cmocka_unit_test(a_code_without_a_row_takes_that_of_its_errno_class),
		cmocka_unit_test(hints_are_single_lines_that_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
