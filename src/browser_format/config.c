/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding in two steps: the field table reads members of one form straight into the result and
 * leaves members of several forms as JSON, which a function each turns into numbers and texts.
 */
#include "browser_format/config.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/config_impl.h"

enum {
	USER_AGENT_BYTES_MAX = 1024,
	LOCALE_BYTES_MAX = 35,
	ZONE_BYTES_MAX = 64,
	CONFIG_MEMBERS_MAX = 1000,
};

/* What is read as it stands, and what may have several forms (NULL: absent). */
struct raw {
	struct browser_config config;
	int device;
	json_t *viewport, *geolocation, *network, *proxy, *credentials, *block_ads, *mocks,
		*cookies, *storage, *headers, *wait_for, *screenshot, *video, *har, *dom,
		*console, *compare;
	struct strs permissions, block_hosts, allow_hosts;
	bool has_device, has_scale, has_touch, has_media;
	int media;
	bool no_javascript;
};

static const char *const color_schemes[] = { "light", "dark", "no-preference", NULL };
static const char *const medias[] = { "screen", "print", NULL };
static const char *const wait_untils[] = { "commit", "domcontentloaded", "load", "networkidle",
	NULL };

static const char *const device_names[] = { "desktop", "laptop", "tablet", "phone",
	"phone-large", NULL };

static const struct device {
	int width, height;
	double scale;
	bool is_mobile;
} devices[] = {
	{ 1920, 1080, 1, false },
	{ 1366, 768, 1, false },
	{ 820, 1180, 2, true },
	{ 375, 667, 2, true },
	{ 430, 932, 3, true },
};
_Static_assert(ARRAY_LEN(devices) == ARRAY_LEN(device_names) - 1, "each device has a name");

/* Members that only tests of other kinds know. */
static const char *const foreign[] = { "workers", "retries", "testTimeout", "repeatEach",
	"maxFailures", "fullyParallel", "trace" };

#define RAW(member) offsetof(struct raw, member)
#define OWN(member) offsetof(struct raw, config.member)

/* clang-format off */
#define WAIT_FIELD(name_, member)                                                                  \
	{ .name = (name_), .kind = FIELD_DURATION, .null_ok = true, .offset = OWN(member),         \
		.min = 0, .max = BROWSER_WAIT_MS_MAX }
#define ANY_FIELD(name_, member)                                                                   \
	{ .name = (name_), .kind = FIELD_ANY, .null_ok = true, .offset = RAW(member) }
#define FLAG_FIELD(name_, offset_)                                                                 \
	{ .name = (name_), .kind = FIELD_FLAG, .null_ok = true, .offset = (offset_) }

