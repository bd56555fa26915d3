// SPDX-License-Identifier: Apache-2.0
/* Just enough of tar to look into archives and to forge them: names up to 100 bytes. */

const octal = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;

function header({ name, bytes, type = '0', link = '' }) {
	const block = Buffer.alloc(512);

	block.write(name, 0);
	block.write(octal(0o644, 8), 100);
	block.write(octal(0, 8), 108);
	block.write(octal(0, 8), 116);
	block.write(octal(Buffer.byteLength(bytes), 12), 124);
	block.write(octal(0, 12), 136);
	block.write('        ', 148);
	block.write(type, 156);
	block.write(link, 157);
	block.write('ustar\0' + '00', 257);
	block.write(octal(block.reduce((sum, byte) => sum + byte, 0), 8), 148);
	return block;
}

export function pack(members) {
	const blocks = members.flatMap((member) => {
		const bytes = Buffer.from(member.bytes);

		return [header({ ...member, bytes }), bytes, Buffer.alloc(-bytes.length & 511)];
	});

	return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/* Members with their bytes; headers of pax are passed over. */
export function unpack(tar) {
	const members = [];
	const text = (at, n) => tar.subarray(at, at + n).toString().replace(/\0.*$/s, '');

	for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
		const size = Number.parseInt(text(at + 124, 12), 8);
		const type = text(at + 156, 1);

		if (type === '0' || type === '')
			members.push({ name: text(at, 100), bytes: tar.subarray(at + 512, at + 512 + size) });
		at += 512 + Math.ceil(size / 512) * 512;
	}
	return members;
}
