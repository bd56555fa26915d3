/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives from anywhere. Whole files, and single lines, which a file's sums would keep a
 * fuzzer from: an input that begins with '{' is a line, any other one a file.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/arc.h"
#include "base/fd.h"
#include "base/json.h"
#include "core/flow.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static void
check_err(const struct err *err)
{
	FUZZ_CHECK(err->code == ERR_CORRUPT || err->code == ERR_LIMIT);
	FUZZ_CHECK(err->text[0] != '\0');
}

/* What readers of rows take for granted. */
static void
check_line(const struct archive_line *line)
{
	switch (line->kind) {
	case ARCHIVE_JOB:
		FUZZ_CHECK(job_state_is_final(line->job->state));
		FUZZ_CHECK(line->job->tags && line->job->labels && line->queue);
		FUZZ_CHECK(line->job->incarnation >= 1 && line->job->completed_ms > 0);
		FUZZ_CHECK(line->job->lane == 0 && line->job->queue == 0 && !line->job->ready);
		break;
	case ARCHIVE_RUN:
		FUZZ_CHECK(line->run->state == RUN_FINISHED);
		FUZZ_CHECK(line->run->outcome != OUTCOME_NONE);
		FUZZ_CHECK(line->run->test >= 0 && line->run->target >= 0);
		break;
	case ARCHIVE_TEST:
		FUZZ_CHECK(line->test->index >= 0 && line->test->body.n >= 2);
		FUZZ_CHECK(line->test->kind != NULL);
		break;
	case ARCHIVE_ARTIFACT:
		FUZZ_CHECK(strlen(line->artifact->blob) == 64);
		FUZZ_CHECK(!strstr(line->artifact->name, "/../"));
		FUZZ_CHECK(strncmp(line->artifact->name, "../", 3) != 0);
		break;
	case ARCHIVE_EVENT:
		FUZZ_CHECK(event_type_name(line->event->type) != NULL);
		break;
	case ARCHIVE_INCARNATION:
	case ARCHIVE_END:
		break;
	case ARCHIVE_LINE_KIND_COUNT:
		FUZZ_CHECK(!"no kind");
	}
}

/* A flow that was taken can be shown. */
static void
show_flow(const struct job *job, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(ARENA_BYTES);
	struct err err = { 0 };
	struct jw jw;

	jw_init(&jw, &text);
	FUZZ_CHECK(flow_stages_write(&jw, job, arena, &err) == 0);
	FUZZ_CHECK(jw_done(&jw) == 0);
	json_t *tree = json_loadb(text.data, text.len, 0, NULL);
	FUZZ_CHECK(tree != NULL);
	json_decref(tree);
}

static void
try_line(struct str text)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct archive_line line;
	struct err err = { 0 };

	arena_init(&arena, ARENA_BYTES);
	if (arc_decode(text, &arena, &line, &err) < 0)
		check_err(&err);
	else
		check_line(&line);
	if (err.code == 0 && line.kind == ARCHIVE_JOB && line.job->flow)
		show_flow(line.job, &arena);
}

static void
try_file(const uint8_t *data, size_t size)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC);
	struct err err = { 0 };
	struct arc_head head;

	arena_init(&arena, ARENA_BYTES);
	FUZZ_CHECK(fd >= 0 && fd_write_all(fd, data, size, &err) == 0);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	if (arc_check(fd, NULL, &head, &arena, &err) < 0)
		check_err(&err);
	else
		FUZZ_CHECK(head.version == ARC_VERSION);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '{')
		try_line(str_from((const char *)data, size));
	else
		try_file(data, size);
	return 0;
}