static const struct json_field fields[] = {
	{ .name = "device", .kind = FIELD_ENUM, .null_ok = true, .offset = RAW(device),
		.set_offset = RAW(has_device), .names = device_names },
	ANY_FIELD("viewport", viewport),
	{ .name = "deviceScaleFactor", .kind = FIELD_NUM, .null_ok = true, .offset = OWN(scale),
		.set_offset = RAW(has_scale) },
	FLAG_FIELD("mobile", OWN(is_mobile)),
	{ .name = "touch", .kind = FIELD_FLAG, .null_ok = true, .offset = OWN(has_touch),
		.set_offset = RAW(has_touch) },
	{ .name = "userAgent", .kind = FIELD_STR, .null_ok = true, .offset = OWN(user_agent),
		.min = 1, .max = USER_AGENT_BYTES_MAX },
	{ .name = "locale", .kind = FIELD_STR, .null_ok = true, .offset = OWN(locale),
		.min = 2, .max = LOCALE_BYTES_MAX },
	{ .name = "timezone", .kind = FIELD_STR, .null_ok = true, .offset = OWN(timezone),
		.min = 1, .max = ZONE_BYTES_MAX },
	ANY_FIELD("geolocation", geolocation),
	{ .name = "permissions", .kind = FIELD_STRS, .null_ok = true, .offset = RAW(permissions),
		.min = 0, .max = 20, .item_max = 40 },
	{ .name = "colorScheme", .kind = FIELD_ENUM, .null_ok = true, .offset = OWN(color_scheme),
		.names = color_schemes },
	FLAG_FIELD("reducedMotion", OWN(reduced_motion)),
	FLAG_FIELD("forcedColors", OWN(forced_colors)),
	{ .name = "media", .kind = FIELD_ENUM, .null_ok = true, .offset = RAW(media),
		.names = medias },
	FLAG_FIELD("disableJavaScript", OWN(no_javascript)),

	{ .name = "baseURL", .kind = FIELD_STR, .null_ok = true, .offset = OWN(base_url),
		.min = 1, .max = URL_BYTES_MAX },
	ANY_FIELD("extraHeaders", headers),
	ANY_FIELD("httpCredentials", credentials),
	FLAG_FIELD("offline", OWN(is_offline)),
	ANY_FIELD("network", network),
	{ .name = "cpuThrottle", .kind = FIELD_NUM, .null_ok = true, .offset = OWN(cpu_throttle) },
	ANY_FIELD("proxy", proxy),
	FLAG_FIELD("ignoreHTTPSErrors", OWN(ignore_https_errors)),
	ANY_FIELD("blockAds", block_ads),
	FLAG_FIELD("disableImages", OWN(no_images)),
	{ .name = "blockHosts", .kind = FIELD_STRS, .null_ok = true, .offset = RAW(block_hosts),
		.min = 0, .max = 10000, .item_max = 300 },
	{ .name = "allowHosts", .kind = FIELD_STRS, .null_ok = true, .offset = RAW(allow_hosts),
		.set_offset = OWN(has_allow_hosts), .min = 0, .max = 10000, .item_max = 300 },
	ANY_FIELD("mocks", mocks),
	ANY_FIELD("cookies", cookies),
	ANY_FIELD("storageState", storage),

	WAIT_FIELD("timeout", timeout_ms),
	WAIT_FIELD("actionTimeout", action_timeout_ms),
	WAIT_FIELD("expectTimeout", expect_timeout_ms),
	WAIT_FIELD("navigationTimeout", navigation_timeout_ms),
	{ .name = "waitUntil", .kind = FIELD_ENUM, .null_ok = true, .offset = OWN(wait_until),
		.names = wait_untils },
	ANY_FIELD("waitFor", wait_for),

	ANY_FIELD("screenshot", screenshot),
	FLAG_FIELD("fullPage", OWN(full_page)),
	ANY_FIELD("video", video),
	ANY_FIELD("har", har),
	ANY_FIELD("dom", dom),
	ANY_FIELD("console", console),
	ANY_FIELD("compare", compare),
	FLAG_FIELD("metrics", OWN(has_metrics)),
	{ 0 },
};
/* clang-format on */

/* --- Layers --- */

json_t *
config_merge(json_t *const *layers, size_t n)
{
	json_t *merged = json_object();

	if (!merged)
		abort();
	for (size_t i = 0; i < n; i++) {
		const char *name;
		json_t *value;

		json_object_foreach(layers[i], name, value)
		{
			if (json_is_null(value))
				(void)json_object_del(merged, name); /* may be absent */
			else if (json_object_set(merged, name, value) < 0)
				abort();
		}
	}
	return merged;
}

static json_t *
without_foreign(json_t *config)
{
	json_t *copy = json_copy(config);

	if (!copy)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		(void)json_object_del(copy, foreign[i]); /* may be absent */
	return copy;
}

/* --- The page --- */

struct size {
	int64_t width, height;
};

