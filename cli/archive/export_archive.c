/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/archive/export_layer.h"
#include "capture/history/state_spec.h"
#include "cli/commands/export_subject.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_file.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_tree.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static enum hd_archive_compression choose_compression(void)
{
	const char *how = hd_export_arguments.compression, *path = hd_export_arguments.output;

	if (how && strcmp(how, "gzip") == 0)
		return HD_ARCHIVE_GZIP;
	if (how && strcmp(how, "zstd") == 0)
		return HD_ARCHIVE_ZSTD;
	if (how || !path)
		return HD_ARCHIVE_PLAIN;
	if (ends_in(path, ".gz") || ends_in(path, ".tgz"))
		return HD_ARCHIVE_GZIP;
	return ends_in(path, ".zst") || ends_in(path, ".tzst") ? HD_ARCHIVE_ZSTD : HD_ARCHIVE_PLAIN;
}

/* Standard output may be the archive itself: then only what is missing from it is told, on standard error. */
static int report(const struct hd_export_tar_result *result, const struct hd_output_file *file,
	const uint64_t *whiteouts, bool json)
{
	char size[HD_SIZE_TEXT_SIZE];

	if (json) {
		json_t *object = json_pack("{s:I, s:I, s:I}", "entries", (json_int_t)result->entries, "bytes",
			(json_int_t)result->bytes, "sockets", (json_int_t)result->sockets);

		if (object && (hd_json_set_path(object, "file", file->path) < 0 ||
				      (whiteouts && json_object_set_new(object, "whiteouts",
							    json_integer((json_int_t)*whiteouts)) < 0))) {
			json_decref(object);
			object = NULL;
		}
		return hd_output_json(object);
	}
	if (file->path) {
		printf("%llu %s, %s, in ", (unsigned long long)result->entries,
			result->entries == 1 ? "entry" : "entries", hd_output_size(result->bytes, size));
		hd_output_path(stdout, file->path);
		fputc('\n', stdout);
	}
	if (result->sockets > 0)
		hd_output_remark(
			"%llu %s left out: no archive can hold them", HD_COUNT(result->sockets, "socket"));
	return HD_EXIT_OK;
}

static int check_output(const struct hd_invocation *invocation)
{
	if (invocation->json && hd_output_file_is_stdout(hd_export_arguments.output))
		return hd_fail(HD_E_USAGE, "--json needs --output: the archive has standard output");
	return 0;
}

/* The state that the arguments name, and where its archive goes. */
static int begin(
	const struct hd_invocation *invocation, struct hd_state_tree *tree, struct hd_output_file *file)
{
	int r = check_output(invocation);

	if (r >= 0)
		r = hd_state_tree_open(
			invocation, invocation->n_arguments > 0 ? invocation->arguments[0] : NULL, tree);
	return r < 0 ? r : hd_output_file_begin(hd_export_arguments.output, file);
}

int hd_export_tar_command(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	HD_AUTO_OUTPUT_FILE struct hd_output_file file = HD_OUTPUT_FILE_NONE;
	struct hd_export_tar_result result = {0};
	int r = begin(invocation, &tree, &file);

	if (r < 0)
		return r;
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = hd_export_tar(
		tree.location.store, tree.bases, &tree.state, file.fd, choose_compression(), &result);
	if (r >= 0)
		r = hd_output_file_commit(&file);
	hd_progress_end();
	return r < 0 ? r : report(&result, &file, NULL, invocation->json);
}

/* What the layer lies on: the state that is named, or the one at which the history begins. */
static int find_lower(const struct hd_state_tree *tree, struct hd_state *ret_lower)
{
	struct hd_index *index = tree->location.store->index;
	struct hd_state_id id;
	int r;

	if (!hd_export_arguments.from)
		return hd_index_find_first(index, &tree->state.id, ret_lower);
	r = hd_state_spec_resolve(index, hd_export_arguments.from, tree->location.thread, &id);
	return r < 0 ? r : hd_index_get_state(index, &id, ret_lower);
}

int hd_export_layer_command(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	HD_AUTO_OUTPUT_FILE struct hd_output_file file = HD_OUTPUT_FILE_NONE;
	HD_CLEANUP(hd_state_clear) struct hd_state lower = {0};
	struct hd_export_tar_result result = {0};
	struct hd_export_layer layer;
	uint64_t whiteouts = 0;
	int r = begin(invocation, &tree, &file);

	if (r >= 0)
		r = find_lower(&tree, &lower);
	if (r < 0)
		return r;
	layer = (struct hd_export_layer){
		.store = tree.location.store, .bases = tree.bases, .from = &lower, .to = &tree.state};
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = hd_export_layer(&layer, file.fd, choose_compression(), &result, &whiteouts);
	if (r >= 0)
		r = hd_output_file_commit(&file);
	hd_progress_end();
	return r < 0 ? r : report(&result, &file, &whiteouts, invocation->json);
}
