/**
 * An alert in Block Kit. Text that comes from logs stands in `plain_text` objects only, where Slack formats nothing and makes no links; our own words may
 * be `mrkdwn`. Limits: https://docs.slack.dev/reference/block-kit/blocks and /composition-objects/text-object
 */
import type { KnownBlock, PlainTextElement } from '@slack/web-api';
import type { Alert } from '../../audit/index.ts';
import type { Acknowledgement } from '../port.ts';
import { cut, isoOf, plain, unlinked } from '../text.ts';
import { headlineOf } from '../json.ts';

/** What the button is known by when it is pressed. */
export const ACK_ACTION = 'keywheel_acknowledge';

/** Of the text that notifications show. */
const SUMMARY = 500;
const HEADER = 150;
const FIELD = 300;
const REASON = 700;
const REASONS = 5;
const NAMES = 10;
const NAME = 200;
const LIST = 1500;

/**
 * Slack reads three characters as its own wherever text stands. https://docs.slack.dev/messaging/formatting-message-text#escaping
 * The limit holds for what is sent, so it is cut after escaping, and never within an entity.
 */
export function escaped(text: string, most: number): string {
  const safe = unlinked(plain(text, most)).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return whole(safe, most);
}

const whole = (safe: string, most: number): string =>
  safe.length <= most ? safe : cut(safe, most).replace(/&[a-z]{0,4}…$/, '…');

/** Line by line, since a line break in a log's text is none of ours. */
const words = (most: number, ...lines: readonly string[]): PlainTextElement => ({
  type: 'plain_text',
  text: whole(lines.map((line) => escaped(line, most)).join('\n'), most).trim() || '-',
  emoji: false,
});

/** What is shown where blocks are not: notifications, screen readers. It is `mrkdwn` to Slack, so its marks are taken out as well. */
export const summaryOf = (alert: Alert): string => escaped(headlineOf(alert, SUMMARY).replaceAll(/[*_~`]/g, ' '), SUMMARY);

const instant = (time: number): string =>
  isoOf(time)
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

function namesOf({ secrets, counts }: Alert): string[] {
  const shown = secrets.slice(0, NAMES);
  const more = counts.distinctSecrets - shown.length;
  return [...shown.map((name) => plain(name, NAME)), ...(more > 0 ? [`and ${more} more`] : [])];
}

/** Blocks of one revision: at most 10, of some 7,000 characters. Slack refuses messages from about 13,000 on (`msg_blocks_too_long`). */
export function blocksOf(alert: Alert, acknowledged: Acknowledgement | undefined): KnownBlock[] {
  const { principal, counts, firstEvent, lastEvent } = alert;
  const field = (...lines: string[]): PlainTextElement => words(FIELD, ...lines);
  const section = (most: number, ...lines: string[]): KnownBlock => ({ type: 'section', text: words(most, ...lines) });
  const ids = [`incident ${alert.id}`, `revision ${alert.rev}`, `tenant ${plain(alert.tenant, NAME)}`, ...alert.attack];
  return [
    { type: 'header', text: words(HEADER, headlineOf(alert, HEADER)) },
    {
      type: 'section',
      fields: [
        field('Principal', `${plain(principal.name, NAME)} (${principal.kind})`),
        field('Where', `${alert.source} ${alert.account}`),
        field('Events', `${counts.events}, ${counts.denied} denied`),
        field('Distinct secrets', String(counts.distinctSecrets)),
        field('First', instant(firstEvent.time)),
        field('Last', instant(lastEvent.time)),
      ],
    },
    ...(alert.secrets.length === 0 ? [] : [section(LIST, 'Secrets', ...namesOf(alert))]),
    ...alert.reasons.slice(0, REASONS).map(({ detector, family, bits, observed, expected }) => {
      const seen = [`observed: ${plain(observed, NAME)}`, `expected: ${plain(expected, NAME)}`];
      return section(REASON, `${detector} (${family}, ${bits.toFixed(1)} bits)`, ...seen);
    }),
    { type: 'context', elements: [words(FIELD, ids.join(' · '))] },
    ...(alert.kind !== 'incident' ? [] : [acknowledged === undefined ? button(alert.id) : said(acknowledged)]),
  ];
}

const button = (id: string): KnownBlock => ({
  type: 'actions',
  block_id: `keywheel_${id}`,
  elements: [{ type: 'button', action_id: ACK_ACTION, text: words(75, 'Acknowledge'), value: id }],
});

const said = (acknowledgement: Acknowledgement): KnownBlock => ({
  type: 'context',
  elements: [{ type: 'mrkdwn', text: acknowledgedText(acknowledgement), verbatim: true }],
});

/** `by` was checked to be an id of Slack's, so it can be nothing but a name here. */
export const acknowledgedText = ({ by, until }: Acknowledgement): string => `Acknowledged by <@${by}> until ${instant(until)}`;
