/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/threads/live_move.h"

#include "cli/threads/thread_command.h"

int hd_live_move(const struct hd_location *location, const char *thread, json_t *request, const char *label,
	bool *ret_nothing, struct hd_operation *ret_operation)
{
	const struct hd_location of = {.store = location->store, .thread = (char *)thread}; /* borrows both */
	HD_AUTO_JSON json_t *reply = NULL;
	int r = hd_thread_ask(&of, request, label, &reply, NULL);

	if (r < 0)
		return r;
	*ret_nothing = json_is_true(json_object_get(reply, "nothing"));
	return *ret_nothing ? 0
			    : hd_index_get_operation(location->store->index,
				      hd_reply_number(reply, "operation"), ret_operation);
}
