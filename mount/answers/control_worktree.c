/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/control_worktree.h"

#include <errno.h>
#include <stdbool.h>

#include "mount/git_link.h"
#include "overlay/platform/error.h"

int hd_control_worktree(
	struct hd_overlay *overlay, const struct hd_control_environment *environment, json_t **ret_reply)
{
	char *text = NULL;
	bool made;
	int r;

	if (!environment->session)
		return -HD_E_NOT_MOUNTED;
	r = hd_git_link_renew(overlay, environment->options, environment->mountpoint, &text);
	if (r < 0)
		return r;
	made = text != NULL;
	if (made)
		environment->set_git(environment->session, text);
	*ret_reply = json_pack("{s:b}", "made", (int)made);
	return *ret_reply ? 0 : -ENOMEM;
}
