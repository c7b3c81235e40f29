/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/smudge/conversion.h"
#include "capture/smudge/wildmatch.h"
#include "overlay/platform/cleanup.h"

/*
 * Patterns, rules and conversions by themselves, with what is odd in them. That whole trees become what git makes of them is
 * compared with git in tests/cases/git/smudge_random.sh.
 */

static void patterns_match_as_git_has_them(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool slashes, matches;
	} table[] = {{"foo", "foo", true, true}, {"foo", "bar", true, false}, {"", "", true, true},
		{"???", "foo", true, true}, {"??", "foo", true, false}, {"*", "foo", true, true},
		{"*foo*", "foo", true, true}, {"f*", "foo", true, true}, {"*f", "foo", true, false},
		{"*", "a/b", true, false}, {"*", "a/b", false, true}, {"**", "a/b", true, true},
		{"**/foo", "foo", true, true}, {"**/foo", "x/y/foo", true, true},
		{"foo/**/bar", "foo/bar", true, true}, {"foo/**/bar", "foo/x/y/bar", true, true},
		{"foo**bar", "foo/bar", true, false}, {"*/foo", "x/y/foo", true, false},
		{"[ab]x", "bx", true, true}, {"[!ab]x", "bx", true, false}, {"[^ab]x", "cx", true, true},
		{"[a-c]", "b", true, true}, {"[]]", "]", true, true}, {"[]-a]", "^", true, true},
		{"[[:digit:]]", "7", true, true}, {"[[:nothing:]]", "7", true, false},
		{"[[:digit", "[", true, false}, {"[a", "a", true, false}, {"\\*", "*", true, true},
		{"\\*", "a", true, false}, {"\\", "\\", true, false}, {"a[/]b", "a/b", true, false},
		{"*a*b*c*d*e*f*g*h*i*j*k*",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true,
			false},
		/* Each of these may stand for nothing, or for any directories. */
		{"**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/**/x",
			"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", true, false},
		{"*/**/**/b", "a/a/b", true, true}, {"\xe4*", "\xe4\xf6", true, true}};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(table); i++)
		if (hd_wildmatch(table[i].pattern, table[i].text, table[i].slashes) != table[i].matches)
			fail_msg("'%s' and '%s'", table[i].pattern, table[i].text);
}

static struct hd_conversion ask(const char *root, const char *below, const char *path)
{
	struct hd_attribute_names names = {0};
	struct hd_attribute_file *files[2] = {0};
	struct hd_attribute_level levels[2];
	struct hd_conversion conversion;

	assert_int_equal(hd_attribute_file_parse(&names, root, strlen(root), true, &files[0]), 0);
	assert_int_equal(hd_attribute_file_parse(&names, below, strlen(below), false, &files[1]), 0);
	levels[0] = (struct hd_attribute_level){NULL, files[0], 0};
	levels[1] = (struct hd_attribute_level){&levels[0], files[1], 1};
	assert_int_equal(hd_attribute_stack_ask(&names, &levels[1], path, &conversion), 0);
	hd_attribute_file_free(files[0]);
	hd_attribute_file_free(files[1]);
	hd_attribute_names_clear(&names);
	return conversion;
}

