// SPDX-License-Identifier: Apache-2.0
// Why a peer may say something else. What fits none of these is a mistake, of ours or theirs.

export const REASONS = {
	refuses: "the peer has no such form: W, L-n, LW in a list, lists of #, @midnight, a/n, or ranges that wrap around",
	loop_limit: "cron-parser gives up in zones whose clock changes by half an hour",
	question_mark: "croner takes ? for a restricted day field, so that with another one it fires every day",
	not_ascending: "croner gives an instant twice, or an earlier one after a later one, behind a gap",
	gap_fixed: "both move a fixed time inside a gap on by the gap's length; ours comes at the gap's end (Vixie cron)",
	gap_interval: "both move times of intervals inside a gap on as well; ours do not happen (Vixie cron)",
	lost_day: "in a gap of a whole day both move a fixed time on by a day, where it is the next day's; ours comes once more, at the gap's end",
	repeat_interval: "both leave out, of some intervals, the second of two times that come twice; ours come twice (Vixie cron)",
	half_hour: "both think in whole hours where the clock changes by half an hour",
};

const WHOLE_DAY_MS = 23 * 3600e3;

/** Local time minus UTC in ms. */
function offset(zone, at) {
	const parts = Object.fromEntries(new Intl.DateTimeFormat("en", {
		timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
		hour: "numeric", minute: "numeric", second: "numeric",
	}).formatToParts(at).map(({ type, value }) => [type, Number(value)]));

	return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - at;
}

/** The key of the reason, or undefined. `ours` and `theirs` differ. */
export function reasonFor(peer, expression, zone, after, ours, theirs) {
	if (theirs.startsWith("refused"))
		return theirs.includes("loop limit") ? "loop_limit" : "refuses";
	if (peer === "croner" && expression.includes("?"))
		return "question_mark";

	const begin = Date.parse(after);
	const change = offset(zone, begin + 24 * 3600e3) - offset(zone, begin);
	const [minute, hour] = expression.split(" ");
	const isInterval = `${minute},${hour}`.split(",").some((item) => item.startsWith("*"));
	const times = theirs.split(" ").map(Date.parse);
	if (peer === "croner" && change > 0 && times.some((time, i) => i > 0 && time <= times[i - 1]))
		return "not_ascending";
	if (Math.abs(change) === 1800e3)
		return "half_hour";
	if (change > WHOLE_DAY_MS)
		return isInterval ? undefined : "lost_day";
	if (change > 0)
		return isInterval ? "gap_interval" : "gap_fixed";
	if (change < 0 && isInterval)
		return "repeat_interval";
	return undefined;
}
