/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/history_model.h"

#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"

/* Texts of the base have seeds that are their numbers here. */
enum { BASE_TEXTS = 64 };
static char *base_texts[BASE_TEXTS];
static int n_base_texts;

char *model_text(uint64_t seed, uint32_t size)
{
	char *text = calloc(1, size + 1u);
	uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;

	assert_non_null(text);
	if (seed < (uint64_t)n_base_texts) {
		memcpy(text, base_texts[seed], size);
		return text;
	}
	for (uint32_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		text[i] = (char)('a' + (state >> 33) % 26);
	}
	return text;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct model_name *)a)->path, ((const struct model_name *)b)->path);
}

struct model_name *model_find(struct model *model, const char *path)
{
	for (int i = 0; i < model->n_names; i++)
		if (strcmp(model->names[i].path, path) == 0)
			return &model->names[i];
	return NULL;
}

struct model_node *model_node(struct model *model, const char *path)
{
	struct model_name *name = model_find(model, path);

	return name ? &model->nodes[name->node] : NULL;
}

bool model_is_directory(struct model *model, const char *path)
{
	struct model_node *node = model_node(model, path);

	return !*path || (node && S_ISDIR(node->mode));
}

static bool add_name(struct model *model, const char *path, int node)
{
	struct model_name *name = model_find(model, path);

	if (!name && model->n_names == MODEL_NAMES)
		return false;
	if (!name)
		name = &model->names[model->n_names++];
	snprintf(name->path, sizeof(name->path), "%s", path);
	name->node = node;
	qsort(model->names, (size_t)model->n_names, sizeof(model->names[0]), compare_names);
	return true;
}

/* A node that no name points to. */
static int free_node(struct model *model)
{
	for (int node = 0; node < MODEL_NAMES; node++) {
		bool used = false;

		for (int i = 0; i < model->n_names && !used; i++)
			used = model->names[i].node == node;
		if (!used)
			return node;
	}
	return -1;
}

bool model_add(struct model *model, const char *path, const struct model_node *node)
{
	int free = free_node(model);

	if (free < 0 || !add_name(model, path, free))
		return false;
	model->nodes[free] = *node;
	return true;
}

