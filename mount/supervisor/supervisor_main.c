/* SPDX-License-Identifier: Apache-2.0 */

/* heddled: one supervisor per mounted thread, started by `heddle mount`. */

#include <signal.h>
#include <unistd.h>

#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"

int main(int argc, char *argv[])
{
	struct hd_program_arguments arguments;
	int r;

	(void)argc;
	hd_log_open("heddled", STDERR_FILENO, HD_LOG_NOTICE);
	r = hd_program_arguments_parse(argv, &arguments);
	if (r < 0) {
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
		return 64;
	}
	return arguments.keeper ? hd_keeper_run(&arguments) : hd_supervisor_run(&arguments);
}
