/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/live.h"

#include <fcntl.h>

#include "overlay/platform/buffer.h"

static const struct hd_caller caller = {.umask = 022};

struct hd_overlay *live_open(struct scene *scene)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = "main", .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;

	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

void live_close(struct hd_overlay *overlay)
{
	assert_success(hd_overlay_close(overlay));
}

/* The directory that PATH lies in; *RET_NAME is its last part, within PATH. */
static hd_ino find_parent(struct hd_overlay *overlay, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*ret_name = slash ? slash + 1 : path;
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
	return live_find(overlay, parent);
}

hd_ino live_find(struct hd_overlay *overlay, const char *path)
{
	struct hd_attributes attributes = {.ino = HD_ROOT_INO};
	char part[256];

	while (*path) {
		size_t length = strcspn(path, "/");

		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		assert_success(hd_overlay_lookup(overlay, attributes.ino, part, &attributes));
		path += length + (path[length] == '/');
	}
	return attributes.ino;
}

void live_write(struct hd_overlay *overlay, const char *path, const char *text)
{
	live_write_bytes(overlay, path, text, strlen(text));
}

void live_write_bytes(struct hd_overlay *overlay, const char *path, const void *data, size_t size)
{
	struct hd_attributes attributes, wanted = {.size = 0};
	const char *name;
	hd_ino parent = find_parent(overlay, path, &name);
	size_t written;
	int r = hd_overlay_lookup(overlay, parent, name, &attributes);

	if (r == -ENOENT)
		r = hd_overlay_create(overlay, &caller, parent, name, 0644, &attributes);
	else if (r == 0)
		r = hd_overlay_open_file(overlay, attributes.ino, O_RDWR);
	assert_success(r);
	assert_success(hd_overlay_setattr(overlay, &caller, attributes.ino, HD_SET_SIZE, &wanted, &wanted));
	assert_success(hd_overlay_write(overlay, attributes.ino, data, size, 0, &written));
	assert_int_equal(written, size);
	assert_success(hd_overlay_release(overlay, attributes.ino));
}

void live_make_directory(struct hd_overlay *overlay, const char *path)
{
	struct hd_attributes attributes;
	const char *name;
	hd_ino parent = find_parent(overlay, path, &name);

	assert_success(hd_overlay_mkdir(overlay, &caller, parent, name, 0755, &attributes));
}

void live_make_link(struct hd_overlay *overlay, const char *path, const char *target)
{
	struct hd_attributes attributes;
	const char *name;
	hd_ino parent = find_parent(overlay, path, &name);

	assert_success(hd_overlay_symlink(overlay, &caller, parent, name, target, &attributes));
}

void live_make_node(struct hd_overlay *overlay, const char *path, mode_t mode, uint32_t device)
{
	struct hd_attributes attributes;
	const char *name;
	hd_ino parent = find_parent(overlay, path, &name);

	assert_success(hd_overlay_mknod(overlay, &caller, parent, name, mode, device, &attributes));
}

void live_link(struct hd_overlay *overlay, const char *from, const char *to)
{
	struct hd_attributes attributes;
	const char *name;
	hd_ino parent = find_parent(overlay, to, &name);

	assert_success(hd_overlay_link(overlay, live_find(overlay, from), parent, name, &attributes));
}

void live_remove(struct hd_overlay *overlay, const char *path)
{
	const char *name;
	hd_ino parent = find_parent(overlay, path, &name);
	struct hd_attributes attributes;

	assert_success(hd_overlay_lookup(overlay, parent, name, &attributes));
	if (S_ISDIR(attributes.mode))
		assert_success(hd_overlay_rmdir(overlay, parent, name));
	else
		assert_success(hd_overlay_unlink(overlay, parent, name));
}

static bool collect_name(const struct hd_directory_item *item, void *payload)
{
	if (strcmp(item->name, ".") != 0 && strcmp(item->name, "..") != 0)
		hd_buffer_put(payload, item->name, item->name_length + 1);
	return true;
}

