/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/program_spawn.h"

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_program_spawn(const char *name, const struct hd_program_arguments *arguments,
	const struct hd_inherited_fd *fds, size_t n_fds, pid_t *ret_pid)
{
	HD_AUTO_FREE char *program = NULL;
	struct hd_program_words words;
	int r;

	r = hd_process_own_program(name, &program);
	if (r < 0)
		return hd_fail_in(r, "find %s", name);
	hd_program_arguments_list(program, arguments, &words);
	r = hd_process_spawn(program, words.argv, fds, n_fds, false, ret_pid);
	return r < 0 ? hd_fail_in(r, "start %s", program) : 0;
}
