/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "capture/git/export/export_commit.h"
#include "capture/git/export/export_names.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The bytes of a commit, and the names a tree may not have. That git takes both is in export_git_test.c. */

static void assert_message(struct hd_state *state, const char *message, const char *expected)
{
	struct hd_buffer out = {0};
	git_oid tree = {{0}};
	const char *text;

	state->message = (char *)message;
	assert_int_equal(hd_export_commit_format(state, &tree, NULL, 0, &out), 0);
	hd_buffer_put_u8(&out, 0);
	text = strstr((const char *)out.data, "\n\n");
	assert_non_null(text);
	assert_string_equal(text + 2, expected);
	hd_buffer_clear(&out);
}

#define ID_LINE "Heddle-State: 01000000000000000000000000000000\n"

static void trailers_are_a_paragraph_of_their_own_or_join_the_one_there(void **unused)
{
	struct hd_state state = {.author = (char *)"A <a@b>", .id = {{1}}};

	(void)unused;
	assert_message(&state, "subject", "subject\n\n" ID_LINE);
	assert_message(&state, "subject\n\n\n", "subject\n\n" ID_LINE);
	assert_message(&state, "", ID_LINE);
	assert_message(&state, "fix: it", "fix: it\n\n" ID_LINE);
	assert_message(&state, "subject\n\nbody", "subject\n\nbody\n\n" ID_LINE);
	assert_message(
		&state, "subject\n\nSigned-off-by: A <a@b>\n", "subject\n\nSigned-off-by: A <a@b>\n" ID_LINE);
	assert_message(
		&state, "subject\n\nNote: x\nno trailer", "subject\n\nNote: x\nno trailer\n\n" ID_LINE);
}

static void facts_become_trailers(void **unused)
{
	struct hd_state_fact facts[] = {
		{.key = (char *)"agent.model_name", .value = (char *)"m1"},
		{.key = (char *)"prompt", .value = (char *)"two\nlines"},
	};
	struct hd_state state = {.author = (char *)"A <a@b>", .id = {{1}}, .facts = facts, .n_facts = 2};

	(void)unused;
	assert_message(
		&state, "s", "s\n\nHeddle-Agent-Model-Name: m1\nHeddle-Prompt: two\n  lines\n" ID_LINE);
}

static void the_header_says_who_when_and_after_what(void **unused)
{
	struct hd_state state = {.author = (char *)"J. Hacker  <j@x>",
		.time_s = 1700000000,
		.zone_minutes = -570,
		.message = (char *)"m",
		.n_parents = 2};
	git_oid ids[2] = {{{0xaa}}, {{0xbb}}};
	git_oid tree = {{0xcc}};
	struct hd_buffer out = {0};

	(void)unused;
	assert_int_equal(hd_export_commit_format(&state, &tree, ids, 2, &out), 0);
	hd_buffer_put_u8(&out, 0);
	assert_non_null(strstr((const char *)out.data, "tree cc00000000000000000000000000000000000000\n"
						       "parent aa00000000000000000000000000000000000000\n"
						       "parent bb00000000000000000000000000000000000000\n"
						       "author J. Hacker <j@x> 1700000000 -0930\ncommitter "
						       "J. Hacker <j@x> 1700000000 -0930\n\nm\n"));
	hd_buffer_reset(&out);
	state.time_s = -5;
	state.zone_minutes = 99999;
	assert_int_equal(hd_export_commit_format(&state, &tree, NULL, 0, &out), 0);
	hd_buffer_put_u8(&out, 0);
	assert_non_null(strstr((const char *)out.data, "> 0 +0000\n"));
	hd_buffer_clear(&out);
}

static void names_that_mean_git_somewhere_are_refused(void **unused)
{
	static const char *const bad[] = {".git", ".GIT", ".gIt", "git~1", "GIT~1", ".git.", ".git ",
		".git. .", ".git:x", ".git::$INDEX_ALLOCATION", ".g\xe2\x80\x8cit", "\xef\xbb\xbf.git",
		".git\xe2\x80\x8d", "a\\.git", ".git\\x", "x\\git~1\\y"};
	static const char *const good[] = {".gitignore", ".gitattributes", "git", ".gi", ".gitt", "git~2",
		"x.git", ".git-x", "..git", ".gitmodules"};

	(void)unused;
	for (size_t i = 0; i < HD_ARRAY_SIZE(bad); i++) {
		if (hd_export_name_check("dir", bad[i], S_IFREG | 0644) != -HD_E_EXPORT_NAME)
			fail_msg("'%s' was taken", bad[i]);
	}
	for (size_t i = 0; i < HD_ARRAY_SIZE(good); i++) {
		if (hd_export_name_check("", good[i], S_IFREG | 0644) != 0)
			fail_msg("'%s' was refused", good[i]);
	}
	assert_int_equal(hd_export_name_check("", ".gitmodules", S_IFLNK | 0777), -HD_E_EXPORT_NAME);
	assert_int_equal(hd_export_name_check("", ".gitmodules", S_IFDIR | 0755), -HD_E_EXPORT_NAME);
	assert_int_equal(hd_export_name_check("", ".gitignore", S_IFLNK | 0777), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trailers_are_a_paragraph_of_their_own_or_join_the_one_there),
		cmocka_unit_test(facts_become_trailers),
		cmocka_unit_test(the_header_says_who_when_and_after_what),
		cmocka_unit_test(names_that_mean_git_somewhere_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
