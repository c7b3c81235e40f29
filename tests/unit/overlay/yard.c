/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/overlay/yard.h"

#include "overlay/platform/clock.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/index/index_operations.h"

const struct hd_caller yard_caller = {.uid = 1000, .gid = 1000, .umask = 022};

struct base {
	struct hd_base head;
	struct yard_base *yard; /* borrowed */
};

static struct hd_content content_of(uint32_t node)
{
	struct hd_content content = {.kind = HD_CONTENT_GIT, .length = 20, .base = 1};

	memcpy(content.bytes, &node, sizeof(node));
	content.bytes[19] = 1;
	return content;
}

static uint32_t node_of(const struct hd_content *content)
{
	uint32_t node;

	memcpy(&node, content->bytes, sizeof(node));
	return node;
}

static int base_list(
	struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct yard_base *yard = ((struct base *)base)->yard;
	uint32_t parent = node_of(&directory->content);
	int r = 0;

	atomic_fetch_add(&yard->lists, 1);
	if (atomic_load(&yard->stall_ms) && (yard->stall_only == UINT32_MAX || yard->stall_only == parent))
		hd_clock_sleep_ns((uint64_t)atomic_load(&yard->stall_ms) * 1000000u);
	if (atomic_load(&yard->fail_lists) > 0) {
		atomic_fetch_sub(&yard->fail_lists, 1);
		return -EIO;
	}
	for (uint32_t i = 1; r == 0 && i < yard->n_nodes; i++) {
		const struct yard_node *node = &yard->nodes[i];
		struct hd_base_entry entry = {
			.name = node->name,
			.mode = node->mode,
			.uid = 7,
			.gid = 8,
			.size = S_ISDIR(node->mode) ? 0 : node->size,
			.link_group = node->link_group,
			.links = node->links,
			.xattrs = node->xattrs_size ? node->xattrs : NULL,
			.xattrs_size = node->xattrs_size,
			.content = content_of(i),
			.modify_time = {.tv_sec = 1000000000},
		};

		if (node->parent == parent)
			r = emit(&entry, payload);
	}
	return r;
}

static int base_read(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	struct yard_base *yard = ((struct base *)base)->yard;
	uint32_t node = node_of(file);
	uint64_t end = yard->nodes[node].size;
	uint8_t *bytes = buffer;

	if (size > (offset < end ? end - offset : 0))
		size = offset < end ? end - offset : 0;
	for (size_t i = 0; i < size; i++)
		bytes[i] = yard_byte(node, offset + i);
	atomic_fetch_add(&yard->reads, 1);
	atomic_fetch_add(&yard->read_sum, size);
	*ret_size = size;
	return 0;
}

static int base_size(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size)
{
	*ret_size = ((struct base *)base)->yard->nodes[node_of(file)].size;
	return 0;
}

static void base_free(struct hd_base *base)
{
	free(base);
}

static const struct hd_base_operations operations = {
	.name = "yard", .list = base_list, .read = base_read, .size = base_size, .free = base_free};

void yard_adopt_base(struct yard *yard, struct hd_overlay *overlay)
{
	struct base *base = calloc(1, sizeof(*base));

	assert_non_null(base);
	base->head.operations = &operations;
	base->head.may_stall = yard->base->may_stall;
	base->yard = yard->base;
	assert_success(hd_base_set_adopt(hd_overlay_bases(overlay), 1, &base->head));
}

uint32_t yard_base_add(struct yard *yard, uint32_t parent, const char *name, uint32_t mode, uint64_t size)
{
	struct yard_node *node = &yard->base->nodes[yard->base->n_nodes];

	assert_true(yard->base->n_nodes < YARD_NODES);
	node->parent = parent;
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->mode = mode;
	node->size = size;
	return yard->base->n_nodes++;
}

/* ---- life ---- */

static void make_thread(struct yard *yard)
{
	struct hd_state state = {.author = (char *)"A <a@b>",
		.message = (char *)"base",
		.root_mode = 0755,
		.time_s = 1700000000};
	uint16_t number;

	assert_success(hd_index_add_base(yard->store->index, HD_BASE_GIT, "/nowhere", &number));
	assert_int_equal(number, 1);
	if (yard->base)
		state.tree = content_of(0);
	assert_success(hd_index_publish(yard->store->index, &state, NULL, NULL));
	assert_success(hd_index_create_thread(yard->store->index, "main", &state.id));
}

static struct yard *make_yard(void)
{
	struct yard *yard = calloc(1, sizeof(*yard));

