/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/history/state_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A spec is read from its end: the steps behind the last '~' are cut off until what is left names a state. So
 * a thread "a~b" can be named, and "a~b~1" is its parent.
 */

#define SPEC_DIGITS_MIN 4
#define COMMIT_DIGITS 40
#define SPEC_STEPS_MAX 1000000000u

static int thread_head(struct hd_index *index, const char *name, struct hd_state_id *ret_id)
{
	struct hd_thread thread = {0};
	int r;

	r = hd_index_get_thread(index, name, &thread);
	if (r < 0)
		return r;
	*ret_id = thread.head;
	hd_thread_clear(&thread);
	return 0;
}

static bool is_id_prefix(const char *text)
{
	size_t length = strspn(text, "0123456789abcdefABCDEF");

	return text[length] == '\0' && length >= SPEC_DIGITS_MIN && length < HD_STATE_ID_TEXT_SIZE;
}

static bool is_commit_id(const char *text)
{
	return strlen(text) == COMMIT_DIGITS && text[strspn(text, "0123456789abcdef")] == '\0';
}

struct first_search {
	struct hd_index *index; /* borrowed */
	const char *commit;     /* borrowed */
	struct hd_state_id id;
};

/* 1 when the thread's history begins at that commit. */
static int begins_at(const struct hd_thread *thread, void *payload)
{
	struct first_search *search = payload;
	struct hd_state first = {0};
	int r = hd_index_find_first(search->index, &thread->head, &first);

	if (r >= 0 && first.git_commit && strcmp(first.git_commit, search->commit) == 0) {
		search->id = first.id;
		r = 1;
	}
	hd_state_clear(&first);
	return r;
}

/* The state of a commit: one that was imported or exported, or that a thread's history begins at. */
static int find_commit(struct hd_index *index, const char *commit, struct hd_state_id *ret_id)
{
	struct first_search search = {.index = index, .commit = commit};
	int r = hd_index_find_commit(index, NULL, commit, ret_id);

	if (r != -HD_E_STATE_MISSING)
		return r;
	r = hd_index_list_threads(index, begins_at, &search);
	if (r > 0)
		*ret_id = search.id;
	return r > 0 ? 0 : r < 0 ? r : -HD_E_STATE_MISSING;
}

/* A whole id is nothing else, whatever names there are. -HD_E_STATE_MISSING, bare. */
static int resolve_id(struct hd_index *index, const char *name, struct hd_state_id *ret_id)
{
	if (is_commit_id(name))
		return find_commit(index, name, ret_id);
	return is_id_prefix(name) && strlen(name) == HD_STATE_ID_TEXT_SIZE - 1
		       ? hd_index_find_state(index, name, ret_id)
		       : -HD_E_STATE_MISSING;
}

/* A spec without steps. -HD_E_STATE_SPEC, bare, if it names nothing. */
static int resolve_name(
	struct hd_index *index, const char *name, const char *current_thread, struct hd_state_id *ret_id)
{
	int r;

	if (strcmp(name, "@") == 0) {
		if (!current_thread)
			return hd_fail(HD_E_STATE_SPEC,
				"'@' is the current thread's head, and there is no current thread");
		return thread_head(index, current_thread, ret_id);
	}
	r = resolve_id(index, name, ret_id);
	if (r != -HD_E_STATE_MISSING)
		return r;
	r = -HD_E_THREAD_MISSING;
	if (hd_thread_name_check(name) == 0)
		r = thread_head(index, name, ret_id);
	if (r == -HD_E_THREAD_MISSING && hd_tag_name_check(name) == 0)
		r = hd_index_get_tag(index, name, ret_id);
	if (r != -HD_E_THREAD_MISSING && r != -HD_E_TAG_MISSING)
		return r;
	hd_error_clear();
	if (is_commit_id(name))
		return -HD_E_STATE_MISSING;
	return is_id_prefix(name) ? hd_index_find_state(index, name, ret_id) : -HD_E_STATE_SPEC;
}

/* What stands behind a '~': nothing is 1. */
static int parse_steps(const char *text, uint32_t *ret_steps)
{
	uint32_t steps = 0;

	if (!*text) {
		*ret_steps = 1;
		return 0;
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || steps > SPEC_STEPS_MAX / 10)
			return -HD_E_STATE_SPEC;
		steps = steps * 10 + (uint32_t)(*text - '0');
	}
	*ret_steps = steps;
	return 0;
}

static int walk_back(struct hd_index *index, uint32_t steps, struct hd_state_id *id)
{
	for (uint32_t i = 0; i < steps; i++) {
		struct hd_state state = {0};
		int r;

		r = hd_index_get_state(index, id, &state);
		if (r < 0)
			return r;
		if (state.n_parents > 0)
			*id = state.parents[0];
		else
			r = hd_fail(HD_E_STATE_MISSING, "the history ends %u %s back", i,
				i == 1 ? "state" : "states");
		hd_state_clear(&state);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Cuts the last steps off; false when there are none. */
static bool cut_steps(char *spec, uint32_t *ret_steps)
{
	char *tilde = strrchr(spec, '~');

	if (!tilde || parse_steps(tilde + 1, ret_steps) < 0)
		return false;
	*tilde = '\0';
	return true;
}

static int resolve(struct hd_index *index, char *spec, const char *current_thread, struct hd_state_id *ret_id)
{
	uint64_t steps = 0;
	struct hd_state_id id;
	int r;

	for (;;) {
		uint32_t part;

		r = resolve_name(index, spec, current_thread, &id);
		if (r != -HD_E_STATE_SPEC)
			break;
		if (!cut_steps(spec, &part))
			return r;
		steps += part;
		if (steps > SPEC_STEPS_MAX)
			return r;
	}
	if (r == 0)
		r = walk_back(index, (uint32_t)steps, &id);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

int hd_state_spec_resolve(
	struct hd_index *index, const char *spec, const char *current_thread, struct hd_state_id *ret_id)
{
	HD_AUTO_FREE char *copy = strdup(spec);
	int r;

	if (!copy)
		return -ENOMEM;
	hd_error_clear();
	r = resolve(index, copy, current_thread, ret_id);
	return r < 0 ? hd_fail_in(r, "state '%s'", spec) : 0;
}

int hd_state_spec_thread(
	struct hd_index *index, const char *spec, const char *current_thread, char **ret_thread)
{
	HD_AUTO_FREE char *name = strdup(spec);
	struct hd_state_id head;
	uint32_t steps;
	int r;

	if (!name)
		return -ENOMEM;
	while (strcmp(name, "@") != 0) {
		r = hd_thread_name_check(name) == 0 ? thread_head(index, name, &head) : -HD_E_THREAD_MISSING;
		hd_error_clear();
		if (r == 0) {
			*ret_thread = HD_STEAL(name);
			return 0;
		}
		if (r != -HD_E_THREAD_MISSING)
			return r;
		if (!cut_steps(name, &steps)) {
			*ret_thread = NULL;
			return 0;
		}
	}
	*ret_thread = current_thread ? strdup(current_thread) : NULL;
	return current_thread && !*ret_thread ? -ENOMEM : 0;
}
