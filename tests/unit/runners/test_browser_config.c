/* SPDX-License-Identifier: Apache-2.0 */
/* The config of browser tests: defaults, forms, and every bad value by its JSON Pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "browser_format/config.h"

static struct arena arena;
static struct issues issues;
static json_t *tree;

/* Decodes JSON with ' for ". */
static int
decode(struct browser_config *config, const char *text)
{
	char json[4096];
	struct err err;

	assert_true(strlen(text) < sizeof json);
	for (size_t i = 0; i <= strlen(text); i++)
		json[i] = text[i];
	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	arena_reset(&arena);
	issues = (struct issues) { .arena = &arena };
	json_decref(tree);
	tree = json_read(json, strlen(json), JSON_DEPTH_MAX, &err);
	if (!tree)
		fail_msg("%s in %s", err.text, json);
	return config_decode(config, tree, "/config", &issues);
}

static void
good(struct browser_config *config, const char *text)
{
	if (decode(config, text) < 0)
		fail_msg("%s: %s %s", text, issues.item[0].pointer, issues.item[0].detail);
}

/* --- What is not said --- */

static void
test_defaults(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c, "{}");
	assert_int_equal(c.width, 1280);
	assert_int_equal(c.height, 720);
	assert_true(c.scale == 1);
	assert_false(c.is_mobile || c.has_touch || c.is_offline || c.block_ads || c.no_images);
	assert_null(c.user_agent);
	assert_int_equal(c.color_scheme, COLOR_SCHEME_LIGHT);
	assert_int_equal(c.action_timeout_ms, 10000);
	assert_int_equal(c.expect_timeout_ms, 5000);
	assert_int_equal(c.navigation_timeout_ms, 30000);
	assert_int_equal(c.wait_until, WAIT_UNTIL_LOAD);
	assert_int_equal(c.wait_for_state, -1);
	assert_int_equal(c.screenshot, EVIDENCE_ON_FAILURE);
	assert_int_equal(c.dom, EVIDENCE_ON_FAILURE);
	assert_int_equal(c.har, EVIDENCE_ON_FAILURE);
	assert_int_equal(c.video, EVIDENCE_OFF);
	assert_true(c.har_redacts && c.has_metrics && !c.har_has_bodies);
	assert_int_equal(c.console_fail, CONSOLE_FAIL_NEVER);
	assert_true(c.compare.threshold > 0.09 && c.compare.threshold < 0.11);
	assert_int_equal(c.compare.max_diff_pixels, -1);
	assert_true(c.compare.forgive_antialias);
	assert_false(c.has_allow_hosts);
}

static void
test_null_is_absent(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'viewport':null,'blockAds':null,'screenshot':null,'console':null,"
		"'timeout':null,'waitFor':null,'mocks':null,'mobile':null,'har':null}");
	assert_int_equal(c.width, 1280);
	assert_int_equal(c.screenshot, EVIDENCE_ON_FAILURE);
}

static void
test_other_kinds_members_are_passed_over(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'workers':2,'retries':1,'trace':'on','testTimeout':5,'fullyParallel':true,"
		"'repeatEach':1,'maxFailures':1,'viewport':{'width':10,'height':20}}");
	assert_int_equal(c.width, 10);
}

static void
test_seed(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'timeout':120000,'waitFor':1000,'viewport':{'width':1280,'height':720},"
		"'blockAds':true,'disableImages':false,'reducedMotion':true}");
	assert_int_equal(c.timeout_ms, 120000);
	assert_int_equal(c.wait_for_ms, 1000);
	assert_true(c.block_ads && c.reduced_motion && !c.no_images);
}

/* --- Forms --- */

static void
test_devices(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c, "{'mobile':true}");
	assert_int_equal(c.width, 375);
	assert_int_equal(c.height, 667);
	assert_true(c.scale == 2 && c.has_touch);
	good(&c, "{'mobile':true,'viewport':{'width':400,'height':800},'touch':false}");
	assert_int_equal(c.width, 400);
	assert_true(c.scale == 1 && !c.has_touch && c.is_mobile);
	good(&c, "{'device':'tablet'}");
	assert_true(c.is_mobile && c.width == 820 && c.scale == 2);
	good(&c,
		"{'device':'desktop','deviceScaleFactor':1.5,'viewport':{'width':9,'height':8}}");
	assert_true(!c.is_mobile && c.width == 9 && c.scale == 1.5);
}

