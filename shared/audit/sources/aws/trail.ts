/** What records and delivers: trails, and the streams, rules and log groups that carry them. */
import { FLAG } from '../../event.ts';
import type { View } from '../../view.ts';
import { listOf, objectOf, own, textOf, words } from '../common.ts';
import { NOTHING, type Deed, type Record } from './deed.ts';
import { AWS } from './plan.ts';

const OFF: ReadonlySet<string> = new Set(['StopLogging', 'DeleteTrail', 'DeleteEventDataStore', 'StopEventDataStoreIngestion']);
const CHANGES: ReadonlySet<string> = new Set(
  words(
    'StartLogging CreateTrail UpdateTrail PutEventSelectors UpdateEventDataStore StartEventDataStoreIngestion ' +
      'DeregisterOrganizationDelegatedAdmin',
  ),
);
/** Of any system that records travel through; told only where its name says that records do. */
const CARRIERS: ReadonlySet<string> = new Set(
  words(
    'DeleteSubscriptionFilter PutSubscriptionFilter DeleteLogGroup DeleteLogStream DeleteStream ' +
      'DeleteDeliveryStream DeleteRule DisableRule RemoveTargets DeleteBucket',
  ),
);

/** What is asked in bytes too, before a record is parsed. */
export const TRAIL_ACTIONS = [...OFF, ...CHANGES, ...CARRIERS];

export function readTrail({ view, action }: Record): Deed | undefined {
  if (OFF.has(action)) return told(true);
  if (action === 'PutEventSelectors') return told(!coversReads(view));
  if (action === 'UpdateTrail')
    return told(view.flag(AWS.isMultiRegionTrail) === false || view.flag(AWS.includeGlobal) === false);
  if (CHANGES.has(action)) return told(false);
  if (!CARRIERS.has(action)) return undefined;
  const carries = carriesTrail(view);
  if (action.endsWith('SubscriptionFilter')) return told(carries && action.startsWith('Delete'));
  return carries ? told(true) : undefined;
}

const told = (off: boolean): Deed => ({ verb: 'audit', secrets: NOTHING, weight: 1, flags: off ? FLAG.auditOff : 0 });

const NAMED = [AWS.logGroupName, AWS.name, AWS.streamName, AWS.deliveryStreamName, AWS.bucketName, AWS.rule];

function carriesTrail(view: View): boolean {
  return NAMED.some((field) => {
    const name = view.text(field)?.slice(0, 512).toLowerCase() ?? '';
    return name.includes('cloudtrail') || name.includes('keywheel') || name.includes('audit');
  });
}

/**
 * Whether reads of secrets and the use of keys are still recorded: all of them are management events that a trail can leave out.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
 */
function coversReads(view: View): boolean {
  const basic = listOf(view.json(AWS.eventSelectors), 16).map(objectOf);
  const advanced = listOf(view.json(AWS.advancedEventSelectors), 64).map(objectOf);
  return (
    basic.some(
      (selector) =>
        own(selector, 'includeManagementEvents') !== false &&
        (own(selector, 'readWriteType') ?? 'All') !== 'WriteOnly' &&
        listOf(own(selector, 'excludeManagementEventSources'), 16).length === 0,
    ) || advanced.some(takesReads)
  );
}

function takesReads(selector: ReturnType<typeof objectOf>): boolean {
  let management = false;
  for (const each of listOf(own(selector, 'fieldSelectors'), 32)) {
    const test = objectOf(each);
    const field = textOf(own(test, 'field'));
    const equals = listOf(own(test, 'equals'), 16);
    if (field === 'eventCategory') management = equals.includes('Management');
    else if (field === 'readOnly' ? equals.includes('false') : field === 'eventSource' || field === 'eventName') return false;
  }
  return management;
}
