/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/identity.h"

/*
 * Who an author is. libgit2 looks for the user's configuration where HOME is when it starts: the test that needs one
 * comes first.
 */

static void an_author_comes_from_the_nearest_source(void **state)
{
	struct scene *scene = *state;
	char directory[PATH_MAX];
	char *author;

	scene_make_repository(scene);
	snprintf(directory, sizeof(directory), "%s/repo/src", scene->directory);
	assert_code(hd_identity_resolve(NULL, directory, &author), HD_E_IDENTITY_MISSING);
	assert_code(hd_identity_resolve(NULL, NULL, &author), HD_E_IDENTITY_MISSING);
	scene_run(scene, "git config --global user.name 'Global Name' && git config --global user.email g@g");
	assert_success(hd_identity_resolve(NULL, directory, &author));
	assert_string_equal(author, "Global Name <g@g>");
	free(author);
	scene_run(scene, "git -C repo config user.name Local");
	assert_success(hd_identity_resolve(NULL, directory, &author));
	assert_string_equal(author, "Local <g@g>");
	free(author);
	setenv("HEDDLE_AUTHOR", "Env <e@e>", 1);
	assert_success(hd_identity_resolve(NULL, directory, &author));
	assert_string_equal(author, "Env <e@e>");
	free(author);
	assert_success(hd_identity_resolve("Me <>", directory, &author));
	assert_string_equal(author, "Me <>");
	free(author);
	setenv("HEDDLE_AUTHOR", "nonsense", 1);
	assert_code(hd_identity_resolve(NULL, directory, &author), HD_E_IDENTITY_INVALID);
	setenv("HEDDLE_AUTHOR", "J\xf6rg <j@x.y>", 1);
	assert_code(hd_identity_resolve(NULL, directory, &author), HD_E_IDENTITY_INVALID);
	assert_success(hd_identity_check("J\xf6rg <j@x.y>")); /* of an imported commit */
	unsetenv("HEDDLE_AUTHOR");
}

static void an_author_that_would_break_a_commit_is_refused(void **state)
{
	static const char *const bad[] = {"", "Name", "<a@b>", " <a@b>", "Name<a@b>", "Name <a@b",
		"Name <a@b> x", "Na\nme <a@b>", "Name <a\nb>", "Na<me <a@b>", "Name <a>b>", "Name <a@b>\n",
		"Na>me <a@b>", "Name <<a@b>"};
	char *name, *mail;

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(bad); i++) {
		if (hd_identity_check(bad[i]) != -HD_E_IDENTITY_INVALID)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_success(hd_identity_split(" J. \"R\" Hacker  <j@x.y>", &name, &mail));
	assert_string_equal(name, "J. \"R\" Hacker");
	assert_string_equal(mail, "j@x.y");
	free(name);
	free(mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_author_comes_from_the_nearest_source, scene_setup, scene_teardown),
		cmocka_unit_test(an_author_that_would_break_a_commit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
