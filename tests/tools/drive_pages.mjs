// Drives the pages with Debian's Chromium: node drive_pages.mjs MODULES CHROMIUM SCENARIO JSON
// Says what it saw as JSON. Anything that a page complains of in its console ends it.
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';

const [modules, executablePath, scenario, json] = process.argv.slice(2);
const { chromium } = createRequire(modules + '/')('playwright-core');
const given = JSON.parse(json);
const WAIT = 40000;

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const complaints = [], expected = [];
if (given.shots) mkdirSync(given.shots, { recursive: true });

async function newPage(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', ...options });
  context.setDefaultTimeout(WAIT);
  const page = await context.newPage();
  page.on('pageerror', error => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', message => {
    if (message.type() === 'error' && !expected.some(text => message.text().includes(text))) complaints.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

const shot = async (page, name) => given.shots && page.screenshot({ path: `${given.shots}/${name}.png`, fullPage: true });

// Both schemes, at the width of a desk and of a phone.
async function shots(page, name) {
  if (!given.shots) return;
  const before = page.viewportSize();
  for (const [width, viewport] of [['desktop', before], ['phone', { width: 390, height: 844 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await shot(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

// What is wider than its place: a cell's content on a desk, the page itself on a phone.
async function misfits(page, name) {
  const before = page.viewportSize();
  const found = await page.evaluate(() => [...document.querySelectorAll('td, th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.textContent.slice(0, 40)));
  await page.setViewportSize({ width: 390, height: 844 });
  const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  await page.setViewportSize(before);
  return [...found, ...(width > room ? [`${width} of ${room} pixels`] : [])].map(text => `${name}: ${text}`);
}

async function signIn(page, key) {
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function submit(page, spec) {
  const form = page.locator('details:has(#submit)');
  if (await form.getAttribute('open') === null) await page.locator('#submit').click();
  await page.getByLabel('Spec (YAML)').fill(spec);
  await page.getByRole('button', { name: 'Submit', exact: true }).click();
}

// A drawing that would take long is taken back.
async function takeBack(page) {
  await page.getByLabel('Pictures', { exact: true }).first().fill('10');
  await page.getByLabel('Steps', { exact: true }).fill(String(given.most));
  await page.getByLabel('Guidance').fill('2');
  await page.getByRole('button', { name: 'Draw', exact: true }).click();
  await page.getByText('Drawing…').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Cancelled.').waitFor();
  return page.getByRole('button', { name: 'Draw', exact: true }).isEnabled();
}

const scenarios = {
  // From a wrong key to a picture.
  async journey(told) {
    told.misfits = [];
    const page = await newPage();
    await page.goto(given.runs);
    await page.waitForURL('**/pages/sign-in**');
    expected.push('401');
    await signIn(page, 'no key of this server at all');
    told.wrongKey = await page.getByRole('alert').textContent();
    await shots(page, 'sign-in');
    told.misfits.push(...await misfits(page, 'sign-in'));
    await signIn(page, given.key);
    await page.waitForURL('**/pages/runs');
    expected.length = 0;
    await page.getByText('There are no runs yet').waitFor();

    await page.locator('#submit').click();
    await page.getByRole('button', { name: 'Take the quickstart' }).click();
    await page.waitForFunction(() => document.getElementById('spec').value !== '');
    told.quickstart = (await page.getByLabel('Spec (YAML)').inputValue()).includes('name: quickstart');
    expected.push('400');
    await submit(page, given.spec.replace('experts: 2', 'expert: 2'));
    told.mistake = await page.locator('#answer .bad').textContent();
    expected.length = 0;
    await submit(page, given.spec);
    await page.locator('#answer a').click();

    await page.locator('.badge.succeeded').waitFor({ timeout: 60000 });
    await page.locator('svg.curve').nth(2).waitFor();
    await page.locator('figure img[alt$="100 percent of the way"]').waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('figure img')].every(img => img.complete && img.naturalWidth > 0));
    told.sheets = await page.locator('figure img[alt^="Some images of cluster"]').count();
    told.curves = await page.locator('svg.curve').count();
    told.grids = Number(await page.locator('#way').getAttribute('max').catch(() => 0)) + 1;
    if (told.grids > 1) {
      await page.locator('#way').focus();
      await page.keyboard.press('Home'); // the first grid, by the keyboard
      told.firstGrid = await page.locator('.grid-image figcaption').textContent();
      await page.keyboard.press('End');
    }
    await page.locator('ol.log li', { hasText: 'Publish' }).waitFor(); // the stream tells events, the rest of the page is asked for
    told.figures = await page.evaluate(async values => {
      const { figure } = await import('/pages/dom.js');
      return values.map(figure).join(' ');
    }, [1000, 1200, 20, 0.25, 12344, 0.00012, 0]);
    told.events = await page.locator('ol.log li').count();
    told.stage = await page.locator('ol.stages li.done').count();
    await shots(page, 'run');
    told.misfits.push(...await misfits(page, 'run'));
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.locator('td .badge.succeeded').waitFor();
    await shots(page, 'runs');
    told.misfits.push(...await misfits(page, 'runs'));

    await page.getByRole('link', { name: 'draw' }).click();
    await page.waitForURL('**/pages/sign-in**'); // another host: a session of its own
    await signIn(page, given.key);
    await page.waitForURL('**/pages/playground?model=tiny');
    await page.getByLabel('Experts chosen by').selectOption('full');
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await page.getByText(/^Drawn in/).waitFor();
    told.pictures = await page.locator('#pictures img').count();
    told.bars = await page.locator('svg.bars').count();
    told.parts = await page.locator('svg.bars rect').count();
    told.servedBy = await page.locator('dt:text-is("served by") + dd').textContent();
    told.curl = await page.locator('pre.curl').textContent();
    await shots(page, 'playground');
    told.misfits.push(...await misfits(page, 'playground'));
    told.takenBack = await takeBack(page);
    await page.getByRole('link', { name: 'Model' }).click();
    await page.locator('svg.curve').waitFor();
    told.experts = await page.locator('section[aria-label="Experts"] tbody tr').count();
    await shots(page, 'model');
    told.misfits.push(...await misfits(page, 'model'));
    told.cookies = (await page.context().cookies()).map(cookie => `${cookie.httpOnly} ${cookie.sameSite}`);
    told.script = await page.evaluate(() => document.cookie);
  },

  // The quickstart as it is.
  async quickstart(told) {
    const page = await newPage();
    await page.goto(given.runs);
    await signIn(page, given.key);
    await page.locator('#submit').click();
    await page.getByRole('button', { name: 'Take the quickstart' }).click();
    await page.waitForFunction(() => document.getElementById('spec').value !== '');
    const spec = await page.getByLabel('Spec (YAML)').inputValue();
    for (const [part] of given.change) if (!spec.includes(part)) throw new Error(`the quickstart has no '${part}'`);
    await page.getByLabel('Spec (YAML)').fill(given.change.reduce((text, [part, now]) => text.replace(part, now), spec));
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.locator('#answer a').click();
    await page.locator('.grid-image img').waitFor({ timeout: given.minutes * 60000 });
    await shots(page, 'quickstart-way');
    await page.locator('.head .badge.succeeded').waitFor({ timeout: given.minutes * 60000 });
    await page.locator('figure img[alt$="100 percent of the way"]').waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('figure img')].every(img => img.complete && img.naturalWidth > 0));
    told.sheets = await page.locator('figure img[alt^="Some images of cluster"]').count();
    told.curves = await page.locator('svg.curve').count();
    told.grids = Number(await page.locator('#way').getAttribute('max')) + 1;
    await shots(page, 'quickstart-run');
    await page.getByRole('link', { name: 'draw with it' }).click();
    await signIn(page, given.key);
    await page.waitForURL('**/pages/playground?model=quickstart');
    await page.getByLabel('Experts chosen by').selectOption('full');
    await page.getByLabel('Class').selectOption({ label: 'sneaker' });
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await page.locator('#pictures img.partial').first().waitFor(); // an estimate on the way
    await page.getByText(/^Drawn in/).waitFor();
    told.bars = await page.locator('svg.bars').count();
    told.parts = await page.locator('svg.bars rect').count();
    await shots(page, 'quickstart-playground');
    told.takenBack = await takeBack(page);
    await page.getByRole('link', { name: 'Model' }).click();
    await page.locator('svg.curve').waitFor();
    await shots(page, 'quickstart-model');
  },

  // A run that would take for ever is held, let go on and ended; the stream breaks off; nothing but keys is used.
  async cancel(told) {
    const page = await newPage({ colorScheme: 'dark' });
    await page.goto(given.runs);
    await page.getByLabel('API key').waitFor();
    await page.keyboard.type(given.key); // the field has the focus
    await page.keyboard.press('Enter');
    await page.waitForURL('**/pages/runs');
    told.dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);

    const press = async (name, role = 'button') => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement?.textContent) === name) {
          await page.keyboard.press('Enter');
          return;
        }
      }
      throw new Error(`Tab never came to '${name}'`);
    };
    await page.locator('#submit').waitFor();
    await press('Submit a run');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
    await page.keyboard.insertText(given.spec);
    await page.keyboard.press('Tab');
    await press('Submit');
    await page.locator('#answer a').waitFor();
    await press('tiny');
    await page.locator('.badge.running').waitFor();
    await page.locator('svg.curve').first().waitFor();
    await page.locator('figure img[alt^="Some images of cluster"]').nth(1).waitFor(); // long before the evaluation
    await press('pause');
    await page.locator('.head .badge.paused').waitFor();
    await press('resume');
    await page.locator('.head .badge.running').waitFor();

    expected.push('ERR_INTERNET_DISCONNECTED', 'ERR_INCOMPLETE_CHUNKED_ENCODING', 'ERR_FAILED');
    await page.context().setOffline(true);
    await page.getByText(/^Not live since/).waitFor();
    told.stale = true;
    await shot(page, 'stale');
    await page.context().setOffline(false);
    await page.getByText(/^Not live since/).waitFor({ state: 'hidden' });
    await page.waitForLoadState();

    await press('cancel');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('.head .badge.cancelled').waitFor();
    told.after = await page.locator('.head button').allTextContents();
    await shots(page, 'cancelled');
    expected.length = 0;
    await press('Sign out');
    await page.waitForURL('**/pages/sign-in**');
    told.signedOut = (await page.context().cookies()).length;
  },
};

const told = {};
let failure = null;
try {
  await scenarios[scenario](told);
} catch (error) {
  failure = (error.stack ?? String(error)) + `\n${new Date().toISOString()} told: ${JSON.stringify(told)}`;
  for (const context of browser.contexts()) for (const page of context.pages()) failure += `\nat ${page.url()}: ${(await page.locator('body').innerText().catch(() => '')).slice(0, 1500)}`;
}
await browser.close();
if (failure || complaints.length > 0) {
  console.error([failure, ...complaints].filter(Boolean).join('\n'));
  process.exit(1);
}
console.log(JSON.stringify(told));
