/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mount options: what is understood, what is refused, and that formatting and parsing agree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount/mount_options.h"
#include "overlay/platform/error.h"

static void assert_options_equal(const struct hd_mount_options *a, const struct hd_mount_options *b)
{
	char *left = hd_mount_options_format(a);
	char *right = hd_mount_options_format(b);

	assert_non_null(left);
	assert_non_null(right);
	assert_string_equal(left, right);
	free(left);
	free(right);
}

static void assert_refused(const char *text)
{
	struct hd_mount_options options;

	hd_mount_options_default(&options);
	assert_int_equal(hd_mount_options_parse(&options, text), -HD_E_USAGE);
}

static void words_set_what_they_name_and_nothing_else(void **state)
{
	struct hd_mount_options options, expected;

	(void)state;
	hd_mount_options_default(&options);
	expected = options;
	expected.open = HD_OPEN_TRACKED;
	expected.writeback = true;
	expected.killpriv = false;
	expected.cache_s = 7;
	expected.hot_limit = 3ull << 30;
	expected.readdirplus = HD_READDIRPLUS_OFF;
	assert_int_equal(hd_mount_options_parse(&options,
				 "open=tracked,writeback,no-killpriv,cache=7,hot-limit=3G,readdirplus=off"),
		0);
	assert_int_equal(options.open, HD_OPEN_TRACKED);
	assert_true(options.writeback);
	assert_false(options.killpriv);
	assert_int_equal(options.hot_limit, 3ull << 30);
	assert_options_equal(&options, &expected);
}

static void no_text_changes_nothing(void **state)
{
	struct hd_mount_options options, expected;

	(void)state;
	hd_mount_options_default(&options);
	expected = options;
	assert_int_equal(hd_mount_options_parse(&options, NULL), 0);
	assert_int_equal(hd_mount_options_parse(&options, ""), 0);
	assert_int_equal(hd_mount_options_parse(&options, ",,"), 0);
	assert_options_equal(&options, &expected);
}

static void what_was_formatted_parses_to_the_same(void **state)
{
	struct hd_mount_options options, copy;
	char *text;

	(void)state;
	hd_mount_options_default(&options);
	assert_int_equal(
		hd_mount_options_parse(&options,
			"open=tracked,notify=always,cache=0,spin=1000,readers=2,allow-other,read-only,"
			"no-default-permissions,uid=0,gid=4294967294,no-suid,dev,hot-limit=17,base-deadline="
			"1"),
		0);
	text = hd_mount_options_format(&options);
	assert_non_null(text);
	hd_mount_options_default(&copy);
	assert_int_equal(hd_mount_options_parse(&copy, text), 0);
	assert_options_equal(&options, &copy);
	assert_true(copy.read_only);
	assert_int_equal(copy.uid, 0);
	assert_int_equal(copy.gid, 4294967294u);
	assert_false(copy.suid);
	assert_true(copy.dev);
	assert_false(copy.default_permissions);
	assert_int_equal(copy.notify, HD_NOTIFY_ALWAYS);
	assert_int_equal(copy.hot_limit, 17);
	free(text);
}

static void malformed_options_are_refused(void **state)
{
	(void)state;
	assert_refused("nothing-like-this");
	assert_refused("open");
	assert_refused("open=");
	assert_refused("open=track");
	assert_refused("open=tracked|untracked");
	assert_refused("writeback=1");
	assert_refused("no-open");
	assert_refused("cache=-1");
	assert_refused("cache=1x");
	assert_refused("cache=");
	assert_refused("cache=1K");
	assert_refused("cache=99999999999999999999999");
	assert_refused("spin=1001");
	assert_refused("hot-limit=K");
	assert_refused("hot-limit=1KK");
	assert_refused("hot-limit=18446744073709551615T");
	assert_refused("writeback,bad");
	assert_refused("uid");
	assert_refused("uid=");
	assert_refused("uid=root");
	assert_refused("uid=-1");
	assert_refused("gid=4294967295"); /* (gid_t)-1 */
	assert_refused("no-uid");
	assert_refused("ro=1");
	assert_refused("no-ro");
}

static void the_words_of_mount_8_are_understood(void **state)
{
	struct hd_mount_options options;

	(void)state;
	hd_mount_options_default(&options);
	assert_int_equal(
		hd_mount_options_parse(&options, "ro,nosuid,nodev,allow_other,default_permissions"), 0);
	assert_true(options.read_only && options.allow_other && options.default_permissions);
	assert_false(options.suid || options.dev);
	assert_int_equal(hd_mount_options_parse(&options, "rw"), 0);
	assert_false(options.read_only);
}

static void others_come_in_only_when_permissions_are_checked(void **state)
{
	struct hd_mount_options options;

	(void)state;
	hd_mount_options_default(&options);
	options.allow_other = true;
	options.default_permissions = false;
	assert_int_equal(hd_mount_options_settle(&options), -HD_E_USAGE);
	options.default_permissions = true;
	assert_int_equal(hd_mount_options_settle(&options), 0);
	assert_true(options.uid == HD_NO_ID); /* owners are as they are */
}

/* The programs of root's mounts count, and nobody else can ask for that; one user alone owns what is shown. */
static void who_mounts_decides(void **state)
{
	struct hd_mount_options options;
	bool is_root = geteuid() == 0;

	(void)state;
	hd_mount_options_default(&options);
	assert_true(options.suid == is_root && options.dev == is_root);
	assert_int_equal(hd_mount_options_settle(&options), 0);
	assert_true(options.uid == (is_root ? HD_NO_ID : geteuid()));
	assert_true(options.gid == HD_NO_ID);
	options.uid = 7;
	options.dev = true;
	assert_int_equal(hd_mount_options_settle(&options), is_root ? 0 : -HD_E_USAGE);
	assert_int_equal(options.uid, 7);
}

static void the_environment_can_ask_for_notices(void **state)
{
	struct hd_mount_options options;

	(void)state;
	assert_int_equal(setenv("HEDDLE_NOTIFY", "always", 1), 0);
	hd_mount_options_default(&options);
	assert_int_equal(options.notify, HD_NOTIFY_ALWAYS);
	assert_int_equal(unsetenv("HEDDLE_NOTIFY"), 0);
	hd_mount_options_default(&options);
	assert_int_equal(options.notify, HD_NOTIFY_OTHERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_set_what_they_name_and_nothing_else),
		cmocka_unit_test(no_text_changes_nothing),
		cmocka_unit_test(what_was_formatted_parses_to_the_same),
		cmocka_unit_test(malformed_options_are_refused),
		cmocka_unit_test(the_words_of_mount_8_are_understood),
		cmocka_unit_test(others_come_in_only_when_permissions_are_checked),
		cmocka_unit_test(who_mounts_decides),
		cmocka_unit_test(the_environment_can_ask_for_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
