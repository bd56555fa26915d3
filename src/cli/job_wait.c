/* SPDX-License-Identifier: Apache-2.0 */
/* The long poll, again and again. */
#include "cli/job_wait.h"

#include <inttypes.h>
#include <poll.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/job_view.h"

enum {
	AWAY_MAX = 10,       /* tries in a row that do not reach the server */
	AWAY_PAUSE_MS = 500, /* between them: nothing could wake us */
};

static int
wait_once(struct remote *remote, const char *id, int64_t wait_ms, json_t **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *job = NULL;

	if (buf_adds(&path, "/jobs/") < 0 || remote_quote(&path, id) < 0 ||
		buf_addf(&path, "?wait=%" PRId64 "ms", wait_ms) < 0)
		return err_set(err, ERR_INVALID, "\"%.60s\" is no job", id);
	if (remote_call(remote, "GET", buf_text(&path), NULL, &job, err) < 0)
		return -1;
	json_decref(*ret);
	*ret = TAKE(job);
	return 0;
}

int
job_wait(struct remote *remote, const char *id, int64_t timeout_ms, json_t **ret,
	struct err *err)
{
	int64_t end_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : INT64_MAX;
	json_t *job = NULL;
	int away = 0;

	for (;;) {
		int64_t left_ms = end_ms - clock_mono_ms();
		int64_t wait_ms = left_ms < SECONDS_MS(30) ? left_ms : SECONDS_MS(30);
		int r = wait_once(remote, id, wait_ms > 0 ? wait_ms : 0, &job, err);
		if (r < 0 && (err->code != ERR_UNAVAILABLE || ++away > AWAY_MAX)) {
			json_decref(job);
			return -1;
		}
		if (r < 0) {
			(void)poll(NULL, 0, AWAY_PAUSE_MS);
			continue;
		}
		away = 0;
		if (!job_is_over(job) && clock_mono_ms() < end_ms)
			continue;
		*ret = job;
		return job_is_over(job) ? 0 : JOB_WAIT_GAVE_UP;
	}
}
