/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fsmonitor/asking_command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

/*
 * git runs the hook itself, so the command line of the parent is git's own; an alias of a command of git's is run as a process of
 * the command's name. What is not understood in it, as an option of a later git, which may take the next word along, is a
 * command that is not known.
 */

#define LINE_LIMIT 16384

/* They compare files with the index alone, and write none, or such as they note in the index. */
static const char *const commands[] = {
	"add", "commit", "diff-files", "ls-files", "reset", "restore", "status"};

/* Options before the command: those that are one word, those that begin with it, those that take the next one. */
static const char *const words[] = {"-p", "--paginate", "-P", "--no-pager", "--no-replace-objects",
	"--no-optional-locks", "--literal-pathspecs", "--glob-pathspecs", "--noglob-pathspecs",
	"--icase-pathspecs", "--no-advice", "--no-lazy-fetch"};
static const char *const beginnings[] = {"--git-dir=", "--work-tree=", "--namespace=", "--config-env="};
static const char *const pairs[] = {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env"};

struct words {
	const char *next, *end;
};

/* NULL at the end. */
static const char *next_word(struct words *line)
{
	const char *word = line->next;
	const char *nul = word < line->end ? memchr(word, '\0', (size_t)(line->end - word)) : NULL;

	if (!nul)
		return NULL;
	line->next = nul + 1;
	return word;
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

static bool begins_with_one(const char *word)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(beginnings); i++) {
		if (strncmp(word, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

/* The first word behind git's own options; NULL where there is none that is understood. */
static const char *command_of(struct words *line)
{
	const char *word = next_word(line);

	while (word && *word == '-') {
		if (is_one_of(word, pairs, HD_ARRAY_SIZE(pairs)))
			(void)next_word(line);
		else if (!is_one_of(word, words, HD_ARRAY_SIZE(words)) && !begins_with_one(word))
			return NULL;
		word = next_word(line);
	}
	return word;
}

enum names { NO_NAMES, PATHS, PERHAPS_REVISIONS };

/* What is named behind a command that takes revisions and paths: what is no option may be either, but behind "--". */
static enum names find_names(struct words *line)
{
	const char *word;

	while ((word = next_word(line))) {
		if (strcmp(word, "--") == 0)
			return PATHS;
		if (*word != '-')
			return PERHAPS_REVISIONS;
	}
	return NO_NAMES;
}

bool hd_asking_command_is_known(const char *line, size_t size)
{
	struct words rest = {.next = line, .end = line + size};
	const char *program = next_word(&rest);
	const char *name = program ? strrchr(program, '/') : NULL;
	const char *command;

	name = name ? name + 1 : program;
	if (!name || strcmp(name, "git") != 0)
		return false;
	command = command_of(&rest);
	if (!command)
		return false;
	if (strcmp(command, "diff") == 0)
		return find_names(&rest) != PERHAPS_REVISIONS;
	/* Who switches is shown what differs from the new commit. */
	if (strcmp(command, "checkout") == 0)
		return find_names(&rest) == PATHS;
	return is_one_of(command, commands, HD_ARRAY_SIZE(commands));
}

bool hd_asking_command_may_know(void)
{
	HD_AUTO_CLOSE int fd = -1;
	char line[LINE_LIMIT], path[64];
	size_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)getppid());
	fd = hd_file_open(AT_FDCWD, path, O_RDONLY, 0);
	return fd >= 0 && hd_file_read_at(fd, line, sizeof(line), 0, &size) >= 0 && size < sizeof(line) &&
	       hd_asking_command_is_known(line, size);
}
