// SPDX-License-Identifier: Apache-2.0
// The two programs that our cron is compared with, behind one form: the next times, or why there are none.

import { CronExpressionParser } from "cron-parser";
import { Cron } from "croner";

export const TIMES = 4;

function times(next) {
	try {
		return next().map((date) => date.toISOString().replace(".000Z", "Z")).join(" ");
	} catch (error) {
		return `refused: ${error.message}`;
	}
}

export const PEERS = {
	croner: (expression, zone, after) => times(() =>
		new Cron(expression, { timezone: zone, paused: true }).nextRuns(TIMES, new Date(after))),
	"cron-parser": (expression, zone, after) => times(() => {
		const all = CronExpressionParser.parse(expression, { tz: zone, currentDate: new Date(after) });
		return Array.from({ length: TIMES }, () => all.next().toDate());
	}),
};
