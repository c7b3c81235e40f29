/* SPDX-License-Identifier: Apache-2.0 */
/* Which view is told what of which change, by views that write down what they hear. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "mount/fuse/kernel_cache.h"
#include "overlay/platform/clock.h"

struct ear {
	char heard[8192]; /* "inode 5 0 0;entry 1 name;..." */
	bool deaf;        /* counts only */
	size_t n_heard;
};

static void hear(struct ear *ear, const char *text)
{
	ear->n_heard++;
	if (!ear->deaf)
		(void)strncat(ear->heard, text, sizeof(ear->heard) - strlen(ear->heard) - 1);
}

static void hear_inode(void *payload, hd_ino ino, int64_t offset, int64_t length)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "inode %llu %lld %lld;", (unsigned long long)ino,
		(long long)offset, (long long)length);
	hear(payload, text);
}

static void hear_entry(void *payload, hd_ino parent, const char *name, size_t length)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "entry %llu %.*s;", (unsigned long long)parent, (int)length, name);
	hear(payload, text);
}

static void hear_all(void *payload)
{
	hear(payload, "all;");
}

static unsigned add_ear(struct hd_kernel_cache *cache, struct ear *ear)
{
	const struct hd_cache_view view = {hear_inode, hear_entry, hear_all, ear};
	unsigned number;

	assert_int_equal(hd_kernel_cache_add_view(cache, &view, &number), 0);
	return number;
}

static struct hd_kernel_cache *cache_new(enum hd_notify_mode notify)
{
	struct hd_mount_options options;
	struct hd_kernel_cache *cache;

	hd_mount_options_default(&options);
	options.notify = notify;
	options.cache_s = 11;
	assert_int_equal(hd_kernel_cache_new(&options, &cache), 0);
	return cache;
}

static void timeouts_are_the_options(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);

	(void)state;
	assert_true(hd_kernel_cache_entry_timeout(cache) == 11);
	assert_true(hd_kernel_cache_attribute_timeout(cache) == 11);
	assert_true(hd_kernel_cache_negative_timeout(cache) == 11);
	hd_kernel_cache_free(cache);
}

static void a_view_does_not_hear_of_its_own_change(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);
	struct ear own = {0}, other = {0};
	unsigned own_number;

	(void)state;
	own_number = add_ear(cache, &own);
	(void)add_ear(cache, &other);
	hd_kernel_cache_changed(cache, own_number,
		&(struct hd_cache_event){.kind = HD_CACHE_WRITE, .ino = 5, .offset = 10, .size = 20});
	hd_kernel_cache_drain(cache);
	assert_string_equal(own.heard, "");
	assert_string_equal(other.heard, "inode 5 10 20;");
	hd_kernel_cache_free(cache);
}

static void with_always_it_hears_of_its_own_change(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_ALWAYS);
	struct ear own = {0};
	unsigned number = add_ear(cache, &own);

	(void)state;
	hd_kernel_cache_changed(
		cache, number, &(struct hd_cache_event){.kind = HD_CACHE_MKDIR, .parent = 1, .name = "d"});
	hd_kernel_cache_drain(cache);
	assert_string_equal(own.heard, "inode 1 0 0;entry 1 d;");
	hd_kernel_cache_free(cache);
}

static void with_never_nobody_hears_of_anything(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_NEVER);
	struct ear own = {0}, other = {0};
	unsigned number = add_ear(cache, &own);

	(void)state;
	(void)add_ear(cache, &other);
	hd_kernel_cache_changed(
		cache, number, &(struct hd_cache_event){.kind = HD_CACHE_MKDIR, .parent = 1, .name = "d"});
	hd_kernel_cache_drain(cache);
	assert_string_equal(own.heard, "");
	assert_string_equal(other.heard, "");
	hd_kernel_cache_free(cache);
}

