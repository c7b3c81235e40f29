/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/terminal.h"

#include <sys/ioctl.h>

#include "overlay/platform/lock.h"

#define USUAL_COLUMNS 80

size_t hd_terminal_columns(int fd)
{
	struct winsize size;

	hd_lock_assert_none_held("ioctl");
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL_COLUMNS;
}