	assert_non_null(yard);
	strcpy(yard->directory, "/tmp/heddle-overlay-test-XXXXXX");
	assert_non_null(mkdtemp(yard->directory));
	snprintf(yard->path, sizeof(yard->path), "%s/.heddle", yard->directory);
	assert_success(hd_store_create(yard->path, &yard->store));
	return yard;
}

int yard_setup(void **state)
{
	struct yard *yard = make_yard();

	make_thread(yard);
	*state = yard;
	return 0;
}

int yard_setup_over_base(void **state)
{
	struct yard *yard = make_yard();

	yard->base = calloc(1, sizeof(*yard->base));
	assert_non_null(yard->base);
	yard->base->nodes[0].mode = S_IFDIR | 0755;
	yard->base->n_nodes = 1;
	yard->base->stall_only = UINT32_MAX;
	make_thread(yard);
	*state = yard;
	return 0;
}

int yard_teardown(void **state)
{
	struct yard *yard = *state;

	if (yard->overlay)
		yard_close(yard);
	hd_store_free(yard->store);
	assert_success(hd_directory_remove_tree(AT_FDCWD, yard->directory));
	free(yard->base);
	free(yard);
	return 0;
}

struct hd_overlay_options yard_options(const struct yard *yard)
{
	return (struct hd_overlay_options){.store = yard->store,
		.thread = "main",
		.arena_fd = -1,
		.hot_fd = -1,
		.base_deadline_ms = 5000};
}

struct hd_overlay *yard_open_with(struct yard *yard, const struct hd_overlay_options *options)
{
	assert_null(yard->overlay);
	assert_success(hd_overlay_open(options, &yard->overlay));
	if (yard->base)
		yard_adopt_base(yard, yard->overlay);
	return yard->overlay;
}

struct hd_overlay *yard_open(struct yard *yard)
{
	struct hd_overlay_options options = yard_options(yard);

	return yard_open_with(yard, &options);
}

void yard_close(struct yard *yard)
{
	struct hd_overlay *overlay = yard->overlay;

	yard->overlay = NULL;
	assert_success(hd_overlay_close(overlay));
}

struct hd_overlay *yard_reopen(struct yard *yard)
{
	yard_close(yard);
	return yard_open(yard);
}

void yard_reopen_store(struct yard *yard)
{
	assert_null(yard->overlay);
	hd_store_free(yard->store);
	assert_success(hd_store_open(yard->path, &yard->store));
}

void yard_thread_path(const struct yard *yard, const char *name, char path[PATH_MAX])
{
	assert_true(
		snprintf(path, PATH_MAX, "%.*s/threads/1/%s", PATH_MAX - 64, yard->path, name) < PATH_MAX);
}

/* ---- requests ---- */

hd_ino find(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	struct hd_attributes attributes = {0};
	int r = hd_overlay_lookup(overlay, parent, name, &attributes);

	if (r < 0)
		fail_msg("'%s': %s", name, hd_error_message(r));
	return attributes.ino;
}

hd_ino make_file(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	struct hd_attributes attributes = {0};

	assert_success(hd_overlay_create(overlay, &yard_caller, parent, name, 0644, &attributes));
	return attributes.ino;
}

hd_ino make_directory(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	struct hd_attributes attributes = {0};

	assert_success(hd_overlay_mkdir(overlay, &yard_caller, parent, name, 0755, &attributes));
	return attributes.ino;
}

void assert_missing(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	struct hd_attributes attributes;

	assert_int_equal(hd_overlay_lookup(overlay, parent, name, &attributes), -ENOENT);
}

struct hd_attributes attributes_of(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_attributes attributes = {0};

	assert_success(hd_overlay_getattr(overlay, ino, &attributes));
	return attributes;
}

void write_text(struct hd_overlay *overlay, hd_ino ino, const char *text)
{
	size_t written = 0;

	assert_success(hd_overlay_write(overlay, ino, text, strlen(text), 0, &written));
	assert_int_equal(written, strlen(text));
}

void assert_text(struct hd_overlay *overlay, hd_ino ino, const char *text)
{
	char *buffer = calloc(1, strlen(text) + 2);
	size_t size = 0;

	assert_non_null(buffer);
	assert_success(hd_overlay_read(overlay, ino, buffer, strlen(text) + 1, 0, &size));
	assert_int_equal(size, strlen(text));
	assert_string_equal(buffer, text);
	free(buffer);
}

uint64_t yard_seed(void)
{
	const char *given = getenv("HEDDLE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : hd_clock_monotonic_ns();

	print_message("HEDDLE_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed ? seed : 1;
}
