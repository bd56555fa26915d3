/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: artifacts of runs and bundles of tests. Bytes go to the blob store through libuv's
 * pool as they arrive; the row that names them is written afterwards, so a crash between the
 * two leaves bytes without a name and never a name without bytes.
 */
#include <string.h>

#include "api/handlers.h"
#include "api/send.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"

static const char *const artifact_kinds[] = { "report", "trace", "screenshot", "video", "log",
	"recording", "file" };

struct upload {
	struct api *api;
	struct blob_writer *writer;
	uint64_t bytes_max;
	char hex[BLOB_HEX_LEN + 1];
	uint64_t size;
	bool is_held;
	struct run_id run;
};

/* On the pool. */
static int
upload_write(void *arg, const void *data, size_t len, struct err *err)
{
	struct upload *upload = arg;

	if (!upload->writer &&
		blob_begin(upload->api->blobs, upload->bytes_max, &upload->writer, err) < 0)
		return -1;
	return blob_write(upload->writer, data, len, err);
}

static void
upload_cleanup(struct call *call)
{
	struct upload *upload = call->state;

	(void)blob_abort(upload->writer);
	if (upload->is_held)
		api_blob_release(upload->api, upload->hex);
}

static void
upload_head(struct call *call, uint64_t bytes_max)
{
	struct upload *upload = arena_xalloc(call->arena, sizeof *upload);

	upload->api = call->api;
	upload->bytes_max = bytes_max;
	call->state = upload;
	call->cleanup = upload_cleanup;
	call->req->sink = (struct http_sink) { upload_write, upload, bytes_max };
}

/* On the pool: everything has arrived. */
static int
upload_commit(struct call *call, struct store_reader *reader, struct err *err)
{
	struct upload *upload = call->state;

	(void)reader;
	if (!upload->writer &&
		blob_begin(upload->api->blobs, upload->bytes_max, &upload->writer, err) < 0)
		return -1;
	/* The same bytes may be on their way out with a job: they are held before that looks.
	 */
	uv_rwlock_rdlock(&upload->api->blob_lock);
	int rc = blob_commit(TAKE(upload->writer), upload->hex, &upload->size, err);
	if (rc == 0)
		api_blob_hold(upload->api, upload->hex);
	uv_rwlock_rdunlock(&upload->api->blob_lock);
	upload->is_held = rc == 0;
	return rc;
}

static void
upload_whole(struct call *call, void (*then)(struct call *call))
{
	if (call->req->sink_err.code != 0)
		call_error(call, &call->req->sink_err);
	else
		call_read(call, upload_commit, then);
}

/* --- Artifacts --- */

/* Relative, no empty part, no dots, no controls: a name is shown, linked and unpacked. */
static bool
name_is_valid(const char *name)
{
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > ARTIFACT_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '\\')
			return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

static bool
kind_is_known(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(artifact_kinds); i++)
		if (strcmp(kind, artifact_kinds[i]) == 0)
			return true;
	return false;
}

static bool
type_is_valid(const char *type)
{
	for (const char *c = type; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	return strlen(type) <= 200;
}

void
artifact_put_head(struct call *call)
{
	const char *type = http_header_get(call->req, "Content-Type");

	if (query_read(call) < 0) {
		call_issues(call);
		return;
	}
	const struct artifact_put_query *query = call->query;
	struct uuid run;

	if (call_uuid(call->arg[0], "run", &run, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	if (!name_is_valid(call->arg[1]) || (type && !type_is_valid(type)) ||
		(query->kind && !kind_is_known(query->kind))) {
		call_problem(call, PROBLEM_INVALID_PARAMETER,
			"the artifact's name, kind or Content-Type is not valid");
		return;
	}
	upload_head(call, ARTIFACT_BYTES_MAX);
	((struct upload *)call->state)->run.u = run;
}

static void
on_artifact_added(struct call *call)
{
	struct upload *upload = call->state;
	struct jw jw;

	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	jw = call_jw(call);
	jw_obj(&jw);
	jw_kstr(&jw, "name", call->arg[1]);
	jw_kstr(&jw, "sha256", upload->hex);
	jw_ki64(&jw, "size", (int64_t)upload->size);
	jw_kstr(&jw, "durable", call->api->durable);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 201);
}

static void
on_artifact_kept(struct call *call)
{
	const struct artifact_put_query *query = call->query;
	const char *type = http_header_get(call->req, "Content-Type");
	struct upload *upload = call->state;
	struct intent *intent;

	if (call->read_result < 0) {
		call_error(call, &call->err);
		return;
	}
	intent = call->intent = call_intent(call, INTENT_ARTIFACT_ADD);
	if (!intent)
		return;
	intent->in.artifact.run = upload->run;
	intent->in.artifact.fence = query->fence;
	intent->in.artifact.artifact = (struct artifact) {
		.name = arena_strdup(&intent->arena, call->arg[1]),
		.kind = arena_strdup(&intent->arena, query->kind ? query->kind : "file"),
		.content_type = arena_strdup(
			&intent->arena, type && *type ? type : "application/octet-stream"),
		.case_id = arena_strdup(&intent->arena, query->case_id),
		.blob = arena_strdup(&intent->arena, upload->hex),
		.size = (int64_t)upload->size,
	};
	call_submit(call, intent, on_artifact_added);
}

void
artifact_put(struct call *call)
{
	upload_whole(call, on_artifact_kept);
}

/* --- Bundles --- */

void
bundle_post_head(struct call *call)
{
	upload_head(call, BUNDLE_BYTES_MAX);
}

static void
on_bundle_kept(struct call *call)
{
	struct upload *upload = call->state;
	struct jw jw;
	char name[7 + BLOB_HEX_LEN + 1];

	if (call->read_result < 0) {
		call_error(call, &call->err);
		return;
	}
	/* No row names a bundle: it is held for as long as the server runs. */
	upload->is_held = false;
	(void)snprintf(name, sizeof name, "sha256:%s", upload->hex);
	jw = call_jw(call);
	jw_obj(&jw);
	jw_kstr(&jw, "bundle", name);
	jw_ki64(&jw, "size", (int64_t)upload->size);
	jw_kstr(&jw, "durable", call->api->durable);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 201);
}

void
bundle_post(struct call *call)
{
	upload_whole(call, on_bundle_kept);
}

int
bundle_get(struct call *call, struct store_reader *reader, struct err *err)
{
	const char *hex = call->arg[0];

	(void)reader;
	if (strncmp(hex, "sha256:", 7) == 0)
		hex += 7;
	return send_blob(call, hex, "application/octet-stream", err);
}
