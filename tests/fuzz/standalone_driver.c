/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a libFuzzer entry point without libFuzzer: every corpus file as it is, then mutations of them.
 *
 * This makes each fuzzer an ordinary test under every compiler and sanitizer. The mutations come from a fixed
 * seed, so that a failure repeats; a crash is found again with -only=INDEX. An empty corpus still gets
 * mutations of the empty input.
 *
 *     tree_codec_fuzzer [-mutations=N] [-seed=N] [-only=INDEX] CORPUS-FOLDER-OR-FILE...
 */

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_LIMIT = 1 << 20, INPUT_COUNT = 4096, CHANGES_PER_MUTATION = 8, GROWTH_LIMIT = 256 };

struct input {
	uint8_t *data;
	size_t size;
};

static struct input inputs[INPUT_COUNT];
static size_t input_count;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* splitmix64: small, well distributed, the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void add_input(const uint8_t *data, size_t size)
{
	struct input *input;

	if (input_count == INPUT_COUNT)
		return;
	input = &inputs[input_count];
	input->data = malloc(size + 1);
	if (input->data == NULL)
		abort();
	memcpy(input->data, data, size);
	input->size = size;
	input_count++;
}

static int read_file(const char *path)
{
	static uint8_t buffer[INPUT_LIMIT];
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		fprintf(stderr, "cannot open %s\n", path);
		return -1;
	}
	add_input(buffer, fread(buffer, 1, sizeof(buffer), file));
	(void)fclose(file);
	return 0;
}

static int skip_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_corpus(const char *path)
{
	struct dirent **entries;
	struct stat st;
	char name[4096];
	int count, r = 0;

	if (stat(path, &st) < 0)
		return 0; /* a decoder without a corpus yet */
	if (!S_ISDIR(st.st_mode))
		return read_file(path);
	count = scandir(path, &entries, skip_dots, alphasort);
	for (int i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (r == 0)
			r = read_file(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return r;
}

/* One change of the SIZE bytes; returns the new size. BYTES has room for GROWTH_LIMIT more. */
static size_t change_once(uint8_t *bytes, size_t size, size_t limit, uint64_t *random)
{
	static const uint32_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
	uint64_t choice = next_random(random);
	size_t at = size > 0 ? next_random(random) % size : 0;
	uint32_t edge = edges[choice % (sizeof(edges) / sizeof(edges[0]))];

	switch ((choice >> 32) % 6) {
	case 0:
		if (size > 0)
			bytes[at] ^= (uint8_t)(1U << (choice & 7));
		return size;
	case 1:
		if (size > 0)
			bytes[at] = (uint8_t)(choice >> 8);
		return size;
	case 2: /* a length or a count at its edge, at any alignment */
		if (size >= at + sizeof(edge) && size >= sizeof(edge))
			memcpy(bytes + at, &edge, sizeof(edge));
		return size;
	case 3: /* cut the end off */
		return at;
	case 4: /* take a byte out */
		if (size == 0)
			return 0;
		memmove(bytes + at, bytes + at + 1, size - at - 1);
		return size - 1;
	default: /* put a byte in */
		if (size == limit)
			return size;
		memmove(bytes + at + 1, bytes + at, size - at);
		bytes[at] = (uint8_t)(choice >> 16);
		return size + 1;
	}
}

/* The input is malloc'ed at its exact size, so that a read behind its end is seen by the address sanitizer.
 */
static void run_mutation(uint64_t seed, uint64_t index)
{
	uint64_t random = seed * UINT64_C(0x2545f4914f6cdd1d) + index;
	const struct input *input = &inputs[next_random(&random) % input_count];
	size_t size = input->size, limit = input->size + GROWTH_LIMIT;
	uint8_t *bytes = malloc(limit + 1), *exact;
	uint64_t changes = 1 + next_random(&random) % CHANGES_PER_MUTATION;

	if (bytes == NULL)
		abort();
	memcpy(bytes, input->data, size);
	while (changes-- > 0)
		size = change_once(bytes, size, limit, &random);
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, bytes, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	free(bytes);
}

int main(int argc, char **argv)
{
	uint64_t mutations = 20000, seed = 1, only = UINT64_MAX;
	static const uint8_t nothing[1] = {0};

	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "-mutations=%" SCNu64, &mutations) == 1 ||
			sscanf(argv[i], "-seed=%" SCNu64, &seed) == 1 ||
			sscanf(argv[i], "-only=%" SCNu64, &only) == 1)
			continue;
		if (read_corpus(argv[i]) < 0)
			return 1;
	}
	printf("%zu corpus files, %" PRIu64 " mutations, seed %" PRIu64 "\n", input_count, mutations, seed);
	for (size_t i = 0; i < input_count && only == UINT64_MAX; i++)
		(void)LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].size);
	add_input(nothing, 0);
	if (only != UINT64_MAX)
		run_mutation(seed, only);
	for (uint64_t i = 0; i < mutations && only == UINT64_MAX; i++)
		run_mutation(seed, i);
	for (size_t i = 0; i < input_count; i++)
		free(inputs[i].data);
	return 0;
}
