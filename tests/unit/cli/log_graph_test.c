/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/text/log_graph.h"

/* Histories as letters: "M:ab" is the state M with the parents a and b. */

static struct hd_state_id id_of(char letter)
{
	struct hd_state_id id = {.bytes = {(uint8_t)letter}};

	return id;
}

/* Each state's first row has its letter behind it. */
static void assert_graph(const char *history, const char *expected)
{
	struct hd_log_graph graph = {0};
	struct hd_buffer text = {0};

	while (*history) {
		struct hd_buffer rows = {0};
		struct hd_state_id id = id_of(history[0]), parents[16];
		size_t n = 0, first;

		while (history[2 + n] && history[2 + n] != ' ') {
			parents[n] = id_of(history[2 + n]);
			n++;
		}
		assert_int_equal(hd_log_graph_put(&graph, &id, parents, n, &rows), 0);
		first = (size_t)((uint8_t *)memchr(rows.data, '\n', rows.size) - rows.data);
		hd_buffer_put(&text, rows.data, first);
		hd_buffer_printf(&text, " %c", history[0]);
		hd_buffer_put(&text, rows.data + first, rows.size - first);
		hd_buffer_clear(&rows);
		history += 2 + n + (history[2 + n] == ' ');
	}
	assert_int_equal(graph.n_lanes, 0);
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((char *)text.data, expected);
	hd_buffer_clear(&text);
	hd_log_graph_clear(&graph);
}

static void a_line_is_one_column(void **state)
{
	(void)state;
	assert_graph("", "");
	assert_graph("c:b b:a a:", "* c\n* b\n* a\n");
}

static void a_fork_ends_where_it_began(void **state)
{
	(void)state;
	assert_graph("y:x c:b b:a x:a a:", "* y\n"
					   "| * c\n"
					   "| * b\n"
					   "* | x\n"
					   "|/\n"
					   "* a\n");
}

static void a_merge_has_two_lines(void **state)
{
	(void)state;
	assert_graph("M:as s:b a:b b:", "* M\n"
					"|\\\n"
					"| * s\n"
					"* | a\n"
					"|/\n"
					"* b\n");
	/* The second parent is an ancestor that another line waits for already. */
	assert_graph("M:ab a:b b:", "* M\n"
				    "|\\\n"
				    "* | a\n"
				    "|/\n"
				    "* b\n");
	/* The same parent twice is one line. */
	assert_graph("M:aa a:", "* M\n* a\n");
}

static void lines_pass_below_others(void **state)
{
	(void)state;
	assert_graph("p:a q:b r:c c:a a:z b:z z:", "* p\n"
						   "| * q\n"
						   "| | * r\n"
						   "| | * c\n"
						   "|_|/\n"
						   "* | a\n"
						   "| * b\n"
						   "|/\n"
						   "* z\n");
	assert_graph("p:a q:b M:cb c:z b:z a:z z:", "* p\n"
						    "| * q\n"
						    "| | * M\n"
						    "| |/|\n"
						    "| | * c\n"
						    "| * | b\n"
						    "| |/\n"
						    "* | a\n"
						    "|/\n"
						    "* z\n");
	/* A merge whose second parent needs a column beyond another line. */
	assert_graph("M:as q:z s:z a:z z:", "* M\n"
					    "|\\\n"
					    "| | * q\n"
					    "| * | s\n"
					    "| |/\n"
					    "* | a\n"
					    "|/\n"
					    "* z\n");
	assert_graph("p:M q:z M:as s:z a:z z:", "* p\n"
						"| * q\n"
						"* | M\n"
						"|\\|_\n"
						"| | * s\n"
						"| |/\n"
						"* | a\n"
						"|/\n"
						"* z\n");
}

static void an_octopus_has_a_row_for_each_arm(void **state)
{
	(void)state;
	assert_graph("M:abc c:z b:z a:z z:", "* M\n"
					     "|\\\n"
					     "|\\|_\n"
					     "| | * c\n"
					     "| * | b\n"
					     "| |/\n"
					     "* | a\n"
					     "|/\n"
					     "* z\n");
}

static void free_columns_are_used_again(void **state)
{
	(void)state;
	assert_graph("p:a q:b b: r:a a:", "* p\n"
					  "| * q\n"
					  "| * b\n"
					  "| * r\n"
					  "|/\n"
					  "* a\n");
}

static void a_wide_history_keeps_its_columns(void **state)
{
	struct hd_log_graph graph = {0};
	struct hd_buffer rows = {0};
	struct hd_state_id parent = id_of('z');
	size_t length;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct hd_state_id id = {.bytes = {1, (uint8_t)i}}, next = {.bytes = {2, (uint8_t)i}};

		assert_int_equal(hd_log_graph_put(&graph, &id, &next, 1, &rows), 0);
	}
	assert_int_equal(graph.n_lanes, 100);
	hd_buffer_reset(&rows);
	for (unsigned i = 0; i < 100; i += 99) {
		struct hd_state_id id = {.bytes = {2, (uint8_t)i}};

		assert_int_equal(hd_log_graph_put(&graph, &id, &parent, 1, &rows), 0);
	}
	/* The last column's line runs below all others to the first one's. */
	length = rows.size;
	assert_int_equal(rows.data[length - 2], '/');
	assert_int_equal(length - 1 - 2 * 200, 198);
	assert_memory_equal(rows.data + 400, "|_|_|_", 6);
	assert_int_equal(graph.n_lanes, 99);
	hd_buffer_clear(&rows);
	hd_log_graph_clear(&graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_column),
		cmocka_unit_test(a_fork_ends_where_it_began),
		cmocka_unit_test(a_merge_has_two_lines),
		cmocka_unit_test(lines_pass_below_others),
		cmocka_unit_test(an_octopus_has_a_row_for_each_arm),
		cmocka_unit_test(free_columns_are_used_again),
		cmocka_unit_test(a_wide_history_keeps_its_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
