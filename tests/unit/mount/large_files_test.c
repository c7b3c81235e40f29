/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount/control/control_channel.h"
#include "mount/parts/large_files.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/sockets/socket.h"

static int open_something(void)
{
	int fd = hd_descriptor_flag();

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* One message from READING into HELD. */
static bool hear_next(int reading, struct hd_held_files *held)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;
	bool newer;

	assert_int_equal(hd_control_receive(reading, 1000, &message, &fd), 0);
	newer = hd_held_files_hear(held, message, &fd);
	json_decref(message);
	return newer;
}

static const struct hd_held_file *find(const struct hd_held_files *held, uint32_t slot)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->files[i].slot == slot && held->files[i].fd >= 0)
			return &held->files[i];
	return NULL;
}

static void what_is_announced_is_held(void **state)
{
	struct hd_announcements *announcements;
	struct hd_held_files held = {0};
	int ends[2];
	int one = open_something();
	int two = open_something();

	(void)state;
	assert_int_equal(hd_socket_pair(ends), 0);
	assert_int_equal(hd_announcements_new(ends[0], &announcements), 0);
	hd_announce(announcements, 1, one);
	hd_announce(announcements, 900, two);
	hd_announce(announcements, 1, -1);
	for (int i = 0; i < 3; i++)
		assert_true(hear_next(ends[1], &held));
	assert_null(find(&held, 1));
	assert_non_null(find(&held, 900));

	/* Another supervisor hears of what is there now, and of nothing else. */
	hd_held_files_clear(&held);
	hd_announce_all(announcements);
	assert_true(hear_next(ends[1], &held));
	assert_int_equal(held.count, 1);
	assert_non_null(find(&held, 900));
	hd_held_files_clear(&held);
	hd_announcements_free(announcements);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(one);
	(void)close(two);
}

static void what_nobody_hears_is_not_announced_again(void **state)
{
	struct hd_announcements *announcements;
	struct hd_held_files held = {0};
	int ends[2], again[2];
	int one = open_something();
	int two = open_something();

	(void)state;
	assert_int_equal(hd_socket_pair(ends), 0);
	assert_int_equal(hd_announcements_new(ends[0], &announcements), 0);
	assert_int_equal(hd_announce(announcements, 1, one), 0);
	(void)close(ends[1]);
	assert_true(hd_announce(announcements, 2, two) < 0);
	(void)close(two);

	/* Another supervisor hears of what was there, and not of a descriptor that is closed by now. */
	assert_int_equal(hd_socket_pair(again), 0);
	assert_int_equal(dup2(again[0], ends[0]), ends[0]);
	hd_announce_all(announcements);
	assert_true(hear_next(again[1], &held));
	assert_int_equal(held.count, 1);
	assert_non_null(find(&held, 1));
	assert_int_equal(hd_announce(announcements, 3, one), 0);
	assert_true(hear_next(again[1], &held));
	assert_int_equal(held.count, 2);
	hd_held_files_clear(&held);
	hd_announcements_free(announcements);
	(void)close(ends[0]);
	(void)close(again[0]);
	(void)close(again[1]);
	(void)close(one);
}

static bool hear(struct hd_held_files *held, const char *op, uint32_t slot, uint64_t serial, int *fd)
{
	json_t *message = json_pack(
		"{s:s, s:I, s:I}", "op", op, "slot", (json_int_t)slot, "serial", (json_int_t)serial);
	bool newer = hd_held_files_hear(held, message, fd);

	json_decref(message);
	return newer;
}

static void the_newer_of_two_messages_counts(void **state)
{
	struct hd_held_files held = {0};
	int old = open_something();
	int new = open_something();
	int none = -1;

	(void)state;
	assert_true(hear(&held, "hold", 5, 7, &new));
	assert_int_equal(new, -1);
	/* The list of everything was made before, and comes later. */
	assert_false(hear(&held, "hold", 5, 3, &old));
	assert_true(old >= 0);
	assert_true(hear(&held, "drop", 5, 8, &none));
	assert_false(hear(&held, "hold", 5, 7, &old));
	assert_null(find(&held, 5));

	/* The next worker counts from 1. */
	hd_held_files_restart(&held);
	assert_true(hear(&held, "hold", 5, 1, &old));
	assert_int_equal(old, -1);
	old = find(&held, 5)->fd;
	hd_held_files_clear(&held);
	assert_false(is_open(old));
}

static void what_did_not_come_is_lacking_and_nothing_else_is_given_up(void **state)
{
	struct hd_held_files held = {0};
	int first = open_something();
	int second = open_something();
	int none = -1;

	(void)state;
	assert_true(hear(&held, "hold", 5, 1, &none));
	assert_null(find(&held, 5));
	assert_int_equal(hd_held_files_lacking(&held), 1);
	assert_true(hear(&held, "hold", 5, 1, &first));
	assert_int_equal(hd_held_files_lacking(&held), 0);
	first = find(&held, 5)->fd;

	/* Told again, by the same worker and by the next one. */
	assert_true(hear(&held, "hold", 5, 1, &none));
	hd_held_files_restart(&held);
	assert_true(hear(&held, "hold", 5, 9, &none));
	assert_int_equal(find(&held, 5)->fd, first);
	assert_int_equal(hd_held_files_lacking(&held), 0);

	/* Another file has the slot now. */
	assert_true(hear(&held, "hold", 5, 10, &none));
	assert_false(is_open(first));
	assert_int_equal(hd_held_files_lacking(&held), 1);
	assert_true(hear(&held, "hold", 6, 11, &second));
	assert_true(hear(&held, "drop", 5, 12, &none));
	assert_int_equal(hd_held_files_lacking(&held), 0);
	hd_held_files_clear(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_announced_is_held),
		cmocka_unit_test(what_nobody_hears_is_not_announced_again),
		cmocka_unit_test(the_newer_of_two_messages_counts),
		cmocka_unit_test(what_did_not_come_is_lacking_and_nothing_else_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
