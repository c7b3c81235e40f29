/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/fs.h>
#include <sys/xattr.h>

#include "overlay/access/access_control_list.h"
#include "tests/unit/overlay/list_text.h"
#include "tests/unit/overlay/yard.h"

/*
 * Modes and access control lists in step: chmod, setxattr, inheritance, over closing and opening, and lists of a base
 * that are none. What a kernel makes of them is in tests/cases/permissions/acl.sh.
 */

static int set_list(struct hd_overlay *overlay, hd_ino ino, const char *name, const char *text)
{
	uint8_t bytes[LIST_SIZE];
	size_t size = list_bytes(text, bytes);

	return hd_overlay_setxattr(overlay, ino, name, bytes, size, 0);
}

static void assert_list(struct hd_overlay *overlay, hd_ino ino, const char *name, const char *expected)
{
	uint8_t bytes[LIST_SIZE];
	char text[LIST_SIZE];
	size_t size = 0;
	int r = hd_overlay_getxattr(overlay, ino, name, bytes, sizeof(bytes), &size);

	if (!expected) {
		assert_code(r, -ENODATA);
		return;
	}
	assert_success(r);
	assert_string_equal(list_text(bytes, size, text), expected);
}

static uint32_t mode_of(struct hd_overlay *overlay, hd_ino ino)
{
	return attributes_of(overlay, ino).mode & 07777;
}

static void set_mode(struct hd_overlay *overlay, hd_ino ino, uint32_t mode)
{
	struct hd_attributes values = {.mode = mode}, seen;

	assert_success(hd_overlay_setattr(overlay, &yard_caller, ino, HD_SET_MODE, &values, &seen));
	assert_int_equal(seen.mode & 07777, mode);
}

static void mode_and_list_change_each_other(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	assert_success(hd_overlay_setxattr(overlay, file, "user.other", "kept", 4, 0));
	assert_success(set_list(overlay, file, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r--,m::r-x,o::--x"));
	assert_int_equal(mode_of(overlay, file), 0751);
	set_mode(overlay, file, 04620);
	assert_list(overlay, file, HD_ACL_ACCESS, "u::rw-,u:5:rwx,g::r--,m::-w-,o::---");
	overlay = yard_reopen(yard);
	file = find(overlay, HD_ROOT_INO, "file");
	assert_int_equal(mode_of(overlay, file), 04620);
	assert_list(overlay, file, HD_ACL_ACCESS, "u::rw-,u:5:rwx,g::r--,m::-w-,o::---");
	/* What a mode can say is not kept as a list. */
	assert_success(set_list(overlay, file, HD_ACL_ACCESS, "u::r--,g::rwx,o::---"));
	assert_int_equal(mode_of(overlay, file), 04470);
	assert_list(overlay, file, HD_ACL_ACCESS, NULL);
	assert_success(hd_overlay_removexattr(overlay, file, HD_ACL_ACCESS));
	assert_success(hd_overlay_removexattr(overlay, file, "user.other"));
}

static void the_setgid_bit_goes_when_asked(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	uint8_t bytes[LIST_SIZE];
	size_t size = list_bytes("u::rwx,u:5:r-x,g::r-x,m::r-x,o::r-x", bytes);

	set_mode(overlay, file, 06755);
	assert_success(hd_overlay_setxattr(overlay, file, HD_ACL_ACCESS, bytes, size, 0));
	assert_int_equal(mode_of(overlay, file), 06755);
	assert_success(
		hd_overlay_setxattr(overlay, file, HD_ACL_ACCESS, bytes, size, HD_SETXATTR_DROP_SETGID));
	assert_int_equal(mode_of(overlay, file), 04755);
}

static void a_default_list_is_inherited_and_the_umask_is_not(void **state)
{
	const char *list = "u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x";
	struct hd_attributes made = {0};
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "d");

	assert_success(hd_overlay_create(overlay, &yard_caller, directory, "masked", 0666, &made));
	assert_int_equal(made.mode, S_IFREG | 0644);
	assert_success(set_list(overlay, directory, HD_ACL_DEFAULT, list));
	assert_int_equal(mode_of(overlay, directory), 0755);
	assert_success(hd_overlay_create(overlay, &yard_caller, directory, "file", 0666, &made));
	assert_int_equal(made.mode, S_IFREG | 0664);
	assert_list(overlay, made.ino, HD_ACL_ACCESS, "u::rw-,u:5:rwx,g::r-x,m::rw-,o::r--");
	assert_list(overlay, made.ino, HD_ACL_DEFAULT, NULL);
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, directory, "sub", 0700, &made));
	assert_int_equal(made.mode, S_IFDIR | 0700);
	assert_list(overlay, made.ino, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r-x,m::---,o::---");
	assert_list(overlay, made.ino, HD_ACL_DEFAULT, list);
	assert_success(hd_overlay_mknod(overlay, &yard_caller, made.ino, "fifo", S_IFIFO | 0666, 0, &made));
	assert_list(overlay, made.ino, HD_ACL_ACCESS, "u::rw-,u:5:rwx,g::r-x,m::rw-,o::r--");
	assert_success(hd_overlay_symlink(overlay, &yard_caller, directory, "link", "to", &made));
	assert_int_equal(made.mode, S_IFLNK | 0777);
	assert_list(overlay, made.ino, HD_ACL_ACCESS, NULL);
	/* One that a mode can say decides instead of the umask, too, and leaves no list. */
	assert_success(set_list(overlay, directory, HD_ACL_DEFAULT, "u::rwx,g::rwx,o::rwx"));
	assert_success(hd_overlay_create(overlay, &yard_caller, directory, "open", 0666, &made));
	assert_int_equal(made.mode, S_IFREG | 0666);
	assert_list(overlay, made.ino, HD_ACL_ACCESS, NULL);
	assert_success(hd_overlay_removexattr(overlay, directory, HD_ACL_DEFAULT));
	assert_success(hd_overlay_create(overlay, &yard_caller, directory, "masked again", 0666, &made));
	assert_int_equal(made.mode, S_IFREG | 0644);
}

