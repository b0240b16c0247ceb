// What an emoji is called and which pictures belong together, from its entry in emoji.json.
import { plain, concepts } from './words.mjs';

const tones = { '1F3FB': 'light', '1F3FC': 'medium light', '1F3FD': 'medium', '1F3FE': 'medium dark', '1F3FF': 'dark' };
const counts = { 1: 'a', 2: 'two' };
const plural = { man: 'men', woman: 'women', boy: 'boys', girl: 'girls', adult: 'adults', child: 'children', person: 'people' };

// "man, man, girl" -> "two men and a girl"
function together(list) {
  const people = list.split(', ');
  const parts = [...new Set(people)].map(person => {
    const count = people.filter(other => other === person).length;
    return `${counts[count] === 'a' && /^[aeiou]/.test(person) ? 'an' : counts[count]} ${count > 1 ? plural[person] : person}`;
  });
  return parts.length < 2 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const articled = new RegExp('( islands| republic| territories| territory| emirates| kingdom| states| nations| union| netherlands)$'
  + '|^(bahamas|comoros|gambia|isle of man|maldives|netherlands|philippines|seychelles)$');

// "United Kingdom Flag" -> "flag of the united kingdom"
function flag(name) {
  const place = name.replace(/ flag$/, '').replace(/ \(.*\)/, '').replace(' - ', '-').replace(' sar china', '').replaceAll('&', 'and');
  const article = articled.test(place) && !/^south georgia/.test(place);
  return `flag of ${article ? 'the ' : ''}${place}`;
}

/** The caption of an entry without skin tones. */
export function caption(emoji) {
  if (Object.hasOwn(plain, emoji.short_name)) {
    return plain[emoji.short_name];
  }

  const name = emoji.name.toLowerCase().replaceAll('’', "'");
  if (/country-flag|subdivision-flag/.test(emoji.subcategory)) {
    return flag(name);
  }

  if (emoji.subcategory === 'zodiac') {
    return `${name} zodiac sign`;
  }

  const [head, list] = name.split(': ');
  if (list === 'bald') {
    return `bald ${head}`;
  }

  if (list === 'beard' || / hair$/.test(list ?? '')) {
    return `${head} with ${list}`;
  }

  if (list !== undefined) {
    return `${head} ${{ family: 'of', kiss: 'between' }[head] ?? 'of'} ${together(list)}`;
  }

  return name.replace(/^clock face (\S+)-thirty$/, 'half past $1').replace(/^(waning|waxing|new|full) (.*) symbol$/, '$1 $2');
}

/** The words for a skin variation, as ", medium dark skin tone". */
export function toneWords(key) {
  const words = [...new Set(key.split('-'))].map(code => tones[code]);
  return `, ${words.join(' and ')} skin tone${words.length > 1 ? 's' : ''}`;
}

const gender = /\b(man|men|woman|women|person|people|adult|boy|girl|child|male|female)\b/g;
const direction = new RegExp('\\b(facing|pointing|tilted|curving|(up|down|left|right)(wards)?|counterclockwise|clockwise|vertical|horizontal'
  + '|first|next|last|waxing|waning)\\b', 'g');

/**
 * The group of a picture: its caption without skin tone, gender and direction, for pictures that differ in these alone are variants of one. Families are one
 * group, couples of each kind another.
 */
export function group(emoji) {
  const text = caption(emoji);
  if (/^Flags/.test(emoji.category)) {
    return concepts[text] ?? text;
  }

  if (/o'clock$|^half past/.test(text)) {
    return 'clock face';
  }

  const whole = /^family\b|^kiss\b(?! mark)|^couple with heart\b|\bholding hands$/.exec(text);
  if (whole) {
    return whole[0];
  }

  const isPerson = emoji.category === 'People & Body';
  const bare = (isPerson ? text.replace(gender, ' ') : text).replace(direction, ' ').replace(/[\s-]+/g, ' ').trim();
  return concepts[bare] ?? (bare === '' ? (/\b(boy|girl|child)\b/.test(text) ? 'child' : 'person') : bare);
}

/**
 * The code points of an emoji without skin tones, gender signs, direction and presentation, one code for every person of an age: equal for pictures that
 * must be of one group. Found without a look at names, it checks what names say.
 */
export function skeleton(unified) {
  return unified
    .replace(/-?(1F3F[B-F]|FE0F|200D-(2640|2642|27A1))/g, '')
    .replace(/1F468|1F469/g, '1F9D1').replace(/1F466|1F467/g, '1F9D2').replace(/1F474|1F475/g, '1F9D3')
    .replace(/^1F936$|^1F9D1-200D-1F384$/, '1F385').replace(/^1F934$|^1F478$/, '1FAC5').replace(/^1F57A$/, '1F483');
}
