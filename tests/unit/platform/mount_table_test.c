/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the mount table: escapes, optional fields, lines that are not as proc(5) says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/mounts/mount_point.h"

struct found {
	int n;
	char text[512];
};

static int note(const struct hd_mount_entry *entry, void *payload)
{
	struct found *found = payload;
	size_t used = strlen(found->text);

	found->n++;
	(void)snprintf(found->text + used, sizeof(found->text) - used, "<%s|%s|%u:%u>", entry->directory,
		entry->source, entry->major, entry->minor);
	return 0;
}

static struct found parse(const char *text)
{
	struct found found = {0};
	char copy[1024];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	assert_int_equal(hd_mount_point_parse(copy, note, &found), 0);
	return found;
}

static void only_mounts_of_heddle_are_named(void **state)
{
	struct found found = parse("22 27 0:21 / /proc rw - proc proc rw\n"
				   "42 27 0:39 / /mnt rw,nosuid - fuse.heddle heddle:main rw,user_id=0\n"
				   "43 27 0:40 / /other rw - fuse.heddler x rw\n"
				   "44 27 0:41 / /more rw shared:7 master:3 - fuse.heddle heddle:two rw\n");

	(void)state;
	assert_string_equal(found.text, "</mnt|heddle:main|0:39></more|heddle:two|0:41>");
}

static void escapes_are_decoded_in_directory_and_source(void **state)
{
	struct found found = parse("1 2 0:3 / /a\\040b\\011c\\012d\\134e - - fuse.heddle x\\040y rw\n"
				   "1 2 0:3 / /\\134040 rw - fuse.heddle s rw\n");

	(void)state;
	assert_string_equal(found.text, "</a b\tc\nd\\e|x y|0:3></\\040|s|0:3>");
}

static void what_is_no_escape_stays(void **state)
{
	struct found found = parse("1 2 0:3 / /a\\04\\9x\\777\\ rw - fuse.heddle \\ rw\n");

	(void)state;
	assert_string_equal(found.text, "</a\\04\\9x\\777\\|\\|0:3>");
}

static void an_empty_source_is_empty(void **state)
{
	struct found found = parse("1 2 0:3 / /m rw - fuse.heddle  rw\n");

	(void)state;
	assert_string_equal(found.text, "</m||0:3>");
}

static void malformed_lines_are_left_out(void **state)
{
	struct found found = parse("\n"
				   "1\n"
				   "1 2 0:3 / /m\n"
				   "1 2 0:3 / /m rw\n"
				   "1 2 0:3 / /m rw shared:1\n"
				   "1 2 0:3 / /m rw -\n"
				   "1 2 0:3 / /m rw - fuse.heddle\n"
				   "1 2 03 / /m rw - fuse.heddle s rw\n"
				   "1 2 0: / /m rw - fuse.heddle s rw\n"
				   "1 2 -1:3 / /m rw - fuse.heddle s rw\n"
				   "1 2 0:99999999999999999999 / /m rw - fuse.heddle s rw\n"
				   "1 2 0:3x / /m rw - fuse.heddle s rw\n"
				   "1 2 0:7 / /good rw - fuse.heddle s");

	(void)state;
	assert_string_equal(found.text, "</good|s|0:7>");
}

static int stop(const struct hd_mount_entry *entry, void *payload)
{
	(void)entry;
	++*(int *)payload;
	return 7;
}

static void a_nonzero_answer_ends_the_listing(void **state)
{
	char text[] = "1 2 0:3 / /a rw - fuse.heddle s rw\n1 2 0:4 / /b rw - fuse.heddle s rw\n";
	int calls = 0;

	(void)state;
	assert_int_equal(hd_mount_point_parse(text, stop, &calls), 7);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_mounts_of_heddle_are_named),
		cmocka_unit_test(escapes_are_decoded_in_directory_and_source),
		cmocka_unit_test(what_is_no_escape_stays),
		cmocka_unit_test(an_empty_source_is_empty),
		cmocka_unit_test(malformed_lines_are_left_out),
		cmocka_unit_test(a_nonzero_answer_ends_the_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
