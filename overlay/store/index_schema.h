/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_SCHEMA_H
#define HEDDLE_STORE_INDEX_SCHEMA_H

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
	"	base BLOB NOT NULL REFERENCES state (id)"                       \
	") STRICT;"                                                       \
	"CREATE TABLE export ("                                           \
	"	repository TEXT NOT NULL,"                                      \
	"	state BLOB NOT NULL REFERENCES state (id),"                     \
	"	git_commit TEXT NOT NULL,"                                      \
	"	PRIMARY KEY (repository, state)"                                \
	") STRICT, WITHOUT ROWID;"                                        \
	"CREATE TABLE host_path ("                                        \
	"	base INTEGER NOT NULL,"                                         \
	"	hash BLOB NOT NULL CHECK (length(hash) = 16),"                  \
	"	number INTEGER NOT NULL,"                                       \
	"	path TEXT NOT NULL,"                                            \
	"	PRIMARY KEY (base, hash, number)"                               \
	") STRICT, WITHOUT ROWID;"

#endif
