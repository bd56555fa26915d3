/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JavaScript side of the runner protocol (docs/protocol/runner.md, version 1).
 *
 * A runner is a function from a `run` request to a result:
 *
 *	const kit = require("../kit");
 *	kit.serve({
 *		name: "mine", kinds: ["mine"], reusable: true,
 *		async run(request, ctx) {
 *			ctx.started({ total: 1 });
 *			ctx.log("info", "hello");
 *			return { outcome: "passed" };
 *		},
 *	});
 *
 * The kit frames lines, shakes hands, keeps every line below the protocol's limits, turns `cancel`
 * into an AbortSignal, slows progress down to what is kept, and leaves when the worker is gone.
 * Requests come on descriptor 3 and replies go out on 4; stdout and stderr stay free text.
 */
"use strict";

const net = require("net");
const path = require("path");

const VERSION = 1;
const FD_IN = 3;
const FD_OUT = 4;

const LIMITS = Object.freeze({
	requestBytes: 1024 * 1024, /* a line from the worker */
	replyBytes: 256 * 1024, /* a line to the worker, LF included */
	messageBytes: 8 * 1024, /* error.message */
	stackBytes: 16 * 1024, /* error.stack, error.snippet, a log line: ours, to stay well inside a line */
	frameBytes: 184 * 1024, /* a picture whose base64 fits a line */
	cases: 10000, /* cases in a result */
	queuedBytes: 1024 * 1024, /* unread replies before ctx.drained() makes the runner wait */
	progressMs: 100, /* the protocol keeps ten progress messages a second */
	leaveMs: 5000, /* a run that was told to leave must be over by then */
});

const EXIT_PROTOCOL = 2;
const EXIT_SIGNAL = 143;
const OUTCOMES = new Set(["passed", "failed", "errored", "skipped", "cancelled", "timed_out", "lost"]);
const LEVELS = new Set(["debug", "info", "warn", "error"]);

/*
 * Serves the protocol until the worker says bye, closes its end or breaks the protocol; the
 * process then exits, whatever else still keeps its event loop alive.
 *
 * run(request, ctx) resolves to the members of `result` (without type and run). What it throws
 * becomes `errored`, reason "runner_error", or the error's own `outcome`, `reason` and `details`.
 * prepare(hello), which a runner may have, is called once, after `ready` and in general before a run
 * is there: the time for what is slow to start.
 * A run that is still going leaveMs (default 5,000) after it was told to leave is abandoned.
 */
function
serve(runner)
{
	return new Session(runner).open();
}

class Session {
	constructor(runner) {
		this.runner = runner;
		this.isGreeted = false;
		this.isLeaving = false;
		this.current = null; /* {id, abort, ctx, done} of the run in progress */
	}

	open() {
		this.output = new Output(() => this.leave(0, "the worker closed its end"));
		this.input = new net.Socket({ fd: FD_IN, readable: true, writable: false });
		const lines = new LineReader(LIMITS.requestBytes,
			(line) => this.onLine(line),
			() => this.breach("a request is longer than 1 MiB"));
		this.input.on("data", (chunk) => lines.push(chunk));
		this.input.on("end", () => this.leave(0, "the worker is gone"));
		this.input.on("error", () => this.leave(0, "the worker is gone"));
		for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
			process.on(signal, () => this.leave(EXIT_SIGNAL, signal));
		return this;
	}

	onLine(line) {
		if (this.isLeaving)
			return;
		let message;
		try {
			message = JSON.parse(line);
		} catch {
			return this.breach("a request is not JSON");
		}
		if (message === null || typeof message !== "object" || Array.isArray(message))
			return this.breach("a request is not an object");

		switch (message.type) {
		case "hello":
			return this.onHello(message);
		case "run":
			return this.onRun(message);
		case "cancel":
			return this.onCancel(message);
		case "screen":
			return this.onScreen(message);
		case "bye":
			return this.leave(0, "bye");
		default:
			return this.breach(`a request has the unknown type ${JSON.stringify(message.type)}`);
		}
	}

