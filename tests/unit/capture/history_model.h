/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_CAPTURE_HISTORY_MODEL_H
#define HEDDLE_TESTS_UNIT_CAPTURE_HISTORY_MODEL_H

/*
 * A model of a tree in plain memory: names that point to nodes. It knows nothing of heddle but how to read a live overlay
 * and how to say, path by path, what it has; two that say the same are the same.
 */

#include "tests/unit/capture/live.h"

enum { MODEL_NAMES = 400, MODEL_PATH = 96 };

struct model_node {
	uint32_t mode;
	int64_t time;  /* of files */
	uint64_t seed; /* of a file's bytes and a link's target: model_text */
	uint32_t size;
};

struct model_name {
	char path[MODEL_PATH];
	int node;
};

struct model {
	struct model_name names[MODEL_NAMES]; /* in order of paths */
	int n_names;
	struct model_node nodes[MODEL_NAMES];
	int n_nodes;
};

/* SIZE bytes that SEED stands for, NUL behind them, fresh memory. */
char *model_text(uint64_t seed, uint32_t size);

/* The name at PATH, or NULL. */
struct model_name *model_find(struct model *model, const char *path);
struct model_node *model_node(struct model *model, const char *path);
bool model_is_directory(struct model *model, const char *path);
/* A name for a new node; false when the model is full. */
bool model_add(struct model *model, const char *path, const struct model_node *node);
bool model_link(struct model *model, const char *from, const char *to);
/* With everything below. */
void model_remove(struct model *model, const char *path);
void model_rename(struct model *model, const char *from, const char *to);

/* The base's files: read from the overlay, their bytes kept apart. */
void model_read_base(struct model *model, struct hd_overlay *overlay);
/* What is in the tree, a line per path; fresh memory. */
char *model_dump(struct model *model);
char *model_dump_overlay(struct hd_overlay *overlay);

#endif
