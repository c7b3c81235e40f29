/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/access/access_control_list.h"
#include "overlay/platform/cleanup.h"
#include "tests/unit/overlay/list_text.h"

/*
 * The arithmetic of access control lists. The tables are worked out by hand from acl(5): "Correspondence between ACL
 * entries and file permission bits" and "Object creation and default ACLs". Every mode is tried against a model that
 * says the same in other words.
 */

static const char *const lists[] = {
	"u::rwx,g::r-x,o::r--",
	"u::---,g::---,o::---",
	"u::rw-,u:5:rwx,g::r--,m::r-x,o::--x",
	"u::r--,g::rwx,g:7:-w-,m::---,o::rwx",
	"u::rwx,g::rwx,m::-w-,o::---",
	"u::rwx,u:0:---,u:4294967294:rwx,g::-wx,g:1:r--,g:2:--x,m::rwx,o::r-x",
};

static unsigned permissions(const char *text)
{
	return (text[0] == 'r') * 4u + (text[1] == 'w') * 2u + (text[2] == 'x');
}

/* What "x::" in a list gives: the letters behind it. */
static const char *of_class(const char *list, const char *class)
{
	const char *found = strstr(list, class);

	return found ? found + 3 : NULL;
}

static void a_mode_is_the_owner_the_mask_and_the_others(void **state)
{
	static const struct {
		const char *list;
		unsigned mode;
		bool extended;
	} table[] = {
		{"u::rwx,g::r-x,o::r--", 0754, false},
		{"u::---,g::---,o::---", 0, false},
		{"u::rwx,g::rwx,o::rwx", 0777, false},
		{"u::rw-,u:5:rwx,g::r--,m::r-x,o::--x", 0651, true},
		{"u::rw-,u:5:rwx,g::rwx,m::---,o::--x", 0601, true},
		{"u::r--,g::rwx,m::-w-,o::---", 0420, true},
		{"u::rwx,g::---,g:7:r--,m::r--,o::---", 0740, true},
	};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(table); i++) {
		uint8_t bytes[LIST_SIZE];
		size_t size = list_bytes(table[i].list, bytes);
		bool extended = !table[i].extended;

		assert_int_equal(hd_acl_check(bytes, size), 0);
		assert_int_equal(hd_acl_mode(bytes, size, S_IFREG | 06777, &extended),
			S_IFREG | 06000 | table[i].mode);
		assert_int_equal(extended, table[i].extended);
	}
}

static void chmod_sets_the_owner_the_mask_or_the_group_and_the_others(void **state)
{
	static const struct {
		const char *before;
		unsigned mode;
		const char *after;
	} table[] = {
		{"u::rwx,g::r-x,o::r--", 0640, "u::rw-,g::r--,o::---"},
		{"u::rwx,u:5:rwx,g::r-x,m::rwx,o::r--", 0640, "u::rw-,u:5:rwx,g::r-x,m::r--,o::---"},
		{"u::---,g::rwx,g:7:rwx,m::---,o::---", 07777, "u::rwx,g::rwx,g:7:rwx,m::rwx,o::rwx"},
		{"u::rwx,g::rwx,m::rwx,o::rwx", 0, "u::---,g::rwx,m::---,o::---"},
	};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(table); i++) {
		uint8_t bytes[LIST_SIZE];
		char text[LIST_SIZE];
		size_t size = list_bytes(table[i].before, bytes);

		hd_acl_set_mode(bytes, size, S_IFREG | table[i].mode);
		assert_string_equal(list_text(bytes, size, text), table[i].after);
	}
}

static void what_is_made_gets_what_is_asked_for_and_allowed(void **state)
{
	static const struct {
		const char *list;
		unsigned asked, mode;
		const char *after;
		bool extended;
	} table[] = {
		{"u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x", 0666, 0664, "u::rw-,u:5:rwx,g::r-x,m::rw-,o::r--",
			true},
		{"u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x", 0600, 0600, "u::rw-,u:5:rwx,g::r-x,m::---,o::---",
			true},
		{"u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x", 01777, 01775, "u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x",
			true},
		{"u::r--,g:7:rwx,g::---,m::--x,o::---", 0777, 0410, "u::r--,g:7:rwx,g::---,m::--x,o::---",
			true},
		{"u::rwx,g::rwx,o::rwx", 0640, 0640, "u::rw-,g::r--,o::---", false},
		{"u::rw-,g::---,o::---", 0777, 0600, "u::rw-,g::---,o::---", false},
		{"u::rwx,g::rwx,m::r-x,o::rwx", 0666, 0646, "u::rw-,g::rwx,m::r--,o::rw-", true},
	};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(table); i++) {
		uint8_t bytes[LIST_SIZE];
		char text[LIST_SIZE];
		size_t size = list_bytes(table[i].list, bytes);
		bool extended = !table[i].extended;

		assert_int_equal(hd_acl_inherit(bytes, size, S_IFREG | table[i].asked, &extended),
			S_IFREG | table[i].mode);
		assert_int_equal(extended, table[i].extended);
		assert_string_equal(list_text(bytes, size, text), table[i].after);
	}
}