static void the_nearest_and_last_rule_counts(void **state)
{
	(void)state;
	assert_int_equal(ask("* text eol=crlf", "", "d/a").eol, HD_EOL_CRLF);
	assert_int_equal(ask("* text eol=crlf", "a -text", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("* text eol=crlf\n* eol=lf", "", "d/a").eol, HD_EOL_TEXT);
	assert_int_equal(ask("* eol=crlf", "a binary", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("* text=auto", "a eol=crlf", "d/a").eol, HD_EOL_AUTO_CRLF);
	assert_int_equal(ask("* crlf=input", "", "d/a").eol, HD_EOL_TEXT);
	assert_int_equal(ask("d/ eol=crlf", "", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("[attr]windows text eol=crlf\n* windows", "", "d/a").eol, HD_EOL_CRLF);
	assert_int_equal(ask("* windows", "[attr]windows text eol=crlf", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("* eol=crlf", "a eol=crlf bad@name -text", "d/a").eol, HD_EOL_CRLF);
	assert_int_equal(ask("!* eol=crlf", "", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("\"\\141\" eol=crlf", "", "d/a").eol, HD_EOL_CRLF);
	assert_int_equal(ask("* eol=crlf working-tree-encoding=UTF-16", "", "d/a").eol, HD_EOL_KEEP);
	assert_true(ask("* ident", "", "d/a").ident);
	assert_false(ask("* ident", "a !ident", "d/a").ident);
}

/* Macros that lead to each other, and more of them than anybody has. */
static void many_names_do_no_harm(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};

	(void)state;
	assert_int_equal(ask("[attr]one two\n[attr]two one eol=crlf\n* one", "", "d/a").eol, HD_EOL_CRLF);
	for (unsigned i = 0; i < 5000; i++)
		hd_buffer_printf(&text, "[attr]n%u n%u eol=crlf\n", i, i + 1);
	hd_buffer_printf(&text, "* n0\nb n4999\n");
	hd_buffer_put_u8(&text, 0);
	assert_int_equal(hd_buffer_status(&text), 0);
	assert_int_equal(ask((const char *)text.data, "", "d/a").eol, HD_EOL_CRLF);
	assert_int_equal(ask((const char *)text.data, "* -eol", "d/b").eol, HD_EOL_KEEP);
}

static void long_lines_and_wild_bytes_are_no_rules(void **state)
{
	char text[4096];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "* eol=crlf", 10);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(ask(text, "", "d/a").eol, HD_EOL_KEEP);
	assert_int_equal(ask("\"* eol=crlf", "\"\\", "d/a").eol, HD_EOL_KEEP);
}

static void check_conversion(
	struct hd_conversion conversion, bool to_git, const char *data, const char *wanted)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	int r = to_git ? hd_convert_to_git(&conversion, data, strlen(data), false, &out)
		       : hd_convert_to_worktree(&conversion, data, strlen(data), &out);

	assert_int_equal(r, wanted != NULL);
	if (!wanted)
		return;
	assert_int_equal(out.size, strlen(wanted));
	assert_memory_equal(out.data, wanted, out.size);
}

static void line_ends_are_converted_and_back(void **state)
{
	const struct hd_conversion crlf = {.eol = HD_EOL_CRLF}, guess = {.eol = HD_EOL_AUTO_CRLF};

	(void)state;
	check_conversion(crlf, false, "a\nb\r\nc", "a\r\nb\r\nc");
	check_conversion(crlf, false, "a\r\n", NULL);
	check_conversion(crlf, false, "", NULL);
	check_conversion(guess, false, "a\nb\n", "a\r\nb\r\n");
	check_conversion(guess, false, "a\nb\r\n", NULL);
	check_conversion(guess, false, "a\n\001\002", NULL);
	check_conversion(crlf, true, "a\r\nb\rc\r\n", "a\nb\rc\n");
	check_conversion(guess, true, "a\r\nb\r\n", "a\nb\n");
	check_conversion(guess, true, "a\r\nb\rc\r\n", NULL);
	check_conversion((struct hd_conversion){.eol = HD_EOL_KEEP}, true, "a\r\n", NULL);
}

static void ids_are_put_in_and_cut_out(void **state)
{
	const struct hd_conversion once = {.ident = true, .looks_first = true}, way = {.ident = true};

	(void)state;
	check_conversion(once, true, "$Id: x $\n$Id$\n", "$Id$\n$Id$\n");
	check_conversion(way, true, "$Id: x\n$", NULL);
	check_conversion(once, false, "no id", NULL);
	check_conversion(way, false, "$Id: a b $ is of somebody else", NULL);
	check_conversion(way, false, "$$Id$", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_git_has_them),
		cmocka_unit_test(the_nearest_and_last_rule_counts),
		cmocka_unit_test(many_names_do_no_harm),
		cmocka_unit_test(long_lines_and_wild_bytes_are_no_rules),
		cmocka_unit_test(line_ends_are_converted_and_back),
		cmocka_unit_test(ids_are_put_in_and_cut_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
