/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/run_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/arguments/agent_facts.h"
#include "cli/terminal/output.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/control/control_json.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"

#define COMMAND_TEXT_LIMIT 400

/* The command line, as a person would have typed it, in one line. */
static json_t *command_text(const struct hd_run *run)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};

	for (size_t i = 0; run->arguments[i] && text.size < COMMAND_TEXT_LIMIT; i++) {
		hd_buffer_put_text(&text, i > 0 ? " " : "");
		hd_buffer_put_text(&text, run->arguments[i]);
	}
	if (text.size > COMMAND_TEXT_LIMIT) {
		text.size = COMMAND_TEXT_LIMIT;
		hd_buffer_put_text(&text, "...");
	}
	hd_buffer_put_u8(&text, '\0');
	if (hd_buffer_status(&text) < 0)
		return NULL;
	for (char *byte = (char *)text.data; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			*byte = ' ';
	return hd_control_text((const char *)text.data);
}

static void put_status(json_t *object, const struct hd_run *run)
{
	if (WIFSIGNALED(run->status))
		(void)json_object_set_new(object, "signal", json_integer(WTERMSIG(run->status)));
	else
		(void)json_object_set_new(object, "exit", json_integer(WEXITSTATUS(run->status)));
}

json_t *hd_run_capture_request(const struct hd_run *run, const char *message)
{
	HD_AUTO_JSON json_t *command = command_text(run);
	json_t *facts = json_object();
	char status[32];

	if (!command || !facts || hd_agent_facts_add(facts) < 0) {
		json_decref(facts);
		return NULL;
	}
	(void)snprintf(status, sizeof(status), WIFSIGNALED(run->status) ? "signal %d" : "%d",
		WIFSIGNALED(run->status) ? WTERMSIG(run->status) : WEXITSTATUS(run->status));
	(void)json_object_set_new(facts, "status", json_string(status));
	(void)json_object_set(facts, "command", command);
	return json_pack("{s:s, s:s, s:s, s:o}", "op", "capture", "message",
		message ? message : json_string_value(command), "author", run->author, "facts", facts);
}

/* ---- what happened ---- */

static json_t *summary(const struct hd_run *run)
{
	json_t *object = json_object();
	json_t *command = json_object();
	bool nothing = json_is_true(json_object_get(run->captured, "nothing"));

	if (!object || !command || json_object_set_new(command, "line", command_text(run)) < 0) {
		json_decref(object);
		json_decref(command);
		return NULL;
	}
	put_status(command, run);
	(void)json_object_set_new(object, "ok", json_true());
	(void)json_object_set_new(object, "thread", hd_control_text(run->location.thread));
	(void)json_object_set_new(object, "created", json_boolean(run->created));
	(void)json_object_set_new(object, "discarded", json_boolean(run->discarded));
	(void)hd_json_set_path(object, "mountpoint", run->directory);
	(void)json_object_set_new(object, "command", command);
	/* Null: no capture was wanted, or nothing had changed. */
	(void)json_object_set_new(object, "state",
		run->captured && !nothing ? json_incref(json_object_get(run->captured, "state"))
					  : json_null());
	return object;
}

static int write_summary(const struct hd_run *run, const char *file)
{
	HD_AUTO_JSON json_t *object = summary(run);
	HD_AUTO_FREE char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	HD_AUTO_FREE char *line = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	r = fd = hd_file_open(AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (r >= 0)
		r = hd_descriptor_write(fd, line, strlen(line));
	return r < 0 ? hd_fail_in(r, "write the summary to '%s'", file) : 0;
}

static void print_json(const struct hd_run *run)
{
	HD_AUTO_JSON json_t *object = summary(run);

	if (object && json_dumpf(object, stderr, JSON_COMPACT) == 0)
		fputc('\n', stderr);
}

static void print_text(const struct hd_run *run)
{
	const json_t *state = json_object_get(run->captured, "state");
	const json_t *changes = json_object_get(state, "changes");
	char id[HD_STATE_ID_TEXT_SIZE];

	if (!run->captured) {
		if (!run->discarded)
			hd_output_remark(
				"nothing was captured; changes stay in thread %s", run->location.thread);
		return;
	}
	(void)hd_state_shorten(run->location.store->index, hd_reply_text(state, "id"), id);
	if (json_is_true(json_object_get(run->captured, "nothing"))) {
		hd_output_remark("nothing has changed since state %s of %s", id, run->location.thread);
		return;
	}
	fprintf(stderr, "heddle: state %s of %s: ", id, run->location.thread);
	hd_state_print_counts(hd_reply_number(changes, "added"), hd_reply_number(changes, "modified"),
		hd_reply_number(changes, "deleted"), hd_reply_number(changes, "moved"), stderr);
}

int hd_run_report(const struct hd_run *run, const char *file, bool json, bool quiet)
{
	int r = file ? write_summary(run, file) : 0;

	if (json)
		print_json(run);
	else if (!quiet)
		print_text(run);
	return r;
}

/* The detail alone: the sentence comes back with the code. */
static size_t detail_length(int r, const char *message)
{
	const char *sentence = hd_error_text(r);
	size_t length = message ? strlen(message) : 0, tail = strlen(sentence) + 2;

	return length > tail && strcmp(message + length - tail + 2, sentence) == 0 ? length - tail : 0;
}

int hd_run_fail_again(int r, const char *message, const char *thread, const char *where)
{
	size_t length = detail_length(r, message);

	if (!where)
		return length ? hd_fail(r, "%.*s", (int)length, message) : r;
	return hd_fail(r, "%.*s%sthread '%s' %s", (int)length, message ? message : "", length ? "; " : "",
		thread, where);
}
