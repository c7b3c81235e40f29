/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/thread_overlay.h"

#include <errno.h>

#include "capture/identity.h"
#include "cli/text/operation_text.h"
#include "cli/threads/thread_command.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_thread_overlay_read(const struct hd_location *location, const char *message,
	struct hd_state_id *ret_head, struct hd_state_id *ret_tree)
{
	HD_AUTO_FREE char *actor = hd_operation_actor(location);
	HD_AUTO_JSON json_t *reply = NULL;
	const json_t *state, *head;
	int r;

	if (!actor)
		return -ENOMEM;
	r = hd_thread_ask(location,
		json_pack("{s:s, s:s, s:s, s:b}", "op", "capture", "message", message, "author",
			*actor ? actor : HD_IDENTITY_UNKNOWN, "aside", 1),
		"reading", &reply, NULL);
	if (r < 0)
		return r;
	state = json_object_get(reply, "state");
	head = json_is_true(json_object_get(reply, "nothing"))
		       ? json_object_get(state, "id")
		       : json_array_get(json_object_get(state, "parents"), 0);
	if (!json_is_string(head))
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the reply names no state");
	r = hd_control_id_decode(json_string_value(head), ret_head);
	return r < 0 ? r : hd_control_id_decode(hd_reply_text(state, "id"), ret_tree);
}
