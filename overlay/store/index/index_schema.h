/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_INDEX_SCHEMA_H
#define HEDDLE_STORE_INDEX_INDEX_SCHEMA_H

/*
 * The tables of index.db, explained in docs/design/on-disk-format.md. Its version is HD_STORE_VERSION, kept
 * in PRAGMA user_version; PRAGMA application_id tells that the file is an index at all.
 */

#define HD_INDEX_FILE "index.db"

/* "HDDL" */
#define HD_INDEX_APPLICATION_ID 0x4844444c

#define HD_INDEX_SCHEMA                                                   \
	"CREATE TABLE base ("                                             \
	"	number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 65535)," \
	"	kind INTEGER NOT NULL,"                                         \
	"	location TEXT NOT NULL,"                                        \
	"	UNIQUE (kind, location)"                                        \
	") STRICT;"                                                       \
	"CREATE TABLE state ("                                            \
	"	id BLOB PRIMARY KEY CHECK (length(id) = 16),"                   \
	"	record BLOB NOT NULL"                                           \
	") STRICT, WITHOUT ROWID;"                                        \
	"CREATE TABLE thread ("                                           \
	"	number INTEGER PRIMARY KEY AUTOINCREMENT,"                      \
	"	name TEXT NOT NULL UNIQUE,"                                     \
	"	head BLOB NOT NULL REFERENCES state (id),"                      \
	"	base BLOB NOT NULL REFERENCES state (id),"                      \
	"	tree BLOB NOT NULL REFERENCES state (id)"                       \
	") STRICT;"                                                       \
	"CREATE TABLE tag ("                                              \
	"	name TEXT PRIMARY KEY,"                                         \
	"	state BLOB NOT NULL REFERENCES state (id)"                      \
	") STRICT, WITHOUT ROWID;"                                        \
	"CREATE TABLE operation ("                                        \
	"	number INTEGER PRIMARY KEY AUTOINCREMENT,"                      \
	"	kind INTEGER NOT NULL,"                                         \
	"	subject INTEGER NOT NULL,"                                      \
	"	time INTEGER NOT NULL,"                                         \
	"	zone INTEGER NOT NULL,"                                         \
	"	actor TEXT NOT NULL,"                                           \
	"	before_name TEXT,"                                              \
	"	before_overlay INTEGER NOT NULL,"                               \
	"	before_head BLOB REFERENCES state (id),"                        \
	"	before_base BLOB REFERENCES state (id),"                        \
	"	before_tree BLOB REFERENCES state (id),"                        \
	"	after_name TEXT,"                                               \
	"	after_overlay INTEGER NOT NULL,"                                \
	"	after_head BLOB REFERENCES state (id),"                         \
	"	after_base BLOB REFERENCES state (id),"                         \
	"	after_tree BLOB REFERENCES state (id),"                         \
	"	kept BLOB REFERENCES state (id),"                               \
	"	target INTEGER NOT NULL,"                                       \
	"	undone INTEGER NOT NULL"                                        \
	") STRICT;"                                                       \
	"CREATE TABLE export ("                                           \
	"	repository TEXT NOT NULL,"                                      \
	"	state BLOB NOT NULL REFERENCES state (id),"                     \
	"	git_commit TEXT NOT NULL,"                                      \
	"	PRIMARY KEY (repository, state)"                                \
	") STRICT, WITHOUT ROWID;"                                        \
	"CREATE INDEX export_commit ON export (git_commit, repository);"  \
	"CREATE TABLE host_path ("                                        \
	"	base INTEGER NOT NULL,"                                         \
	"	hash BLOB NOT NULL CHECK (length(hash) = 16),"                  \
	"	number INTEGER NOT NULL,"                                       \
	"	path TEXT NOT NULL,"                                            \
	"	PRIMARY KEY (base, hash, number)"                               \
	") STRICT, WITHOUT ROWID;"

#endif