static void each_event_makes_stale_what_it_changed(void **state)
{
	static const struct {
		struct hd_cache_event event;
		const char *heard;
	} rows[] = {
		{{.kind = HD_CACHE_WRITE, .ino = 5, .offset = 1, .size = 2}, "inode 5 1 2;"},
		{{.kind = HD_CACHE_TRUNCATE, .ino = 5}, "inode 5 0 0;"},
		{{.kind = HD_CACHE_SETATTR, .ino = 5}, "inode 5 -1 0;"},
		{{.kind = HD_CACHE_XATTR, .ino = 5}, "inode 5 -1 0;"},
		{{.kind = HD_CACHE_CREATE, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_MKDIR, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_MKNOD, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_SYMLINK, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_LINK, .ino = 5, .parent = 1, .name = "n"},
			"inode 5 -1 0;inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_UNLINK, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_UNLINK, .ino = 5, .parent = 1, .name = "n"},
			"inode 5 -1 0;inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_RMDIR, .parent = 1, .name = "n"}, "inode 1 0 0;entry 1 n;"},
		{{.kind = HD_CACHE_RENAME, .parent = 1, .name = "n", .new_parent = 2, .new_name = "m"},
			"inode 1 0 0;entry 1 n;inode 2 0 0;entry 2 m;"},
		{{.kind = HD_CACHE_RENAME, .parent = 1, .name = "n", .new_parent = 1, .new_name = "m"},
			"inode 1 0 0;entry 1 n;entry 1 m;"},
		{{.kind = HD_CACHE_REPLACE, .ino = 5}, "inode 5 0 0;"},
		{{.kind = HD_CACHE_ALL}, "all;"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);
		struct ear ear = {0};

		(void)add_ear(cache, &ear);
		hd_kernel_cache_changed(cache, HD_CACHE_NO_VIEW, &rows[i].event);
		hd_kernel_cache_drain(cache);
		assert_string_equal(ear.heard, rows[i].heard);
		hd_kernel_cache_free(cache);
	}
}

static void what_is_queued_is_told_before_the_cache_ends(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);
	struct ear ear = {.deaf = true};
	size_t i;

	(void)state;
	(void)add_ear(cache, &ear);
	for (i = 0; i < 1000; i++)
		hd_kernel_cache_changed(cache, HD_CACHE_NO_VIEW,
			&(struct hd_cache_event){.kind = HD_CACHE_REPLACE, .ino = i + 1});
	hd_kernel_cache_free(cache);
	assert_int_equal(ear.n_heard, 1000);
}

struct slow_ear {
	_Atomic bool held; /* the kernel takes its time */
	size_t inodes, alls;
};

static void hear_inode_slowly(void *payload, hd_ino ino, int64_t offset, int64_t length)
{
	struct slow_ear *ear = payload;

	(void)ino;
	(void)offset;
	(void)length;
	while (ear->held)
		hd_clock_sleep_ns(1000000);
	ear->inodes++;
}

static void count_all(void *payload)
{
	((struct slow_ear *)payload)->alls++;
}

static void too_many_notices_become_one_for_everything(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);
	struct slow_ear ear = {.held = true};
	const struct hd_cache_view view = {hear_inode_slowly, hear_entry, count_all, &ear};
	unsigned number;
	size_t i;

	(void)state;
	assert_int_equal(hd_kernel_cache_add_view(cache, &view, &number), 0);
	for (i = 0; i < 200000; i++)
		hd_kernel_cache_changed(cache, HD_CACHE_NO_VIEW,
			&(struct hd_cache_event){.kind = HD_CACHE_REPLACE, .ino = i + 1});
	ear.held = false;
	hd_kernel_cache_drain(cache);
	assert_int_equal(ear.alls, 1);
	assert_true(ear.inodes < 200000);
	hd_kernel_cache_free(cache);
}

static void views_are_limited(void **state)
{
	struct hd_kernel_cache *cache = cache_new(HD_NOTIFY_OTHERS);
	const struct hd_cache_view view = {hear_inode, hear_entry, hear_all, NULL};
	struct ear ears[HD_CACHE_VIEW_LIMIT] = {0};
	unsigned number;
	size_t i;

	(void)state;
	for (i = 0; i < HD_CACHE_VIEW_LIMIT; i++)
		assert_int_equal(add_ear(cache, &ears[i]), i);
	assert_int_equal(hd_kernel_cache_add_view(cache, &view, &number), -ENOSPC);
	hd_kernel_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts_are_the_options),
		cmocka_unit_test(a_view_does_not_hear_of_its_own_change),
		cmocka_unit_test(with_always_it_hears_of_its_own_change),
		cmocka_unit_test(with_never_nobody_hears_of_anything),
		cmocka_unit_test(each_event_makes_stale_what_it_changed),
		cmocka_unit_test(what_is_queued_is_told_before_the_cache_ends),
		cmocka_unit_test(too_many_notices_become_one_for_everything),
		cmocka_unit_test(views_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
