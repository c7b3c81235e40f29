/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids without libgit2 are what libgit2 makes of them, and do not load it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/bases/loaded/git2.h"

/* Libgit2's own, which this test is linked with. */
#undef git_libgit2_init
#undef git_oid_equal
#undef git_oid_fromstr
#undef git_oid_is_zero
#undef git_oid_tostr

#define ROUNDS 20000

static void ids_are_what_libgit2_makes_of_them(void **state)
{
	static const char some[] = "0123456789abcdefABCDEF0123456789abcdefABCDEFg/:@G` \xff";
	git_oid previous = {0};

	(void)state;
	assert_true(git_libgit2_init() > 0); /* its refusals are texts */
	srandom(11);
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* Mostly ids; some end early, some have what is no digit. */
		size_t length = round % 4 ? GIT_OID_HEXSZ : (size_t)random() % (GIT_OID_HEXSZ + 4);
		size_t range = round % 3 ? 44 : sizeof(some) - 1;
		char text[GIT_OID_HEXSZ + 8] = "", shown[64], expected_shown[64];
		git_oid id = {0}, expected = {0};
		size_t size = 1 + (size_t)random() % (GIT_OID_HEXSZ + 8);

		for (size_t i = 0; i < length; i++)
			text[i] = some[(size_t)random() % range];
		assert_int_equal(hd_git_id_parse(&id, text) < 0, git_oid_fromstr(&expected, text) < 0);
		if (hd_git_id_parse(&id, text) < 0)
			continue;
		assert_memory_equal(&id, &expected, sizeof(id));
		assert_string_equal(
			hd_git_id_format(shown, size, &id), git_oid_tostr(expected_shown, size, &id));
		assert_int_equal(strlen(hd_git_id_text(&id)), GIT_OID_HEXSZ);
		assert_int_equal(hd_git_id_is_zero(&id), git_oid_is_zero(&id));
		assert_int_equal(hd_git_id_equal(&id, &previous), git_oid_equal(&id, &previous));
		assert_true(hd_git_id_equal(&id, &expected));
		(void)hd_git_id_from_bytes(&previous, id.id);
	}
	assert_true(hd_git_id_is_zero(&(git_oid){0}));
	assert_null(atomic_load(&hd_git_functions_found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_what_libgit2_makes_of_them)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
