import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alive } from './cache.ts';
import type { Chromium } from './index.ts';
import { describeWithPeer } from './vitest.ts';

const PAGE = `<!doctype html><title>page</title><style>p { color: rgb(1, 2, 3) }
@media (prefers-color-scheme: dark) { p { color: rgb(4, 5, 6) } }</style><p>text</p>
<script>console.error('said', 1); console.log('of no interest'); alert('asked'); setTimeout(() => { throw new Error('thrown') })</script>
<img src="http://elsewhere.invalid/x.png"><img src="http://192.0.2.1/y.png">`;

await describeWithPeer('chromium', 'the peer chromium', (start) => {
  let chromium: Chromium;
  let server: Server;
  let address: string;
  beforeAll(async () => {
    server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(PAGE));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    chromium = await start({});
  });
  afterAll(async () => {
    await chromium.stop();
    server.close();
  });

  it('tells of errors, dialogs and requests, and reaches no other machine', async () => {
    const page = await chromium.open(address);

    await expect.poll(() => page.problems).toContainEqual(expect.stringContaining('Error: thrown'));
    expect(page.problems).toContain('said 1');
    expect(page.problems.filter((one) => one === 'net::ERR_NAME_NOT_RESOLVED')).toHaveLength(2);
    expect(page.problems.join('\n')).not.toContain('of no interest');
    expect(page.dialogs).toEqual(['asked']);
    expect(page.requests).toEqual([address, 'http://elsewhere.invalid/x.png', 'http://192.0.2.1/y.png']);
    await page.close();
  });

  it('shows a page in a size and a colour scheme, and draws it', async () => {
    const page = await chromium.open(address, { width: 500, height: 300, scheme: 'dark' });
    const look = () => page.evaluate<[number, string]>(`[innerWidth, getComputedStyle(document.querySelector('p')).color]`);

    const dark = await look();
    await page.show({ width: 390 });

    expect(dark).toEqual([500, 'rgb(4, 5, 6)']);
    expect(await look()).toEqual([390, 'rgb(1, 2, 3)']);
    expect((await page.screenshot()).subarray(1, 4).toString()).toBe('PNG');
    await expect(page.evaluate('nothing.there')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('the expression was not evaluated, ReferenceError: nothing is not defined'),
    });
    await page.close();
  });

  it('refuses an address that does not answer', async () => {
    await expect(chromium.open('http://elsewhere.invalid/')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: 'the page was not opened, net::ERR_NAME_NOT_RESOLVED',
    });
  });

  it('leaves no process, no folder and no listener when it is stopped, also twice', async () => {
    const other = await start({});
    expect(alive(other.pid)).toBe(true);

    await other.stop();
    await other.stop();

    expect(alive(other.pid)).toBe(false);
    expect(existsSync(other.folder)).toBe(false);
    const refused = { message: 'fetch failed', cause: { code: 'ECONNREFUSED' } };
    await expect(fetch(`http://127.0.0.1:${other.port}/json/version`)).rejects.toMatchObject(refused);
  });
});
