/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/control/control_error.h"

#include <stdbool.h>
#include <string.h>

#include "mount/control/control_json.h"
#include "overlay/platform/error.h"

json_t *hd_control_error_reply(int r)
{
	const char *message = hd_error_message(r);
	bool raw;

	return json_pack("{s:b, s:{s:s, s:i, s:o}}", "ok", 0, "error", "code", hd_error_name(r), "errno",
		hd_error_to_errno(r), "message", hd_control_name(message, strlen(message), &raw));
}
