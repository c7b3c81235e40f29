/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "capture/initialize.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/tree_codec.h"

#define ENTRIES_MAX 256

int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	strcpy(scene->directory, "/tmp/heddle-capture-test-XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("HOME", scene->directory, 1);
	setenv("XDG_CONFIG_HOME", scene->directory, 1);
	unsetenv("HEDDLE_AUTHOR");
	*state = scene;
	return 0;
}

void scene_open_store(struct scene *scene)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/repo/.heddle", scene->directory);
	assert_success(hd_store_open(path, &scene->store));
	assert_success(hd_base_set_new(scene->store, 0, &scene->bases));
}

void scene_close_store(struct scene *scene)
{
	hd_base_set_free(scene->bases);
	hd_store_free(scene->store);
	scene->bases = NULL;
	scene->store = NULL;
}

int scene_teardown(void **state)
{
	struct scene *scene = *state;

	hd_state_clear(&scene->base);
	scene_close_store(scene);
	assert_success(hd_directory_remove_tree(AT_FDCWD, scene->directory));
	free(scene);
	return 0;
}

__attribute__((format(printf, 2, 0))) static char *command_of(
	const struct scene *scene, const char *format, va_list arguments)
{
	char *tail, *command;

	assert_true(vasprintf(&tail, format, arguments) >= 0);
	assert_true(asprintf(&command,
			    "cd %s && export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=T "
			    "GIT_COMMITTER_EMAIL=t@t && { %s\n}",
			    scene->directory, tail) >= 0);
	free(tail);
	return command;
}

