/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/thread_repository.h"

#include "capture/history/state_log.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

struct search {
	struct hd_index *index;
	char *location; /* owned by the caller */
};

static int match_base(const struct hd_state *state, void *payload)
{
	struct search *search = payload;
	const struct hd_content *tree = hd_state_git_tree(state);
	struct hd_base_record record = {0};
	int r;

	if (!state->is_base || !tree)
		return 0;
	r = hd_index_get_base(search->index, tree->base, &record);
	if (r < 0)
		return r;
	search->location = HD_STEAL(record.location);
	hd_base_record_clear(&record);
	return 1;
}

int hd_thread_repository_find(
	struct hd_index *index, const char *thread, const struct hd_state_id *head, char **ret_location)
{
	struct search search = {.index = index};
	int r = hd_state_log_walk(index, head, HD_STATE_LOG_FIRST_PARENT, match_base, &search);

	if (r < 0)
		return r;
	if (!search.location)
		return hd_fail(
			HD_E_REPOSITORY_MISSING, "thread '%s' has no git base: name a repository", thread);
	*ret_location = search.location;
	return 0;
}
