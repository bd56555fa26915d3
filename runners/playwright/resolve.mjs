/* SPDX-License-Identifier: Apache-2.0 */
/* The part of preload.js that older versions of Node run in their loader thread. */

const OURS = /^(@playwright\/test|playwright|playwright-core)(\/|$)/;
let parent;

export async function initialize(data) {
	parent = data.parent;
	/* A spare's thread has what Playwright will register in it loaded already. */
	if (data.early)
		await import(data.early).catch(() => {});
}

export async function resolve(specifier, context, nextResolve) {
	try {
		return await nextResolve(specifier, context);
	} catch (error) {
		if (!OURS.test(specifier))
			throw error;
		return nextResolve(specifier, { ...context, parentURL: parent });
	}
}