static void all_modes_agree_with_the_model(void **state)
{
	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(lists); i++) {
		const char *group =
			of_class(lists[i], "m::") ? of_class(lists[i], "m::") : of_class(lists[i], "g::");
		unsigned allowed = permissions(of_class(lists[i], "u::")) << 6 | permissions(group) << 3 |
				   permissions(of_class(lists[i], "o::"));

		for (uint32_t mode = 0; mode <= 0777; mode++) {
			uint8_t bytes[LIST_SIZE], same[LIST_SIZE];
			size_t size = list_bytes(lists[i], bytes);
			bool extended;

			memcpy(same, bytes, size);
			assert_int_equal(hd_acl_mode(bytes, size, mode, &extended), allowed);
			assert_memory_equal(same, bytes, size);
			assert_int_equal(hd_acl_inherit(bytes, size, mode, &extended), mode & allowed);
			assert_int_equal(hd_acl_mode(bytes, size, 0, &extended), mode & allowed);
			hd_acl_set_mode(bytes, size, mode);
			assert_int_equal(hd_acl_mode(bytes, size, 0, &extended), mode);
			assert_int_equal(extended, of_class(lists[i], "m::") != NULL);
			/* And back: what is no part of the mode was never touched. */
			hd_acl_set_mode(bytes, size, allowed);
			assert_memory_equal(same, bytes, size);
		}
	}
}

static void only_lists_are_accepted(void **state)
{
	static const char *const wrong[] = {
		"u::rwx", "g::rwx,o::rwx", "u::rwx,o::rwx", "u::rwx,g::rwx",
		"u::rwx,u:5:rwx,g::rwx,o::rwx",       /* named, and no mask */
		"u::rwx,g::rwx,g:5:rwx,o::rwx",       /* likewise */
		"u::rwx,u::rwx,g::rwx,o::rwx",        /* said twice */
		"u::rwx,g::rwx,g::rwx,o::rwx",        /* likewise */
		"u::rwx,g::rwx,m::rwx,m::rwx,o::rwx", /* likewise */
		"u::rwx,g::rwx,o::rwx,o::rwx",        /* likewise */
		"g::rwx,u::rwx,o::rwx",               /* out of order */
		"u::rwx,g::rwx,u:5:rwx,m::rwx,o::rwx", "u::rwx,g::rwx,m::rwx,g:5:rwx,o::rwx",
		"o::rwx,u::rwx,g::rwx", "u:5:rwx,u::rwx,g::rwx,m::rwx,o::rwx",
		"u::rwx,u:4294967295:rwx,g::rwx,m::rwx,o::rwx", /* nobody */
	};
	uint8_t bytes[LIST_SIZE];
	size_t size;

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(wrong); i++) {
		size = list_bytes(wrong[i], bytes);
		if (hd_acl_check(bytes, size) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
	}
	for (size_t i = 0; i < HD_ARRAY_SIZE(lists); i++)
		assert_int_equal(hd_acl_check(bytes, list_bytes(lists[i], bytes)), 0);
	/* The kernel takes somebody named twice, and so must we: the first counts. */
	size = list_bytes("u::rwx,u:5:---,u:5:rwx,g::rwx,m::rwx,o::rwx", bytes);
	assert_int_equal(hd_acl_check(bytes, size), 0);
	assert_int_equal(hd_acl_check(bytes, 4), 0);
	assert_true(hd_acl_is_empty(4));
	assert_false(hd_acl_is_empty(size));
}

static void every_cut_and_every_wrong_byte_is_noticed_or_harmless(void **state)
{
	uint8_t good[LIST_SIZE];
	size_t size = list_bytes(lists[5], good);

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(hd_acl_check(good, cut), cut == 4 ? 0 : -EINVAL);
	for (size_t at = 0; at < size; at++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t bytes[LIST_SIZE];
			bool extended;
			int r;

			memcpy(bytes, good, size);
			bytes[at] = (uint8_t)value;
			r = hd_acl_check(bytes, size);
			if (at < 4 && value != good[at])
				assert_int_equal(r, -EOPNOTSUPP);
			else if (r < 0)
				assert_int_equal(r, -EINVAL);
			else
				assert_true(hd_acl_mode(bytes, size, 0, &extended) <= 0777);
			/* Permissions beyond rwx and unknown tags are never accepted. */
			if (at >= 4 && at % 8 == 7 && value)
				assert_int_equal(r, -EINVAL);
			if (at >= 4 && at % 8 == 6 && value > 7)
				assert_int_equal(r, -EINVAL);
			if (at >= 4 && at % 8 == 5 && value)
				assert_int_equal(r, -EINVAL);
		}
	}
}

static void the_two_names_are_known(void **state)
{
	(void)state;
	assert_true(hd_acl_is_name("system.posix_acl_access"));
	assert_true(hd_acl_is_name("system.posix_acl_default"));
	assert_false(hd_acl_is_name("system.posix_acl"));
	assert_false(hd_acl_is_name("user.posix_acl_access"));
	assert_false(hd_acl_is_name(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mode_is_the_owner_the_mask_and_the_others),
		cmocka_unit_test(chmod_sets_the_owner_the_mask_or_the_group_and_the_others),
		cmocka_unit_test(what_is_made_gets_what_is_asked_for_and_allowed),
		cmocka_unit_test(all_modes_agree_with_the_model),
		cmocka_unit_test(only_lists_are_accepted),
		cmocka_unit_test(every_cut_and_every_wrong_byte_is_noticed_or_harmless),
		cmocka_unit_test(the_two_names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
