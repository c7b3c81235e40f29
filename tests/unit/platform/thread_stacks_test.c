/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of threads that wait for a lock, run, and are in a system call, by the names of their functions. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/symbol_table.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/platform/threads/thread_stacks.h"

static _Atomic int ready, stop;
static struct hd_mutex lock;
static struct hd_condition changed;
static int ends[2];

/* Two levels each, so that more than the innermost name counts; what follows the call keeps it from being a jump. */
__attribute__((noinline)) static void wait_for_the_end(void)
{
	hd_mutex_lock(&lock);
	while (!stop)
		hd_condition_wait(&changed, &lock);
	hd_mutex_unlock(&lock);
}

static void *waiter(void *payload)
{
	ready++;
	wait_for_the_end();
	ready--;
	return payload;
}

__attribute__((noinline)) static void turn_round(void)
{
	while (!stop)
		;
	ready--;
}

static void *runner(void *payload)
{
	ready++;
	turn_round();
	return payload;
}

__attribute__((noinline)) static ssize_t read_the_pipe(char *byte)
{
	ssize_t n = read(ends[0], byte, 1);

	ready--;
	return n;
}

/* Its result says whether the call was interrupted. */
static void *reader(void *payload)
{
	ssize_t *result = payload;
	char byte;

	ready++;
	*result = read_the_pipe(&byte);
	return NULL;
}

static void describe(int thread, struct hd_buffer *text, void *payload)
{
	(void)thread;
	(void)payload;
	hd_buffer_put_text(text, "; described");
}

/* The part of TEXT about the thread called NAME. */
static const char *part_of(const char *text, const char *name)
{
	static char part[16384];
	const char *begin, *end;
	char head[64];

	(void)snprintf(head, sizeof(head), " %s, state", name);
	begin = strstr(text, head);
	if (!begin)
		return "";
	end = strstr(begin, "\n\n");
	(void)snprintf(part, sizeof(part), "%.*s", end ? (int)(end - begin) : (int)strlen(begin), begin);
	return part;
}

static bool has(const char *text, const char *thread, const char *inner, const char *outer)
{
	const char *part = part_of(text, thread);

	return strstr(part, inner) && strstr(part, outer);
}

static bool all_are_found(const char *text)
{
	return has(text, "waiter", "    wait_for_the_end+", "    waiter+") &&
	       has(text, "runner", "    turn_round+", "    runner+") &&
	       has(text, "reader", "    ? read_the_pipe+", "    ? reader+");
}

static void every_thread_is_found_where_it_is(void **state)
{
	ssize_t result = -2;
	struct hd_buffer text = {0};
	pthread_t threads[3];
	uint64_t end = hd_clock_monotonic_ns() + UINT64_C(60000000000);
	const char *part;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	hd_mutex_init(&lock, HD_RANK_LEAF);
	hd_condition_init(&changed);
	assert_int_equal(hd_thread_start(&threads[0], "waiter", waiter, NULL), 0);
	assert_int_equal(hd_thread_start(&threads[1], "runner", runner, NULL), 0);
	assert_int_equal(hd_thread_start(&threads[2], "reader", reader, &result), 0);
	while (ready < 3)
		hd_clock_sleep_ns(1000000);
	/* They have said that they will wait; on a busy machine it takes a while until all do. */
	do {
		hd_clock_sleep_ns(10000000);
		hd_buffer_reset(&text);
		hd_thread_stacks_write(&text, describe, NULL);
		hd_buffer_put_u8(&text, 0);
		assert_int_equal(hd_buffer_status(&text), 0);
	} while (!all_are_found((char *)text.data) && hd_clock_monotonic_ns() < end);
	assert_true(all_are_found((char *)text.data));
	part = part_of((char *)text.data, "waiter");
	assert_non_null(strstr(part, "; described\n"));
	assert_null(strstr(part, "?"));
	/* Nobody's own thread. */
	assert_null(strstr((char *)text.data, " hd_thread_stacks_write+"));
	hd_buffer_clear(&text);
	hd_mutex_lock(&lock);
	stop = 1;
	hd_condition_broadcast(&changed);
	hd_mutex_unlock(&lock);
	while (ready > 1)
		hd_clock_sleep_ns(1000000);
	assert_int_equal(result, -2); /* still in its call */
	assert_int_equal(write(ends[1], "x", 1), 1);
	for (int i = 0; i < 3; i++)
		hd_thread_join(threads[i]);
	assert_int_equal(result, 1);
	hd_condition_destroy(&changed);
	hd_mutex_destroy(&lock);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void functions_have_names(void **state)
{
	struct hd_symbol_table table;
	char name[128];

	(void)state;
	assert_int_equal(hd_symbol_table_load(&table), 0);
	hd_symbol_table_name(&table, (uintptr_t)functions_have_names + 5, name, sizeof(name));
	assert_string_equal(name, "functions_have_names+0x5");
	assert_true(hd_symbol_table_is_program(&table, (uintptr_t)functions_have_names));
	assert_false(hd_symbol_table_is_program(&table, (uintptr_t)name));
	hd_symbol_table_name(&table, (uintptr_t)table.program_begin, name, sizeof(name));
	hd_symbol_table_name(&table, 16, name, sizeof(name));
	assert_string_equal(name, "0x10");
	hd_symbol_table_clear(&table);
}

static uint32_t draw(void)
{
	static uint32_t random = 1;

	random = random * 1664525u + 1013904223u;
	return random >> 4;
}

/* A copy of this program with damage: any result is fine, as long as nothing outside of it is read. */
static void a_damaged_file_names_nothing_or_something(void **state)
{
	struct hd_symbol_table table, damaged;
	ElfW(Off) sections;
	char name[128];
	int found = 0;

	(void)state;
	assert_int_equal(hd_symbol_table_load(&table), 0);
	memcpy(&sections, table.image + offsetof(ElfW(Ehdr), e_shoff), sizeof(sections));
	assert_true(sections < table.image_size);
	for (int i = 0; i < 300; i++) {
		/* The header, the sections' headers, anything. */
		size_t begin = i % 3 == 1 ? sections : 0;
		size_t length = i % 3 == 0 ? sizeof(ElfW(Ehdr)) : table.image_size - begin;
		size_t size = i % 4 ? table.image_size : draw() % table.image_size;
		char *copy = malloc(table.image_size);

		assert_non_null(copy);
		memcpy(copy, table.image, table.image_size);
		for (int n = 0; n < 3; n++)
			copy[begin + draw() % length] ^= (char)(1u << draw() % 8);
		hd_symbol_table_parse(realloc(copy, size + 1), size, 0, &damaged);
		found += damaged.n_symbols > 0;
		hd_symbol_table_name(&damaged, draw(), name, sizeof(name));
		hd_symbol_table_clear(&damaged);
	}
	/* Both happened. */
	assert_in_range(found, 1, 299);
	hd_symbol_table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_is_found_where_it_is),
		cmocka_unit_test(functions_have_names),
		cmocka_unit_test(a_damaged_file_names_nothing_or_something),
	};

	hd_thread_stacks_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
