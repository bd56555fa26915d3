// SPDX-License-Identifier: Apache-2.0
/* Types of proctor-sdk. What the server answers is described by its /api/v1/openapi.json. */

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
/** Milliseconds, or a text such as "10s" or "2h". */
type Duration = number | string;
type Params = Record<string, Json>;
type Query = Record<string, string | number | boolean | readonly (string | number)[] | undefined>;

export interface ClientOptions {
	/** Default: PROCTOR_URL, else http://127.0.0.1:7070. */
	baseUrl?: string;
	/** Default: PROCTOR_TOKEN, else the content of tokenFile. */
	token?: string;
	/** Default: PROCTOR_TOKEN_FILE. */
	tokenFile?: string;
	project?: string;
	/** Of one request, in ms; default 30000. Long polls take their own time on top. */
	timeout?: number;
	/** Further attempts of requests that may be repeated; default 3. */
	retries?: number;
}

/** A test of a job: its own definition, a kept one by name, or all kept ones that a selector means. */
export type TestRequest =
	| ({ kind: string; name?: string; tags?: string[] } & Record<string, unknown>)
	| { test: string; revision?: number; skip?: boolean; only?: boolean }
	| Selector;

export type LastResult = 'new' | 'passed' | 'flaky' | 'failed';
export interface SelectorTerms {
	/** An expression such as "smoke and not slow"; a list: one of them is enough. */
	tags?: string | string[];
	/** `*` stands for any text. */
	name?: string | string[];
	last?: LastResult | LastResult[];
}
export interface Selector extends SelectorTerms {
	exclude?: SelectorTerms;
	skip?: boolean;
	only?: boolean;
}

/** docs/guides/writing-job-files.md; members that are not named here are passed on. */
export interface JobRequest {
	name?: string;
	template?: string;
	params?: Params;
	tests?: TestRequest[];
	tags?: string[];
	queue?: string;
	priority?: number;
	timeout?: Duration;
	runAt?: string;
	config?: Record<string, unknown>;
	outputSchema?: Record<string, unknown>;
	[member: string]: unknown;
}

export type JobStatus = 'queued' | 'starting' | 'running' | 'pausing' | 'paused' | 'stopping' | 'restarting'
	| 'completed' | 'failed' | 'stopped' | 'invalid';

export interface NativeJob {
	id: string;
	name: string;
	status: JobStatus;
	/** Why it is final: passed, tests_failed, timeout, cancelled, … */
	reason?: string;
	results?: any;
	createdAt: string;
	updatedAt: string;
	startedAt?: string;
	completedAt?: string;
	[member: string]: any;
}

export interface Page<T> { items: T[]; nextCursor?: string; total?: number }
export interface Event { seq: number; at: string; job?: string; run?: string; type: string; data: any }
export interface WaitOptions {
	/** ms; default: for ever. */
	maxWait?: number;
	/** Cancels the job when maxWait is over. */
	cancel?: boolean;
	onProgress?: (job: NativeJob) => void;
}
export interface EventsOptions { after?: number | string; types?: string | string[]; signal?: AbortSignal }

export interface Jobs {
	create(job: JobRequest, options?: { dryRun?: boolean; idempotencyKey?: string }): Promise<NativeJob>;
	create(jobs: JobRequest[], options?: { dryRun?: boolean; idempotencyKey?: string }): Promise<NativeJob[]>;
	get(id: string): Promise<NativeJob>;
	list(query?: Query): Promise<Page<NativeJob>>;
	each(query?: Query): AsyncGenerator<NativeJob>;
	/** Throws TimeoutError, with jobId and job, when maxWait is over. */
	wait(id: string, options?: WaitOptions): Promise<NativeJob>;
	events(id: string, options?: EventsOptions): AsyncGenerator<Event>;
	runs(id: string, query?: Query): Promise<any[]>;
	explain(id: string): Promise<any>;
	report(id: string, format?: 'json' | 'junit' | 'html'): Promise<any>;
	artifacts(id: string): Promise<any[]>;
	edit(id: string, change: Partial<JobRequest>): Promise<NativeJob>;
	action(action: string, filter: Query, more?: { dryRun?: boolean; expect?: number; tolerance?: number; set?: object }):
		Promise<{ count: number; done?: number; failed?: number; sample?: any[]; reasons?: any }>;
	pause(id: string): Promise<NativeJob>;
	unpause(id: string): Promise<NativeJob>;
	stop(id: string): Promise<NativeJob>;
	cancel(id: string): Promise<NativeJob>;
	start(id: string, body?: object): Promise<NativeJob>;
	delete(id: string): Promise<void>;
}

