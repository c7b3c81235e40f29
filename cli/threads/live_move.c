/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/threads/live_move.h"

#include <errno.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/threads/thread_command.h"
#include "mount/client/control_client.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_live_move(const struct hd_location *location, const char *thread, json_t *request, const char *label,
	bool *ret_nothing, struct hd_operation *ret_operation)
{
	HD_AUTO_JSON json_t *owned = request;
	HD_AUTO_JSON json_t *reply = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (!owned)
		return -ENOMEM;
	hd_progress_begin(label, HD_PROGRESS_STOPS);
	r = hd_thread_request(location->store, thread, owned, &reply, &fd);
	hd_progress_end();
	if (r >= 0)
		r = hd_control_reply_status(reply);
	if (r < 0)
		return r;
	*ret_nothing = json_is_true(json_object_get(reply, "nothing"));
	return *ret_nothing ? 0
			    : hd_index_get_operation(location->store->index,
				      hd_reply_number(reply, "operation"), ret_operation);
}