static void
test_place_grants_itself(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'geolocation':{'latitude':52.5,'longitude':-13},"
		"'permissions':['camera','clipboard-read']}");
	assert_true(c.has_geolocation && c.latitude == 52.5 && c.accuracy_m == 10);
	assert_int_equal(c.n_permissions, 3);
	assert_string_equal(c.permissions[0], "videoCapture");
	assert_string_equal(c.permissions[2], "geolocation");
	good(&c, "{'geolocation':{'latitude':1,'longitude':1},'permissions':['geolocation']}");
	assert_int_equal(c.n_permissions, 1);
}

static void
test_modes(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'screenshot':true,'dom':false,'video':{'width':640,'height':360},"
		"'har':{'mode':'on','redact':false,'bodies':true}}");
	assert_int_equal(c.screenshot, EVIDENCE_ON);
	assert_int_equal(c.dom, EVIDENCE_OFF);
	assert_int_equal(c.video, EVIDENCE_ON);
	assert_int_equal(c.video_width, 640);
	assert_true(c.har == EVIDENCE_ON && !c.har_redacts && c.har_has_bodies);
	good(&c, "{'video':'on-failure','console':{'failOn':'errors','ignore':['a.*']}}");
	assert_int_equal(c.video, EVIDENCE_ON_FAILURE);
	assert_int_equal(c.console_fail, CONSOLE_FAIL_ERRORS);
	assert_string_equal(c.console_ignore[0], "a.*");
	assert_true(evidence_kept(EVIDENCE_ON_FAILURE, true));
	assert_false(evidence_kept(EVIDENCE_ON_FAILURE, false));
	assert_false(evidence_kept(EVIDENCE_OFF, true));
	assert_true(evidence_kept(EVIDENCE_ON, false));
}

static void
test_waits(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c, "{'waitFor':'2s','waitUntil':'networkidle','actionTimeout':0}");
	assert_int_equal(c.wait_for_ms, 2000);
	assert_int_equal(c.wait_until, WAIT_UNTIL_NETWORKIDLE);
	assert_int_equal(c.action_timeout_ms, 0);
	good(&c, "{'waitFor':'networkidle'}");
	assert_int_equal(c.wait_for_state, WAIT_UNTIL_NETWORKIDLE);
	good(&c, "{'waitFor':'#ready'}");
	assert_string_equal(json_string_value(c.wait_for_selector), "#ready");
	good(&c, "{'waitFor':{'role':'main'}}");
	assert_true(json_is_object(c.wait_for_selector));
}

static void
test_network(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'baseURL':'https://shop.test/a/','extraHeaders':{'X-A':'1','b':'2'},"
		"'httpCredentials':{'username':'ann','password':'','origin':'http://h:80'},"
		"'network':{'latency':'100ms','download':'1MB'},'cpuThrottle':4,"
		"'proxy':{'server':'socks5://127.0.0.1:1080','bypass':'a,b'},"
		"'allowHosts':[],'blockHosts':['*.x.test:80','=y.test','[::1]'],"
		"'blockAds':['ads.test']}");
	assert_int_equal(c.n_extra_headers, 2);
	assert_string_equal(c.extra_headers[0].name, "X-A");
	assert_string_equal(c.auth_user, "ann");
	assert_true(c.has_throttle && c.latency_ms == 100 && c.download_bps == 1000000);
	assert_int_equal(c.upload_bps, 0);
	assert_true(c.cpu_throttle == 4);
	assert_string_equal(c.proxy_server, "socks5://127.0.0.1:1080");
	assert_true(c.has_allow_hosts && c.n_allow_hosts == 0);
	assert_int_equal(c.n_block_hosts, 3);
	assert_true(c.block_ads && c.n_ad_hosts == 1);
	good(&c, "{'network':'slow','proxy':'[::1]:3128','blockAds':'lists/ads.txt'}");
	assert_int_equal(c.latency_ms, 400);
	assert_string_equal(c.ad_file, "lists/ads.txt");
	good(&c, "{'blockAds':false}");
	assert_false(c.block_ads);
}

