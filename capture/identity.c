/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/identity.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"

/*
 * An author is kept as one line and ends up in the header of a git commit, where a line break or a bracket in
 * the wrong place would forge another field. So it is checked where it enters, and everything behind may rely
 * on it.
 */

#define IDENTITY_VARIABLE "HEDDLE_AUTHOR"
#define IDENTITY_KEY "heddle.author"

static void free_config(git_config **config)
{
	git_config_free(*config);
}

int hd_identity_check(const char *author)
{
	size_t length = strlen(author);
	const char *open = strchr(author, '<');

	for (const unsigned char *byte = (const unsigned char *)author; *byte; byte++) {
		if (*byte < 0x20 || *byte == 0x7f)
			return hd_fail(HD_E_IDENTITY_INVALID, "the author has a control byte in it");
	}
	if (!open || open == author || open[-1] != ' ' || author[strspn(author, " ")] == '<')
		return hd_fail(HD_E_IDENTITY_INVALID, "'%s'", author);
	if (strchr(open + 1, '<') || strchr(author, '>') != author + length - 1)
		return hd_fail(HD_E_IDENTITY_INVALID, "'%s'", author);
	return 0;
}

int hd_identity_split(const char *author, char **ret_name, char **ret_mail)
{
	HD_AUTO_FREE char *name = NULL;
	HD_AUTO_FREE char *mail = NULL;
	const char *open;
	size_t length;
	int r;

	r = hd_identity_check(author);
	if (r < 0)
		return r;
	author += strspn(author, " ");
	open = strchr(author, '<');
	length = (size_t)(open - author);
	while (length > 0 && author[length - 1] == ' ')
		length--;
	name = strndup(author, length);
	mail = strndup(open + 1, strlen(open) - 2);
	if (!name || !mail)
		return -ENOMEM;
	*ret_name = HD_STEAL(name);
	*ret_mail = HD_STEAL(mail);
	return 0;
}

/* git's own variable for another user-wide file; libgit2 1.5 does not know it. */
#define GLOBAL_VARIABLE "GIT_CONFIG_GLOBAL"

static int replace_global(git_config *config, const git_repository *repository)
{
	const char *path = getenv(GLOBAL_VARIABLE);

	if (!path || !*path)
		return 0;
	return git_config_add_file_ondisk(config, path, GIT_CONFIG_LEVEL_GLOBAL, repository, 1);
}

static int open_config(const char *directory, git_config **ret_config)
{
	git_repository *repository = NULL;
	git_config *config = NULL;
	int g;
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	if (directory && git_repository_open_ext(&repository, directory, 0, NULL) == 0)
		g = git_repository_config(&config, repository);
	else
		g = git_config_open_default(&config);
	if (g >= 0)
		g = replace_global(config, repository);
	if (g >= 0)
		g = git_config_snapshot(ret_config, config);
	git_config_free(config);
	git_repository_free(repository);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "read the git configuration") : 0;
}

/* Of one who captures here; a state that was imported may have other bytes. */
static int check_new(const char *author)
{
	int r;

	r = hd_identity_check(author);
	if (r == 0 && !hd_utf8_is_valid(author, strlen(author)))
		r = hd_fail(HD_E_IDENTITY_INVALID, "the author is not UTF-8");
	return r;
}

static int author_from_config(const char *directory, char **ret_author)
{
	HD_CLEANUP(free_config) git_config *config = NULL;
	HD_AUTO_FREE char *author = NULL;
	const char *name = NULL, *mail = NULL, *whole = NULL;
	int r;

	r = open_config(directory, &config);
	if (r < 0)
		return r;
	if (git_config_get_string(&whole, config, IDENTITY_KEY) == 0) {
		r = check_new(whole);
		if (r < 0)
			return hd_fail_in(r, IDENTITY_KEY " of the git configuration");
		*ret_author = strdup(whole);
		return *ret_author ? 0 : -ENOMEM;
	}
	if (git_config_get_string(&name, config, "user.name") < 0 || !*name ||
		git_config_get_string(&mail, config, "user.email") < 0 || !*mail)
		return hd_fail(HD_E_IDENTITY_MISSING,
			"set user.name and user.email with 'git config', or " IDENTITY_VARIABLE
			" to 'Name <mail>', or name an author");
	if (asprintf(&author, "%s <%s>", name, mail) < 0) {
		author = NULL;
		return -ENOMEM;
	}
	r = check_new(author);
	if (r < 0)
		return hd_fail_in(r, "user.name and user.email of the git configuration");
	*ret_author = HD_STEAL(author);
	return 0;
}

int hd_identity_resolve(const char *author, const char *directory, char **ret_author)
{
	const char *source = "author";
	int r;

	/* An empty one that was given is a mistake; in the environment it means none. */
	if (!author) {
		source = IDENTITY_VARIABLE;
		author = getenv(IDENTITY_VARIABLE);
		if (!author || !*author)
			return author_from_config(directory, ret_author);
	}
	r = check_new(author);
	if (r < 0)
		return hd_fail_in(r, "%s", source);
	author = strdup(author);
	if (!author)
		return -ENOMEM;
	*ret_author = (char *)author;
	return 0;
}