	onHello(message) {
		if (!Array.isArray(message.versions) || !message.versions.includes(VERSION))
			return this.breach(`the worker does not speak version ${VERSION}`);
		this.isGreeted = true;
		this.output.send({
			type: "ready",
			version: VERSION,
			name: this.runner.name,
			kinds: this.runner.kinds,
			reusable: Boolean(this.runner.reusable),
		});
		if (this.runner.prepare)
			setImmediate(() => this.runner.prepare(message));
	}

	onRun(request) {
		if (!this.isGreeted)
			return this.breach("a run came before hello");
		if (this.current)
			return this.breach("a run came while another was in progress");
		if (typeof request.run !== "string")
			return this.breach("a run has no id");
		const abort = new AbortController();
		const ctx = new Context(request, abort.signal, this.output, () => this.isLeaving);
		const current = { id: request.run, abort, ctx };
		this.current = current;
		current.done = this.carryOut(request, ctx, current);
	}

	async carryOut(request, ctx, current) {
		let result;
		try {
			result = await this.runner.run(request, ctx);
		} catch (error) {
			result = resultOfThrown(error);
		}
		ctx.close();
		/* What a cancelled run still brought to an end is of no interest to the one who cancelled. */
		if (current.abort.signal.aborted && result.outcome !== "timed_out")
			result = { ...result, outcome: "cancelled", reason: String(current.abort.signal.reason) };
		this.current = null;
		this.output.send(shapeResult(current.id, result, ctx.warnings));
		await this.output.drained();
		if (!this.runner.reusable || result.leaves)
			await this.leave(0, "done");
	}

	onCancel(message) {
		/* A cancel may cross the result of its run on the way: then there is nothing to end. */
		if (this.current && this.current.id === message.run)
			this.current.abort.abort(String(message.reason || "cancelled"));
	}

	/* For the run in progress only; a runner without a screen does not look. */
	onScreen(message) {
		if (this.current && this.current.id === message.run)
			this.current.ctx.setScreen(message);
	}

	breach(what) {
		process.stderr.write(`runner ${this.runner.name}: protocol error: ${what}\n`);
		return this.leave(EXIT_PROTOCOL, "protocol_error");
	}

	/* Ends a run in progress, lets its clean-up finish within leaveMs, and exits. */
	async leave(code, why) {
		if (this.isLeaving)
			return;
		this.isLeaving = true;
		setTimeout(() => process.exit(code), this.runner.leaveMs || LIMITS.leaveMs);
		if (this.current) {
			const done = this.current.done;
			this.current.abort.abort(why);
			await done;
		}
		await this.output.drained();
		process.exit(code);
	}
}

/* What a runner may say about its run. Nothing is sent after close(). */
class Context {
	constructor(request, signal, output, isLeaving) {
		this.isLeaving = isLeaving; /* the signal means that the process ends, in leaveMs at the latest */
		this.request = request;
		this.signal = signal;
		this.warnings = [];
		this.output = output;
		this.isClosed = false;
		this.screen = null; /* {maxWidth?, maxHeight?, quality?} while somebody looks at the run */
		this.onScreen = null; /* called with it when it changes */
		this.progressTimer = null;
		this.progressNext = null;
		this.progressAt = 0;
	}

	started(members = {}) {
		this.send({ type: "started", ...members });
	}

	case(members) {
		this.send({ type: "case", ...members, error: shapeError(members.error) });
	}

	step(members) {
		this.send({ type: "step", ...members, error: shapeError(members.error) });
	}

	/* The latest one wins when they come faster than the protocol keeps them. */
	progress(members) {
		this.progressNext = members;
		if (this.progressTimer)
			return;
		const wait = Math.max(0, this.progressAt + LIMITS.progressMs - Date.now());
		if (wait === 0)
			return this.sendProgress();
		this.progressTimer = setTimeout(() => this.sendProgress(), wait);
		this.progressTimer.unref();
	}

	sendProgress() {
		this.progressTimer = null;
		this.progressAt = Date.now();
		this.send({ type: "progress", ...this.progressNext });
	}

	log(level, text) {
		if (!LEVELS.has(level))
			throw new TypeError(`unknown log level ${level}`);
		this.send({ type: "log", level, text: clip(String(text), LIMITS.stackBytes) });
	}

