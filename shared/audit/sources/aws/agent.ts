/** What a user agent says of itself: each is read once. A hint, as whoever calls can write what they like. */
import { createMemory } from '../common-memory.ts';
import { clientOf, isAutomation } from '../common.ts';
import { isService } from './call.ts';

export interface Agent {
  readonly client: string;
  /** Clicked in the console, or a browser. */
  readonly console: boolean;
  /** Typed in CloudShell, or the console's own call. */
  readonly typed: boolean;
  /** The command line on a system that people have before them. */
  readonly desk: boolean;
  readonly automation: boolean;
}

const agents = createMemory<string, Agent>(2_048);
/** What tells it stands within. */
const LOOKED_AT = 512;
const NOBODY = read('');
let last: { readonly text: string; readonly agent: Agent } | undefined;

export function agentOf(userAgent: string | undefined): Agent {
  if (userAgent === undefined || userAgent === '') return NOBODY;
  // Most records have the agent of the one before, and to compare is cheaper than to look up a long text.
  if (last?.text === userAgent) return last.agent;
  const text = userAgent.slice(0, LOOKED_AT);
  const agent = agents.get(text) ?? agents.keep(text, read(text));
  last = userAgent.length <= LOOKED_AT ? { text: userAgent, agent } : undefined;
  return agent;
}

function read(text: string): Agent {
  const family = clientOf(text);
  const client = isService(text) && family !== 'console' && family !== 'cloudformation' ? 'service' : family;
  const commandLine = client === 'aws-cli' || client === 'aws-powershell';
  return {
    client,
    console: client === 'browser' || client === 'console',
    typed: client === 'console' || text.includes('CloudShell'),
    desk: commandLine && ['os/macos', 'Darwin/', 'os/windows#1', 'Windows/1'].some((part) => text.includes(part)),
    automation: isAutomation(client),
  };
}
