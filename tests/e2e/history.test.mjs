// SPDX-License-Identifier: Apache-2.0
/* The checker of the crash loop finds what it is there to find. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkHistory } from './history.mjs';

/* Two runs: one passed at once, one after its worker was lost. */
function sound() {
	let seq = 10;
	const event = (type, run, data = {}) => ({ seq: seq++, type, ...(run && { run }), data });
	const leased = (run, fence) => event('run.leased', run, { fence });
	const finished = (run) => event('run.finished', run, { outcome: 'passed' });

	return {
		job: {
			id: 'j', status: 'completed',
			counts: { passed: 2, failed: 0, errored: 0, skipped: 0 },
		},
		runs: [
			{ id: 'a', iteration: 1, testIndex: 0, attempt: 1, outcome: 'passed' },
			{ id: 'b', iteration: 1, testIndex: 1, attempt: 1, outcome: 'passed' },
		],
		events: [
			event('job.queued'), leased('a', 1), event('job.starting'), event('run.started', 'a'),
			leased('b', 1), finished('a'), event('run.lost', 'b', { fence: 1 }), leased('b', 2),
			finished('b'), event('job.completed'), event('run.stale_result', 'b', { fence: 1 }),
		],
		wanted: { units: 2, failing: 0 },
		executions: 3,
	};
}

const at = (history, type, n = 0) =>
	history.events.indexOf(history.events.filter((e) => e.type === type)[n]);

const breaches = {
	'a job that is not over': (h) => { h.job.status = 'running'; },
	'a result too few': (h) => { h.job.counts.passed = 1; },
	'a result too many': (h) => { h.job.counts.passed = 3; },
	'a failure that cannot be': (h) => {
		Object.assign(h.job, { status: 'failed' });
		Object.assign(h.job.counts, { passed: 1, failed: 1 });
	},
	'a failure passed over': (h) => { h.wanted.failing = 1; },
	'an errored run without losses': (h) => {
		h.job.status = 'failed';
		Object.assign(h.job.counts, { passed: 1, errored: 1 });
	},
	'a wrong status': (h) => { h.job.status = 'failed'; },
	'a skipped run': (h) => { Object.assign(h.job.counts, { passed: 1, skipped: 1 }); },
	'a run without an outcome': (h) => { delete h.runs[0].outcome; },
	'a run that is missing': (h) => {
		h.runs.pop();
		h.events = h.events.filter((e) => e.run !== 'b');
	},
	'a unit twice': (h) => { h.runs[1].testIndex = 0; },
	'an outcome that was another': (h) => { h.runs[0].outcome = 'failed'; },
	'a run finished twice': (h) => {
		h.events.splice(at(h, 'job.completed'), 0, { ...h.events[at(h, 'run.finished')], seq: 18.5 });
	},
	'a run that never finished': (h) => { h.events.splice(at(h, 'run.finished'), 1); },
	'an event of an unknown run': (h) => { h.events[at(h, 'run.started')].run = 'z'; },
	'an event before its lease': (h) => { h.events.splice(at(h, 'run.leased'), 1); },
	'a number twice': (h) => { h.events[3].seq = h.events[2].seq; },
	'events out of order': (h) => { h.events.reverse(); },
	'a fence that does not grow': (h) => { h.events[at(h, 'run.leased', 2)].data.fence = 1; },
	'something after the end': (h) => {
		h.events.push({ seq: 99, type: 'run.log', run: 'a', data: {} });
	},
	'a second end': (h) => { h.events.push({ seq: 99, type: 'job.failed', data: {} }); },
	'no end': (h) => { h.events.splice(at(h, 'job.completed'), 1); },
	'no beginning': (h) => { h.events.shift(); },
	'a result without an execution': (h) => { h.executions = 1; },
	'an execution without a lease': (h) => { h.executions = 4; },
};

test('a sound history passes', () => checkHistory(sound()));

for (const [what, breach] of Object.entries(breaches))
	test(`found: ${what}`, () => {
		const history = sound();

		breach(history);
		assert.throws(() => checkHistory(history), { name: 'AssertionError' });
	});