void live_remove_tree(struct hd_overlay *overlay, const char *path)
{
	struct hd_attributes attributes = live_stat(overlay, path);
	struct hd_buffer names = {0};
	char child[PATH_MAX];

	if (S_ISDIR(attributes.mode)) {
		assert_success(hd_overlay_readdir(overlay, attributes.ino, 0, collect_name, &names));
		for (size_t at = 0; at < names.size; at += strlen((char *)names.data + at) + 1) {
			snprintf(child, sizeof(child), "%s/%s", path, (char *)names.data + at);
			live_remove_tree(overlay, child);
		}
	}
	hd_buffer_clear(&names);
	live_remove(overlay, path);
}

void live_rename(struct hd_overlay *overlay, const char *from, const char *to)
{
	const char *from_name, *to_name;
	hd_ino from_parent = find_parent(overlay, from, &from_name);
	hd_ino to_parent = find_parent(overlay, to, &to_name);

	assert_success(hd_overlay_rename(overlay, from_parent, from_name, to_parent, to_name, 0));
}

static void set(struct hd_overlay *overlay, const char *path, unsigned what, struct hd_attributes values)
{
	struct hd_attributes result;

	assert_success(
		hd_overlay_setattr(overlay, &caller, live_find(overlay, path), what, &values, &result));
}

void live_chmod(struct hd_overlay *overlay, const char *path, mode_t mode)
{
	set(overlay, path, HD_SET_MODE, (struct hd_attributes){.mode = mode});
}

void live_set_time(struct hd_overlay *overlay, const char *path, int64_t seconds)
{
	set(overlay, path, HD_SET_MODIFY_TIME, (struct hd_attributes){.modify_time = {.tv_sec = seconds}});
}

void live_set_xattr(struct hd_overlay *overlay, const char *path, const char *name, const char *value)
{
	assert_success(hd_overlay_setxattr(overlay, live_find(overlay, path), name, value, strlen(value), 0));
}

struct hd_attributes live_stat(struct hd_overlay *overlay, const char *path)
{
	struct hd_attributes attributes;

	assert_success(hd_overlay_getattr(overlay, live_find(overlay, path), &attributes));
	return attributes;
}

char *live_read(struct hd_overlay *overlay, const char *path)
{
	struct hd_attributes attributes = live_stat(overlay, path);
	char *data = calloc(1, attributes.size + 1);
	size_t size;

	assert_non_null(data);
	assert_success(hd_overlay_read(overlay, attributes.ino, data, attributes.size, 0, &size));
	assert_int_equal(size, attributes.size);
	return data;
}

static int capture(
	struct hd_overlay *overlay, const char *message, struct hd_state *ret_state, bool *ret_nothing)
{
	struct hd_capture_options options = {.message = message, .author = "A U Thor <author@example.org>"};

	return hd_capture_run(overlay, &options, ret_state, ret_nothing);
}

void live_capture(struct hd_overlay *overlay, const char *message, struct hd_state *ret_state)
{
	bool nothing;

	assert_success(capture(overlay, message, ret_state, &nothing));
	assert_false(nothing);
	live_assert_status(overlay, "");
}

void live_assert_nothing(struct hd_overlay *overlay)
{
	struct hd_state state;
	struct hd_state_id head;
	bool nothing = false;

	assert_success(capture(overlay, "nothing", &state, &nothing));
	if (!nothing)
		fail_msg("a state was made: %llu added, %llu modified, %llu deleted",
			(unsigned long long)state.added, (unsigned long long)state.modified,
			(unsigned long long)state.deleted);
	hd_overlay_head(overlay, &head);
	assert_true(hd_state_id_equal(&head, &state.id));
	hd_state_clear(&state);
}

void live_assert_status(struct hd_overlay *overlay, const char *expected)
{
	struct hd_buffer text = {0};
	struct hd_status status;

	assert_success(hd_status_read(overlay, 1000, &status));
	assert_false(status.truncated);
	assert_int_equal(
		status.counts.added + status.counts.modified + status.counts.deleted + status.counts.moved,
		status.n_entries);
	for (size_t i = 0; i < status.n_entries; i++) {
		const char *origin = status.entries[i].old_path;

		hd_buffer_printf(&text, "%s %s%s%s\n", hd_change_kind_letter(status.entries[i].kind),
			origin ? origin : "", origin ? " -> " : "", status.entries[i].path);
	}
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	hd_buffer_clear(&text);
	hd_status_clear(&status);
}
