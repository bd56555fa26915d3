// SPDX-License-Identifier: Apache-2.0
/*
 * As much of JSON Schema as the server's OpenAPI document uses. Stricter than the standard where a
 * test wants to know: a member that the document does not describe is an offence, unless the
 * schema is open.
 */
import assert from 'node:assert/strict';

const known = new Set(['$ref', 'type', 'format', 'enum', 'const', 'properties', 'required', 'items',
	'additionalProperties', 'anyOf', 'oneOf', 'description', 'minimum', 'maximum', 'minLength',
	'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'pattern',
	'discriminator']);

const formats = {
	uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
	'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};

export class Document {
	constructor(document) {
		this.document = document;
		this.seen = new Set(); // "Schema.member" that some value had
	}

	schema(name) {
		return this.document.components.schemas[name] ?? assert.fail(`no schema ${name}`);
	}

	resolve(ref) {
		const name = /^#\/components\/schemas\/(.+)$/.exec(ref)?.[1];

		assert.ok(name, ref);
		return [this.schema(name), name];
	}

	/* Offences of a value, as texts. */
	check(value, schema, at = '', name = '') {
		if (schema.$ref) {
			const [target, targetName] = this.resolve(schema.$ref);

			return this.check(value, target, at, targetName);
		}
		for (const keyword of Object.keys(schema)) assert.ok(known.has(keyword), keyword);
		const errors = schema.anyOf ?? schema.oneOf ? this.checkAny(value, schema, at, name) : [];
		const type = typeOf(value);

		if (schema.type) {
			const types = [schema.type].flat();

			if (!types.includes(type) && !(type === 'integer' && types.includes('number')))
				return [`${at}: ${type} instead of ${types}`];
		}
		if (schema.enum && !schema.enum.includes(value)) errors.push(`${at}: ${value} is no such word`);
		if ('const' in schema && schema.const !== value) errors.push(`${at}: ${value} is not ${schema.const}`);
		if (type === 'string') errors.push(...checkText(value, schema, at));
		if (type === 'integer' || type === 'number') {
			if (value < schema.minimum || value > schema.maximum) errors.push(`${at}: ${value} out of range`);
		}
		if (type === 'array' && (value.length < schema.minItems || value.length > schema.maxItems))
			errors.push(`${at}: ${value.length} items`);
		if (type === 'array' && schema.items)
			value.forEach((item, i) => errors.push(...this.check(item, schema.items, `${at}/${i}`, name)));
		if (type === 'object') errors.push(...this.checkObject(value, schema, at, name));
		return errors;
	}

	checkAny(value, schema, at, name) {
		const tries = (schema.anyOf ?? schema.oneOf).map((one) => this.check(value, one, at, name));

		return tries.some((errors) => errors.length === 0) ? []
			: [`${at}: fits none of ${tries.length}: ${tries.map((e) => e[0]).join(' | ')}`];
	}

	checkObject(value, schema, at, name) {
		const errors = [];

		for (const member of schema.required ?? [])
			if (!(member in value)) errors.push(`${at}: ${member} is missing`);
		for (const [member, inner] of Object.entries(value)) {
			const described = schema.properties?.[member];

			if (described) {
				this.seen.add(`${name}.${member}`);
				errors.push(...this.check(inner, described, `${at}/${member}`, ''));
			} else if (typeof schema.additionalProperties === 'object') {
				errors.push(...this.check(inner, schema.additionalProperties, `${at}/${member}`, ''));
			} else if (schema.properties && Object.keys(schema.properties).length > 0) {
				errors.push(`${at}: ${member} is not described`);
			}
		}
		return errors;
	}
}

function typeOf(value) {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'array';
	if (Number.isInteger(value)) return 'integer';
	return typeof value;
}

function checkText(value, schema, at) {
	const errors = [];

	if (schema.format && formats[schema.format] && !formats[schema.format].test(value))
		errors.push(`${at}: "${value}" is no ${schema.format}`);
	if (schema.pattern && !new RegExp(schema.pattern).test(value))
		errors.push(`${at}: "${value}" does not match`);
	if (value.length < schema.minLength || value.length > schema.maxLength)
		errors.push(`${at}: length ${value.length}`);
	return errors;
}
