// node prepare.mjs PACKAGE DATA: turns the unpacked npm package emoji-datasource-google into a folder that data.source takes:
// 64 x 64 PNGs as they are published (transparent; ddm lays them over white) and metadata.jsonl with file_name, text, group and category.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { caption, group, skeleton, toneWords } from './captions.mjs';

const [source, target] = process.argv.slice(2);
const pictures = join(source, 'img', 'google', '64');
const sha256 = bytes => createHash('sha256').update(bytes);

const rows = [];
for (const emoji of JSON.parse(readFileSync(join(source, 'emoji.json'), 'utf8'))) {
  const [text, together] = [caption(emoji), group(emoji)];
  const base = readFileSync(join(pictures, emoji.image));
  const about = { group: together, category: emoji.category, obsoletes: emoji.obsoletes ?? emoji.obsoleted_by };
  rows.push({ file: emoji.image, text, unified: emoji.unified, bytes: base, ...about });
  for (const [key, variation] of Object.entries(emoji.skin_variations ?? {})) {
    const bytes = readFileSync(join(pictures, variation.image));
    // A few pictures are the same in every tone; words for what cannot be seen would be wrong.
    rows.push({ file: variation.image, text: bytes.equals(base) ? text : text + toneWords(key), unified: variation.unified, bytes, ...about });
  }
}

mergeGroupsOfEqualPictures();
check();
const heldOut = new Set(rows.map(row => row.group).filter(isHeldOut));
checkPrompts();
write();

const captions = new Set(rows.map(row => row.text));
const groups = new Set(rows.map(row => row.group));
console.log(`${rows.length} pictures, ${captions.size} different captions, ${groups.size} groups; ` +
  `held out with data.held_out 0.05: ${rows.filter(row => heldOut.has(row.group)).length} pictures of ${heldOut.size} groups`);

// Flags of some territories are another country's, to the byte.
function mergeGroupsOfEqualPictures() {
  const groupOf = new Map(), merged = new Map();
  for (const row of rows) {
    const hash = sha256(row.bytes).digest('hex');
    const first = groupOf.get(hash) ?? row.group;
    groupOf.set(hash, first);
    merged.set(row.group, merged.get(first) ?? first);
  }

  for (const row of rows) {
    row.group = merged.get(row.group);
  }
}

// No two pictures that differ in skin tone, gender or direction alone, that stand for one another in Unicode's history, or that are equal, are of two groups.
function check() {
  const seen = new Map();
  const same = (key, row) => {
    const other = seen.get(key) ?? row;
    seen.set(key, other);
    if (other.group !== row.group) {
      throw new Error(`${other.file} (${other.text}: group ${other.group}) and ${row.file} (${row.text}: group ${row.group}) belong together: ${key}`);
    }
  };
  for (const row of rows) {
    same(`code ${skeleton(row.unified)}`, row);
    same(`picture ${sha256(row.bytes).digest('hex')}`, row);
    same(`caption ${row.text}`, row);
    if (row.obsoletes) {
      same(`code ${skeleton(row.obsoletes)}`, row);
    }

    if (!/^[\p{Ll}\p{Nd}][\p{Ll}\p{Nd} ,.!'&-]*$/u.test(row.text)) {
      throw new Error(`${row.file} has the caption '${row.text}'`);
    }
  }
}

// As ddm decides it: docs/data.md, "Held-out pictures".
function isHeldOut(name) {
  return Number(sha256(`group:${name}`).digest().readBigUInt64BE()) / 2 ** 64 < 0.05;
}

// prompts.txt: first captions of held-out pictures, then, behind an empty line, what no picture is called; all of words that pictures to train on are called by.
function checkPrompts() {
  const [seen, combined] = readFileSync(new URL('prompts.txt', import.meta.url), 'utf8').trim().split('\n\n').map(part => part.split('\n'));
  const words = new Set(rows.filter(row => !heldOut.has(row.group)).flatMap(row => wordsOf(row.text)));
  const bad = [
    ...seen.filter(prompt => !rows.some(row => row.text === prompt && heldOut.has(row.group))).map(prompt => `'${prompt}' is no caption of a held-out picture`),
    ...combined.filter(prompt => rows.some(row => row.text === prompt)).map(prompt => `'${prompt}' is a caption`),
    ...[...seen, ...combined].flatMap(prompt => wordsOf(prompt).filter(word => !words.has(word)).map(word => `'${word}' of '${prompt}' is in no caption to train on`)),
  ];
  if (bad.length > 0) {
    throw new Error(`prompts.txt: ${bad.join('; ')}`);
  }
}

function wordsOf(text) {
  return text.split(/[ ,]+/);
}

function write() {
  mkdirSync(target, { recursive: true });
  for (const row of rows) {
    copyFileSync(join(pictures, row.file), join(target, row.file));
  }

  // Last and at once, so that a folder with metadata.jsonl is whole.
  const lines = rows.map(row => JSON.stringify({ file_name: row.file, text: row.text, group: row.group, category: row.category }));
  writeFileSync(join(target, 'metadata.jsonl.part'), lines.join('\n') + '\n');
  renameSync(join(target, 'metadata.jsonl.part'), join(target, 'metadata.jsonl'));
}