export interface Definitions {
	create(definition: object): Promise<any>;
	get(name: string, options?: { revision?: number }): Promise<any>;
	put(name: string, definition: object, options?: { revision?: number }): Promise<any>;
	delete(name: string): Promise<void>;
	list(query?: Query): Promise<any[]>;
	revisions(name: string): Promise<any[]>;
}
export interface Templates extends Definitions {
	invoke(name: string, options?: { params?: Params; overrides?: Partial<JobRequest> }): Promise<NativeJob>;
}
export interface Flows extends Definitions {
	start(name: string, body?: { params?: Params; [member: string]: unknown }): Promise<NativeJob>;
	run(id: string): Promise<any>;
	runs(query?: Query): Promise<any[]>;
	wait(id: string, options?: WaitOptions): Promise<any>;
	observations(id: string, query?: Query): Promise<any[]>;
	signals(id: string): Promise<{ flow: string; signals: Record<string, any> }>;
	approve(id: string, stage: string, body?: { by?: string; note?: string }): Promise<any>;
	reject(id: string, stage: string, body?: { by?: string; note?: string }): Promise<any>;
}
export interface Schedules {
	create(schedule: object, options?: { dryRun?: boolean }): Promise<any>;
	preview(schedule: object, n?: number): Promise<any>;
	get(name: string): Promise<any>;
	put(name: string, schedule: object): Promise<any>;
	delete(name: string): Promise<void>;
	list(query?: Query): Promise<any[]>;
	pause(name: string): Promise<any>;
	resume(name: string): Promise<any>;
	fire(name: string): Promise<any>;
	next(name: string, n?: number): Promise<{ at: string; local: string }[]>;
	firings(name: string, query?: Query): Promise<any[]>;
}
export interface Queues {
	get(name: string): Promise<any>;
	put(name: string, settings: object): Promise<any>;
	list(): Promise<any[]>;
	pause(name: string): Promise<any>;
	resume(name: string): Promise<any>;
	drain(name: string): Promise<any>;
}
type StatsName = 'summary' | 'jobs' | 'tests' | 'queues' | 'workers' | 'teams' | 'slowest' | 'flakiest' | 'cost'
	| 'trends' | 'errors' | 'failures' | 'longRunning';
export type Stats = { [name in StatsName]: (query?: Query) => Promise<any> } & {
	analyze(what: string[] | { ids: string[] } | { filter: Query }): Promise<any>;
	history(test: string, query?: Query): Promise<any>;
};

export class Proctor {
	constructor(options?: ClientOptions);
	readonly jobs: Jobs;
	readonly tests: Definitions;
	readonly templates: Templates;
	readonly environments: Definitions;
	readonly flows: Flows;
	readonly schedules: Schedules;
	readonly queues: Queues;
	readonly stats: Stats;
	readonly workers: { list(query?: Query): Promise<any[]> };
	/** Submits and waits. */
	run(job: JobRequest, options?: WaitOptions): Promise<NativeJob>;
	/** One after the other; `pass` names the parameters that are taken from the results before. */
	chain(jobs: JobRequest[], options?: { pass?: Record<string, string>; [member: string]: unknown }): Promise<NativeJob>;
	/** Side by side, at most `limit` at a time. */
	parallel(jobs: JobRequest[], options?: { limit?: number; allowFailures?: boolean; [member: string]: unknown }): Promise<NativeJob>;
	/** The whole job again when it fails. */
	retry(job: JobRequest, options?: { attempts?: number; delay?: Duration; factor?: number; jitter?: number;
		on?: ('failed' | 'errored' | 'timed_out')[]; timeout?: Duration; [member: string]: unknown }): Promise<NativeJob>;
	twoPhase(options: { prepare: JobRequest; wait: object; timeout?: Duration; validate: JobRequest;
		[member: string]: unknown }): Promise<NativeJob>;
}

export class ProctorError extends Error {
	status: number;
	code?: string;
	errors: { pointer?: string; parameter?: string; code: string; detail: string }[];
	problem: any;
}
export class UnreachableError extends Error {}
export class TimeoutError extends Error {
	jobId?: string;
	job?: NativeJob;
}

