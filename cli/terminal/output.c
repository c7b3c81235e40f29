/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal/exit_status.h"
#include "cli/terminal/path_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"

/*
 * Whether a stream is coloured is decided once, before anything is printed. JSON is one line to a pipe (a
 * record for `while read`) and indented on a terminal.
 */

static bool as_json;
static bool color_stdout;
static bool color_stderr;

static bool wants_color(FILE *stream, const char *when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (when && strcmp(when, "always") == 0)
		return true;
	if (when && strcmp(when, "never") == 0)
		return false;
	if ((no_color && *no_color) || (terminal && strcmp(terminal, "dumb") == 0))
		return false;
	return hd_output_is_terminal(stream);
}

void hd_output_begin(const char *when, bool json)
{
	as_json = json;
	color_stdout = !json && wants_color(stdout, when);
	color_stderr = !json && wants_color(stderr, when);
}

int hd_output_end(void)
{
	bool failed_before = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed_before)
		return 0;
	if (errno == 0)
		errno = EIO;
	return hd_fail_errno("write to standard output");
}

bool hd_output_is_terminal(FILE *stream)
{
	int fd = fileno(stream);

	/* What is written to memory goes to standard output later. */
	return isatty(fd >= 0 ? fd : STDOUT_FILENO) == 1;
}

const char *hd_output_color(FILE *stream, enum hd_color color)
{
	static const char *const sequences[] = {
		[HD_COLOR_NONE] = "\033[m",
		[HD_COLOR_ADDED] = "\033[32m",
		[HD_COLOR_DELETED] = "\033[31m",
		[HD_COLOR_MODIFIED] = "\033[33m",
		[HD_COLOR_IDENTIFIER] = "\033[33m",
		[HD_COLOR_POSITION] = "\033[36m",
		[HD_COLOR_STRONG] = "\033[1m",
		[HD_COLOR_ERROR] = "\033[1;31m",
		[HD_COLOR_HINT] = "\033[36m",
	};
	_Static_assert(HD_ARRAY_SIZE(sequences) == HD_COLOR_COUNT, "one sequence per colour");

	return (stream == stderr ? color_stderr : color_stdout) ? sequences[color] : "";
}

void hd_output_path(FILE *stream, const char *path)
{
	HD_AUTO_FREE char *quoted = hd_output_is_terminal(stream) ? hd_path_quote(path) : NULL;

	fputs(quoted ? quoted : path, stream);
}

void hd_output_text(FILE *stream, const char *text, size_t size)
{
	if (!hd_output_is_terminal(stream)) {
		(void)fwrite(text, 1, size, stream);
		return;
	}
	while (size > 0) {
		unsigned character = 0;
		size_t length = hd_utf8_decode(text, size, &character);

		if (length > 0 && (!hd_text_is_deceptive(character) || character == '\t'))
			(void)fwrite(text, 1, length, stream);
		else
			fprintf(stream, "\\%03o", length ? character : (unsigned)(unsigned char)*text);
		length = length ? length : 1;
		text += length;
		size -= length;
	}
}

const char *hd_output_size(unsigned long long bytes, char text[HD_SIZE_TEXT_SIZE])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < HD_ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text, HD_SIZE_TEXT_SIZE, "%.*f %s", unit > 0 && value < 100 ? 1 : 0, value,
		bytes == 1 ? "byte" : units[unit]);
	return text;
}

static void dump(const json_t *object, FILE *stream)
{
	size_t layout = hd_output_is_terminal(stream) ? JSON_INDENT(2) : JSON_COMPACT;

	(void)json_dumpf(object, stream, layout);
	fputc('\n', stream);
}

int hd_output_json(json_t *object)
{
	json_t *result = json_object();
	int r = -ENOMEM;

	if (result && object && json_object_set_new(result, "ok", json_true()) == 0 &&
		json_object_update(result, object) == 0) {
		dump(result, stdout);
		r = 0;
	}
	json_decref(result);
	json_decref(object);
	return r;
}

void hd_output_remark(const char *format, ...)
{
	va_list arguments;

	if (as_json)
		return;
	fputs("heddle: ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void print_error_json(int r, int status, const char *message, const char *hint)
{
	json_t *error = json_object();
	json_t *reply = json_object();

	(void)json_object_set_new(error, "code", json_string(hd_error_name(r)));
	(void)json_object_set_new(error, "errno", json_integer(hd_error_to_errno(r)));
	(void)json_object_set_new(error, "message", hd_control_text(message));
	(void)json_object_set_new(error, "hint", hint ? json_string(hint) : json_null());
	(void)json_object_set_new(error, "exit_status", json_integer(status));
	(void)json_object_set_new(reply, "ok", json_false());
	(void)json_object_set_new(reply, "error", error);
	dump(reply, stderr);
	json_decref(reply);
}

/* What is wrong with a command line is all in the detail; "the command line is not understood" adds nothing.
 */
static char *error_message(int r)
{
	char *message = strdup(hd_error_message(r));
	const char *sentence = hd_error_text(r);
	size_t length = message ? strlen(message) : 0;
	size_t tail = strlen(sentence) + 2;

	if (r == -HD_E_USAGE && length > tail && strcmp(message + length - tail + 2, sentence) == 0)
		message[length - tail] = '\0';
	return message;
}

void hd_output_error(const char *command, int r, int status)
{
	HD_AUTO_FREE char *message = error_message(r);
	const char *hint = hd_exit_hint(r);

	if (as_json) {
		print_error_json(r, status, message ? message : hd_error_text(r), hint);
		return;
	}
	fprintf(stderr, "%sheddle%s%s:%s %s\n", hd_output_color(stderr, HD_COLOR_ERROR), command ? " " : "",
		command ? command : "", hd_output_color(stderr, HD_COLOR_NONE),
		message ? message : hd_error_text(r));
	if (hint)
		fprintf(stderr, "%shint:%s %s\n", hd_output_color(stderr, HD_COLOR_HINT),
			hd_output_color(stderr, HD_COLOR_NONE), hint);
}

int hd_json_set_path(json_t *object, const char *key, const char *path)
{
	return hd_control_put_name(object, key, path, strlen(path));
}
