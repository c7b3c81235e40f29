/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/file_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/compare/diff.h"
#include "capture/merge/merge_lines.h"
#include "capture/smudge/smudge_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

enum version { OURS, BASE, THEIRS, VERSIONS };

/* What git has of a version. */
struct text {
	char *data; /* owned */
	size_t size;
};

static void texts_clear(struct text texts[VERSIONS])
{
	for (unsigned i = 0; i < VERSIONS; i++)
		free(texts[i].data);
}

/*
 * What is guessed to be a text keeps its CRLF where git has some already. A file that is git's as it is says so itself; one that is not
 * may have got them on the way to the worktree, but for rules that add none.
 */
static int look_at_base(const struct hd_file_merge *merge, bool *ret_has_crlf)
{
	const struct hd_file_version *base = &merge->base;
	HD_AUTO_FREE char *data = NULL;
	struct hd_conversion conversion;
	size_t size;
	int r = hd_attribute_stack_ask(merge->names, base->rules, merge->path, &conversion);

	*ret_has_crlf = false;
	if (r < 0 || !hd_eol_is_guessed(conversion.eol) ||
		(conversion.eol == HD_EOL_AUTO_CRLF && base->entry.content.kind != HD_CONTENT_GIT))
		return r;
	r = hd_tree_view_read_whole(base->view, &base->entry, HD_DIFF_TEXT_LIMIT, &data, &size);
	if (r >= 0)
		*ret_has_crlf = hd_convert_has_crlf(data, size);
	return r;
}

static int read_version(const struct hd_file_merge *merge, const struct hd_file_version *version,
	bool has_crlf, struct text *text)
{
	struct hd_conversion conversion = {0};
	int r = 0;

	if (version->rules)
		r = hd_attribute_stack_ask(merge->names, version->rules, merge->path, &conversion);
	if (r >= 0)
		r = hd_smudge_file_clean(version->view, &version->entry, &conversion, has_crlf,
			HD_DIFF_TEXT_LIMIT, &text->data, &text->size);
	return r < 0 ? r : 0;
}

static int read_texts(const struct hd_file_merge *merge, unsigned count, struct text texts[VERSIONS])
{
	const struct hd_file_version *versions[VERSIONS] = {
		[OURS] = &merge->ours, [BASE] = &merge->base, [THEIRS] = &merge->theirs};
	bool has_crlf = false;
	int r = merge->base.rules ? look_at_base(merge, &has_crlf) : 0;

	for (unsigned i = 0; i < count && r >= 0; i++)
		r = read_version(merge, versions[i], has_crlf, &texts[i]);
	return r;
}

static int merge_texts(const struct text texts[VERSIONS], struct text *result)
{
	struct hd_lines lines[VERSIONS];

	for (unsigned i = 0; i < VERSIONS; i++)
		lines[i] = (struct hd_lines){texts[i].data, texts[i].size};
	return hd_merge_lines(&lines[OURS], &lines[BASE], &lines[THEIRS], &result->data, &result->size);
}

static int store_bytes(
	const struct hd_file_merge *merge, const void *data, size_t size, struct hd_content *ret_content)
{
	struct hd_content_writer *writer;
	int r = hd_content_writer_new(merge->store->objects, size, &writer);

	if (r < 0)
		return r;
	r = hd_content_writer_append(writer, data, size);
	if (r < 0) {
		hd_content_writer_free(writer);
		return r;
	}
	return hd_content_writer_finish(writer, ret_content);
}

/* As a checkout has it. */
static int store_result(const struct hd_file_merge *merge, const struct text *result,
	struct hd_content *ret_content, uint64_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_conversion conversion = {0};
	int r = 0;

	if (merge->rules)
		r = hd_attribute_stack_ask(merge->names, merge->rules, merge->path, &conversion);
	if (r >= 0)
		r = hd_convert_to_worktree(&conversion, result->data, result->size, &bytes);
	if (r < 0)
		return r;
	*ret_size = r > 0 ? bytes.size : result->size;
	return store_bytes(
		merge, r > 0 ? (const char *)bytes.data : result->data, (size_t)*ret_size, ret_content);
}

int hd_file_merge_run(const struct hd_file_merge *merge, struct hd_content *ret_content, uint64_t *ret_size)
{
	struct text texts[VERSIONS] = {{0}}, result = {0};
	int r = read_texts(merge, VERSIONS, texts);

	if (r >= 0)
		r = merge_texts(texts, &result);
	if (r > 0) {
		r = store_result(merge, &result, ret_content, ret_size);
		r = r < 0 ? r : 1;
	}
	free(result.data);
	texts_clear(texts);
	return r;
}

int hd_file_merge_is_untouched(const struct hd_file_merge *merge, bool *ret_untouched)
{
	struct text texts[VERSIONS] = {{0}};
	int r = 0;

	*ret_untouched = false;
	if (!merge->ours.rules && !merge->base.rules)
		return 0;
	r = read_texts(merge, THEIRS, texts);
	if (r >= 0)
		*ret_untouched = texts[OURS].size == texts[BASE].size &&
				 memcmp(texts[OURS].data, texts[BASE].data, texts[OURS].size) == 0;
	texts_clear(texts);
	return r == -EFBIG ? 0 : r;
}
