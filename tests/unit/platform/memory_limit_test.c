/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that control groups allow, in both versions of their interface, as a host and as a container sees them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/processes/memory_limit.h"
#include "tests/unit/platform/scratch.h"

static void enter(void **state)
{
	const struct scratch *scratch = *state;

	assert_int_equal(fchdir(scratch->fd), 0);
}

/* Writes TEXT to the file PATH in the scratch directory, and makes the directories on the way. */
static void write_limit(const char *path, const char *text)
{
	char part[256];
	FILE *file;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0700);
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void the_smallest_on_the_way_up_counts(void **state)
{
	enter(state);
	write_limit("two/memory.max", "max\n");
	write_limit("two/user/memory.max", "300000000\n");
	write_limit("two/user/job/memory.max", "max\n");
	write_limit("two/user/other/memory.max", "100\n");
	assert_int_equal(hd_memory_limit_of_groups("0::/user/job\n", "two"), 300000000);
	assert_int_equal(hd_memory_limit_of_groups("0::/user/other\n", "two"), 100);
	assert_true(hd_memory_limit_of_groups("0::/\n", "two") == UINT64_MAX);
}

static void the_first_version_has_a_hierarchy_for_memory(void **state)
{
	static const char groups[] = "12:cpu,cpuacct:/a\n4:hugetlb,memory:/a/b\n3:name=systemd:/\n0::/\n";

	enter(state);
	write_limit("one/memory/memory.limit_in_bytes", "9223372036854771712\n");
	write_limit("one/memory/a/memory.limit_in_bytes", "104857600\n");
	write_limit("one/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(hd_memory_limit_of_groups(groups, "one"), 104857600);
}

/* Its own group is the root that it sees. */
static void a_container_sees_a_path_that_is_not_there(void **state)
{
	enter(state);
	write_limit("container/memory.max", "5000\n");
	assert_int_equal(hd_memory_limit_of_groups("0::/docker/0123\n", "container"), 5000);
	write_limit("container1/memory/memory.limit_in_bytes", "6000\n");
	assert_int_equal(hd_memory_limit_of_groups("9:memory:/docker/0123\n", "container1"), 6000);
}

static void what_cannot_be_read_is_no_limit(void **state)
{
	static const char *const texts[] = {
		"", "\n", "0:", "0::", "0::relative\n", "::/\n", "x:memory\n", ":::::"};

	enter(state);
	write_limit("broken/memory.max", "many\n");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(hd_memory_limit_of_groups(texts[i], "broken") == UINT64_MAX);
	assert_true(hd_memory_limit() > 0);
	assert_true(hd_memory_limit() <= (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(the_smallest_on_the_way_up_counts),
		WITH_SCRATCH(the_first_version_has_a_hierarchy_for_memory),
		WITH_SCRATCH(a_container_sees_a_path_that_is_not_there),
		WITH_SCRATCH(what_cannot_be_read_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