/* ---- BrowserTest ---- */

export interface TestConfig {
	width?: number;
	height?: number;
	viewport?: { width: number; height: number };
	timeout?: number;
	waitFor?: number;
	[setting: string]: unknown;
}
/** `instructions` need a server that carries out tests of kind `agent`; else give `tests`. */
export interface TestOptions {
	instructions?: string;
	tests?: TestRequest[];
	url?: string;
	outputSchema?: object;
	config?: TestConfig;
	name?: string;
	tags?: string[];
}
export interface Job {
	id: string;
	/** A cancelled job is `failed`, with `error` saying so; `state` is Proctor's own. */
	status: 'pending' | 'running' | 'completed' | 'failed';
	state: JobStatus;
	templateId?: string;
	url?: string;
	config?: TestConfig;
	progress?: string;
	results?: any;
	error?: string;
	createdAt: string;
	updatedAt: string;
	startedAt?: string;
	completedAt?: string;
	native: NativeJob;
}
export interface CreatedJob { jobId: string; status: Job['status']; job: Job }
export interface Template {
	id: string;
	name: string;
	description?: string;
	instructions?: string;
	outputSchema?: object;
	tags: string[];
	createdAt: string;
	updatedAt: string;
	[member: string]: any;
}
export interface TemplateOptions {
	name: string;
	description?: string;
	instructions?: string;
	tests?: TestRequest[];
	params?: Record<string, object | Json>;
	outputSchema?: object;
	tags?: string[];
	config?: TestConfig;
}
export interface ScreenshotOptions {
	url: string;
	fullPage?: boolean;
	width?: number;
	height?: number;
	format?: 'png';
	waitFor?: number;
	selector?: string | null;
	timeout?: number;
	blockAds?: boolean;
}
export interface BatchOptions { concurrency?: number; continueOnError?: boolean; timeout?: number }
export interface BatchResult {
	successful: number;
	total: number;
	results: { url: string; success: boolean; data?: any; error?: string; timeMs?: number }[];
	meta: { totalTimeMs: number; averageTimeMs: number; concurrencyUsed: number };
}
export interface Usage { used: number; limit: number; remaining: number }

export class BrowserTest {
	constructor(options?: { apiKey?: string; baseUrl?: string; timeout?: number; retries?: number } & ClientOptions);
	readonly proctor: Proctor;
	readonly testing: {
		execute(options: TestOptions): Promise<{ success: boolean;
			results: { actions: any[]; structuredData?: any; output: any };
			meta: { timeMs: number; url?: string }; error?: string; job: Job }>;
		create(options: TestOptions): Promise<CreatedJob>;
		getStatus(jobId: string): Promise<{ job: Job }>;
		list(filter?: { status?: Job['status'] | JobStatus; limit?: number; templateId?: string; sortBy?: string;
			sortOrder?: 'asc' | 'desc'; cursor?: string; [filter: string]: unknown }):
			Promise<{ jobs: Job[]; total?: number; nextCursor?: string }>;
		cancel(jobId: string): Promise<{ job: Job }>;
	};
	readonly template: {
		create(options: TemplateOptions): Promise<{ template: Template }>;
		invoke(templateId: string, options?: { url?: string; variables?: Params; params?: Params; config?: TestConfig;
			[setting: string]: unknown }): Promise<CreatedJob>;
		get(templateId: string): Promise<{ template: Template }>;
		list(query?: Query): Promise<{ templates: Template[] }>;
		update(templateId: string, options: TemplateOptions): Promise<{ template: Template }>;
		delete(templateId: string): Promise<{ success: true }>;
	};
	readonly screenshot: {
		take(options: ScreenshotOptions): Promise<{ success: true;
			data: { screenshot: string; url: string; title: string; width: number; height: number; format: 'png'; fullPage: boolean };
			meta: { timeMs: number; size: number } }>;
	};
	readonly batch: {
		screenshots(requests: ScreenshotOptions[], options?: BatchOptions): Promise<BatchResult>;
		tests(requests: TestOptions[], options?: BatchOptions): Promise<BatchResult>;
	};
	testConnection(): Promise<boolean>;
	getUsage(): Promise<{ plan: string; usage: { screenshot: Usage; agentic: Usage; total: { screenshot: number; agentic: number } } }>;
}
