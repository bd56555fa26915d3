/* SPDX-License-Identifier: Apache-2.0 */
/* The same settings as a run of ours gets, said to Playwright. */
#include "dialects/octomind/config_file.h"

#include <inttypes.h>

#include "base/limits.h"
#include "dialects/octomind/code.h"

static int
add_member(struct buf *out, const char *name, const char *value)
{
	if (buf_addf(out, "%s: ", name) < 0 || octo_code_quote(out, str_of(value)) < 0)
		return -1;
	return 0;
}

static int
add_line(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return 0;
	if (buf_adds(out, "\t\t") < 0 || add_member(out, name, value) < 0)
		return -1;
	return buf_adds(out, ",\n");
}

static int
add_screen(struct buf *out, const struct octo_run *run)
{
	/* The devices of docs/protocol/browser-config.md, 2. Firefox has no mobile mode. */
	static const char *const screens[] = {
		[OCTO_DESKTOP] = "\t\tviewport: { width: 1280, height: 720 },\n",
		[OCTO_MOBILE] = "\t\tviewport: { width: 375, height: 667 },\n"
				"\t\tdeviceScaleFactor: 2,\n\t\thasTouch: true,\n",
		[OCTO_TABLET] = "\t\tviewport: { width: 820, height: 1180 },\n"
				"\t\tdeviceScaleFactor: 2,\n\t\thasTouch: true,\n",
	};

	if (buf_adds(out, screens[run->breakpoint]) < 0)
		return -1;
	if (run->breakpoint == OCTO_DESKTOP || run->browser == OCTO_FIREFOX)
		return 0;
	return buf_adds(out, "\t\tisMobile: true,\n");
}

static int
add_headers(struct buf *out, json_t *headers)
{
	const char *name;
	json_t *value;

	if (!headers || json_object_size(headers) == 0)
		return 0;
	if (buf_adds(out, "\t\textraHTTPHeaders: {\n") < 0)
		return -1;
	json_object_foreach(headers, name, value)
	{
		if (buf_adds(out, "\t\t\t") < 0 || octo_code_quote(out, str_of(name)) < 0 ||
			buf_adds(out, ": ") < 0 ||
			octo_code_quote(out, str_of(json_string_value(value))) < 0 ||
			buf_adds(out, ",\n") < 0)
			return -1;
	}
	return buf_adds(out, "\t\t},\n");
}

static int
add_credentials(struct buf *out, const struct octo_run *run)
{
	const struct octo_account *basic = &run->basic_auth;
	_cleanup_free_ char *origin = octo_url_origin(run->url);

	if (!basic->username)
		return 0;
	if (buf_adds(out, "\t\thttpCredentials: { ") < 0 ||
		add_member(out, "username", basic->username) < 0 || buf_adds(out, ", ") < 0 ||
		add_member(out, "password", basic->password ? basic->password : "") < 0 ||
		buf_adds(out, ", ") < 0 || add_member(out, "origin", origin) < 0)
		return -1;
	return buf_adds(out, " },\n");
}

static int
add_use(struct buf *out, const struct octo_run *run, const struct octo_config_request *request)
{
	static const char *const engines[] = { "chromium", "firefox", "webkit" };
	int64_t ms = run->step_timeout_ms > 0 ? run->step_timeout_ms : ACTION_TIMEOUT_MS;

	if (buf_adds(out, "\tuse: {\n") < 0 || add_line(out, "baseURL", run->url) < 0 ||
		add_line(out, "browserName", engines[run->browser]) < 0 ||
		buf_addf(out, "\t\theadless: %s,\n", request->is_headed ? "false" : "true") <
			0 ||
		add_screen(out, run) < 0 ||
		add_line(out, "testIdAttribute", run->test_id_attribute) < 0 ||
		add_headers(out, run->headers) < 0 || add_credentials(out, run) < 0 ||
		buf_addf(out, "\t\tactionTimeout: %" PRId64 ",\n", ms) < 0 ||
		buf_addf(out, "\t\tnavigationTimeout: %" PRId64 ",\n", NAVIGATION_TIMEOUT_MS) <
			0)
		return -1;
	return buf_adds(out, "\t\ttrace: 'retain-on-failure',\n\t},\n");
}

static int
add_file(struct buf *out, const struct octo_run *run, const struct octo_config_request *request)
{
	int64_t ms = run->step_timeout_ms > 0 ? run->step_timeout_ms : EXPECT_TIMEOUT_MS;

	if (buf_adds(out, "import { defineConfig } from '@playwright/test';\n\n") < 0)
		return -1;
	if (request->bypasses_proxy &&
		buf_adds(out,
			"/* Private locations run the tests themselves: there is no proxy to "
			"bypass. */\n") < 0)
		return -1;
	if (buf_adds(out, "export default defineConfig({\n") < 0)
		return -1;
	if (request->output_dir &&
		(buf_adds(out, "\t") < 0 ||
			add_member(out, "outputDir", request->output_dir) < 0 ||
			buf_adds(out, ",\n") < 0))
		return -1;
	if (buf_addf(out, "\ttimeout: %" PRId64 ",\n", RUN_TIMEOUT_MS_DEFAULT) < 0 ||
		buf_addf(out, "\texpect: { timeout: %" PRId64 " },\n", ms) < 0 ||
		add_use(out, run, request) < 0)
		return -1;
	return buf_adds(out, "});\n");
}

int
octo_config_file(const struct octo_run *run, const struct octo_config_request *request,
	struct buf *out, struct err *err)
{
	if (add_file(out, run, request) < 0)
		return err_set(err, ERR_LIMIT, "the config file is too long");
	return 0;
}