static void
test_mocks(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'mocks':[{'url':'/api/*','method':['get','POST'],'json':{'a':[1]},"
		"'delay':'1s','times':2,'headers':{'x':'y'}},"
		"{'url':'**','abort':'dns'},{'url':'/x/','abort':true},"
		"{'url':'*','body':'hi','status':404,"
		"'headers':{'Content-Type':'text/plain'}}]}");
	assert_int_equal(c.n_mocks, 4);
	assert_int_equal(c.mocks[0].n_methods, 2);
	assert_string_equal(c.mocks[0].methods[0], "GET");
	assert_string_equal(c.mocks[0].body, "{\"a\":[1]}");
	assert_int_equal(c.mocks[0].body_len, 9);
	assert_int_equal(c.mocks[0].n_headers, 2);
	assert_string_equal(c.mocks[0].headers[1].value, "application/json");
	assert_int_equal(c.mocks[0].delay_ms, 1000);
	assert_string_equal(c.mocks[1].abort, "NameNotResolved");
	assert_string_equal(c.mocks[2].abort, "Failed");
	assert_int_equal(c.mocks[3].status, 404);
	assert_int_equal(c.mocks[3].n_headers, 1);
}

static void
test_cookies_and_storage(void **state)
{
	struct browser_config c;

	(void)state;
	good(&c,
		"{'baseURL':'http://h.test','cookies':[{'name':'a','value':'1'},"
		"{'name':'b','value':'','domain':'.h.test','sameSite':'Lax','expires':9e9}],"
		"'storageState':{'cookies':[{'name':'c','value':'3','url':'http://h.test/'}],"
		"'origins':[{'origin':'http://h.test','localStorage':"
		"[{'name':'k','value':'v'}]}]}}");
	assert_int_equal(c.n_cookies, 3);
	assert_string_equal(c.cookies[0].url, "http://h.test");
	assert_string_equal(c.cookies[1].path, "/");
	assert_int_equal(c.cookies[1].same_site, 2);
	assert_string_equal(c.cookies[2].name, "c");
	assert_int_equal(json_array_size(c.storage_origins), 1);
	good(&c, "{'storageState':'state.json'}");
	assert_string_equal(c.storage_file, "state.json");
}

/* --- What is wrong --- */

static const struct {
	const char *text, *pointer;
} bad[] = {
	{ "{'viewprot':{}}", "/config/viewprot" },
	{ "{'viewport':5}", "/config/viewport" },
	{ "{'viewport':{'width':0,'height':1}}", "/config/viewport/width" },
	{ "{'viewport':{'width':1,'height':8193}}", "/config/viewport/height" },
	{ "{'viewport':{'width':1}}", "/config/viewport/height" },
	{ "{'viewport':{'width':1,'height':1,'x':1}}", "/config/viewport/x" },
	{ "{'device':'nokia'}", "/config/device" },
	{ "{'deviceScaleFactor':0}", "/config/deviceScaleFactor" },
	{ "{'deviceScaleFactor':9}", "/config/deviceScaleFactor" },
	{ "{'deviceScaleFactor':'2'}", "/config/deviceScaleFactor" },
	{ "{'mobile':'yes'}", "/config/mobile" },
	{ "{'touch':1}", "/config/touch" },
	{ "{'userAgent':''}", "/config/userAgent" },
	{ "{'userAgent':'a\\r\\nb: c'}", "/config/userAgent" },
	{ "{'userAgent':'\xc3\xa4'}", "/config/userAgent" },
	{ "{'locale':'d'}", "/config/locale" },
	{ "{'locale':'de_DE'}", "/config/locale" },
	{ "{'locale':'de-'}", "/config/locale" },
	{ "{'locale':'deutsch-DE'}", "/config/locale" },
	{ "{'timezone':'Europe/Ber lin'}", "/config/timezone" },
	{ "{'timezone':'/etc'}", "/config/timezone" },
	{ "{'geolocation':{'latitude':91,'longitude':0}}", "/config/geolocation/latitude" },
	{ "{'geolocation':{'latitude':1,'longitude':-181}}", "/config/geolocation/longitude" },
	{ "{'geolocation':{'latitude':1}}", "/config/geolocation/longitude" },
	{ "{'geolocation':{'latitude':1,'longitude':1,'accuracy':-1}}",
		"/config/geolocation/accuracy" },
	{ "{'permissions':['camera','root']}", "/config/permissions/1" },
	{ "{'permissions':'camera'}", "/config/permissions" },
	{ "{'colorScheme':'blue'}", "/config/colorScheme" },
	{ "{'reducedMotion':'reduce'}", "/config/reducedMotion" },
	{ "{'forcedColors':1}", "/config/forcedColors" },
	{ "{'media':'braille'}", "/config/media" },
	{ "{'disableJavaScript':0}", "/config/disableJavaScript" },
	{ "{'baseURL':'shop.test'}", "/config/baseURL" },
	{ "{'baseURL':'file:///etc/passwd'}", "/config/baseURL" },
	{ "{'baseURL':'http://'}", "/config/baseURL" },
	{ "{'extraHeaders':['a']}", "/config/extraHeaders" },
	{ "{'extraHeaders':{'a b':'c'}}", "/config/extraHeaders/a b" },
	{ "{'extraHeaders':{'a':'b\\r\\nc: d'}}", "/config/extraHeaders/a" },
	{ "{'extraHeaders':{'a':1}}", "/config/extraHeaders/a" },
	{ "{'httpCredentials':{'username':'a'}}", "/config/httpCredentials/password" },
	{ "{'httpCredentials':{'username':'a','password':'b','origin':'h'}}",
		"/config/httpCredentials/origin" },
	{ "{'httpCredentials':{'username':'a','password':'b','origin':'http://h/x'}}",
		"/config/httpCredentials/origin" },
	{ "{'offline':'no'}", "/config/offline" },
	{ "{'network':'2g'}", "/config/network" },
	{ "{'network':{'latency':-1}}", "/config/network/latency" },
	{ "{'network':{'upload':'x'}}", "/config/network/upload" },
	{ "{'cpuThrottle':0.5}", "/config/cpuThrottle" },
	{ "{'cpuThrottle':21}", "/config/cpuThrottle" },
	{ "{'proxy':''}", "/config/proxy" },
	{ "{'proxy':'proxy'}", "/config/proxy" },
	{ "{'proxy':'ftp://h:1'}", "/config/proxy" },
	{ "{'proxy':{'server':'http://u:p@h:1'}}", "/config/proxy/server" },
	{ "{'proxy':{'bypass':'x'}}", "/config/proxy/server" },
	{ "{'ignoreHTTPSErrors':1}", "/config/ignoreHTTPSErrors" },
	{ "{'blockAds':1}", "/config/blockAds" },
	{ "{'blockAds':'/etc/passwd'}", "/config/blockAds" },
	{ "{'blockAds':'a/../../b'}", "/config/blockAds" },
	{ "{'blockAds':['a b']}", "/config/blockAds/0" },
	{ "{'blockAds':[1]}", "/config/blockAds/0" },
	{ "{'blockHosts':['ok.test','http://x']}", "/config/blockHosts/1" },
	{ "{'allowHosts':'h'}", "/config/allowHosts" },
	{ "{'allowHosts':['h:99999']}", "/config/allowHosts/0" },
	{ "{'disableImages':'yes'}", "/config/disableImages" },
	{ "{'mocks':{}}", "/config/mocks" },
	{ "{'mocks':[{}]}", "/config/mocks/0/url" },
	{ "{'mocks':[{'url':'*'},{'url':''}]}", "/config/mocks/1/url" },
	{ "{'mocks':[{'url':'*','status':99}]}", "/config/mocks/0/status" },
	{ "{'mocks':[{'url':'*','status':600}]}", "/config/mocks/0/status" },
	{ "{'mocks':[{'url':'*','method':'GE T'}]}", "/config/mocks/0/method" },
	{ "{'mocks':[{'url':'*','method':[]}]}", "/config/mocks/0/method" },
	{ "{'mocks':[{'url':'*','headers':{'a':'\\n'}}]}", "/config/mocks/0/headers/a" },
	{ "{'mocks':[{'url':'*','body':'a','json':1}]}", "/config/mocks/0" },
	{ "{'mocks':[{'url':'*','file':'../x'}]}", "/config/mocks/0/file" },
	{ "{'mocks':[{'url':'*','delay':'2m'}]}", "/config/mocks/0/delay" },
	{ "{'mocks':[{'url':'*','abort':'boom'}]}", "/config/mocks/0/abort" },
	{ "{'mocks':[{'url':'*','times':0}]}", "/config/mocks/0/times" },
	{ "{'mocks':[{'url':'*','reply':1}]}", "/config/mocks/0/reply" },
	{ "{'cookies':[{'name':'a'}]}", "/config/cookies/0/value" },
	{ "{'cookies':[{'name':'a','value':'b'}]}", "/config/cookies/0" },
	{ "{'cookies':[{'name':'a','value':'b','url':'http://h','domain':'h'}]}",
		"/config/cookies/0" },
	{ "{'cookies':[{'name':'a','value':'b','url':'x'}]}", "/config/cookies/0/url" },
	{ "{'cookies':[{'name':'a','value':'b','domain':'h','sameSite':'Loose'}]}",
		"/config/cookies/0/sameSite" },
	{ "{'storageState':3}", "/config/storageState" },
	{ "{'storageState':'/abs'}", "/config/storageState" },
	{ "{'storageState':{'origins':[{'origin':'h'}]}}",
		"/config/storageState/origins/0/origin" },
	{ "{'storageState':{'origins':[{'origin':'http://h','localStorage':[{}]}]}}",
		"/config/storageState/origins/0/localStorage/0" },
	{ "{'timeout':-1}", "/config/timeout" },
	{ "{'timeout':'25h'}", "/config/timeout" },
	{ "{'actionTimeout':'soon'}", "/config/actionTimeout" },
	{ "{'expectTimeout':true}", "/config/expectTimeout" },
	{ "{'navigationTimeout':1e300}", "/config/navigationTimeout" },
	{ "{'waitUntil':'idle'}", "/config/waitUntil" },
	{ "{'waitFor':-5}", "/config/waitFor" },
	{ "{'waitFor':''}", "/config/waitFor" },
	{ "{'waitFor':[1]}", "/config/waitFor" },
	{ "{'waitFor':'5 apples'}", "/config/waitFor" },
	{ "{'screenshot':'sometimes'}", "/config/screenshot" },
	{ "{'screenshot':1}", "/config/screenshot" },
	{ "{'fullPage':'on'}", "/config/fullPage" },
	{ "{'video':{'mode':'never'}}", "/config/video/mode" },
	{ "{'video':{'width':1}}", "/config/video/width" },
	{ "{'har':[]}", "/config/har" },
	{ "{'har':{'redact':'no'}}", "/config/har/redact" },
	{ "{'dom':'mhtml'}", "/config/dom" },
	{ "{'console':'warnings'}", "/config/console" },
	{ "{'console':{'failOn':'x'}}", "/config/console/failOn" },
	{ "{'console':{'ignore':'x'}}", "/config/console/ignore" },
	{ "{'compare':{'threshold':1.5}}", "/config/compare/threshold" },
	{ "{'compare':{'maxDiffPixels':-1}}", "/config/compare/maxDiffPixels" },
	{ "{'compare':{'maxDiffRatio':2}}", "/config/compare/maxDiffRatio" },
	{ "{'compare':true}", "/config/compare" },
	{ "{'metrics':1}", "/config/metrics" },
};

static void
test_bad_values(void **state)
{
	struct browser_config c = { .width = 4711 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (decode(&c, bad[i].text) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (issues.n != 1 || strcmp(issues.item[0].pointer, bad[i].pointer) != 0)
			fail_msg("%s: %zu offences, the first is %s (%s)", bad[i].text,
				issues.n, issues.item[0].pointer, issues.item[0].detail);
		assert_int_equal(c.width, 4711); /* only written when all is well */
	}
}

static void
test_all_offences_at_once(void **state)
{
	struct browser_config c;

	(void)state;
	assert_int_equal(decode(&c,
				 "{'locale':'x','viewport':1,'mobile':3,'mocks':[{}],"
				 "'waitFor':[],'blockHosts':['/']}"),
		-1);
	assert_int_equal(issues.n, 6);
}

static void
test_no_object(void **state)
{
	struct browser_config c;

	(void)state;
	assert_int_equal(decode(&c, "[]"), -1);
	assert_string_equal(issues.item[0].pointer, "/config");
	issues = (struct issues) { .arena = &arena };
	assert_int_equal(config_decode(&c, NULL, "", &issues), 0);
	assert_int_equal(c.width, 1280);
}

/* --- Layers --- */

static void
test_merge(void **state)
{
	struct err err;
	const char *texts[] = {
		"{\"mobile\":true,\"locale\":\"de-DE\",\"viewport\":{\"width\":1,\"height\":2}}",
		"{\"viewport\":{\"width\":3,\"height\":4}}",
		"7",
		"{\"locale\":null,\"offline\":true}",
	};
	json_t *layers[ARRAY_LEN(texts) + 1] = { NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		layers[i] = json_read(texts[i], strlen(texts[i]), 9, &err);
	json_t *merged = config_merge(layers, ARRAY_LEN(layers));
	char *text = json_dumps(merged, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text,
		"{\"mobile\":true,\"offline\":true,\"viewport\":{\"height\":4,\"width\":3}}");
	free(text);
	json_decref(merged);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_decref(layers[i]);
}

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, CONFIG_ARENA_BYTES_MAX);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(tree);
	arena_deinit(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_null_is_absent),
		cmocka_unit_test(test_other_kinds_members_are_passed_over),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_place_grants_itself),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_mocks),
		cmocka_unit_test(test_cookies_and_storage),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_all_offences_at_once),
		cmocka_unit_test(test_no_object),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
