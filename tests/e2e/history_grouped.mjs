// SPDX-License-Identifier: Apache-2.0
/*
 * What must be true of one grouped job's history, whatever was killed meanwhile
 * (docs/protocol/browser-jobs.md). Pure, like history.mjs, whose words it uses.
 *
 *	job, runs, events   as the API answers
 *	wanted              { units, iterations, failing, groups, before, after, fixtures:
 *	                    [{ first, count, before, after, serial }] }: what was asked for;
 *	                    hooks are numbers of tests or -1, units those of one group and iteration
 */
import assert from 'node:assert/strict';
import { finalStatus } from './helper.mjs';
import { RUN_LOSSES_MAX } from './history.mjs';

const END = /^job\.(completed|failed|stopped|invalid)$/;
const LATE = ['run.stale_result', 'run.artifact'];

export function checkGroupedHistory(history) {
	const replay = new Replay(history);

	for (const event of history.events) replay.take(event);
	replay.checkEnd();
}

class Replay {
	constructor({ job, runs, events, wanted }) {
		Object.assign(this, { job, runs, events, wanted });
		this.byId = new Map(runs.map((run) => [run.id, run]));
		this.leased = new Map();   // run → connection
		this.fences = new Map();
		this.finished = new Map(); // run → its last event run.finished
		this.begun = new Map();    // group → keys of units, in the order of their first lease
		this.released = new Map(); // group → keys of units
		this.losses = 0;
		this.last = 0;
		this.isOver = false;
	}

	fail(event, what) {
		assert.fail(`job ${this.job.id} event ${event?.seq} ${event?.type}: ${what}`);
	}

	take(event) {
		if (!(event.seq > this.last)) this.fail(event, `not after ${this.last}`);
		this.last = event.seq;
		if (LATE.includes(event.type)) return;
		if (this.isOver) this.fail(event, 'after the end');
		if (event.run && !this.byId.has(event.run)) this.fail(event, 'of no run');
		if (event.type === 'run.leased') this.onLeased(event);
		else if (event.type === 'run.lost') this.onLost(event);
		else if (event.type === 'run.finished') this.onFinished(event);
		else if (event.type === 'run.restarted') this.leased.delete(event.run);
		else if (event.type === 'run.released') this.onReleased(event);
		this.isOver = END.test(event.type);
	}

	key(run) {
		return `${run.iteration}/${run.testIndex}`;
	}

	list(map, group) {
		if (!map.has(group)) map.set(group, []);
		return map.get(group);
	}

	isHook(run) {
		return run.testIndex >= this.wanted.units;
	}

	fixtureOf(run) {
		return this.wanted.fixtures.find((f) => f.before === run.testIndex ||
			f.after === run.testIndex ||
			(run.testIndex >= f.first && run.testIndex < f.first + f.count));
	}

	/* Runs of that test in that group which ended for good. */
	ended(group, testIndex, iteration) {
		return [...this.finished.keys()].map((id) => this.byId.get(id)).filter((run) =>
			run.testIndex === testIndex && (run.target ?? '') === group &&
			(iteration === undefined || run.iteration === iteration));
	}

	onLeased(event) {
		const run = this.byId.get(event.run);
		const group = run.target ?? '';
		const { connection, fence } = event.data;

		if (fence <= (this.fences.get(run.id) ?? 0)) this.fail(event, 'fence');
		this.fences.set(run.id, fence);
		if (this.finished.has(run.id)) this.fail(event, 'after its end');
		for (const [other, taken] of this.leased) {
			const its = this.byId.get(other);

			if (other !== run.id && (its.target ?? '') === group && taken === connection)
				this.fail(event, `connection ${connection} has two runs`);
		}
		this.checkHooks(event, run, group);
		this.leased.set(run.id, connection);
		const units = this.list(this.begun, group);

		if (!this.isHook(run) && !units.includes(this.key(run))) units.push(this.key(run));
	}

