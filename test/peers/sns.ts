/**
 * SNS's Publish as it is documented, in front of moto, which lets more through: sizes, subjects, attributes, what FIFO topics ask for.
 * https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
import { request as httpRequest } from 'node:http';
import { serve } from '../alerts/serve.ts';

export interface SnsProxy {
  readonly endpoint: string;
  /** The parameters of every Publish. */
  readonly published: Readonly<Record<string, string>>[];
  /** The next answers, instead of the service's. */
  readonly faults: { readonly status: number; readonly code: string; readonly message: string }[];
  close(): Promise<void>;
}

export async function startSnsProxy(moto: string): Promise<SnsProxy> {
  const published: Record<string, string>[] = [];
  const faults: { status: number; code: string; message: string }[] = [];
  const server = await serve((request, response, body) => {
    const given = Object.fromEntries(new URLSearchParams(body.toString()));
    const refuse = (status: number, code: string, message: string): void => {
      response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': 'request-1' });
      const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
      response.end(
        `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${error}<RequestId>request-1</RequestId></ErrorResponse>`,
      );
    };
    if (given['Action'] === 'Publish') {
      published.push(given);
      const fault = faults.shift();
      if (fault !== undefined) return refuse(fault.status, fault.code, fault.message);
      const problem = problemOf(given);
      if (problem !== undefined) return refuse(400, 'InvalidParameter', `Invalid parameter: ${problem}`);
    }
    const onward = httpRequest(
      `${moto}${request.url ?? '/'}`,
      { method: request.method ?? 'POST', headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => request.socket.destroy());
    onward.end(body);
  });
  return {
    endpoint: server.url,
    published,
    faults,
    close: () => server.close(),
  };
}

const DEDUPLICATION = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;

function problemOf(given: Readonly<Record<string, string>>): string | undefined {
  const { Message = '', Subject, TopicArn = '', MessageGroupId, MessageDeduplicationId } = given;
  const attributes = Object.entries(given).filter(([key]) => key.startsWith('MessageAttributes.'));
  const size = Buffer.byteLength(Message) + attributes.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (Message === '') return 'Empty message';
  if (size > 262_144) return 'Message too long';
  // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: ASCII, begins with a letter, number or punctuation, no line breaks or control characters, under 100
  if (Subject !== undefined && !/^[!-~][ -~]{0,98}$/.test(Subject)) return 'Subject';
  const values = attributes.filter(([key]) => key.endsWith('.Value.DataType'));
  for (const [key, type] of values) {
    const value = given[key.replace('DataType', 'StringValue')] ?? '';
    if (value === '') return 'The message attribute must contain a non-empty value';
    if (type === 'Number' && !/^-?\d+(\.\d+)?$/.test(value)) return 'The attribute is no number';
    if (type === 'String.Array' && !Array.isArray(JSON.parse(value))) return 'The attribute is no array';
  }
  const fifo = TopicArn.endsWith('.fifo');
  if (fifo && !DEDUPLICATION.test(MessageGroupId ?? '')) return 'The MessageGroupId parameter is required for FIFO topics';
  if (fifo && !DEDUPLICATION.test(MessageDeduplicationId ?? ''))
    return 'The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly';
  if (!fifo && MessageDeduplicationId !== undefined) return 'MessageDeduplicationId is for FIFO topics';
  return undefined;
}