bool model_link(struct model *model, const char *from, const char *to)
{
	return add_name(model, to, model_find(model, from)->node);
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

void model_remove(struct model *model, const char *path)
{
	char removed[MODEL_PATH];
	int kept = 0;

	snprintf(removed, sizeof(removed), "%s", path);
	for (int i = 0; i < model->n_names; i++)
		if (!is_below(model->names[i].path, removed))
			model->names[kept++] = model->names[i];
	model->n_names = kept;
}

void model_rename(struct model *model, const char *from, const char *to)
{
	struct model_name *new_name = model_find(model, to);

	if (new_name && new_name->node == model_find(model, from)->node)
		return;
	model_remove(model, to);
	for (int i = 0; i < model->n_names; i++) {
		char rest[MODEL_PATH];

		if (!is_below(model->names[i].path, from))
			continue;
		snprintf(rest, sizeof(rest), "%s", model->names[i].path + strlen(from));
		snprintf(model->names[i].path, MODEL_PATH, "%.40s%.55s", to, rest);
	}
	qsort(model->names, (size_t)model->n_names, sizeof(model->names[0]), compare_names);
}

/* ---- saying what there is ---- */

static int count_links(const struct model *model, int node, const char **ret_first)
{
	int count = 0;

	for (int i = 0; i < model->n_names; i++) {
		if (model->names[i].node != node)
			continue;
		if (count++ == 0)
			*ret_first = model->names[i].path;
	}
	return count;
}

static void say(struct hd_buffer *out, const char *path, uint32_t mode, const char *text, uint32_t size,
	int64_t time, int links, const char *first)
{
	if (S_ISDIR(mode)) {
		hd_buffer_printf(out, "%s/ %o\n", path, mode & 07777);
		return;
	}
	hd_buffer_printf(out, "%s %o %u %016llx", path, S_ISLNK(mode) ? S_IFLNK : mode, size,
		(unsigned long long)hd_checksum64(text, size));
	if (S_ISREG(mode))
		hd_buffer_printf(out, " %lld", (long long)time);
	if (links > 1)
		hd_buffer_printf(out, " %d links, %s", links, first);
	hd_buffer_printf(out, "\n");
}

char *model_dump(struct model *model)
{
	struct hd_buffer out = {0};

	for (int i = 0; i < model->n_names; i++) {
		const struct model_node *node = &model->nodes[model->names[i].node];
		const char *first = "";
		int links = count_links(model, model->names[i].node, &first);
		char *text = model_text(node->seed, node->size);

		say(&out, model->names[i].path, node->mode, text, node->size, node->time, links, first);
		free(text);
	}
	hd_buffer_put_u8(&out, 0);
	return hd_buffer_steal(&out, NULL);
}

/* One name of an overlay. */
struct seen {
	char path[MODEL_PATH];
	struct hd_attributes attributes;
};

struct looking {
	struct hd_overlay *overlay;
	struct seen *seen; /* owned */
	size_t count;
};

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

static bool collect(const struct hd_directory_item *item, void *payload)
{
	if (strcmp(item->name, ".") != 0 && strcmp(item->name, "..") != 0)
		hd_buffer_put(payload, item->name, item->name_length + 1);
	return true;
}

static void look(struct looking *looking, hd_ino directory, const char *path)
{
	struct hd_buffer names = {0};

	assert_success(hd_overlay_readdir(looking->overlay, directory, 0, collect, &names));
	for (size_t at = 0; at < names.size; at += strlen((char *)names.data + at) + 1) {
		const char *name = (char *)names.data + at;
		struct seen *seen;
		struct hd_attributes attributes;

		assert_success(hd_overlay_lookup(looking->overlay, directory, name, &attributes));
		looking->seen = realloc(looking->seen, (looking->count + 1) * sizeof(*looking->seen));
		assert_non_null(looking->seen);
		seen = &looking->seen[looking->count++];
		snprintf(seen->path, sizeof(seen->path), "%s%s%s", path, *path ? "/" : "", name);
		seen->attributes = attributes;
		if (S_ISDIR(attributes.mode)) {
			char below[MODEL_PATH];

			snprintf(below, sizeof(below), "%s", seen->path);
			look(looking, attributes.ino, below);
		}
		hd_overlay_forget(looking->overlay, attributes.ino, 1);
	}
	hd_buffer_clear(&names);
}

static char *bytes_of(struct hd_overlay *overlay, const struct seen *seen)
{
	size_t size = S_ISDIR(seen->attributes.mode) ? 0 : seen->attributes.size, got = 0;
	char *text = calloc(1, size + 4097);

	assert_non_null(text);
	if (S_ISLNK(seen->attributes.mode))
		assert_success(hd_overlay_readlink(overlay, seen->attributes.ino, text, 4096, &got));
	else if (S_ISREG(seen->attributes.mode))
		assert_success(hd_overlay_read(overlay, seen->attributes.ino, text, size, 0, &got));
	assert_int_equal(got, size);
	return text;
}

static void look_at_all(struct looking *looking)
{
	look(looking, HD_ROOT_INO, "");
	qsort(looking->seen, looking->count, sizeof(*looking->seen), compare_seen);
	/* Directories were loaded on the way: link counts are right from here on. */
	for (size_t i = 0; i < looking->count; i++)
		assert_success(hd_overlay_getattr(
			looking->overlay, looking->seen[i].attributes.ino, &looking->seen[i].attributes));
}

char *model_dump_overlay(struct hd_overlay *overlay)
{
	struct looking looking = {.overlay = overlay};
	struct hd_buffer out = {0};

	look_at_all(&looking);
	for (size_t i = 0; i < looking.count; i++) {
		const struct seen *seen = &looking.seen[i];
		const struct hd_attributes *attributes = &seen->attributes;
		char *text = bytes_of(overlay, seen);
		const char *first = seen->path;

		for (size_t k = 0; k < i; k++) {
			if (looking.seen[k].attributes.ino == attributes->ino) {
				first = looking.seen[k].path;
				break;
			}
		}
		say(&out, seen->path, attributes->mode, text, (uint32_t)attributes->size,
			attributes->modify_time.tv_sec, (int)attributes->nlink, first);
		free(text);
	}
	free(looking.seen);
	hd_buffer_put_u8(&out, 0);
	return hd_buffer_steal(&out, NULL);
}

void model_read_base(struct model *model, struct hd_overlay *overlay)
{
	struct looking looking = {.overlay = overlay};

	look_at_all(&looking);
	for (size_t i = 0; i < looking.count; i++) {
		const struct hd_attributes *attributes = &looking.seen[i].attributes;
		struct model_node node = {.mode = attributes->mode,
			.time = attributes->modify_time.tv_sec,
			.seed = (uint64_t)n_base_texts,
			.size = S_ISDIR(attributes->mode) ? 0 : (uint32_t)attributes->size};

		assert_true(n_base_texts < BASE_TEXTS);
		base_texts[n_base_texts++] = bytes_of(overlay, &looking.seen[i]);
		assert_true(model_add(model, looking.seen[i].path, &node));
	}
	free(looking.seen);
}
