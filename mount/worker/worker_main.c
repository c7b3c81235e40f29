/* SPDX-License-Identifier: Apache-2.0 */

/* heddle-fuse-worker: serves one mount; started by heddled. */

#include <unistd.h>

#include "mount/worker/worker.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"

int main(int argc, char *argv[])
{
	struct hd_program_arguments arguments;
	int r;

	(void)argc;
	hd_log_open("worker", STDERR_FILENO, HD_LOG_NOTICE);
	r = hd_program_arguments_parse(argv, &arguments);
	if (r < 0) {
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
		return 64;
	}
	return hd_worker_run(&arguments);
}
