// SPDX-License-Identifier: Apache-2.0
// What the table of cron expressions asks: [expression, zone, after]. The answers are in table.tsv.

const CALENDAR = [
	"* * * * *", "*/7 * * * *", "0 * * * *", "5,35 * * * *", "10-20/5 * * * *", "5/20 * * * *", "50-5/5 * * * *",
	"0 0 * * *", "30 6 * * *", "0 */6 * * *", "15 8-18/2 * * *", "0 22-2 * * *", "0 9,17 * * *", "59 23 * * *",
	"0 0 1 * *", "0 0 31 * *", "0 0 29 2 *", "0 0 29 FEB *", "0 0 1-7 * *", "0 0 */10 * *", "0 0 30-2 * *", "0 0 10,20,30 * *",
	"0 0 L * *", "0 0 L-3 * *", "0 0 L-1 2 *", "0 0 15W * *", "0 0 1W * *", "0 0 31W * *", "0 0 LW * *", "0 0 1,L * *", "0 12 15,LW * *",
	"0 0 1 1 *", "0 0 1 JAN,JUL *", "0 0 1 */3 *", "0 0 1 NOV-FEB *", "0 0 25 12 *", "0 0 * FEB *", "0 8 * MAR-MAY MON",
	"0 0 * * MON", "0 0 * * 1-5", "0 0 * * MON-FRI", "0 0 * * SUN", "0 0 * * 0", "0 0 * * 7", "0 0 * * 0,6", "0 0 * * FRI-MON", "0 0 * * 5-7", "0 0 * * */2", "0 0 * * 6-7",
	"0 0 * * 5L", "0 0 * * SUNL", "0 0 * * 1L,5L", "0 0 * * MON#1", "0 0 * * MON#2", "0 0 * * 5#5", "0 0 * * MON#1,MON#3", "0 10 * * SUN#2",
	"0 0 13 * FRI", "0 0 1,15 * MON", "0 0 */2 * MON", "0 0 L * MON", "0 0 ? * MON", "0 0 1 * ?", "0 0 ? * ?", "0 0 1-7 * MON#1",
	"*/15 30 8 * * *", "0 0 0 1 1 *", "15,45 */20 3 * * *", "0 0 12 ? * MON-FRI", "59 59 23 L * *", "* * * 1 1 *", "0 30 2 15W * *",
	"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
];

// zone, an instant a few hours before its clock changes
const TRANSITIONS = [
	["Europe/Berlin", "2026-03-28T22:30:00Z"],
	["Europe/Berlin", "2026-10-24T22:30:00Z"],
	["Europe/London", "2025-03-29T22:30:00Z"],
	["Europe/Dublin", "2025-10-25T21:30:00Z"],
	["America/New_York", "2026-03-08T04:30:00Z"],
	["America/New_York", "2026-11-01T03:30:00Z"],
	["America/St_Johns", "2025-03-09T03:00:00Z"],
	["Australia/Lord_Howe", "2026-04-04T12:30:00Z"],
	["Australia/Lord_Howe", "2026-10-03T13:30:00Z"],
	["Pacific/Apia", "2011-12-30T08:30:00Z"],
	["Pacific/Auckland", "2026-04-04T11:30:00Z"],
	["America/Sao_Paulo", "2018-11-04T01:30:00Z"],
	["America/Sao_Paulo", "2018-02-18T00:30:00Z"],
	["Africa/Casablanca", "2023-03-19T00:30:00Z"],
	["Africa/Casablanca", "2023-04-23T00:30:00Z"],
	["Asia/Kolkata", "2026-02-28T18:00:00Z"],
	["Asia/Kathmandu", "2026-12-31T17:00:00Z"],
	["America/Asuncion", "2023-10-01T03:00:00Z"],
	["Africa/Cairo", "2023-04-27T20:30:00Z"],
	["UTC", "2026-06-30T22:00:00Z"],
];
const AROUND_TRANSITIONS = ["0 12 * * *", "30 2 * * *", "15 1 * * *", "0 3 * * *", "*/30 * * * *", "30 * * * *", "*/20 2 * * *", "0 0 * * *", "0 */4 * * *", "0,30 1-3 * * 1-7"];

export const CASES = [
	...CALENDAR.map((expression) => [expression, "UTC", "2026-01-30T17:42:13Z"]),
	...["0 0 L * *", "0 0 LW * *", "0 9 * * MON-FRI", "0 0 29 2 *", "0 0 * * 5#5", "@weekly"].flatMap((expression) =>
		["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati"].map((zone) => [expression, zone, "2027-12-30T23:30:00Z"])),
	...TRANSITIONS.flatMap(([zone, after]) => AROUND_TRANSITIONS.map((expression) => [expression, zone, after])),
];