int scene_try(const struct scene *scene, const char *format, ...)
{
	va_list arguments;
	char *command;
	int status;

	va_start(arguments, format);
	command = command_of(scene, format, arguments);
	va_end(arguments);
	status = system(command);
	free(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void scene_run(const struct scene *scene, const char *format, ...)
{
	va_list arguments;
	char *command;

	va_start(arguments, format);
	command = command_of(scene, format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
	free(command);
}

static char *output_of(const char *command)
{
	FILE *pipe = popen(command, "r");
	char *output = calloc(1, 1 << 20);
	size_t size;

	assert_non_null(pipe);
	assert_non_null(output);
	size = fread(output, 1, (1 << 20) - 1, pipe);
	output[size] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("failed: %s", command);
	return output;
}

char *scene_output(const struct scene *scene, const char *format, ...)
{
	va_list arguments;
	char *command, *output;

	va_start(arguments, format);
	command = command_of(scene, format, arguments);
	va_end(arguments);
	output = output_of(command);
	free(command);
	return output;
}

void scene_assert_output(const struct scene *scene, const char *expected, const char *format, ...)
{
	va_list arguments;
	char *command, *output;

	va_start(arguments, format);
	command = command_of(scene, format, arguments);
	va_end(arguments);
	output = output_of(command);
	assert_string_equal(output, expected);
	free(output);
	free(command);
}

void scene_make_repository(struct scene *scene)
{
	scene_run(scene, "git init -q -b trunk repo && cd repo && mkdir -p src/deep docs && "
			 "printf 'one\\ntwo\\nthree\\n' > README && printf 'int x;\\n' > src/x.c && "
			 "printf '#!/bin/sh\\n' > src/run && chmod +x src/run && ln -s ../README src/link && "
			 "printf 'deep\\n' > src/deep/file && printf 'manual\\n' > docs/manual && "
			 "git add -A && git commit -q -m 'first commit'");
}

void scene_initialize(struct scene *scene, const char *base)
{
	char directory[PATH_MAX], base_path[PATH_MAX];
	struct hd_initialize_options options = {.directory = directory};

	snprintf(directory, sizeof(directory), "%s%s", scene->directory, base ? "" : "/repo");
	snprintf(base_path, sizeof(base_path), "%s/%s", scene->directory, base ? base : "");
	options.base = base ? base_path : NULL;
	assert_success(hd_initialize(&options, &scene->store, &scene->base));
	assert_success(hd_base_set_new(scene->store, 0, &scene->bases));
}

static struct hd_content store_text(struct scene *scene, const char *text)
{
	struct hd_content content = {0};

	if (*text)
		assert_success(hd_object_store_put(scene->store->objects, text, strlen(text), &content));
	return content;
}

/* What is left of PATH below the directory PREFIX, or NULL. */
static const char *below(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);

	if (length == 0)
		return path;
	return strncmp(path, prefix, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

static struct hd_tree_entry *find_entry(
	struct hd_tree_entry *entries, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (entries[i].name_length == length && memcmp(entries[i].name, name, length) == 0)
			return &entries[i];
	}
	return NULL;
}

static int compare_tree_entries(const void *a, const void *b)
{
	const struct hd_tree_entry *left = a, *right = b;

	return hd_tree_compare_names(left->name, left->name_length, right->name, right->name_length);
}

static struct hd_content make_tree(struct scene *scene, struct hd_tree_view *view,
	const struct hd_tree_view_entry *old, const char *prefix, const struct spec *specs, size_t count);

static void apply_spec(struct scene *scene, struct hd_tree_entry *entry, const struct spec *spec)
{
	entry->mode = spec->mode;
	entry->content = spec->text ? store_text(scene, spec->text) : spec->content;
	entry->size = S_ISREG(spec->mode) || S_ISLNK(spec->mode)
			      ? (spec->text ? strlen(spec->text) : spec->size)
			      : 0;
}

/* Makes the subdirectory NAME of PREFIX if a spec lies in it. */
static void descend(struct scene *scene, struct hd_tree_view *view, const struct hd_tree_view_entry *old,
	const char *prefix, struct hd_tree_entry *entry, const struct spec *specs, size_t count)
{
	char path[PATH_MAX];
	struct hd_tree_view_entry none = {.mode = S_IFDIR};

	snprintf(path, sizeof(path), "%s%s%.*s", prefix, *prefix ? "/" : "", (int)entry->name_length,
		entry->name);
	for (size_t i = 0; i < count; i++) {
		if (below(path, specs[i].path)) {
			entry->content = make_tree(scene, view, old ? old : &none, path, specs, count);
			return;
		}
	}
}

static size_t take_old_entries(const struct hd_tree_view_listing *listing, struct hd_tree_entry *entries)
{
	assert_true(listing->count < ENTRIES_MAX);
	for (size_t i = 0; i < listing->count; i++) {
		const struct hd_tree_view_entry *old = &listing->entries[i];

		entries[i] = (struct hd_tree_entry){
			.name = old->name,
			.name_length = old->name_length,
			.mode = old->mode,
			.size = S_ISDIR(old->mode) ? 0 : old->size,
			.content = old->content,
		};
	}
	return listing->count;
}

static struct hd_content make_tree(struct scene *scene, struct hd_tree_view *view,
	const struct hd_tree_view_entry *old, const char *prefix, const struct spec *specs, size_t count)
{
	struct hd_tree_view_listing listing;
	struct hd_tree_entry entries[ENTRIES_MAX];
	struct hd_buffer bytes = {0};
	struct hd_content content = {0};
	size_t n;

	assert_success(hd_tree_view_list(view, old, &listing));
	n = take_old_entries(&listing, entries);
	for (size_t i = 0; i < count; i++) {
		const char *name = below(prefix, specs[i].path);
		size_t length = name ? strcspn(name, "/") : 0;
		struct hd_tree_entry *entry = name ? find_entry(entries, n, name, length) : NULL;

		if (!name)
			continue;
		if (!name[length] && !specs[i].mode) {
			assert_non_null(entry);
			*entry = entries[--n];
			continue;
		}
		if (!entry) {
			assert_true(n < ENTRIES_MAX);
			entry = &entries[n++];
			*entry = (struct hd_tree_entry){
				.name = name, .name_length = (uint16_t)length, .mode = S_IFDIR | 0755};
		}
		if (!name[length])
			apply_spec(scene, entry, &specs[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct hd_tree_view_entry *old_child = NULL;

		for (size_t j = 0; j < listing.count; j++) {
			if (listing.entries[j].name_length == entries[i].name_length &&
				strncmp(listing.entries[j].name, entries[i].name, entries[i].name_length) ==
					0)
				old_child = &listing.entries[j];
		}
		if (S_ISDIR(entries[i].mode))
			descend(scene, view, old_child, prefix, &entries[i], specs, count);
	}
	qsort(entries, n, sizeof(entries[0]), compare_tree_entries);
	if (n > 0) {
		assert_success(hd_tree_encode(entries, n, &bytes));
		assert_success(hd_object_store_put(scene->store->objects, bytes.data, bytes.size, &content));
	}
	hd_buffer_clear(&bytes);
	hd_tree_view_listing_clear(&listing);
	return content;
}

void scene_commit(struct scene *scene, const struct hd_state *parent, const struct spec *specs, size_t count,
	const char *message, struct hd_state *ret_state)
{
	struct hd_tree_view *view;
	struct hd_tree_view_entry root;
	struct hd_state_id parent_id = parent->id;
	struct hd_state state = {
		.parents = &parent_id,
		.n_parents = 1,
		.message = (char *)message,
		.author = (char *)"A U Thor <author@example.org>",
		.time_s = 1700000000,
		.zone_minutes = -90,
		.root_mode = 0755,
	};

	assert_success(hd_tree_view_of_state(scene->bases, parent, &view));
	hd_tree_view_root(view, &root);
	state.tree = make_tree(scene, view, &root, "", specs, count);
	hd_tree_view_free(view);
	assert_success(hd_index_publish(scene->store->index, &state, "main", &parent->id));
	assert_success(hd_index_get_state(scene->store->index, &state.id, ret_state));
}

void scene_find(struct scene *scene, const struct hd_state *state, const char *path,
	struct hd_tree_view_entry *ret_entry)
{
	struct hd_tree_view *view;
	struct hd_tree_view_listing listing;
	struct hd_tree_view_entry directory;

	assert_success(hd_tree_view_of_state(scene->bases, state, &view));
	hd_tree_view_root(view, &directory);
	while (*path) {
		size_t length = strcspn(path, "/"), i = 0;

		assert_success(hd_tree_view_list(view, &directory, &listing));
		while (i < listing.count && (listing.entries[i].name_length != length ||
						    strncmp(listing.entries[i].name, path, length) != 0))
			i++;
		if (i == listing.count)
			fail_msg("there is no '%s'", path);
		directory = listing.entries[i];
		directory.name = "";
		hd_tree_view_listing_clear(&listing);
		path += length + (path[length] == '/');
	}
	hd_tree_view_free(view);
	*ret_entry = directory;
}
