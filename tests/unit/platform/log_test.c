/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log: their form, their levels, and what hostile text can do to them. */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/log.h"

struct log_pipe {
	int ends[2];
	char text[8192];
};

static int open_pipe(void **state)
{
	struct log_pipe *log = calloc(1, sizeof(*log));

	assert_non_null(log);
	assert_int_equal(pipe2(log->ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(unsetenv("HEDDLE_LOG"), 0);
	*state = log;
	return 0;
}

static int close_pipe(void **state)
{
	struct log_pipe *log = *state;

	hd_log_open("test", -1, HD_LOG_ERROR);
	(void)close(log->ends[0]);
	(void)close(log->ends[1]);
	free(log);
	return 0;
}

static const char *written(struct log_pipe *log)
{
	ssize_t n = read(log->ends[0], log->text, sizeof(log->text) - 1);

	log->text[n < 0 ? 0 : n] = '\0';
	return log->text;
}

static void a_line_has_time_program_process_level_and_text(void **state)
{
	struct log_pipe *log = *state;
	regex_t form;

	assert_int_equal(regcomp(&form,
				 "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
				 "worker\\[[0-9]+\\] warning: seven 7\n$",
				 REG_EXTENDED | REG_NOSUB),
		0);
	hd_log_open("worker", log->ends[1], HD_LOG_INFO);
	hd_log(HD_LOG_WARNING, "seven %d", 7);
	assert_int_equal(regexec(&form, written(log), 0, NULL, 0), 0);
	regfree(&form);
}

static void lines_below_the_level_are_not_written(void **state)
{
	struct log_pipe *log = *state;

	hd_log_open("worker", log->ends[1], HD_LOG_NOTICE);
	hd_log(HD_LOG_INFO, "quiet");
	assert_string_equal(written(log), "");
	assert_false(hd_log_enabled(HD_LOG_DEBUG));
	assert_true(hd_log_enabled(HD_LOG_NOTICE));
	hd_log(HD_LOG_NOTICE, "heard");
	assert_non_null(strstr(written(log), "notice: heard"));
}

static void the_environment_overrides_the_level(void **state)
{
	struct log_pipe *log = *state;

	assert_int_equal(setenv("HEDDLE_LOG", "debug", 1), 0);
	hd_log_open("worker", log->ends[1], HD_LOG_ERROR);
	assert_true(hd_log_enabled(HD_LOG_DEBUG));
	assert_int_equal(setenv("HEDDLE_LOG", "nonsense", 1), 0);
	hd_log_open("worker", log->ends[1], HD_LOG_ERROR);
	assert_false(hd_log_enabled(HD_LOG_WARNING));
}

static void control_bytes_cannot_forge_a_line(void **state)
{
	struct log_pipe *log = *state;
	const char *text;

	hd_log_open("worker", log->ends[1], HD_LOG_INFO);
	hd_log(HD_LOG_ERROR, "file '%s'", "a\nb\033[2J\x7f");
	text = written(log);
	assert_non_null(strstr(text, "file 'a\\x0ab\\x1b[2J\\x7f'\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void long_text_is_cut_to_one_line(void **state)
{
	struct log_pipe *log = *state;
	char text[6000];
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	hd_log_open("worker", log->ends[1], HD_LOG_INFO);
	hd_log(HD_LOG_ERROR, "%s", text);
	line = written(log);
	assert_true(strlen(line) <= 4096);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	memset(text, 'x', sizeof(text) - 1);
	hd_log(HD_LOG_ERROR, "%s", text);
	line = written(log);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static void errno_survives_a_log_that_cannot_be_written(void **state)
{
	struct log_pipe *log = *state;
	char fill[4096] = {0};

	while (write(log->ends[1], fill, sizeof(fill)) > 0)
		;
	hd_log_open("worker", log->ends[1], HD_LOG_INFO);
	errno = ENOTDIR;
	hd_log(HD_LOG_ERROR, "%m");
	assert_int_equal(errno, ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_line_has_time_program_process_level_and_text, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(the_environment_overrides_the_level, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(control_bytes_cannot_forge_a_line, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(long_text_is_cut_to_one_line, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(
			errno_survives_a_log_that_cannot_be_written, open_pipe, close_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