	/* A file or directory below request.artifacts is complete. */
	artifact(members) {
		const inside = path.normalize(members.path);
		if (path.isAbsolute(inside) || inside === ".." || inside.startsWith(".." + path.sep))
			throw new RangeError(`artifact outside the artifacts directory: ${members.path}`);
		this.send({ type: "artifact", contentType: "application/octet-stream", kind: "file", ...members });
	}

	setScreen({ on, maxWidth, maxHeight, quality }) {
		this.screen = on === true ? { maxWidth, maxHeight, quality } : null;
		if (this.onScreen)
			this.onScreen(this.screen);
	}

	/* A picture of what the run shows; false when it is too large and was not sent. */
	frame(jpeg, { width, height, url }) {
		if (jpeg.length > LIMITS.frameBytes)
			return false;
		if (this.screen)
			this.send({ type: "frame", data: jpeg.toString("base64"), width, height, url });
		return true;
	}

	/* Something worth knowing that does not change the outcome; goes into the result. */
	warn(text) {
		if (this.warnings.length < 100)
			this.warnings.push(clip(String(text), LIMITS.messageBytes));
	}

	/* Resolves when the worker has taken enough that more may be sent. */
	drained() {
		return this.output.room();
	}

	send(message) {
		if (!this.isClosed)
			this.output.send({ ...message, run: this.request.run });
	}

	/* The last progress is told even if it came a moment after another one. */
	close() {
		if (this.progressTimer) {
			clearTimeout(this.progressTimer);
			this.sendProgress();
		}
		this.isClosed = true;
	}
}

/* Descriptor 4: whole lines, in order, with a known amount of unread data. */
class Output {
	constructor(onGone) {
		this.isGone = false;
		this.socket = new net.Socket({ fd: FD_OUT, readable: false, writable: true });
		const gone = () => {
			if (this.isGone)
				return;
			this.isGone = true;
			onGone();
		};
		this.socket.on("error", gone);
		this.socket.on("close", gone);
	}

	send(message) {
		if (!this.isGone)
			this.socket.write(fitLine(message));
	}

	room() {
		return this.waitFor(() => this.socket.writableLength <= LIMITS.queuedBytes);
	}

	drained() {
		return this.waitFor(() => this.socket.writableLength === 0);
	}

	async waitFor(isDone) {
		while (!this.isGone && !isDone()) {
			await new Promise((resolve) => {
				/* The callback of an empty write runs when all before it has been taken. */
				this.socket.write("", resolve);
				this.socket.once("close", resolve);
			});
		}
	}
}

/* Cuts a stream of chunks into lines; a line over the limit calls onTooLong once and ends it. */
class LineReader {
	constructor(maxBytes, onLine, onTooLong) {
		this.maxBytes = maxBytes;
		this.onLine = onLine;
		this.onTooLong = onTooLong;
		this.parts = [];
		this.bytes = 0;
		this.isBroken = false;
	}

	push(chunk) {
		let start = 0;
		while (!this.isBroken) {
			const end = chunk.indexOf(0x0a, start);
			const part = chunk.subarray(start, end < 0 ? chunk.length : end);
			this.bytes += part.length;
			if (this.bytes > this.maxBytes) {
				this.isBroken = true;
				this.parts = [];
				return this.onTooLong();
			}
			if (part.length > 0)
				this.parts.push(part);
			if (end < 0)
				return;
			this.emit();
			start = end + 1;
		}
	}

	emit() {
		const line = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
		this.parts = [];
		this.bytes = 0;
		this.onLine(line.toString("utf8"));
	}
}

function
resultOfThrown(error)
{
	const isPlanned = error && OUTCOMES.has(error.outcome);
	return {
		outcome: isPlanned ? error.outcome : "errored",
		reason: (isPlanned && error.reason) || "runner_error",
		error: {
			message: String((error && error.message) || error),
			...(isPlanned ? error.details : { stack: error && error.stack }),
		},
	};
}