static void
decode_viewport(struct raw *raw, const char *pointer, struct issues *issues)
{
	static const struct json_field size_fields[] = {
		{ .name = "width",
			.kind = FIELD_INT,
			.required = true,
			.offset = offsetof(struct size, width),
			.min = 1,
			.max = VIEWPORT_SIDE_MAX },
		{ .name = "height",
			.kind = FIELD_INT,
			.required = true,
			.offset = offsetof(struct size, height),
			.min = 1,
			.max = VIEWPORT_SIDE_MAX },
		{ 0 },
	};
	struct size size = { 0 };

	if (json_decode(raw->viewport, size_fields, &size,
		    json_pointer_member(issues->arena, pointer, "viewport"), issues) < 0)
		return;
	raw->config.width = size.width;
	raw->config.height = size.height;
}

/* The device, then `mobile`, then what was said of the rest. */
static void
decode_screen(struct raw *raw, const char *pointer, struct issues *issues)
{
	struct browser_config *config = &raw->config;
	const struct device *device = raw->has_device ? &devices[raw->device] : NULL;

	if (!device && config->is_mobile)
		device = &devices[3];
	config->width = device ? device->width : 1280;
	config->height = device ? device->height : 720;
	if (!raw->has_scale)
		config->scale =
			device && !(raw->viewport && !raw->has_device) ? device->scale : 1;
	config->is_mobile |= device && device->is_mobile;
	if (!raw->has_touch)
		config->has_touch = config->is_mobile;
	if (raw->viewport)
		decode_viewport(raw, pointer, issues);
	config_check_range(
		raw->has_scale, config->scale, 0.1, 8, pointer, "deviceScaleFactor", issues);
}

/* Printable ASCII; anything else would end or split a header. */
static bool
is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			return false;
	return true;
}

/* Subtags of 1 … 8 letters and digits, the first of 2 or 3 letters. */
static bool
is_locale(const char *text)
{
	size_t n = 0, n_tags = 0;

	for (; *text; text++) {
		if (*text == '-') {
			if (n == 0 || (n_tags == 0 && (n < 2 || n > 3)))
				return false;
			n = 0;
			n_tags++;
		} else if (!isalnum((unsigned char)*text) || ++n > 8 ||
			(n_tags == 0 && !isalpha((unsigned char)*text))) {
			return false;
		}
	}
	return n_tags == 0 ? n == 2 || n == 3 : n > 0;
}

/* "Area/Place" or "UTC"; whether there is such a place the browser says. */
static bool
is_zone(const char *text)
{
	if (!isalpha((unsigned char)*text))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("/_+-", *text))
			return false;
	return text[-1] != '/';
}

static void
check_texts(const struct browser_config *config, const char *pointer, struct issues *issues)
{
	if (config->user_agent && !is_printable(config->user_agent))
		issues_add_member(
			issues, pointer, "userAgent", ISSUE_INVALID, "must be printable ASCII");
	if (config->locale && !is_locale(config->locale))
		issues_add_member(issues, pointer, "locale", ISSUE_INVALID,
			"must be a language tag such as de-DE");
	if (config->timezone && !is_zone(config->timezone))
		issues_add_member(issues, pointer, "timezone", ISSUE_INVALID,
			"must be an IANA name such as Europe/Berlin");
	if (config->base_url && !config_is_web_url(config->base_url))
		issues_add_member(issues, pointer, "baseURL", ISSUE_INVALID,
			"must be a URL that starts with http:// or https://");
}

static void
decode_place(struct raw *raw, const char *pointer, struct issues *issues)
{
	struct place {
		double latitude, longitude, accuracy;
	} place = { .accuracy = 10 };
	/* Ranges of FIELD_NUM are whole numbers, which these are. */
	static const struct json_field place_fields[] = {
		{ .name = "latitude",
			.kind = FIELD_NUM,
			.required = true,
			.offset = offsetof(struct place, latitude),
			.min = -90,
			.max = 90 },
		{ .name = "longitude",
			.kind = FIELD_NUM,
			.required = true,
			.offset = offsetof(struct place, longitude),
			.min = -180,
			.max = 180 },
		{ .name = "accuracy",
			.kind = FIELD_NUM,
			.offset = offsetof(struct place, accuracy),
			.min = 0,
			.max = 1000000000 },
		{ 0 },
	};

	if (json_decode(raw->geolocation, place_fields, &place,
		    json_pointer_member(issues->arena, pointer, "geolocation"), issues) < 0)
		return;
	raw->config.has_geolocation = true;
	raw->config.latitude = place.latitude;
	raw->config.longitude = place.longitude;
	raw->config.accuracy_m = place.accuracy;
}