static void a_whiteout_inherits_as_any_new_file(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "d"), left;

	(void)make_file(overlay, directory, "file");
	assert_success(set_list(overlay, directory, HD_ACL_DEFAULT, "u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x"));
	assert_success(hd_overlay_rename_as(
		overlay, &yard_caller, directory, "file", HD_ROOT_INO, "moved", RENAME_WHITEOUT));
	left = find(overlay, directory, "file");
	assert_int_equal(attributes_of(overlay, left).mode, S_IFCHR);
	assert_list(overlay, left, HD_ACL_ACCESS, "u::---,u:5:rwx,g::r-x,m::---,o::---");
	assert_list(overlay, find(overlay, HD_ROOT_INO, "moved"), HD_ACL_ACCESS, NULL);
}

static void what_is_no_list_is_refused(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	struct hd_attributes link;

	assert_code(set_list(overlay, file, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r--,o::--x"), -EINVAL);
	assert_code(set_list(overlay, file, HD_ACL_DEFAULT, "u::rwx,g::r--,o::--x"), -EACCES);
	assert_code(hd_overlay_setxattr(overlay, file, HD_ACL_ACCESS, "\1\0\0\0", 4, 0), -EOPNOTSUPP);
	assert_code(hd_overlay_setxattr(overlay, file, HD_ACL_ACCESS, "", 0, 0), -EINVAL);
	assert_success(hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "link", "to", &link));
	assert_code(set_list(overlay, link.ino, HD_ACL_ACCESS, "u::rwx,g::r--,o::--x"), -EOPNOTSUPP);
	assert_int_equal(mode_of(overlay, file), 0644);
	/* A list without entries is none. */
	assert_success(set_list(overlay, file, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r--,m::r-x,o::--x"));
	assert_success(set_list(overlay, file, HD_ACL_ACCESS, ""));
	assert_list(overlay, file, HD_ACL_ACCESS, NULL);
	assert_int_equal(mode_of(overlay, file), 0751);
}

/* A string of attributes as a base gives it. */
static void give(struct yard *yard, uint32_t node, const char *name, const void *value, uint32_t size)
{
	uint8_t *at = yard->base->nodes[node].xattrs;
	size_t length = strlen(name);

	*at++ = (uint8_t)length;
	memcpy(at, &size, sizeof(size));
	memcpy(at + 4, name, length);
	memcpy(at + 4 + length, value, size);
	yard->base->nodes[node].xattrs_size = (uint32_t)(5 + length + size);
}

static void what_a_base_calls_a_list_is_not_trusted(void **state)
{
	struct yard *yard = *state;
	uint32_t file = yard_base_add(yard, 0, "file", S_IFREG | 0644, 1);
	uint32_t directory = yard_base_add(yard, 0, "directory", S_IFDIR | 0755, 0);
	struct hd_attributes made;
	struct hd_overlay *overlay;
	uint8_t bytes[16];
	size_t size;
	hd_ino ino;

	give(yard, file, HD_ACL_ACCESS, "nonsense", 8);
	give(yard, directory, HD_ACL_DEFAULT, "\2\0\0\0u", 5);
	overlay = yard_open(yard);
	ino = find(overlay, HD_ROOT_INO, "file");
	assert_code(hd_overlay_getxattr(overlay, ino, HD_ACL_ACCESS, bytes, sizeof(bytes), &size), -EIO);
	set_mode(overlay, ino, 0600);
	assert_success(set_list(overlay, ino, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r--,m::r-x,o::--x"));
	assert_list(overlay, ino, HD_ACL_ACCESS, "u::rwx,u:5:rwx,g::r--,m::r-x,o::--x");
	ino = find(overlay, HD_ROOT_INO, "directory");
	assert_code(hd_overlay_create(overlay, &yard_caller, ino, "new", 0666, &made), -EIO);
	assert_success(hd_overlay_removexattr(overlay, ino, HD_ACL_DEFAULT));
	assert_success(hd_overlay_create(overlay, &yard_caller, ino, "new", 0666, &made));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mode_and_list_change_each_other, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(the_setgid_bit_goes_when_asked, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(
			a_default_list_is_inherited_and_the_umask_is_not, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(
			a_whiteout_inherits_as_any_new_file, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_list_is_refused, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(
			what_a_base_calls_a_list_is_not_trusted, yard_setup_over_base, yard_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