function
shapeResult(run, result, warnings)
{
	if (!OUTCOMES.has(result.outcome))
		throw new TypeError(`unknown outcome ${result.outcome}`);
	const all = [...(result.warnings || []), ...warnings];
	const cases = result.cases && result.cases.map((one) => ({ ...one, error: shapeError(one.error) }));
	if (cases && cases.length > LIMITS.cases) {
		all.push(`${cases.length} cases were reported; the result lists the first ${LIMITS.cases}`);
		cases.length = LIMITS.cases;
	}
	return {
		type: "result",
		...result,
		run,
		error: shapeError(result.error),
		cases,
		warnings: all.length > 0 ? all : undefined,
	};
}

function
shapeError(error)
{
	if (!error)
		return undefined;
	return {
		...error,
		message: clip(String(error.message), LIMITS.messageBytes),
		stack: error.stack && clip(String(error.stack), LIMITS.stackBytes),
		snippet: error.snippet && clip(String(error.snippet), LIMITS.stackBytes),
		expected: error.expected && clip(String(error.expected), LIMITS.messageBytes),
		actual: error.actual && clip(String(error.actual), LIMITS.messageBytes),
	};
}

/* Cuts text to at most max bytes of UTF-8, never inside a character, and says that it did. */
function
clip(text, max)
{
	/* A UTF-16 unit is at most three bytes: most texts need no look at their bytes. */
	if (text.length * 3 <= max || Buffer.byteLength(text) <= max)
		return text;
	const mark = " … (cut)";
	const bytes = Buffer.from(text);
	let end = max - Buffer.byteLength(mark);
	while (end > 0 && (bytes[end] & 0xc0) === 0x80)
		end--;
	return bytes.subarray(0, end).toString("utf8") + mark;
}

/*
 * Makes one line of a message. A message over the limit gives up what matters least, step by step:
 * the worker has already seen every case and step on its own, so a result may lose them.
 */
function
fitLine(message)
{
	let line = JSON.stringify(message) + "\n";
	for (const lose of LOSSES) {
		if (line.length * 3 <= LIMITS.replyBytes || Buffer.byteLength(line) <= LIMITS.replyBytes)
			return line;
		message = lose(message);
		line = JSON.stringify(message) + "\n";
	}
	return line;
}

const LOSSES = [
	(message) => withCases(message, ({ steps, ...rest }) => rest),
	(message) => withCases(message, (one) => one.error
		? { ...one, error: { message: clip(one.error.message, 300), file: one.error.file, line: one.error.line } }
		: one),
	(message) => withCases(message, ({ id, title, status, file, line }) => ({ id, title, status, file, line })),
	(message) => halveCases(message),
	(message) => clipDeep(message, LIMITS.messageBytes),
	(message) => clipDeep({ type: message.type, run: message.run, outcome: message.outcome,
		reason: message.reason, error: message.error, counts: message.counts,
		id: message.id, title: message.title, status: message.status, name: message.name,
		path: typeof message.path === "string" ? message.path : undefined,
		warnings: ["the message was over the limit of a line; details were left out"] }, 2048),
];

function
withCases(message, change)
{
	return message.cases ? { ...message, cases: message.cases.map(change) } : message;
}

function
halveCases(message)
{
	if (!message.cases)
		return message;
	let kept = message.cases.length;
	let cut = message;
	do {
		kept = Math.floor(kept / 2);
		cut = {
			...message,
			cases: message.cases.slice(0, kept),
			warnings: [...(message.warnings || []),
				`the result lists ${kept} of ${message.cases.length} cases; the events have all`],
		};
	} while (kept > 0 && Buffer.byteLength(JSON.stringify(cut)) >= LIMITS.replyBytes);
	return cut;
}

function
clipDeep(value, max, depth = 0)
{
	if (typeof value === "string")
		return clip(value, max);
	if (value === null || typeof value !== "object")
		return value;
	if (depth === 8)
		return undefined;
	if (Array.isArray(value))
		return value.slice(0, 100).map((item) => clipDeep(item, max, depth + 1));
	return Object.fromEntries(Object.entries(value)
		.map(([key, item]) => [key, clipDeep(item, max, depth + 1)]));
}

module.exports = { serve, LIMITS, LineReader, clip, fitLine };