static const struct {
	const char *name, *cdp;
} permissions[] = {
	{ "geolocation", "geolocation" },
	{ "notifications", "notifications" },
	{ "clipboard-read", "clipboardReadWrite" },
	{ "clipboard-write", "clipboardSanitizedWrite" },
	{ "camera", "videoCapture" },
	{ "microphone", "audioCapture" },
	{ "midi", "midi" },
	{ "idle-detection", "idleDetection" },
	{ "storage-access", "storageAccess" },
	{ "sensors", "sensors" },
	{ "background-sync", "backgroundSync" },
	{ "local-fonts", "localFonts" },
};

static const char *
permission_cdp(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		if (strcmp(permissions[i].name, name) == 0)
			return permissions[i].cdp;
	return NULL;
}

static void
decode_permissions(struct raw *raw, const char *pointer, struct issues *issues)
{
	struct browser_config *config = &raw->config;
	const char *place = json_pointer_member(issues->arena, pointer, "permissions");
	bool has_place = false;

	config->permissions =
		arena_xalloc(issues->arena, (raw->permissions.n + 1) * sizeof(char *));
	for (size_t i = 0; i < raw->permissions.n; i++) {
		const char *cdp = permission_cdp(raw->permissions.item[i]);
		if (!cdp) {
			issues_add(issues, json_pointer_index(issues->arena, place, i),
				ISSUE_INVALID, "\"%s\" is no permission",
				raw->permissions.item[i]);
			continue;
		}
		has_place |= strcmp(cdp, "geolocation") == 0;
		config->permissions[config->n_permissions++] = cdp;
	}
	if (config->has_geolocation && !has_place)
		config->permissions[config->n_permissions++] = "geolocation";
}

/* --- Waiting --- */

static void
decode_wait_for(struct raw *raw, const char *pointer, struct issues *issues)
{
	struct browser_config *config = &raw->config;
	const char *text = json_string_value(raw->wait_for);
	struct wait {
		int64_t ms;
	} wait = { 0 };
	static const struct json_field wait_fields[] = {
		{ .name = "waitFor",
			.kind = FIELD_DURATION,
			.offset = offsetof(struct wait, ms),
			.min = 0,
			.max = BROWSER_WAIT_MS_MAX },
		{ 0 },
	};

	if (text && (strcmp(text, "networkidle") == 0 || strcmp(text, "load") == 0)) {
		config->wait_for_state =
			*text == 'l' ? WAIT_UNTIL_LOAD : WAIT_UNTIL_NETWORKIDLE;
	} else if (json_is_number(raw->wait_for) || (text && isdigit((unsigned char)*text))) {
		_cleanup_(json_unrefp) json_t *holder =
			json_pack("{s:O}", "waitFor", raw->wait_for);
		/* Its offences are what the caller asks for. */
		if (json_decode(holder, wait_fields, &wait, pointer, issues) == 0)
			config->wait_for_ms = wait.ms;
	} else if ((text && *text && strlen(text) <= PATTERN_BYTES_MAX) ||
		json_is_object(raw->wait_for)) {
		config->wait_for_selector = raw->wait_for;
	} else {
		issues_add_member(issues, pointer, "waitFor", ISSUE_INVALID,
			"must be a duration, \"networkidle\", \"load\" or a selector");
	}
}

/* --- All of it --- */

static void
set_defaults(struct raw *raw)
{
	*raw = (struct raw) {
		.config = {
			.scale = 1,
			.cpu_throttle = 1,
			.action_timeout_ms = ACTION_TIMEOUT_MS,
			.expect_timeout_ms = EXPECT_TIMEOUT_MS,
			.navigation_timeout_ms = NAVIGATION_TIMEOUT_MS,
			.wait_until = WAIT_UNTIL_LOAD,
			.wait_for_state = -1,
			.has_metrics = true,
			.compare = { .threshold = 0.1,
				.max_diff_pixels = -1,
				.max_diff_ratio = -1,
				.forgive_antialias = true },
		},
	};
}

