/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations that make, move, show and remove names.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

void fuzz_run_mkdir(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, mkdir(operation->path, operation->mode & 01777));
}

void fuzz_run_rmdir(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, rmdir(operation->path));
}

void fuzz_run_unlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, unlink(operation->path));
}

void fuzz_run_rename(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome,
		renameat2(AT_FDCWD, operation->path, AT_FDCWD, operation->other, (unsigned)operation->flags));
}

void fuzz_run_link(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(
		outcome, linkat(AT_FDCWD, operation->path, AT_FDCWD, operation->other, operation->flags));
}

void fuzz_run_symlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, symlink(operation->other, operation->path));
}

void fuzz_run_readlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char target[FUZZ_PATH_SIZE];
	size_t size = operation->length % 7 == 0 ? 3 : sizeof(target);

	(void)side;
	fuzz_outcome_set(outcome, readlink(operation->path, target, size));
	if (outcome->result >= 0)
		outcome->digest = fuzz_digest(0, target, (size_t)outcome->result);
}

void fuzz_run_mknod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, mknod(operation->path, operation->mode, operation->device));
}

void fuzz_run_list(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	size_t count, length = 0;
	char **names = fuzz_names(AT_FDCWD, operation->path, &count);

	(void)side;
	fuzz_outcome_set(outcome, names == NULL ? -1 : (long)count);
	for (size_t i = 0; names != NULL && i < count; i++) {
		outcome->digest = fuzz_digest(outcome->digest, names[i], strlen(names[i]) + 1);
		if (length + strlen(names[i]) + 2 < sizeof(outcome->text))
			length += (size_t)sprintf(outcome->text + length, "%s ", names[i]);
	}
	fuzz_names_free(names, count);
}

/*
 * Reads a part of a listing, removes names from the directory, reads the rest: straight on, or after a walk to
 * the end and back to where it was (telldir, seekdir). What stays must come exactly once (readdir(3p)); what
 * goes may come or not. Which names go follows from the name alone, so both sides agree.
 */
void fuzz_run_list_and_remove(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	DIR *directory = opendir(operation->path);
	char **names = NULL;
	struct dirent *entry;
	size_t count = 0, seen = 0, cut;

	(void)side;
	if (directory != NULL)
		names = fuzz_names(AT_FDCWD, operation->path, &count);
	fuzz_outcome_set(outcome, names == NULL ? -1 : 0);
	cut = (operation->pattern >> 32) % (count + 2);
	while (directory != NULL && names != NULL && (entry = readdir(directory)) != NULL) {
		uint64_t digest = fuzz_digest(0, entry->d_name, strlen(entry->d_name));
		long place;

		if ((digest ^ operation->pattern) % 4 != 0)
			outcome->digest += digest; /* stays: a second coming would change the sum */
		if (seen++ != cut)
			continue;
		place = telldir(directory);
		for (size_t i = 0; i < count; i++)
			if ((fuzz_digest(0, names[i], strlen(names[i])) ^ operation->pattern) % 4 == 0)
				(void)unlinkat(dirfd(directory), names[i], 0);
		if (operation->length % 2 == 0)
			continue;
		while (readdir(directory) != NULL)
			;
		seekdir(directory, place);
	}
	fuzz_names_free(names, count);
	if (directory != NULL)
		(void)closedir(directory);
}