	checkHooks(event, run, group) {
		const { wanted } = this;
		const fixture = this.fixtureOf(run);
		const beside = [...this.leased.keys()].map((id) => this.byId.get(id))
			.filter((its) => its.id !== run.id && (its.target ?? '') === group);

		if (wanted.before >= 0 && run.testIndex !== wanted.before &&
			this.ended(group, wanted.before).length === 0)
			this.fail(event, 'before the before hook of the job has ended');
		if (run.testIndex === wanted.after && beside.length > 0)
			this.fail(event, 'the after hook of the job beside a run');
		if (run.testIndex !== wanted.after && this.ended(group, wanted.after).length > 0)
			this.fail(event, 'after the after hook of the job');
		if (!fixture) return;
		const of = beside.filter((its) => this.fixtureOf(its) === fixture &&
			its.iteration === run.iteration);

		if (fixture.before >= 0 && run.testIndex !== fixture.before &&
			this.ended(group, fixture.before, run.iteration).length === 0)
			this.fail(event, 'before the before hook of its fixture has ended');
		if (run.testIndex === fixture.after && of.length > 0)
			this.fail(event, 'the after hook of a fixture beside a run of it');
		if (run.testIndex !== fixture.after &&
			this.ended(group, fixture.after, run.iteration).length > 0)
			this.fail(event, 'after the after hook of its fixture');
		if (fixture.serial && of.length > 0) this.fail(event, 'two runs of a serial fixture');
	}

	onLost(event) {
		this.losses++;
		this.leased.delete(event.run);
	}

	onFinished(event) {
		if (this.finished.has(event.run)) this.fail(event, 'finished twice');
		if (event.data.outcome !== this.byId.get(event.run).outcome &&
			!this.afterErrored(this.byId.get(event.run)))
			this.fail(event, `${event.data.outcome}, the run says otherwise`);
		this.leased.delete(event.run);
		this.finished.set(event.run, event);
	}

	onReleased(event) {
		const group = event.data.target ?? '';
		const key = this.key(event.data);
		const released = this.list(this.released, group);

		if (released.includes(key)) this.fail(event, `${key} is released twice`);
		released.push(key);
	}

	checkEnd() {
		const { job, wanted } = this;
		const where = `job ${job.id}`;
		const { passed, failed, errored, skipped } = job.counts;

		assert.ok(this.isOver, `${where}: no end`);
		assert.ok(finalStatus.has(job.status), `${where} is ${job.status}`);
		for (const group of wanted.groups) this.checkOrder(group);
		for (const run of this.runs)
			assert.ok(this.finished.has(run.id), `${where} run ${run.id}: no end`);
		/* Such a hook ends units, or iterations, that were never begun. */
		if (this.hookErrored()) return;
		assert.equal(passed + failed + errored + skipped,
			wanted.units * wanted.iterations * wanted.groups.length, `${where}: counts`);
		assert.equal(skipped, 0, `${where}: skipped`);
		assert.ok(failed <= wanted.failing && failed + errored >= wanted.failing, `${where}: failed`);
		assert.ok(this.losses >= errored * RUN_LOSSES_MAX, `${where}: errored`);
		assert.equal(job.status, failed + errored > 0 ? 'failed' : 'completed', `${where}: status`);
		for (const group of wanted.groups) this.checkGroup(group);
	}

	hookErrored() {
		return this.runs.some((run) => this.isHook(run) && run.outcome === 'errored');
	}

	/* An after hook that lost its worker again and again takes the last unit with it. */
	afterErrored(run) {
		const fixture = this.fixtureOf(run);

		return fixture !== undefined && this.runs.some((its) =>
			its.testIndex === fixture.after && its.outcome === 'errored' &&
			its.iteration === run.iteration && its.target === run.target);
	}

	/* What was begun is released in the order of its first start. */
	checkOrder(group) {
		const begun = this.list(this.begun, group);
		const released = this.list(this.released, group).filter((key) => begun.includes(key));

		assert.deepEqual(released, begun, `job ${this.job.id} group ${group}: order`);
	}

	/* Each unit is released, each hook has one end. */
	checkGroup(group) {
		const { job, wanted } = this;
		const where = `job ${job.id} group ${group}`;

		assert.equal(this.list(this.released, group).length, wanted.units * wanted.iterations,
			`${where}: releases`);
		for (const [testIndex, iterations] of this.hooksOf()) {
			if (testIndex < 0) continue;
			const its = this.ended(group, testIndex);
			const seen = new Set(its.map((run) => run.iteration));

			assert.equal(its.length, iterations, `${where}: runs of hook ${testIndex}`);
			assert.equal(seen.size, iterations, `${where}: iterations of hook ${testIndex}`);
		}
	}

	hooksOf() {
		const { before, after, fixtures, iterations } = this.wanted;

		return [[before, 1], [after, 1],
			...fixtures.flatMap((f) => [[f.before, iterations], [f.after, iterations]])];
	}
}
