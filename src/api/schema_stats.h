/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas of figures, for schema_others (schema_tables.c). */
#pragma once

/* clang-format off */
#define SCHEMAS_OF_STATS \
	{ "Usage", "{\"type\":\"object\",\"description\":\"Only what was measured.\",\"properties\":{" \
		"\"cpuMs\":{\"type\":\"integer\"},\"peakKib\":{\"type\":\"integer\"},\"tokens\":{\"type\":\"integer\"}}}" }, \
	{ "StatsDurations", "{\"type\":\"object\",\"description\":\"Percentiles are off by at most 5 %.\",\"required\":[\"n\",\"meanMs\"," \
		"\"p50Ms\",\"p95Ms\",\"p99Ms\"],\"properties\":{\"n\":{\"type\":\"integer\"},\"meanMs\":{\"type\":\"integer\"}," \
		"\"p50Ms\":{\"type\":\"integer\"},\"p95Ms\":{\"type\":\"integer\"},\"p99Ms\":{\"type\":\"integer\"}}}" }, \
	{ "StatsCost", "{\"type\":\"object\",\"description\":\"What workers measured.\",\"required\":[\"measured\",\"tokens\"]," \
		"\"properties\":{\"measured\":{\"type\":\"integer\"},\"cpuMs\":{\"type\":\"integer\"},\"peakKib\":{\"type\":" \
		"\"integer\"},\"tokens\":{\"type\":\"integer\"}}}" }, \
	{ "Figures", "{\"type\":\"object\",\"description\":\"What cannot be said is absent.\",\"required\":[\"n\"],\"properties\":{" \
		"\"n\":{\"type\":\"integer\"},\"byStatus\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}," \
		"\"byReason\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}},\"successRate\":{\"type\":" \
		"\"number\",\"minimum\":0,\"maximum\":1},\"passed\":{\"type\":\"integer\"},\"failed\":{\"type\":\"integer\"}," \
		"\"errored\":{\"type\":\"integer\"},\"timedOut\":{\"type\":\"integer\"},\"cancelled\":{\"type\":\"integer\"}," \
		"\"skipped\":{\"type\":\"integer\"},\"flaky\":{\"type\":\"integer\"},\"quarantined\":{\"type\":\"integer\"}," \
		"\"transitions\":{\"type\":\"integer\"},\"flakiness\":{\"type\":\"number\",\"minimum\":0},\"attempts\":{\"type\":" \
		"\"integer\"},\"queue\":{\"$ref\":\"#/components/schemas/StatsDurations\"},\"run\":{\"$ref\":" \
		"\"#/components/schemas/StatsDurations\"},\"busyMs\":{\"type\":\"integer\"},\"cost\":{\"$ref\":" \
		"\"#/components/schemas/StatsCost\"}}}" }, \
	{ "StatsRow", "{\"type\":\"object\",\"required\":[\"group\",\"n\"],\"properties\":{\"group\":{\"type\":\"string\"},\"name\":{" \
		"\"type\":\"string\"},\"kind\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},\"byStatus\":{\"type\":\"object\"," \
		"\"additionalProperties\":{\"type\":\"integer\"}},\"byReason\":{\"type\":\"object\",\"additionalProperties\":{" \
		"\"type\":\"integer\"}},\"successRate\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},\"passed\":{\"type\":" \
		"\"integer\"},\"failed\":{\"type\":\"integer\"},\"errored\":{\"type\":\"integer\"},\"timedOut\":{\"type\":" \
		"\"integer\"},\"cancelled\":{\"type\":\"integer\"},\"skipped\":{\"type\":\"integer\"},\"flaky\":{\"type\":" \
		"\"integer\"},\"quarantined\":{\"type\":\"integer\"},\"transitions\":{\"type\":\"integer\"},\"flakiness\":{" \
		"\"type\":\"number\",\"minimum\":0},\"attempts\":{\"type\":\"integer\"},\"queue\":{\"$ref\":" \
		"\"#/components/schemas/StatsDurations\"},\"run\":{\"$ref\":\"#/components/schemas/StatsDurations\"}," \
		"\"busyMs\":{\"type\":\"integer\"},\"cost\":{\"$ref\":\"#/components/schemas/StatsCost\"}}}" }, \
	{ "StatsPoint", "{\"type\":\"object\",\"required\":[\"at\",\"n\"],\"properties\":{\"at\":{\"type\":\"string\",\"format\":" \
		"\"date-time\"},\"n\":{\"type\":\"integer\"},\"byStatus\":{\"type\":\"object\",\"additionalProperties\":{\"type\":" \
		"\"integer\"}},\"byReason\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}," \
		"\"successRate\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},\"passed\":{\"type\":\"integer\"},\"failed\":{" \
		"\"type\":\"integer\"},\"errored\":{\"type\":\"integer\"},\"timedOut\":{\"type\":\"integer\"},\"cancelled\":{" \
		"\"type\":\"integer\"},\"skipped\":{\"type\":\"integer\"},\"flaky\":{\"type\":\"integer\"},\"quarantined\":{" \
		"\"type\":\"integer\"},\"transitions\":{\"type\":\"integer\"},\"flakiness\":{\"type\":\"number\",\"minimum\":0}," \
		"\"attempts\":{\"type\":\"integer\"},\"queue\":{\"$ref\":\"#/components/schemas/StatsDurations\"},\"run\":{" \
		"\"$ref\":\"#/components/schemas/StatsDurations\"},\"busyMs\":{\"type\":\"integer\"},\"cost\":{\"$ref\":" \
		"\"#/components/schemas/StatsCost\"}}}" }, \
	{ "StatsTable", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"scale\",\"items\",\"groups\",\"total\"],\"properties\":{" \
		"\"from\":{\"type\":\"string\",\"format\":\"date-time\"},\"to\":{\"type\":\"string\",\"format\":\"date-time\"}," \
		"\"scale\":{\"enum\":[\"hour\",\"day\"]},\"items\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/StatsRow\"}},\"nextCursor\":{\"type\":\"string\"},\"groups\":{\"type\":\"integer\"}," \
		"\"total\":{\"$ref\":\"#/components/schemas/Figures\"},\"backlog\":{\"type\":\"integer\"}}}" }, \
	{ "StatsTrend", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"scale\",\"items\",\"total\"],\"properties\":{\"from\":{\"type\":" \
		"\"string\",\"format\":\"date-time\"},\"to\":{\"type\":\"string\",\"format\":\"date-time\"},\"scale\":{\"enum\":" \
		"[\"hour\",\"day\"]},\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/StatsPoint\"}}," \
		"\"total\":{\"$ref\":\"#/components/schemas/Figures\"},\"backlog\":{\"type\":\"integer\"}}}" }, \
	{ "StatsSummary", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"scale\",\"jobs\",\"queues\",\"workers\",\"now\",\"running\"," \
		"\"recentFailures\",\"longRunning\"],\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date-time\"}," \
		"\"to\":{\"type\":\"string\",\"format\":\"date-time\"},\"scale\":{\"enum\":[\"hour\",\"day\"]},\"jobs\":{\"$ref\":" \
		"\"#/components/schemas/Figures\"},\"queues\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/StatsRow\"}},\"workers\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/StatsRow\"}},\"now\":{\"type\":\"object\",\"additionalProperties\":{\"type\":" \
		"\"integer\"}},\"backlog\":{\"type\":\"integer\"},\"running\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/Job\"}},\"recentFailures\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/Job\"}},\"longRunningThresholdMs\":{\"type\":\"integer\"},\"longRunning\":{\"type\":" \
		"\"array\",\"items\":{\"$ref\":\"#/components/schemas/Job\"}}}}" }, \
	{ "ErrorClass", "{\"type\":\"object\",\"required\":[\"id\",\"n\",\"text\",\"sample\"],\"properties\":{\"id\":{\"type\":\"string\"}," \
		"\"n\":{\"type\":\"integer\"},\"text\":{\"type\":\"string\"},\"sample\":{\"type\":\"string\"},\"firstSeenAt\":{" \
		"\"type\":\"string\",\"format\":\"date-time\"},\"lastSeenAt\":{\"type\":\"string\",\"format\":\"date-time\"}," \
		"\"lastTest\":{\"type\":\"string\"},\"lastJob\":{\"type\":\"string\",\"format\":\"uuid\"},\"lastRun\":{\"type\":" \
		"\"string\",\"format\":\"uuid\"}}}" }, \
	{ "ErrorCluster", "{\"type\":\"object\",\"required\":[\"n\",\"text\",\"classCount\",\"classes\"],\"properties\":{\"n\":{\"type\":" \
		"\"integer\"},\"text\":{\"type\":\"string\"},\"classCount\":{\"type\":\"integer\"},\"classes\":{\"type\":\"array\"," \
		"\"items\":{\"$ref\":\"#/components/schemas/ErrorClass\"}}}}" }, \
	{ "StatsErrors", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"scale\",\"items\",\"n\",\"classCount\",\"clusterCount\"]," \
		"\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date-time\"},\"to\":{\"type\":\"string\",\"format\":" \
		"\"date-time\"},\"scale\":{\"enum\":[\"hour\",\"day\"]},\"items\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/ErrorCluster\"}},\"nextCursor\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}," \
		"\"classCount\":{\"type\":\"integer\"},\"clusterCount\":{\"type\":\"integer\"},\"rest\":{\"type\":\"integer\"}," \
		"\"backlog\":{\"type\":\"integer\"}}}" }, \
	{ "StatsError", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"id\",\"n\",\"text\",\"sample\",\"trend\",\"units\"]," \
		"\"properties\":{\"from\":{\"type\":\"string\",\"format\":\"date-time\"},\"to\":{\"type\":\"string\",\"format\":" \
		"\"date-time\"},\"scale\":{\"enum\":[\"hour\",\"day\"]},\"id\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}," \
		"\"text\":{\"type\":\"string\"},\"sample\":{\"type\":\"string\"},\"firstSeenAt\":{\"type\":\"string\",\"format\":" \
		"\"date-time\"},\"lastSeenAt\":{\"type\":\"string\",\"format\":\"date-time\"},\"lastTest\":{\"type\":\"string\"}," \
		"\"lastJob\":{\"type\":\"string\",\"format\":\"uuid\"},\"lastRun\":{\"type\":\"string\",\"format\":\"uuid\"}," \
		"\"trend\":{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{" \
		"\"$ref\":\"#/components/schemas/StatsPoint\"}}}},\"units\":{\"type\":\"object\",\"required\":[\"items\"]," \
		"\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/HistoryUnit\"}}," \
		"\"nextCursor\":{\"type\":\"string\"}}}}}" }, \
	{ "HistoryUnit", "{\"type\":\"object\",\"required\":[\"attempt\",\"durationMs\",\"run\",\"job\"],\"properties\":{\"outcome\":{" \
		"\"type\":\"string\"},\"reason\":{\"type\":\"string\"},\"attempt\":{\"type\":\"integer\"},\"flaky\":{\"type\":" \
		"\"boolean\"},\"quarantined\":{\"type\":\"boolean\"},\"durationMs\":{\"type\":\"integer\"},\"finishedAt\":{" \
		"\"type\":\"string\",\"format\":\"date-time\"},\"errorClass\":{\"type\":\"string\"},\"run\":{\"type\":\"string\"," \
		"\"format\":\"uuid\"},\"job\":{\"type\":\"string\",\"format\":\"uuid\"},\"jobName\":{\"type\":\"string\"}}}" }, \
	{ "TestHistory", "{\"type\":\"object\",\"description\":\"Units of a test by its name, newest first.\",\"required\":[\"test\"," \
		"\"n\",\"streak\",\"items\"],\"properties\":{\"test\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},\"n\":{" \
		"\"type\":\"integer\"},\"lastOutcome\":{\"type\":\"string\"},\"streak\":{\"type\":\"integer\"},\"firstSeenAt\":{" \
		"\"type\":\"string\",\"format\":\"date-time\"},\"lastSeenAt\":{\"type\":\"string\",\"format\":\"date-time\"}," \
		"\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/HistoryUnit\"}},\"nextCursor\":{" \
		"\"type\":\"string\"}}}" }, \
	{ "JobBrief", "{\"type\":\"object\",\"required\":[\"id\",\"status\",\"runMs\"],\"properties\":{\"id\":{\"type\":\"string\"," \
		"\"format\":\"uuid\"},\"name\":{\"type\":\"string\"},\"status\":{\"type\":\"string\"},\"reason\":{\"type\":" \
		"\"string\"},\"runMs\":{\"type\":\"integer\"},\"completedAt\":{\"type\":\"string\",\"format\":\"date-time\"}}}" }, \
	{ "JobAnalysis", "{\"type\":\"object\",\"description\":\"n counts those of the jobs that have ended.\",\"required\":" \
		"[\"jobs\",\"open\",\"n\",\"slowest\",\"failures\",\"missing\"],\"properties\":{\"jobs\":{\"type\":\"integer\"}," \
		"\"open\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}},\"n\":{\"type\":\"integer\"}," \
		"\"byStatus\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}},\"byReason\":{\"type\":" \
		"\"object\",\"additionalProperties\":{\"type\":\"integer\"}},\"successRate\":{\"type\":\"number\",\"minimum\":0," \
		"\"maximum\":1},\"passed\":{\"type\":\"integer\"},\"failed\":{\"type\":\"integer\"},\"errored\":{\"type\":" \
		"\"integer\"},\"timedOut\":{\"type\":\"integer\"},\"cancelled\":{\"type\":\"integer\"},\"skipped\":{\"type\":" \
		"\"integer\"},\"flaky\":{\"type\":\"integer\"},\"quarantined\":{\"type\":\"integer\"},\"transitions\":{\"type\":" \
		"\"integer\"},\"flakiness\":{\"type\":\"number\",\"minimum\":0},\"attempts\":{\"type\":\"integer\"},\"queue\":{" \
		"\"$ref\":\"#/components/schemas/StatsDurations\"},\"run\":{\"$ref\":" \
		"\"#/components/schemas/StatsDurations\"},\"busyMs\":{\"type\":\"integer\"},\"cost\":{\"$ref\":" \
		"\"#/components/schemas/StatsCost\"},\"slowest\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/JobBrief\"}},\"failures\":{\"type\":\"array\",\"items\":{\"$ref\":" \
		"\"#/components/schemas/JobBrief\"}},\"missing\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}" },
/* clang-format on */
