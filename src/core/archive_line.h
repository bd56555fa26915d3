/* SPDX-License-Identifier: Apache-2.0 */
/* A line of an archived job (docs/protocol/archive.md), decoded: one row of it. */
#pragma once

#include "core/event.h"
#include "core/uow.h"

enum archive_line_kind {
	ARCHIVE_JOB,
	ARCHIVE_INCARNATION,
	ARCHIVE_TEST,
	ARCHIVE_RUN,
	ARCHIVE_ARTIFACT, /* of the run before it */
	ARCHIVE_EVENT,
	ARCHIVE_END,
	ARCHIVE_LINE_KIND_COUNT
};

struct archive_line {
	enum archive_line_kind kind;
	union {
		struct job *job;
		struct incarnation *incarnation;
		struct job_test *test;
		struct run *run; /* with its result */
		struct artifact *artifact;
		struct event *event;
		int64_t end[4]; /* tests, runs, artifacts, events */
	};
	const char *queue;  /* JOB: its name */
	struct str options; /* JOB: JSON object; empty: none */
	bool is_void;       /* END: the job is to be passed over */
};