static bool
is_there(json_t **value)
{
	if (json_is_null(*value))
		*value = NULL;
	return *value != NULL;
}

int
config_decode(
	struct browser_config *ret, json_t *config, const char *pointer, struct issues *issues)
{
	struct raw raw;
	size_t before = issues->n + issues->n_more;

	set_defaults(&raw);
	if (config && !json_is_object(config)) {
		issues_add(issues, pointer, ISSUE_INVALID, "must be an object");
		return -1;
	}
	_cleanup_(json_unrefp) json_t *own = config ? without_foreign(config) : json_object();
	/* Even with offences the rest is looked at, so that all of them are told at once. */
	(void)json_decode(own, fields, &raw, pointer, issues);

	struct browser_config *c = &raw.config;
	(void)is_there(&raw.viewport);
	decode_screen(&raw, pointer, issues);
	c->media_print = raw.media == 1;
	check_texts(c, pointer, issues);
	config_check_range(true, c->cpu_throttle, 1, 20, pointer, "cpuThrottle", issues);
	if (is_there(&raw.geolocation))
		decode_place(&raw, pointer, issues);
	decode_permissions(&raw, pointer, issues);
	if (is_there(&raw.wait_for))
		decode_wait_for(&raw, pointer, issues);

	const struct config_evidence_raw evidence = {
		.screenshot = raw.screenshot,
		.video = raw.video,
		.har = raw.har,
		.dom = raw.dom,
		.console = is_there(&raw.console) ? raw.console : NULL,
		.compare = is_there(&raw.compare) ? raw.compare : NULL,
	};
	config_decode_evidence(c, &evidence, pointer, issues);

	struct config_network_raw network = {
		.headers = is_there(&raw.headers) ? raw.headers : NULL,
		.credentials = is_there(&raw.credentials) ? raw.credentials : NULL,
		.network = is_there(&raw.network) ? raw.network : NULL,
		.proxy = is_there(&raw.proxy) ? raw.proxy : NULL,
		.block_ads = is_there(&raw.block_ads) ? raw.block_ads : NULL,
		.mocks = is_there(&raw.mocks) ? raw.mocks : NULL,
		.cookies = is_there(&raw.cookies) ? raw.cookies : NULL,
		.storage = is_there(&raw.storage) ? raw.storage : NULL,
		.block_hosts = raw.block_hosts,
		.allow_hosts = raw.allow_hosts,
	};
	config_decode_network(c, &network, pointer, issues);
	if (issues->n + issues->n_more > before)
		return -1;
	*ret = *c;
	return 0;
}

/* Texts of the offences move to the other's arena. */
static void
hand_over(struct issues *to, const struct issues *from)
{
	for (size_t i = 0; i < from->n; i++)
		issues_add(to, from->item[i].pointer, from->item[i].code, "%s",
			from->item[i].detail);
	to->n_more += from->n_more;
}

int
config_check(json_t *layer, const char *pointer, struct issues *issues)
{
	_cleanup_(json_unrefp) json_t *own = NULL;
	_cleanup_(arena_deinit) struct arena arena;
	struct issues found = { .arena = &arena };
	struct browser_config config;

	/* What is decoded is at most a few times the text's size, which has a limit of its own.
	 */
	arena_init(&arena, SIZE_MAX / 2);
	if (json_is_object(layer)) {
		own = json_copy(layer);
		if (!own)
			abort();
		json_t *base = json_object_get(own, "baseURL");
		if (!base || json_is_null(base))
			(void)json_object_set_new(
				own, "baseURL", json_string("http://localhost"));
	}
	int r = config_decode(&config, own ? own : layer, pointer, &found);
	hand_over(issues, &found);
	return r;
}
